//! `cosmos signer revoke`: a key is lost or stolen; the revocation goes out with what is vouched for, in one change.

use std::collections::BTreeSet;
use std::path::Path;

use cosmos_model::object::commit::Commit;
use cosmos_model::object::tag::Tag;
use cosmos_model::object::{self, ObjectKind, ObjectSource};
use cosmos_model::object_id::ObjectId;
use openpgp::parse::Parse as _;
use openpgp::policy::StandardPolicy;
use openpgp::types::{RevocationStatus, RevocationType, SignatureType};
use openpgp::{Cert, Packet, PacketPile};
use sequoia_openpgp as openpgp;

use super::Desk;
use crate::exit::{Failure, Status};
use crate::signers::only_certificate;

/// Edits the files.
///
/// # Errors
/// Returns a [`Failure`] when the certificate is not there, or what is given does not revoke it.
pub fn run(
    mut desk: Desk<'_>,
    fingerprint: &str,
    revocation: Option<&Path>,
    good_until: Option<&str>,
) -> Result<Status, Failure> {
    let fingerprint = fingerprint.to_ascii_uppercase();
    let known = desk.roster.named(&fingerprint).remove(&fingerprint).ok_or_else(|| {
        let shown = cosmos_model::escape::for_terminal(fingerprint.as_bytes());
        let hint = "'cosmos signer list' shows whole fingerprints";
        Failure::of(Status::Usage, format!("no file here holds the certificate '{shown}'"), hint)
    })?;
    let revoked = match revocation {
        Some(file) => with_revocation(known, file)?,
        None => as_gpg_knows(&desk, known, &fingerprint)?,
    };
    let hard = is_hard(&revoked, &fingerprint)?;
    desk.roster.merge(&revoked)?;
    let mut notes = vec![format!(
        "{fingerprint} is revoked{}",
        if hard { " as compromised: hosts believe nothing it signed, whenever that was" } else { " from its date on" }
    )];
    let mut warnings = Vec::new();
    match good_until.filter(|_| hard) {
        Some(text) => notes.push(vouch(&mut desk, &revoked, text)?),
        None if hard => warnings.push(
            "nothing is vouched for: hosts that are behind pass over every release it signed, and where commits are \
             signed they stay where they are; name the last good one with --good-until"
                .to_owned(),
        ),
        None => {}
    }
    desk.finish("Revoke a key", &notes, &warnings)
}

/// Adds the revocation certificate in `file` to a certificate.
fn with_revocation(known: Cert, file: &Path) -> Result<Cert, Failure> {
    let hint = "gpg keeps one in openpgp-revocs.d/FINGERPRINT.rev of its folder, or makes one: gpg --gen-revoke KEY";
    let wrong = |reason: String| {
        let message = format!("'{}' holds no revocation certificate: {reason}", file.display());
        Failure::of(Status::Usage, message, hint)
    };
    let text = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    // gpg puts a colon before the armor, so that nobody imports the file by accident.
    let lines = text.split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.strip_prefix(b":").filter(|rest| rest.starts_with(b"-----")).unwrap_or(line));
    let text = lines.collect::<Vec<_>>().join(&b'\n');
    let pile = PacketPile::from_bytes(&text).map_err(|error| wrong(error.to_string()))?;
    let revokes = |packet: &Packet| match packet {
        Packet::Signature(signature) => signature.typ() == SignatureType::KeyRevocation,
        _ => false,
    };
    let found: Vec<Packet> = pile.into_children().filter(revokes).collect();
    if found.is_empty() {
        return Err(wrong("there is none in it".to_owned()));
    }
    known.insert_packets(found).map(|(cert, _)| cert).map_err(|error| wrong(error.to_string()))
}

fn as_gpg_knows(desk: &Desk<'_>, known: Cert, fingerprint: &str) -> Result<Cert, Failure> {
    let hint = "name the file with the revocation certificate: --revocation FILE";
    let missing =
        |reason: &str| Failure::of(Status::Usage, format!("gpg does not revoke {fingerprint}: {reason}"), hint);
    let bytes = desk.exported_by_gpg(fingerprint)?.ok_or_else(|| missing("it does not have the certificate"))?;
    let news = only_certificate(&bytes).map_err(|reason| missing(&reason))?;
    known.merge_public(news).map_err(|error| missing(&error.to_string()))
}

