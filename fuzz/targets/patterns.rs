//! Fuzzes `cosmos_fuzz::patterns`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::patterns(bytes));
