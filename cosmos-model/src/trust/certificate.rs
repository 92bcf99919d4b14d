//! What a certificate says about itself: who it is, until when it can sign, what is compromised or outdated (T9–T12).

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use openpgp::cert::amalgamation::key::ErasedKeyAmalgamation;
use openpgp::cert::amalgamation::{ValidAmalgamation as _, ValidateAmalgamation as _};
use openpgp::packet::Signature;
use openpgp::packet::key::PublicParts;
use openpgp::policy::{HashAlgoSecurity, Policy, StandardPolicy};
use openpgp::types::{HashAlgorithm, RevocationStatus, RevocationType, Timestamp};
use openpgp::{Cert, Fingerprint};
use sequoia_openpgp as openpgp;

use super::clock::{instant, time_of};
use super::refusal::Refusal;
use crate::time::Time;

/// Returns the broken hash that a certificate's statements about itself, or about `key`, rest on, if nothing better
/// does (T10).
pub fn outdated_hash(certificate: &Cert, key: Option<&Fingerprint>) -> Option<String> {
    let users = certificate.userids().flat_map(|user| user.self_signatures());
    let own: Vec<&Signature> = certificate.primary_key().self_signatures().chain(users).collect();
    let is_meant = |subkey: &Fingerprint| key.is_none_or(|key| key == subkey);
    let subkeys = certificate.keys().subkeys().filter(|subkey| is_meant(&subkey.key().fingerprint()));
    let bindings: Vec<&Signature> = subkeys.flat_map(|subkey| subkey.self_signatures()).collect();
    let backs: Vec<&Signature> = bindings.iter().flat_map(|binding| binding.embedded_signatures()).collect();
    let rests_on_broken = |signatures: &&Vec<&Signature>| signatures.iter().all(|one| is_broken(one.hash_algo()));
    let mut groups = [own, bindings, backs].into_iter().filter(|group| !group.is_empty());
    groups.find(|group| rests_on_broken(&group)).map(|group| group[0].hash_algo().to_string())
}

/// Tells whether a signature over this hash proves nothing any more.
pub const fn is_broken(hash: HashAlgorithm) -> bool {
    matches!(hash, HashAlgorithm::MD5 | HashAlgorithm::SHA1 | HashAlgorithm::RipeMD)
}

/// Checks that certificate and key were valid, alive, unrevoked and meant for signing at `at`.
pub fn check_state(
    certificate: &Cert,
    key: &ErasedKeyAmalgamation<'_, PublicParts>,
    policy: &StandardPolicy,
    at: Time,
) -> Result<(), Refusal> {
    let signer = certificate.fingerprint().to_hex();
    let then = instant(key.key().creation_time(), at);
    let wanted = key.key().fingerprint();
    let unbound = |reason: String| match outdated_hash(certificate, Some(&wanted)) {
        Some(algorithm) => Refusal::OutdatedCertificate { signer: signer.clone(), algorithm },
        None => Refusal::InvalidCertificate { signer: signer.clone(), reason },
    };
    let invalid = |error: openpgp::anyhow::Error| unbound(chain(&error));
    let valid = certificate.with_policy(policy, then).map_err(invalid)?;
    let expired =
        |error: openpgp::anyhow::Error| Refusal::Expired { signer: signer.clone(), at, reason: chain(&error) };
    valid.alive().map_err(expired)?;
    // A subkey without a sound back-signature has no valid binding, and is not found here.
    let found = valid.keys().find(|valid_key| valid_key.key().fingerprint() == wanted);
    let valid_key = found.ok_or_else(|| unbound(format!("its key {wanted} had no valid binding")))?;
    if !valid_key.for_signing() {
        return Err(Refusal::NotForSigning { signer, key: wanted.to_hex() });
    }
    valid_key.alive().map_err(expired)?;
    let revoked = [valid.revocation_status(), valid_key.revocation_status()];
    if revoked.iter().any(is_hard) {
        return Err(Refusal::Compromised { signer });
    }
    if revoked.iter().any(|status| matches!(status, RevocationStatus::Revoked(_))) {
        return Err(Refusal::Revoked { signer, at });
    }
    Ok(())
}

/// Tells whether some key of the certificate could make an acceptable signature at `at`; and until when, if it ends.
///
/// Keys that are not `sound` do not count.
pub fn usable_until(
    certificate: &Cert,
    policy: &StandardPolicy,
    at: Time,
    sound: impl Fn(&Fingerprint) -> bool,
) -> Option<Option<Time>> {
    let mut best: Option<Option<Time>> = None;
    let sound = certificate.keys().filter(|key| sound(&key.key().fingerprint()));
    for key in sound.filter(|key| check_state(certificate, key, policy, at).is_ok()) {
        let then = instant(key.key().creation_time(), at);
        let ends = |key: &ErasedKeyAmalgamation<'_, PublicParts>| {
            let valid = key.clone().with_policy(policy, then).ok()?;
            Timestamp::try_from(valid.key_expiration_time()?).ok().map(time_of)
        };
        let primary = certificate.primary_key().with_policy(policy, then).ok();
        let primary_ends = primary.and_then(|key| key.key_expiration_time());
        let primary_ends = primary_ends.and_then(|time| Timestamp::try_from(time).ok()).map(time_of);
        let end = match (ends(&key), primary_ends) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        best = match (best, end) {
            (None, end) => Some(end),
            (Some(None), _) | (_, None) => Some(None),
            (Some(Some(one)), Some(other)) => Some(Some(one.max(other))),
        };
    }
    best
}

/// Returns the certificate's primary user id at `at`, else its first, escaped; empty when it has none.
pub fn user_id(certificate: &Cert, policy: &StandardPolicy, at: Time) -> String {
    let then = instant(certificate.primary_key().key().creation_time(), at);
    let valid = certificate.with_policy(policy, then).ok();
    let primary = valid.as_ref().and_then(|valid| valid.primary_userid().ok());
    let value = match &primary {
        Some(primary) => Some(primary.userid().value()),
        None => certificate.userids().next().map(|user| user.userid().value()),
    };
    value.map(crate::escape::for_terminal).unwrap_or_default()
}

/// Returns the keys that were revoked as compromised, or for no stated reason; with the primary key all of them.
pub fn compromised_keys(certificate: &Cert, policy: &StandardPolicy) -> BTreeSet<Fingerprint> {
    let birth = certificate.primary_key().key().creation_time();
    let all = || certificate.keys().map(|key| key.key().fingerprint());
    if is_hard(&certificate.revocation_status(policy, birth)) {
        return all().collect();
    }
    let counts = |revocation: &&Signature| {
        is_hard_revocation(revocation)
            && policy.signature(revocation, HashAlgoSecurity::SecondPreImageResistance).is_ok()
    };
    let subkeys = certificate.keys().subkeys().filter(|key| key.self_revocations().any(|one| counts(&one)));
    subkeys.map(|key| key.key().fingerprint()).collect()
}

/// Tells whether a key is revoked as compromised, or for no stated reason.
pub fn is_hard(status: &RevocationStatus<'_>) -> bool {
    let RevocationStatus::Revoked(revocations) = status else { return false };
    revocations.iter().any(|revocation| is_hard_revocation(revocation))
}

fn is_hard_revocation(revocation: &Signature) -> bool {
    revocation.reason_for_revocation().is_none_or(|(reason, _)| reason.revocation_type() == RevocationType::Hard)
}

fn chain(error: &openpgp::anyhow::Error) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.join(": ")
}