/// Tells whether the certificate is revoked for compromise or without a reason, not only from a date on (T9).
fn is_hard(cert: &Cert, fingerprint: &str) -> Result<bool, Failure> {
    let policy = StandardPolicy::new();
    let RevocationStatus::Revoked(revocations) = cert.revocation_status(&policy, None) else {
        let hint = "name the revocation certificate of this key: --revocation FILE";
        return Err(Failure::of(Status::Usage, format!("that does not revoke {fingerprint}"), hint));
    };
    let hard = |reason: Option<(openpgp::types::ReasonForRevocation, &[u8])>| {
        reason.is_none_or(|(reason, _)| reason.revocation_type() == RevocationType::Hard)
    };
    Ok(revocations.iter().any(|revocation| hard(revocation.reason_for_revocation())))
}

/// Puts what the key signed, up to a commit, on the goodlist.
fn vouch(desk: &mut Desk<'_>, cert: &Cert, until: &str) -> Result<String, Failure> {
    let shown = cosmos_model::escape::for_terminal(until.as_bytes());
    let hint = "name a release, or a commit by its 40 digits";
    let commit = commit(desk, until)
        .ok_or_else(|| Failure::of(Status::Usage, format!("'{shown}' is neither a release nor a commit here"), hint))?;
    let head = desk.work.points(&format!("refs/heads/{}", desk.work.branch()?));
    let descends = |head| crate::commands::release::ancestors(desk.work, head, &BTreeSet::new()).contains(&commit);
    if !head.is_some_and(descends) {
        let hint = "vouch for what your branch descends from; a name alone may have been moved by the thief";
        return Err(Failure::of(Status::Usage, format!("your branch does not descend from {shown}"), hint));
    }
    if desk.roster.is_classic() {
        let hint = "leave --good-until out; hosts that are behind pass over what the key signed";
        return Err(Failure::of(Status::Usage, "a classic keys folder cannot vouch for commits", hint));
    }
    let signed = signed_by(desk, cert, commit)?;
    let added = desk.roster.vouch(&signed)?;
    Ok(format!("{added} commits that it signed up to {shown} are vouched for"))
}

fn commit(desk: &Desk<'_>, text: &str) -> Option<ObjectId> {
    let named = ["refs/tags/", "refs/heads/"].iter().find_map(|kind| desk.work.points(&format!("{kind}{text}")));
    let id = named.or_else(|| text.parse().ok())?;
    match object::read(desk.work, id, ObjectKind::Tag) {
        Ok(tag) => Tag::parse(&tag).ok().map(|tag| tag.target),
        Err(_) => object::read(desk.work, id, ObjectKind::Commit).ok().map(|_| id),
    }
}

/// Returns the commits up to `tip` that carry a signature by a key of `cert`, their own or a tag's.
fn signed_by(desk: &Desk<'_>, cert: &Cert, tip: ObjectId) -> Result<BTreeSet<String>, Failure> {
    let below = crate::commands::release::ancestors(desk.work, tip, &BTreeSet::new());
    let own = |block: &[u8]| issued_by(cert, block);
    let mut signed = BTreeSet::new();
    for id in &below {
        let Ok(bytes) = desk.work.object(*id) else { continue };
        let Some(bytes) = bytes.map(|object| object.bytes) else { continue };
        let block = Commit::parse(&bytes).ok().and_then(|commit| commit.signature().ok().flatten());
        if block.is_some_and(|block| own(&block)) {
            signed.insert(id.to_string());
        }
    }
    for reference in desk.work.refs()?.iter().filter(|one| one.tag_name().is_some()) {
        let Ok(bytes) = object::read(desk.work, reference.id, ObjectKind::Tag) else { continue };
        let Ok(tag) = Tag::parse(&bytes) else { continue };
        if below.contains(&tag.target) && tag.signature.is_some_and(own) {
            signed.insert(tag.target.to_string());
        }
    }
    Ok(signed)
}

/// Tells whether a signature names a key of the certificate; whether it is good is for hosts to judge.
fn issued_by(cert: &Cert, block: &[u8]) -> bool {
    let Ok(pile) = PacketPile::from_bytes(block) else { return false };
    let issuers: Vec<openpgp::KeyHandle> = pile
        .children()
        .filter_map(|packet| match packet {
            Packet::Signature(signature) => Some(signature.get_issuers()),
            _ => None,
        })
        .flatten()
        .collect();
    cert.keys().any(|key| issuers.iter().any(|issuer| key.key().key_handle().aliases(issuer)))
}
