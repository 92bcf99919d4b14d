//! From one step to the next: enough signed it, who changed the policy may, and somebody can sign after it (T12, T13).

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use super::refusal::{Refusal, Right};
use super::renewal::Renewals;
use super::rights;
use super::signature::Attested;
use super::signers::TrustSet;
use super::source::Source;
use super::trusted::Trusted;
use super::walk::{Below, Walk, distinct};
use crate::time::Time;

/// A step's signatures are good; may the step be taken on top of `below`?
pub struct Transition<'s> {
    pub below: &'s Below,
    pub candidate: Option<Source>,
    pub signatures: &'s [Attested],
    pub need: usize,
}

impl Walk<'_> {
    /// Judges a step whose signatures are good by what stands below it (T12, T13); returns who may sign on top of it.
    pub fn judge_transition(&mut self, transition: &Transition<'_>) -> Result<Rc<Trusted>, Refusal> {
        let have = distinct(transition.signatures).len();
        if have < transition.need {
            return Err(Refusal::TooFewSignatures { have, need: transition.need });
        }
        let parent = &transition.below.trusted;
        let candidate = match &transition.candidate {
            Some(candidate) => candidate.clone(),
            None if parent.source == Source::Keyring => Source::Keyring,
            None => return Err(Refusal::NoPolicy),
        };
        if candidate == parent.source {
            return Ok(Rc::clone(parent));
        }
        self.judge_change(transition, &candidate)
    }

    fn judge_change(&mut self, transition: &Transition<'_>, candidate: &Source) -> Result<Rc<Trusted>, Refusal> {
        let below = &transition.below.trusted;
        let child = self.sources.set(candidate)?;
        let parent = self.sources.set(&below.source)?;
        let at = transition.signatures.iter().map(|one| one.signed_at).max().unwrap_or(self.clock);
        // A keyring given out of band is replaced as a whole by the first accepted keys folder (C7).
        if below.source != Source::Keyring {
            self.check_rights(transition, (&parent, &child), at)?;
        }
        let trusted = self.sources.follow(core::slice::from_ref(below), candidate)?;
        let need = self.policy.threshold.max(1);
        let left = self.usable(&trusted.set, at, need);
        if left < need {
            return Err(Refusal::NoSignersLeft { left, need });
        }
        Ok(trusted)
    }

    /// Checks that enough of those who signed a change of the policy may make it (T13, docs/trust.md §6).
    fn check_rights(
        &self,
        transition: &Transition<'_>,
        (parent, child): (&TrustSet, &TrustSet),
        at: Time,
    ) -> Result<(), Refusal> {
        let mut needed = rights::needed(parent, child);
        if needed.is_empty() {
            return Ok(());
        }
        let renewals = Renewals { policy: &self.openpgp, at };
        let need = if rights::only_renews(parent, child, renewals) {
            1
        } else {
            self.change_threshold(&transition.below.trusted.source, parent)
        };
        needed.insert(self.right());
        let lacking: Vec<(String, Option<Right>)> = distinct(transition.signatures)
            .into_iter()
            .map(|signer| (signer.clone(), parent.lacks(&signer, &needed)))
            .collect();
        let entitled = lacking.iter().filter(|(_, lacks)| lacks.is_none()).count();
        if let (0, Some((signer, Some(right)))) = (entitled, lacking.first()) {
            return Err(Refusal::NoRight { signer: signer.clone(), right: *right });
        }
        if entitled < need { Err(Refusal::TooFewForPolicy { have: entitled, need }) } else { Ok(()) }
    }

    /// Returns how many signatures a change of the policy needs (T13).
    pub fn change_threshold(&self, source: &Source, set: &TrustSet) -> usize {
        let usual = match source {
            Source::Policy(_) if set.operators(self.right()) >= 2 => 2,
            Source::Policy(_) | Source::Keys(_) | Source::Keyring => 1,
        };
        self.policy.policy_threshold.unwrap_or(usual).max(self.policy.threshold).max(1)
    }

    /// Counts who could sign at `at`, up to `enough`.
    fn usable(&self, set: &TrustSet, at: Time, enough: usize) -> usize {
        let can_sign = |fingerprint: &&String| {
            let found = set.certificates().get(*fingerprint);
            found.is_some_and(|one| self.usable_until(one, at).is_some())
        };
        set.holding(self.right()).iter().filter(can_sign).take(enough).count()
    }
}
