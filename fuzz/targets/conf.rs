//! Fuzzes `cosmos_fuzz::conf`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::conf(bytes));
