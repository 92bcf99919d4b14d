//! What only a fuzzer wants: any packets, encrypted as a secret is.

use std::io::Write as _;

use openpgp::Cert;
use openpgp::parse::Parse as _;
use openpgp::serialize::stream::{Encryptor, Message};
use sequoia_openpgp as openpgp;

use super::recipient::receiving;

/// Encrypts `packets`, whatever they are, to `cert`.
///
/// # Errors
/// Returns the library's error.
pub fn container(packets: &[u8], cert: &Cert) -> openpgp::Result<Vec<u8>> {
    let mut sealed = Vec::new();
    let mut message = Encryptor::for_recipients(Message::new(&mut sealed), receiving(cert)).build()?;
    message.write_all(packets)?;
    message.finalize()?;
    Ok(sealed)
}

/// Reads a key with its secret parts.
///
/// # Errors
/// Returns the library's error.
pub fn key(bytes: &[u8]) -> openpgp::Result<Cert> {
    Cert::from_bytes(bytes)
}
