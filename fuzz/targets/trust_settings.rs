//! Fuzzes `cosmos_fuzz::trust_settings`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::trust_settings(bytes));
