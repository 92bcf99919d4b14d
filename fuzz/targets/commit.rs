//! Fuzzes `cosmos_fuzz::commit`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::commit(bytes));
