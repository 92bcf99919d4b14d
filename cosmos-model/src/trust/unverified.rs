//! The laboratory switch (T17): a revision taken without asking who signed it.
//!
//! It is a way of its own beside the judge, so that nothing in the judge can be switched off. What it accepts has no
//! signers, which is how `status` and the log show it for as long as it is in force.

use alloc::string::ToString as _;
use alloc::vec::Vec;

use super::pattern::{TagPattern, compare_names};
use super::verified::VerifiedRevision;
use super::{Evidence, Mode, TrustPolicy, TrustState};
use crate::object::commit::Commit;
use crate::object::tag::Tag;
use crate::object::{self, ObjectKind};
use crate::object_id::ObjectId;
use crate::refs::RemoteRef;

impl TrustPolicy {
    /// Takes the branch's tip, or the tag whose name sorts last, unverified; returns the state that remembers it.
    ///
    /// For `--insecure-skip-verification` only: the caller says so on each run. `None` when there is nothing to take.
    #[must_use]
    pub fn take_unverified(&self, state: &TrustState, evidence: &Evidence<'_>) -> Option<TrustState> {
        let (commit, tag) = match &self.mode {
            Mode::Commits { branch } => {
                let name = alloc::format!("refs/heads/{branch}");
                (evidence.refs.iter().find(|one| one.name == name.as_bytes())?.id, None)
            }
            Mode::Tags { pattern, classic } => {
                let newest = newest(&TagPattern::parse(pattern, *classic).ok()?, evidence.refs)?;
                (target(evidence, newest.id)?, newest.tag_name())
            }
        };
        let bytes = object::read(evidence.objects, commit, ObjectKind::Commit).ok()?;
        let tree = Commit::parse(&bytes).ok()?.tree;
        let revision = VerifiedRevision {
            commit,
            tree,
            tag: tag.map(|name| name.to_string()),
            signers: Vec::new(),
            keys: Vec::new(),
            signed_at: evidence.now,
            valid_until: None,
            counter: None,
            removals: 0,
        };
        Some(TrustState { accepted: Some(revision), testing: None, refused: Vec::new(), ..state.clone() })
    }
}

fn newest<'a>(pattern: &TagPattern, refs: &'a [RemoteRef]) -> Option<&'a RemoteRef> {
    let tags = refs.iter().filter(|one| one.tag_name().is_some_and(|name| pattern.matches(name)));
    tags.max_by(|left, right| compare_names(left.tag_name().unwrap_or_default(), right.tag_name().unwrap_or_default()))
}

fn target(evidence: &Evidence<'_>, tag: ObjectId) -> Option<ObjectId> {
    let bytes = object::read(evidence.objects, tag, ObjectKind::Tag).ok()?;
    Tag::parse(&bytes).ok().map(|tag| tag.target)
}
