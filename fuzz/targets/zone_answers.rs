//! Fuzzes `cosmos_fuzz::zone_answers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::zone_answers(bytes));
