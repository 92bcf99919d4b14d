//! `tags` mode: every newer release is walked in order, each judged by the one before (T3, T4, T6).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::agreed::Agreed;
use super::history::{History, Node};
use super::pattern::{NaturalName, TagPattern, compare_names};
use super::refusal::Refusal;
use super::signature::Attested;
use super::signers::TrustSet;
use super::tag_refs::{self, Steps, TagEvidence};
use super::transition::Transition;
use super::verified::VerifiedRevision;
use super::walk::{Below, Outcome, Standing, Walk, ancestors, signers_of};
use crate::object_id::ObjectId;

/// Walks every release above `standing`.
pub fn walk(walk: &mut Walk<'_>, pattern: &TagPattern, standing: Standing) -> Outcome {
    let mut steps = tag_refs::collect(walk, Some(pattern));
    steps.retain(|_, tags| tags.iter().any(|tag| tag.is_release));
    // What was refused by its text alone is looked for as well: below the root it is overtaken, and nobody's news.
    let refused = walk.refused.iter().filter_map(|pending| pending.target);
    let tips: Vec<ObjectId> = steps.keys().copied().chain(refused).collect();
    let history = History::explore(walk.evidence.objects, &tips, standing.commit);
    walk.look_ahead(&history);
    let heights = standing.commit.map(|root| (root, 0)).into_iter().collect();
    let outcome = Outcome::standing_on(standing);
    let mut releases = Releases { walk, history: &history, steps: &steps, heights, height: 0, outcome };
    releases.run();
    releases.notice_withdrawal(pattern);
    let mut outcome = releases.outcome;
    outcome.ancestors = ancestors(outcome.standing.commit, &history.nodes);
    outcome.ancestors.extend(&history.below);
    outcome
}

/// The walk over releases.
struct Releases<'w, 'a> {
    walk: &'w mut Walk<'a>,
    history: &'w History,
    steps: &'w Steps,
    /// For each commit on top of an accepted one, the number of the highest: descent without searching (T6).
    heights: BTreeMap<ObjectId, usize>,
    /// The number of the release the walk stands on.
    height: usize,
    outcome: Outcome,
}

impl Releases<'_, '_> {
    fn run(&mut self) {
        self.release_again();
        let names = self.steps.iter().filter_map(|(commit, tags)| {
            let first = tags.iter().find(|tag| tag.is_release)?;
            Some((*commit, NaturalName(first.release.clone()?)))
        });
        for commit in self.history.order(&names.collect()) {
            let node = &self.history.nodes[&commit];
            let height = self.height_below(node);
            if let Some(tags) = self.steps.get(&commit)
                && self.release(commit, node, tags, height)
            {
                self.height += 1;
                self.heights.insert(commit, self.height);
            } else if let Some(height) = height {
                self.heights.insert(commit, height);
            }
        }
        for (commit, tags) in self.steps {
            if let Some(refusal) = self.history.broken.get(commit) {
                self.refuse(&tags[0], refusal.clone());
            }
        }
    }

    /// Returns the number of the highest accepted release below a commit, or `None` when it rests on none.
    fn height_below(&self, node: &Node) -> Option<usize> {
        let from_nothing = node.parents.is_empty() && self.outcome.from_nothing;
        let below = node.parents.iter().filter_map(|parent| self.heights.get(parent)).max().copied();
        below.or(from_nothing.then_some(0))
    }

    /// Judges the tags on one commit; true when it is where the walk stands now.
    fn release(&mut self, commit: ObjectId, node: &Node, tags: &[TagEvidence], height: Option<usize>) -> bool {
        if let Some(refusal) = node.parents.iter().find_map(|parent| self.history.broken.get(parent)) {
            self.refuse(&tags[0], refusal.clone());
            return false;
        }
        if height != Some(self.height) {
            let unknown_past = || self.history.broken.values().next().cloned().unwrap_or(Refusal::BelowIntroduction);
            let accepted = self.outcome.standing.commit;
            let release = tags.iter().find(|tag| tag.is_release).unwrap_or(&tags[0]);
            self.refuse(release, accepted.map_or_else(unknown_past, |accepted| Refusal::NotDescendant { accepted }));
            return false;
        }
        let tags: Vec<&TagEvidence> = tags.iter().collect();
        self.judge(commit, node, &tags)
    }

    /// Judges newer tags on the commit that is accepted already: they renew its freshness, or allow more removals; and
    /// all of them where the host has come to ask for more signatures than it has (T15).
    fn release_again(&mut self) {
        let Some(root) = self.outcome.standing.commit else { return };
        let Some(tags) = self.steps.get(&root) else { return };
        let revision = self.outcome.standing.revision.as_ref();
        let too_few = revision.is_some_and(|one| one.signers().len() < self.walk.policy.threshold);
        let accepted = revision.and_then(VerifiedRevision::tag);
        let is_newer = |tag: &&TagEvidence| match (&tag.release, accepted) {
            (Some(name), Some(accepted)) => {
                let order = compare_names(name, accepted);
                order.is_gt() || (too_few && order.is_eq())
            }
            (_, None) => true,
            (None, Some(_)) => too_few,
        };
        let tags: Vec<&TagEvidence> = tags.iter().filter(is_newer).collect();
        if tags.iter().any(|tag| tag.is_release)
            && let Ok(node) = super::history::read_node(self.walk.evidence.objects, root)
        {
            self.judge(root, &node, &tags);
        }
    }

