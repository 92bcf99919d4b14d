//! Fuzzes `cosmos_fuzz::note`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::note(bytes));
