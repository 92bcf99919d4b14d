//! Fuzzes `cosmos_fuzz::schedule`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::schedule(bytes));
