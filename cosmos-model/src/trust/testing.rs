//! A host's own test (T6): tried on top of the accepted revision, by the same rules, and never where a walk starts.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::fitness::ForHost;
use super::judgement::Judgement;
use super::refusal::{Refusal, Refused};
use super::state::TrustState;
use super::verified::VerifiedRevision;
use super::{Evidence, Mode, TrustPolicy};
use crate::host_name::HostName;
use crate::refs::RemoteRef;

/// The refs of one host's test, and how they are judged.
struct Test {
    /// The one branch, or what the tags' full names begin with.
    reference: String,
    mode: Mode,
}

impl Test {
    fn of(policy: &TrustPolicy, host: &HostName) -> Self {
        match &policy.mode {
            // Judged under the name of the branch it is to become part of, which its signed lines carry (T7).
            Mode::Commits { .. } => Self { reference: branch(host), mode: policy.mode.clone() },
            Mode::Tags { .. } => {
                let mode = Mode::Tags { pattern: format!("testing/{host}/*"), classic: false };
                Self { reference: tags(host), mode }
            }
        }
    }

    /// Returns the listing as the judge of this test sees it: the test, and further signatures on commits (T13).
    fn refs(&self, refs: &[RemoteRef]) -> Vec<RemoteRef> {
        let cosigned = |one: &RemoteRef| one.tag_name().is_some_and(|name| name.starts_with(super::tag_refs::COSIGN));
        let seen = |one: &RemoteRef| match &self.mode {
            Mode::Commits { branch } if one.name == self.reference.as_bytes() => {
                Some(RemoteRef { name: format!("refs/heads/{branch}").into_bytes(), id: one.id })
            }
            Mode::Tags { .. } if one.name.starts_with(self.reference.as_bytes()) => Some(one.clone()),
            _ => cosigned(one).then(|| one.clone()),
        };
        refs.iter().filter_map(seen).collect()
    }

    /// Tells whether any ref of the listing belongs to the test.
    fn is_on(&self, refs: &[RemoteRef]) -> bool {
        refs.iter().any(|one| match &self.mode {
            Mode::Commits { .. } => one.name == self.reference.as_bytes(),
            Mode::Tags { .. } => one.name.starts_with(self.reference.as_bytes()),
        })
    }

    /// Returns what a refusal says about the test; `None` where it says nothing.
    fn refusal(&self, mut refused: Refused) -> Option<Refused> {
        // Production still stands: a test that rests on less than it is over, and no fault of anybody's.
        refused.overtaken |= matches!(refused.reason, Refusal::NotDescendant { .. });
        match &self.mode {
            _ if matches!(refused.reason, Refusal::Withdrawn { .. }) => None,
            Mode::Commits { branch } if refused.reference == format!("refs/heads/{branch}") => {
                refused.reference.clone_from(&self.reference);
                Some(refused)
            }
            Mode::Tags { .. } if refused.reference.starts_with(&self.reference) => Some(refused),
            _ => None,
        }
    }
}

/// The branch of a host's test, where commits are followed (docs/formats.md §6).
pub(super) fn branch(host: &HostName) -> String {
    format!("refs/heads/testing/{host}")
}

/// What the names of a host's test tags begin with, where tags are followed (docs/formats.md §6).
pub(super) fn tags(host: &HostName) -> String {
    format!("refs/tags/testing/{host}/")
}

impl TrustPolicy {
    /// Judges as [`Self::judge`] does, and then the test of this `host` on top of what is accepted (T6).
    ///
    /// What the test comes to is in the state, [`TrustState::testing`]; the accepted revision and who may sign are
    /// those of production. A refused test is among the refusals; one that production went past is marked overtaken.
    #[must_use]
    pub fn judge_for(&self, host: &ForHost<'_>, state: &TrustState, evidence: &Evidence<'_>) -> Judgement {
        let mut judgement = self.judge_on(Some(host), state, evidence);
        judgement.state.testing = None;
        if let (Some(name), Some(accepted)) = (host.layers.host(), judgement.state.accepted.clone()) {
            self.judge_test(host, &Test::of(self, name), &accepted, evidence, &mut judgement);
        }
        judgement
    }

    fn judge_test(
        &self,
        host: &ForHost<'_>,
        test: &Test,
        accepted: &VerifiedRevision,
        evidence: &Evidence<'_>,
        judgement: &mut Judgement,
    ) {
        if !test.is_on(evidence.refs) {
            return;
        }
        let refs = test.refs(evidence.refs);
        let policy = Self { mode: test.mode.clone(), ..self.clone() };
        let seen = Evidence { refs: &refs, objects: evidence.objects, now: evidence.now };
        let tried = policy.judge_on(Some(host), &judgement.state, &seen);
        // A test of the accepted commit itself tests nothing.
        judgement.state.testing = tried.revision.filter(|revision| revision.commit() != accepted.commit());
        judgement.steps.extend(tried.steps);
        judgement.refusals.extend(tried.refusals.into_iter().filter_map(|refused| test.refusal(refused)));
        judgement.state.remember(&judgement.refusals);
    }
}
