//! Fuzzes `cosmos_fuzz::kept`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::kept(bytes));
