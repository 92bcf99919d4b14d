//! Throw-away operators: an OpenPGP certificate each, made in memory and forgotten at the end.

use std::io::Write;

use openpgp::Cert;
use openpgp::armor;
use openpgp::cert::CertBuilder;
use openpgp::policy::StandardPolicy;
use openpgp::serialize::Serialize;
use openpgp::serialize::stream::{Armorer, Message, Signer};
use sequoia_openpgp as openpgp;

/// Someone with a name and a signing key.
pub struct Operator {
    name: &'static str,
    email: &'static str,
    cert: Cert,
}

impl Operator {
    /// Makes a new key, for this demonstration only.
    ///
    /// # Errors
    /// Returns sequoia's error when no key can be made.
    pub fn new(name: &'static str, email: &'static str) -> openpgp::Result<Self> {
        let (cert, _revocation) =
            CertBuilder::new().add_userid(format!("{name} <{email}>")).add_signing_subkey().generate()?;
        Ok(Self { name, email, cert })
    }

    /// Returns the first name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the mail address commits carry.
    #[must_use]
    pub const fn email(&self) -> &'static str {
        self.email
    }

    /// Returns the certificate's fingerprint, upper-case hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.cert.fingerprint().to_hex()
    }

    /// Returns the public certificate as `gpg --armor --export` would print it.
    ///
    /// # Errors
    /// Returns sequoia's error when the certificate cannot be written.
    pub fn certificate(&self) -> openpgp::Result<String> {
        let mut writer = armor::Writer::new(Vec::new(), armor::Kind::PublicKey)?;
        self.cert.export(&mut writer)?;
        Ok(String::from_utf8(writer.finalize()?)?)
    }

    /// Returns an armored detached signature over `text`, as git stores one: without a final newline.
    ///
    /// # Errors
    /// Returns sequoia's error when signing fails.
    pub fn sign(&self, text: &str) -> openpgp::Result<String> {
        let policy = StandardPolicy::new();
        let key = self
            .cert
            .keys()
            .unencrypted_secret()
            .with_policy(&policy, None)
            .for_signing()
            .next()
            .ok_or_else(|| anyhow::anyhow!("the certificate of {} has no signing key", self.name))?
            .key()
            .clone()
            .into_keypair()?;
        let mut armored = Vec::new();
        let message = Armorer::new(Message::new(&mut armored)).kind(armor::Kind::Signature).build()?;
        let mut signer = Signer::new(message, key)?.detached().build()?;
        signer.write_all(text.as_bytes())?;
        signer.finalize()?;
        Ok(String::from_utf8(armored)?.trim_end().to_owned())
    }
}
