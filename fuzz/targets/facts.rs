//! Fuzzes `cosmos_fuzz::facts`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::facts(bytes));
