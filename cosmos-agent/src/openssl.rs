//! OpenSSL reads no configuration, neither its own file's nor one that the environment names (F6).
//!
//! The OpenPGP library starts OpenSSL before `main`, and so before [`seal`](crate::environment::seal): what a file
//! named by `OPENSSL_CONF` says, libraries to load among it, would have happened by then. So this comes earlier still.
#![allow(unsafe_code, reason = "what runs before main has no safe form")]

use std::ffi::{c_int, c_void};

/// Constructors with a number run before those without one, of which the OpenPGP library's is one.
// SAFETY: the section holds addresses of C functions without arguments, and this is one.
#[used]
#[unsafe(link_section = ".init_array.00101")]
static FIRST: extern "C" fn() = refuse_configuration;

/// `OPENSSL_INIT_NO_LOAD_CONFIG`, from `openssl/crypto.h`.
const NO_CONFIGURATION: u64 = 0x80;
/// `OPENSSL_INIT_NO_ATEXIT`: nothing is taken apart at exit while a thread may still use it.
const NO_CLEANING_UP: u64 = 0x8_0000;
/// `OPENSSL_INIT_NO_ADD_ALL_CIPHERS`: the OpenPGP library would have a table of all ciphers' names filled, on every
/// start. Only what reads encrypted key files looks into it, and a host has nobody to ask for their passphrase.
const NO_CIPHER_NAMES: u64 = 0x10;

// SAFETY: as `openssl/crypto.h` declares it; the vendored library has it under this name.
unsafe extern "C" {
    fn OPENSSL_init_crypto(options: u64, settings: *const c_void) -> c_int;
}

/// The first call decides about the configuration for the life of the process.
extern "C" fn refuse_configuration() {
    // SAFETY: the C library is ready when constructors run, no second thread exists yet, and null means no settings.
    // It fails for want of memory only, and then nothing that needs OpenSSL works afterwards.
    unsafe { OPENSSL_init_crypto(NO_CONFIGURATION | NO_CLEANING_UP | NO_CIPHER_NAMES, std::ptr::null()) };
}
