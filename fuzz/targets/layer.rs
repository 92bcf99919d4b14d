//! Fuzzes `cosmos_fuzz::layer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::layer(bytes));
