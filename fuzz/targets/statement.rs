//! Fuzzes `cosmos_fuzz::statement`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::statement(bytes));
