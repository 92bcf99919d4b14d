//! Encrypting to certificates: which of their keys are meant, and the message for all of them.

use std::io::Write as _;

use openpgp::Cert;
use openpgp::cert::amalgamation::key::ValidErasedKeyAmalgamation;
use openpgp::packet::key::PublicParts;
use openpgp::policy::StandardPolicy;
use openpgp::serialize::stream::{Armorer, Encryptor, LiteralWriter, Message};
use openpgp::{KeyHandle, armor};
use sequoia_openpgp as openpgp;

static POLICY: StandardPolicy<'static> = StandardPolicy::new();

/// Returns the keys of `cert` that encrypt now: alive, not revoked, and meant for it.
pub(super) fn receiving(cert: &Cert) -> impl Iterator<Item = ValidErasedKeyAmalgamation<'_, PublicParts>> {
    let keys = cert.keys().with_policy(&POLICY, None).supported().alive().revoked(false);
    keys.for_storage_encryption().for_transport_encryption()
}

/// Returns the names of the keys that secrets for `cert` are encrypted to.
#[must_use]
pub fn receiving_keys(cert: &Cert) -> Vec<KeyHandle> {
    receiving(cert).map(|key| key.key().key_handle()).collect()
}

/// Tells whether anything can be encrypted to `cert` now.
#[must_use]
pub fn can_receive(cert: &Cert) -> bool {
    receiving(cert).next().is_some()
}

/// Encrypts `text` to everybody in `certs`, as armored text. Those that cannot receive are left out.
///
/// # Errors
/// Returns the library's error, also where nobody is left.
pub fn seal(text: &[u8], certs: &[Cert]) -> openpgp::Result<String> {
    let mut sealed = Vec::new();
    let armored = Armorer::new(Message::new(&mut sealed)).kind(armor::Kind::Message).build()?;
    // Not compressed: nothing then has to be unpacked where it is read.
    let message = Encryptor::for_recipients(armored, certs.iter().flat_map(receiving)).build()?;
    let mut literal = LiteralWriter::new(message).build()?;
    literal.write_all(text)?;
    literal.finalize()?;
    Ok(String::from_utf8(sealed)?)
}