    fn judge(&mut self, commit: ObjectId, node: &Node, tags: &[&TagEvidence]) -> bool {
        match self.judge_step(commit, node, tags) {
            Ok(standing) => {
                let parent = self.outcome.standing.below.trusted.source.clone();
                self.walk.note_holders(Some(&parent), &standing.below.trusted.source, Some(commit));
                self.outcome.accepted.push(commit);
                let source = &standing.below.trusted.source;
                if let Some(set) = self.walk.vouched_by(commit, &standing.signatures, source) {
                    self.outcome.confirmed.extend(&set.goodlist);
                }
                self.outcome.standing = standing;
                true
            }
            Err(Some(refusal)) => {
                let release = tags.iter().find(|tag| tag.is_release).unwrap_or(&tags[0]);
                self.refuse(release, refusal);
                false
            }
            Err(None) => false,
        }
    }

    /// Judges one step by the standing one; `Err(None)` when each of its tags was refused on its own.
    fn judge_step(
        &mut self,
        commit: ObjectId,
        node: &Node,
        tags: &[&TagEvidence],
    ) -> Result<Standing, Option<Refusal>> {
        let below = self.outcome.standing.below.clone();
        let candidate = self.walk.sources.of_tree(node.tree)?;
        let set = self.walk.sources.judging(&below.trusted, candidate.as_ref());
        let mut good: Vec<(&TagEvidence, Attested)> = Vec::new();
        for tag in tags {
            if let Some(attested) = self.judge_tag(tag, &set, &below) {
                good.push((tag, attested));
            }
        }
        if good.iter().all(|(tag, _)| !tag.is_release) {
            return Err(None);
        }
        let need = self.walk.policy.threshold.max(1);
        let signatures: Vec<Attested> = good.iter().map(|(_, attested)| attested.clone()).collect();
        let transition = Transition { below: &below, candidate, signatures: &signatures, need };
        let trusted = self.walk.judge_transition(&transition)?;
        let agreed = Agreed::between(&good, need);
        let allowed = self.allowed_before(commit);
        let newest = good.iter().filter(|(tag, _)| tag.is_release).filter_map(|(tag, _)| tag.release.as_deref());
        let (signers, keys) = signers_of(self.walk, &set, &signatures);
        let revision = VerifiedRevision {
            commit,
            tree: node.tree,
            tag: newest.max_by(|left, right| compare_names(left, right)).map(Into::into),
            signers,
            keys,
            signed_at: agreed.signed_at,
            valid_until: agreed.valid_until,
            counter: agreed.counter.or(self.last_counter()),
            removals: agreed.removals.saturating_add(allowed),
        };
        let below = Below { trusted, signed_at: Some(agreed.signed_at) };
        Ok(Standing { commit: Some(commit), below, revision: Some(revision), signatures, set })
    }

    /// Returns the removals that the steps of this walk allowed so far.
    fn allowed_before(&self, commit: ObjectId) -> u64 {
        let standing = &self.outcome.standing;
        let in_this_walk = !self.outcome.accepted.is_empty() && standing.commit != Some(commit);
        standing.revision.as_ref().filter(|_| in_this_walk).map_or(0, VerifiedRevision::removals)
    }

    fn last_counter(&self) -> Option<u64> {
        self.outcome.standing.revision.as_ref().and_then(VerifiedRevision::counter)
    }

    fn judge_tag(&mut self, tag: &TagEvidence, set: &TrustSet, below: &Below) -> Option<Attested> {
        let judged = self.walk.judge_signature(set, tag.signed(), (below, tag.target));
        let counter = self.last_counter();
        let judged = judged.and_then(|good| self.walk.check_statement(tag.statement.as_ref(), counter).map(|()| good));
        let about = (tag.id, tag.target, Some(tag.reference.clone()));
        let line = self.walk.proof_line(about, &judged, (set, below, self.outcome.standing.commit));
        self.walk.steps.push(line);
        match judged {
            Ok(good) => Some(good),
            Err(refusal) => {
                self.refuse(tag, refusal);
                None
            }
        }
    }

    fn refuse(&mut self, tag: &TagEvidence, refusal: Refusal) {
        self.walk.refuse(tag.reference.clone(), tag.id, Some(tag.target), refusal);
    }

    /// Says when no remote offers the accepted release any more (A3).
    fn notice_withdrawal(&mut self, pattern: &TagPattern) {
        let standing = &self.outcome.standing;
        let (Some(commit), Some(revision)) = (standing.commit, &standing.revision) else { return };
        // What this host's pattern does not mean any more is not looked for.
        let meant = revision.tag().is_none_or(|tag| pattern.matches(tag));
        if meant && self.outcome.accepted.is_empty() && !self.steps.contains_key(&commit) {
            let reference = revision.tag().map(|tag| alloc::format!("refs/tags/{tag}")).unwrap_or_default();
            let shown = crate::escape::for_terminal(reference.as_bytes());
            self.walk.refuse(shown, commit, None, Refusal::Withdrawn { accepted: commit });
        }
    }
}
