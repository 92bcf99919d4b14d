//! Fuzzes `cosmos_fuzz::url`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::url(bytes));
