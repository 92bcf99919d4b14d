//! One signature over one text, judged at the time it was made (T9, T10).

use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use openpgp::cert::amalgamation::key::ErasedKeyAmalgamation;
use openpgp::crypto::mpi::PublicKey;
use openpgp::packet::Signature;
use openpgp::packet::key::PublicParts;
use openpgp::parse::Parse as _;
use openpgp::policy::{HashAlgoSecurity, Policy, StandardPolicy};
use openpgp::types::{SignatureType, Timestamp};
use openpgp::{Cert, Fingerprint, Packet, PacketPile};
use sequoia_openpgp as openpgp;

use super::armor;
use super::certificate::{check_state, is_broken};
use super::clock::time_of;
use super::refusal::Refusal;
use super::signers::TrustSet;
use super::validity::Validity;
use crate::time::Time;

/// How far ahead of the clock a signature may be dated, in seconds: operators' clocks differ.
const AHEAD: i64 = 30 * 60;

/// A signature that is sound, whoever's it is; rights are judged elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// The certificate's fingerprint.
    pub fingerprint: String,
    /// The fingerprint of the key in it that signed.
    pub key: Fingerprint,
    /// When it signed.
    pub signed_at: Time,
    /// Whether the certificate or key was revoked as compromised, at whatever time (T9); it only counts when vouched
    /// for.
    pub compromised: bool,
}

/// Parses exactly one signature packet from an armored block.
///
/// # Errors
/// Returns [`Refusal`] for anything else, and for a type of signature that is not over a document.
pub fn parse(block: &[u8]) -> Result<Signature, Refusal> {
    let malformed = |reason: String| Refusal::MalformedSignature { reason };
    let packets = armor::packets(block);
    let pile =
        PacketPile::from_bytes(packets.as_deref().unwrap_or(block)).map_err(|error| malformed(error.to_string()))?;
    let mut packets: Vec<Packet> = pile.into_children().collect();
    let signature = match (packets.pop(), packets.is_empty()) {
        (Some(Packet::Signature(signature)), true) => signature,
        (Some(Packet::Unknown(unknown)), true) => return Err(malformed(unknown.error().to_string())),
        _ => return Err(malformed("the block does not hold exactly one signature".to_string())),
    };
    if signature.typ() != SignatureType::Binary {
        return Err(Refusal::SignatureType { found: signature.typ().to_string() });
    }
    Ok(signature)
}

/// Returns the date inside a signature block that was judged before.
pub fn claimed_date(block: &[u8]) -> Option<Time> {
    let created = parse(block).ok()?.signature_creation_time()?;
    Timestamp::try_from(created).ok().map(time_of)
}

/// Judges `block` over `payload` by the certificates of `set`.
///
/// # Errors
/// Returns the [`Refusal`] of the certificate that comes closest.
pub fn attest(
    set: &TrustSet,
    (policy, validity): (&StandardPolicy, &mut Validity),
    block: &[u8],
    payload: &[u8],
) -> Result<Attested, Refusal> {
    let signature = parse(block)?;
    let issuers = signature.get_issuers();
    let named = issuers.first().map_or_else(|| "an unnamed key".to_string(), |issuer| issuer.to_hex());
    let mut closest = Refusal::UnknownSigner { issuer: named };
    for issuer in &issuers {
        // The 64-bit id is where to look; the certificate's own key has to verify, and is named in full (A15).
        let holders: Vec<&Rc<Cert>> = set.holders(&issuer.clone().into()).collect();
        for certificate in holders {
            for key in certificate.keys().filter(|key| key.key().key_handle().aliases(issuer)) {
                match examine((certificate, &key), &signature, (policy, validity), payload) {
                    Ok(attested) => return Ok(attested),
                    Err(refusal) => closest = refusal,
                }
            }
        }
    }
    Err(closest)
}

fn examine(
    (certificate, key): (&Rc<Cert>, &ErasedKeyAmalgamation<'_, PublicParts>),
    signature: &Signature,
    (policy, validity): (&StandardPolicy, &mut Validity),
    payload: &[u8],
) -> Result<Attested, Refusal> {
    let signer = certificate.fingerprint().to_hex();
    check_algorithms(key, signature, policy, &signer)?;
    let bad = |reason: String| Refusal::BadSignature { signer: signer.clone(), reason };
    signature.verify_message(key.key(), payload).map_err(|error| bad(error.to_string()))?;
    let created = signature.signature_creation_time().ok_or_else(|| bad("it has no date".to_string()))?;
    let signed_at = Timestamp::try_from(created).map(time_of).map_err(|error| bad(error.to_string()))?;
    signature.signature_alive(created, core::time::Duration::ZERO).map_err(|error| bad(error.to_string()))?;
    let state = || check_state(certificate, key, policy, signed_at);
    let compromised = match validity.check(certificate, key.key().fingerprint(), signed_at, state) {
        Ok(()) => false,
        Err(Refusal::Compromised { .. }) => true,
        Err(other) => return Err(other),
    };
    Ok(Attested { fingerprint: signer, key: key.key().fingerprint(), signed_at, compromised })
}

/// Refuses broken hashes and small keys whatever the date says (T10).
fn check_algorithms(
    key: &ErasedKeyAmalgamation<'_, PublicParts>,
    signature: &Signature,
    policy: &StandardPolicy,
    signer: &str,
) -> Result<(), Refusal> {
    let weak = |algorithm: String| Refusal::WeakAlgorithm { signer: signer.to_string(), algorithm };
    let hash = signature.hash_algo();
    if is_broken(hash) {
        return Err(weak(hash.to_string()));
    }
    policy
        .signature(signature, HashAlgoSecurity::CollisionResistance)
        .map_err(|error| weak(format!("{hash} ({error})")))?;
    match (key.key().mpis(), key.key().mpis().bits()) {
        (PublicKey::RSA { .. }, Some(bits)) if bits < 2048 => Err(weak(format!("RSA with {bits} bits"))),
        (PublicKey::DSA { .. }, Some(bits)) if bits < 2048 => Err(weak(format!("DSA with {bits} bits"))),
        _ => Ok(()),
    }
}

/// Checks that the key behind `attested` could still sign at `now` (T9, the newest step).
///
/// # Errors
/// Returns [`Refusal::ExpiredNow`] with the certificate and the reason.
pub fn check_now(set: &TrustSet, policy: &StandardPolicy, attested: &Attested, now: Time) -> Result<(), Refusal> {
    let dead = |reason: String| Refusal::ExpiredNow { signer: attested.fingerprint.clone(), reason };
    let certificate = set.certificates().get(&attested.fingerprint);
    let certificate = certificate.ok_or_else(|| dead("the certificate is gone".to_string()))?;
    let key = certificate.keys().find(|key| key.key().fingerprint() == attested.key);
    let key = key.ok_or_else(|| dead(format!("the key {} is gone", attested.key)))?;
    // A signature may be dated a little ahead of the clock; its key exists from then on.
    let at = now.max(attested.signed_at);
    check_state(certificate, &key, policy, at).map_err(|refusal| match refusal {
        Refusal::Expired { reason, .. } | Refusal::InvalidCertificate { reason, .. } => dead(reason),
        other => dead(other.to_string()),
    })
}

/// Checks the date against the clock (T9); the step below is compared elsewhere.
///
/// # Errors
/// Returns [`Refusal::FutureDated`].
pub fn check_date(attested: &Attested, now: Time) -> Result<(), Refusal> {
    if attested.signed_at.since(now) > AHEAD {
        return Err(Refusal::FutureDated { signed_at: attested.signed_at, now });
    }
    Ok(())
}
