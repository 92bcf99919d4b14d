//! Fuzzes `cosmos_fuzz::packages`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::packages(bytes));
