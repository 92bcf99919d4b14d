//! Fuzzes `cosmos_fuzz::fleet`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::fleet(bytes));
