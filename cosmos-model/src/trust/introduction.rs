//! Where a walk starts: the introduction, or the revision accepted last (T1, T2, C7).

use alloc::collections::BTreeSet;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::refusal::Refusal;
use super::signature::Attested;
use super::source::Source;
use super::state::TrustState;
use super::trusted::Trusted;
use super::verified::VerifiedRevision;
use super::walk::{Below, Standing, Walk};
use super::{Introduction, Mode};
use crate::object::commit::Commit;
use crate::object::tag::Tag;
use crate::object::{self, ObjectKind};
use crate::object_id::ObjectId;

/// How old an introduction may be when a walk starts from it, in seconds: a year and a day.
const OLDEST: i64 = 366 * 24 * 3600;

/// Stands on the revision accepted last, judged by its own tree (T2, T3).
pub fn resume(walk: &mut Walk<'_>, accepted: &VerifiedRevision, seen: &BTreeSet<String>) -> Result<Standing, Refusal> {
    let by_keyring = matches!(walk.policy.introduction, Introduction::Keyring(_));
    let source = match walk.sources.of_tree(accepted.tree())? {
        Some(source) => source,
        None if by_keyring => Source::Keyring,
        None => return Err(Refusal::NoPolicy),
    };
    if source != Source::Keyring && by_keyring {
        // Whatever came into the keyring since is the operator's word, until the next accepted release (C7).
        let keyring = walk.sources.set(&Source::Keyring)?;
        let added = keyring.certificates().keys().filter(|name| !seen.contains(*name)).cloned().collect();
        walk.sources.add_by_hand(&source, &added);
    }
    let trusted = walk.sources.begin(&source, true)?;
    let set = Rc::clone(&trusted.set);
    let below = Below { trusted, signed_at: Some(accepted.signed_at()) };
    let revision = Some(accepted.clone());
    Ok(Standing { commit: Some(accepted.commit()), below, revision, signatures: Vec::new(), set })
}

/// Stands on the introduction, after checking that it is what the operator said.
pub fn begin(walk: &mut Walk<'_>) -> Result<Standing, Refusal> {
    match &walk.policy.introduction {
        Introduction::Keyring(_) => {
            if matches!(walk.policy.mode, Mode::Commits { .. }) {
                let reason = "'commits' mode needs a commit and a fingerprint, not a keyring".to_string();
                return Err(Refusal::Settings { reason });
            }
            let trusted = walk.sources.begin(&Source::Keyring, false)?;
            let set = Rc::clone(&trusted.set);
            if set.certificates().is_empty() {
                return Err(Refusal::NoPolicy);
            }
            let below = Below { trusted, signed_at: None };
            Ok(Standing { commit: None, below, revision: None, signatures: Vec::new(), set })
        }
        Introduction::Commit { id, signer } => introduced(walk, *id, &signer.to_ascii_uppercase()),
    }
}

fn introduced(walk: &mut Walk<'_>, id: ObjectId, signer: &str) -> Result<Standing, Refusal> {
    let bytes = object::read(walk.evidence.objects, id, ObjectKind::Commit)?;
    let commit = Commit::parse(&bytes)?;
    let source = walk.sources.of_tree(commit.tree)?.ok_or(Refusal::NoPolicy)?;
    walk.look_at(&source);
    let trusted = walk.sources.begin(&source, false)?;
    let set = Rc::clone(&trusted.set);
    let wrong = |cause| Refusal::Introduction { id, signer: signer.to_string(), cause: alloc::boxed::Box::new(cause) };
    let attested = find_signature(walk, &trusted, &commit, id, signer).map_err(wrong)?;
    if walk.clock.since(attested.signed_at) > OLDEST {
        return Err(Refusal::IntroductionTooOld { signed_at: attested.signed_at });
    }
    let acts = matches!(walk.policy.mode, Mode::Commits { .. });
    let revision = acts.then(|| VerifiedRevision {
        commit: id,
        tree: commit.tree,
        tag: None,
        signers: alloc::vec![walk.signer(&set, signer)],
        keys: alloc::vec![attested.key.to_hex()],
        signed_at: attested.signed_at,
        valid_until: None,
        counter: None,
        removals: 0,
    });
    let below = Below { trusted, signed_at: Some(attested.signed_at) };
    Ok(Standing { commit: Some(id), below, revision, signatures: alloc::vec![attested], set })
}

/// Finds a signature of `signer` on the introduction: the commit's own, or in `tags` mode a tag's.
fn find_signature(
    walk: &mut Walk<'_>,
    trusted: &Rc<Trusted>,
    commit: &Commit<'_>,
    id: ObjectId,
    signer: &str,
) -> Result<Attested, Refusal> {
    let (set, below) = (&trusted.set, Below { trusted: Rc::clone(trusted), signed_at: None });
    let mut reason = Refusal::Unsigned;
    if let Some(block) = commit.signature()? {
        match walk.judge_signature(set, (&block, &commit.payload()), (&below, id)) {
            Ok(attested) if attested.fingerprint == signer => return Ok(attested),
            Ok(attested) => reason = Refusal::UnknownSigner { issuer: attested.fingerprint },
            Err(refusal) => reason = refusal,
        }
    }
    let by_tag = matches!(walk.policy.mode, Mode::Tags { .. });
    for reference in walk.evidence.refs.iter().filter(|one| by_tag && one.tag_name().is_some()) {
        let Ok(text) = object::read(walk.evidence.objects, reference.id, ObjectKind::Tag) else { continue };
        let Ok(tag) = Tag::parse(&text) else { continue };
        let Some(block) = tag.signature.filter(|_| tag.target == id) else { continue };
        match walk.judge_signature(set, (block, tag.payload), (&below, id)) {
            Ok(attested) if attested.fingerprint == signer => return Ok(attested),
            Ok(attested) => reason = Refusal::UnknownSigner { issuer: attested.fingerprint },
            Err(refusal) => reason = refusal,
        }
    }
    Err(reason)
}

/// Tells whether the introduction's signer lost the right to sign by the end of a walk that started from it (T1).
pub fn retired(walk: &mut Walk<'_>, state: &TrustState, standing: &Standing) -> Option<Refusal> {
    let Introduction::Commit { signer, .. } = &walk.policy.introduction else { return None };
    if state.accepted.is_some() {
        return None;
    }
    let signer: String = signer.to_ascii_uppercase();
    let set = walk.sources.set(&standing.below.trusted.source).ok()?;
    (!set.rights(&signer).contains(&walk.right())).then_some(Refusal::IntroductionRetired { signer })
}
