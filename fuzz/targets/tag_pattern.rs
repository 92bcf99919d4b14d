//! Fuzzes `cosmos_fuzz::tag_pattern`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::tag_pattern(bytes));
