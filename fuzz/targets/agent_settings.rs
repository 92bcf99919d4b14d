//! Fuzzes `cosmos_fuzz::agent_settings`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::agent_settings(bytes));
