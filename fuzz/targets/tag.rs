//! Fuzzes `cosmos_fuzz::tag`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::tag(bytes));
