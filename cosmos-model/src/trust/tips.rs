//! `commits` mode: which of the commits that were judged good may act (T4, T6, T14).

use alloc::collections::BTreeSet;
use alloc::rc::Rc;
use alloc::vec::Vec;

use super::commits::Branch;
use super::refusal::Refusal;
use super::signature::Attested;
use super::source::Source;
use super::verified::VerifiedRevision;
use super::walk::{Standing, ancestors, signers_of};
use crate::object_id::ObjectId;

impl Branch<'_, '_> {
    /// Counts further signatures on the accepted commit, where the host has come to ask for more than it has (T15).
    pub(super) fn sign_again(&mut self) {
        let (Some(commit), Some(revision)) = (self.root.commit, self.root.revision.clone()) else { return };
        let need = self.walk.policy.threshold;
        if revision.signers().len() >= need {
            return;
        }
        let (below, set) = (self.root.below.clone(), Rc::clone(&self.root.set));
        let tags = self.cosigned.get(&commit).into_iter().flatten();
        let judged = tags.filter_map(|tag| self.walk.judge_signature(&set, tag.signed(), (&below, commit)).ok());
        let further: Vec<Attested> = judged.collect();
        let (mut signers, mut keys) = signers_of(self.walk, &set, &further);
        for (signer, key) in revision.signers().iter().zip(&revision.keys) {
            if !signers.iter().any(|one| one.fingerprint == signer.fingerprint) {
                signers.push(signer.clone());
                keys.push(key.clone());
            }
        }
        if signers.len() >= need {
            let revision = VerifiedRevision { signers, keys, ..revision };
            let standing = Standing { revision: Some(revision), signatures: further, ..self.root.clone() };
            self.outcome.standing = standing.clone();
            self.root = standing;
        }
    }

    /// Chooses the newest commit on the first-parent line of a tip that may act.
    pub(super) fn choose(&mut self, tips: &[ObjectId]) {
        for tip in tips {
            if Some(*tip) == self.outcome.standing.commit || self.outcome.ancestors.contains(tip) {
                continue;
            }
            let reported = self.walk.refused.iter().any(|pending| pending.refused.object == *tip);
            if let (Err(refusal), false) = (self.choose_below(*tip), reported) {
                self.walk.refuse(self.reference.clone(), *tip, Some(*tip), refusal);
            }
        }
        if let (Some(accepted), true) = (self.root.commit.filter(|_| self.root.revision.is_some()), tips.is_empty()) {
            self.walk.refuse(self.reference.clone(), accepted, None, Refusal::Withdrawn { accepted });
        }
    }

    /// Stands on the newest good commit of the line below `tip`; tells why that is not the tip itself.
    fn choose_below(&mut self, tip: ObjectId) -> Result<(), Refusal> {
        let accepted = self.outcome.standing.commit.ok_or(Refusal::NoPolicy)?;
        if self.history.below.contains(&tip) {
            let offered_elsewhere = !self.outcome.accepted.is_empty();
            return if offered_elsewhere { Ok(()) } else { Err(Refusal::Withdrawn { accepted }) };
        }
        if let Some(refusal) = self.history.broken.get(&tip) {
            return Err(refusal.clone());
        }
        let mut first_reason = None;
        let mut next = Some(tip);
        while let Some(id) = next.filter(|id| self.history.nodes.contains_key(id)) {
            // Naming the reason costs a walk of its own, so it is done for the tip only.
            let judged =
                self.good.get(&id).map(|good| self.stands_elsewhere(id).map_or_else(|| self.may_act(id, good), Err));
            if let Some(Ok(())) = judged {
                self.stand_on(id);
                break;
            }
            if first_reason.is_none() {
                first_reason = judged.and_then(Result::err).or_else(|| Some(self.reason_below(id)));
            }
            next = self.history.nodes[&id].parents.first().copied();
        }
        first_reason.map_or(Ok(()), Err)
    }

    /// Tells whether another tip, stood on before, lies elsewhere (T14).
    fn stands_elsewhere(&self, id: ObjectId) -> Option<Refusal> {
        let accepted = self.outcome.standing.commit.filter(|accepted| Some(*accepted) != self.root.commit)?;
        let descends = ancestors(Some(id), &self.history.nodes).contains(&accepted);
        (!descends).then_some(Refusal::NotDescendant { accepted })
    }

    /// Names the refused commit nearest to `id`, which is `id` itself or something it rests on.
    fn reason_below(&self, id: ObjectId) -> Refusal {
        if let Some(pending) = self.walk.refused.iter().find(|pending| pending.refused.object == id) {
            return pending.refused.reason.clone();
        }
        let below = ancestors(Some(id), &self.history.nodes);
        let refused =
            self.walk.refused.iter().map(|pending| pending.refused.object).find(|object| below.contains(object));
        Refusal::RefusedParent { parent: refused.unwrap_or(id) }
    }

    fn stand_on(&mut self, id: ObjectId) {
        let good = &self.good[&id];
        let (signers, keys) = signers_of(self.walk, &good.set, &good.signatures);
        let statement = good.statement.clone().ok().flatten().unwrap_or_default();
        let signed_at = good.below.signed_at.or(self.root.below.signed_at);
        let revision = VerifiedRevision {
            commit: id,
            tree: self.history.nodes[&id].tree,
            tag: None,
            signers,
            keys,
            signed_at: signed_at.unwrap_or(self.walk.evidence.now),
            valid_until: statement.valid_until,
            counter: good.counter,
            removals: self.allowed(id),
        };
        let standing = Standing {
            commit: Some(id),
            below: good.below.clone(),
            revision: Some(revision),
            signatures: good.signatures.clone(),
            set: Rc::clone(&good.set),
        };
        self.accept(id, standing);
    }

    /// Sums the removals allowed on the first-parent line between the root and `id`.
    fn allowed(&self, id: ObjectId) -> u64 {
        let mut sum: u64 = 0;
        let mut next = Some(id);
        while let Some(good) = next.and_then(|id| self.good.get(&id)) {
            sum =
                sum.saturating_add(good.statement.as_ref().ok().and_then(Option::as_ref).map_or(0, |one| one.removals));
            next = next.and_then(|id| self.history.nodes[&id].parents.first().copied());
        }
        sum
    }

    fn accept(&mut self, id: ObjectId, standing: Standing) {
        let below = ancestors(Some(id), &self.history.nodes);
        self.outcome.accepted.clear();
        // A policy that stays for a thousand commits is confirmed by the first of them that can.
        let mut heard: BTreeSet<&Source> = BTreeSet::new();
        for (commit, good) in self.good.iter().filter(|(commit, _)| below.contains(*commit)) {
            self.outcome.accepted.push(*commit);
            let source = &good.below.trusted.source;
            if !heard.contains(source)
                && let Some(set) = self.walk.vouched_by(*commit, &good.signatures, source)
            {
                self.outcome.confirmed.extend(&set.goodlist);
                heard.insert(source);
            }
        }
        self.outcome.ancestors = below;
        self.outcome.ancestors.extend(&self.history.below);
        self.outcome.standing = standing;
    }
}
