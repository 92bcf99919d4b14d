//! Fuzzes `cosmos_fuzz::secret`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosmos_fuzz::secret(bytes));
