//! Fuzzes `cosmos_fuzz::keybox`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::keybox(bytes));
