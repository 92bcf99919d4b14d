//! Fuzzes `cosmos_fuzz::tree`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::tree(bytes));
