//! Fuzzes `cosmos_fuzz::module`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::module(bytes));
