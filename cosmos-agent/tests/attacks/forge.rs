//! Signatures that no honest program makes, by keys that operators really have.

use std::io::Write as _;
use std::time::{Duration, SystemTime};

use openpgp::cert::{CertBuilder, CipherSuite};
use openpgp::crypto::KeyPair;
use openpgp::packet::signature::SignatureBuilder;
use openpgp::serialize::SerializeInto as _;
use openpgp::types::{KeyFlags, SignatureType};
use openpgp::{Cert, Fingerprint, KeyHandle, Packet};
use sequoia_openpgp as openpgp;

use crate::support::{Operator, Settled, World};

/// An operator whose secret key is in our hands, too.
pub struct Forger {
    pub operator: Operator,
    pub cert: Cert,
}

impl Forger {
    /// Makes a certificate some days old, and gives it to gpg, so that its owner releases as everybody does.
    pub fn new(world: &World, name: &str, days: u64, extra: impl FnOnce(CertBuilder) -> CertBuilder) -> Self {
        Self::called(world, name, &format!("{name} <{name}@example.org>"), days, extra)
    }

    /// As [`Forger::new`], with a user id of any text.
    pub fn called(
        world: &World,
        name: &str,
        user_id: &str,
        days: u64,
        extra: impl FnOnce(CertBuilder) -> CertBuilder,
    ) -> Self {
        let builder = CertBuilder::new()
            .add_userid(user_id)
            .set_primary_key_flags(KeyFlags::empty().set_certification().set_signing())
            .set_creation_time(ago(days))
            .set_cipher_suite(CipherSuite::Cv25519);
        let cert = extra(builder).generate().expect("a certificate").0;
        Self::of(world, name, cert)
    }

    /// Gives the certificate to an operator.
    pub fn of(world: &World, name: &str, cert: Cert) -> Self {
        let secret = cert.as_tsk().armored().to_vec().expect("a secret key in memory");
        let operator = world.operator_with(name, &secret, &cert.fingerprint().to_hex());
        Self { operator, cert }
    }

    /// Returns the primary key, ready to sign.
    pub fn primary(&self) -> KeyPair {
        let key = self.cert.primary_key().key().clone().parts_into_secret().expect("it is secret");
        key.into_keypair().expect("it has no password")
    }

    /// Returns the n-th subkey, ready to sign whether it is meant to or not.
    pub fn subkey(&self, number: usize) -> KeyPair {
        let key = self.cert.keys().subkeys().nth(number).expect("a subkey").key().clone();
        key.parts_into_secret().expect("it is secret").into_keypair().expect("it has no password")
    }

    /// Returns the subkey with this name, ready to sign.
    pub fn key(&self, name: &Fingerprint) -> KeyPair {
        let key = self.cert.keys().subkeys().find(|key| key.key().fingerprint() == *name).expect("a subkey");
        let key = key.key().clone().parts_into_secret().expect("it is secret");
        key.into_keypair().expect("it has no password")
    }

    /// Signs with the primary key, now.
    pub fn sign(&self, payload: &[u8]) -> String {
        sign(self.primary(), payload, binary(), 0)
    }
}

/// Returns the time some days ago.
pub fn ago(days: u64) -> SystemTime {
    SystemTime::now() - Duration::from_secs(days * 24 * 3600)
}

/// The kind of signature that releases carry.
pub fn binary() -> SignatureBuilder {
    SignatureBuilder::new(SignatureType::Binary)
}

/// The same, naming another key as its maker.
pub fn in_the_name_of(handle: KeyHandle) -> SignatureBuilder {
    match handle {
        KeyHandle::KeyID(id) => binary().set_issuer(id),
        KeyHandle::Fingerprint(fingerprint) => binary().set_issuer_fingerprint(fingerprint),
    }
    .expect("a signature names its maker")
}

/// Signs as of some days ago.
pub fn sign(mut key: KeyPair, payload: &[u8], builder: SignatureBuilder, days: u64) -> String {
    let builder = builder.set_signature_creation_time(ago(days)).expect("a date");
    let signature = builder.sign_message(&mut key, payload).expect("a signature");
    armor(&Packet::from(signature).to_vec().expect("a packet in memory"))
}

/// Wraps signature packets in one armored block.
pub fn armor(packets: &[u8]) -> String {
    let mut writer = openpgp::armor::Writer::new(Vec::new(), openpgp::armor::Kind::Signature).expect("armor");
    writer.write_all(packets).expect("armor in memory");
    String::from_utf8(writer.finalize().expect("armor in memory")).expect("armor is text")
}

/// Returns the packets in an armored block.
pub fn packets(block: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reader = openpgp::armor::Reader::from_bytes(block.as_bytes(), None);
    std::io::Read::read_to_end(&mut reader, &mut bytes).expect("an armored block");
    bytes
}

/// Returns the text of a release on HEAD that is to be signed.
pub fn tag_text(world: &World, name: &str) -> String {
    let (head, now) = (world.head(), jiff::Timestamp::now().as_second());
    format!("object {head}\ntype commit\ntag {name}\ntagger Operator <operator@example.org> {now} +0000\n\nrelease\n")
}

/// Puts a commit on top and lets a tag object of any text be the release `release-2` on it.
pub fn offer_release(settled: &Settled, forge: impl FnOnce(&str) -> String) {
    settled.world.write("global/overlay/etc/motd", "forged\n");
    settled.world.commit_unsigned("Forged");
    let payload = tag_text(&settled.world, "release-2");
    let text = format!("{payload}{}", forge(&payload));
    let id = settled.world.object("tag", text.as_bytes());
    settled.world.git(&["update-ref", "refs/tags/release-2", &id]);
}

/// Puts a commit on top whose text is its own payload with the signature header that `forge` makes of it.
pub fn offer_commit(settled: &Settled, forge: impl FnOnce(&str) -> String) -> String {
    settled.world.write("global/overlay/etc/motd", "forged\n");
    let unsigned = settled.world.commit_unsigned("Forged");
    let payload = settled.world.git(&["cat-file", "commit", &unsigned]);
    let (headers, message) = payload.split_once("\n\n").expect("a commit has a message");
    let text = format!("{headers}\n{}\n\n{message}", forge(&payload));
    let id = settled.world.object("commit", text.as_bytes());
    settled.world.git(&["reset", "--quiet", "--hard", &id]);
    id
}

/// Returns a signature block as a commit's header.
pub fn gpgsig(block: &str) -> String {
    format!("gpgsig {}", block.trim_end().replace('\n', "\n "))
}
