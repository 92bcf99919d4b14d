//! `commits` mode: every commit is judged by each of its parents (T3, T5).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use super::history::{self, History, Node};
use super::judgement::JudgedStep;
use super::refusal::Refusal;
use super::signature::Attested;
use super::signers::TrustSet;
use super::sources::Source;
use super::statement::Statement;
use super::tag_refs::{self, Steps};
use super::verified::VerifiedRevision;
use super::walk::{Below, Outcome, Standing, Transition, Walk, ancestors, distinct};
use super::{Introduction, MergeRule};
use crate::object::commit::Commit;
use crate::object::{self, ObjectKind};
use crate::object_id::ObjectId;

/// A commit that was judged good.
struct Good {
    below: Below,
    signatures: Vec<Attested>,
    set: Rc<TrustSet>,
    statement: Result<Option<Statement>, Refusal>,
    /// Whether it descends from the standing revision (T6).
    on_root: bool,
}

/// Walks every commit between `standing` and the tips of `branch`.
pub fn walk(walk: &mut Walk<'_>, branch: &str, standing: Standing) -> Outcome {
    let reference = format!("refs/heads/{branch}");
    let tips = walk.evidence.refs.iter().filter(|one| one.name == reference.as_bytes()).map(|one| one.id);
    let mut tips: Vec<ObjectId> = tips.collect();
    tips.sort_unstable();
    tips.dedup();
    let history = History::explore(walk.evidence.objects, &tips, standing.commit);
    let cosigned = tag_refs::collect(walk, None);
    for tree in history.nodes.values().map(|node| node.tree) {
        if let Ok(Some(source)) = walk.sources.of_tree(tree) {
            walk.look_at(&source);
        }
    }
    let mut branch = Branch {
        walk,
        history: &history,
        cosigned: &cosigned,
        root: standing.clone(),
        good: BTreeMap::new(),
        old: None,
        outcome: Outcome::standing_on(standing),
        reference: crate::escape::for_terminal(reference.as_bytes()),
    };
    branch.judge_all();
    branch.choose(&tips);
    branch.outcome
}

struct Branch<'w, 'a> {
    walk: &'w mut Walk<'a>,
    history: &'w History,
    cosigned: &'w Steps,
    root: Standing,
    good: BTreeMap<ObjectId, Good>,
    /// The trees of the commits that [`Branch::above_introduction`] found, once it was asked.
    old: Option<BTreeMap<ObjectId, ObjectId>>,
    outcome: Outcome,
    reference: String,
}

impl Branch<'_, '_> {
    fn judge_all(&mut self) {
        for id in self.history.order(&BTreeMap::new()) {
            let node = &self.history.nodes[&id];
            match self.judge_commit(id, node) {
                Ok(good) => {
                    self.walk.sources.learn(&good.below.source);
                    self.good.insert(id, good);
                }
                // What rests on a refused commit is not news; the tip says so itself.
                Err(Refusal::RefusedParent { .. }) => {}
                Err(refusal) => self.walk.refuse(self.reference.clone(), id, Some(id), refusal),
            }
        }
    }

    fn judge_commit(&mut self, id: ObjectId, node: &Node) -> Result<Good, Refusal> {
        let parents = self.parents(node);
        let on_root = node
            .parents
            .iter()
            .any(|parent| Some(*parent) == self.root.commit || self.good.get(parent).is_some_and(|good| good.on_root));
        let candidate = self.walk.sources.of_tree(node.tree)?;
        let bytes = object::read(self.walk.evidence.objects, id, ObjectKind::Commit)?;
        let commit = Commit::parse(&bytes)?;
        let statement = Statement::parse(commit.message).map_err(Refusal::from);
        let judged = self.judge_by_parents(id, &commit, parents, candidate.as_ref());
        match judged {
            Ok((below, signatures, set)) => Ok(Good { below, signatures, set, statement, on_root }),
            Err(refusal) if self.is_vouched(id, &refusal) => {
                let source = candidate.ok_or(Refusal::NoPolicy)?;
                let set = self.walk.sources.judging(&source, None)?;
                let below = Below { source, signed_at: None };
                Ok(Good { below, signatures: Vec::new(), set, statement, on_root })
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// Tells whether a goodlist stands in for what is wrong with the commit itself, and notes that it was needed.
    fn is_vouched(&mut self, id: ObjectId, refusal: &Refusal) -> bool {
        let vouched = !matches!(refusal, Refusal::RefusedParent { .. }) && self.walk.vouched.contains(&id);
        if vouched {
            self.walk.leaned_on.insert(id);
        }
        vouched
    }

    fn judge_by_parents(
        &mut self,
        id: ObjectId,
        commit: &Commit<'_>,
        parents: Vec<Result<Below, Refusal>>,
        candidate: Option<&Source>,
    ) -> Result<(Below, Vec<Attested>, Rc<TrustSet>), Refusal> {
        let block = commit.signature()?.ok_or(Refusal::Unsigned)?;
        let payload = commit.payload();
        let mut passed = None;
        let mut refused = None;
        for parent in parents {
            let judged = parent.and_then(|below| self.judge_by(id, (&block, &payload), &below, candidate));
            match (judged, self.walk.policy.merge_rule) {
                (Ok(good), _) => passed = Some(good),
                (Err(refusal), MergeRule::All) => return Err(refusal),
                (Err(refusal), MergeRule::Any) => refused = Some(refusal),
            }
        }
        passed.ok_or(refused.unwrap_or(Refusal::BelowIntroduction))
    }

    fn judge_by(
        &mut self,
        id: ObjectId,
        signed: (&[u8], &[u8]),
        below: &Below,
        candidate: Option<&Source>,
    ) -> Result<(Below, Vec<Attested>, Rc<TrustSet>), Refusal> {
        let set = self.walk.sources.judging(&below.source, candidate)?;
        let own = self.walk.judge_signature(&set, signed, (below, id));
        let signer = own.as_ref().ok().map(|good| self.walk.signer(&set, &good.fingerprint));
        self.walk.steps.push(JudgedStep {
            object: id,
            commit: id,
            reference: None,
            signer,
            right: self.walk.right(),
            policy: below.source.policy(),
            refusal: own.as_ref().err().cloned(),
        });
        let own = own?;
        let signed_at = own.signed_at;
        let mut signatures = alloc::vec![own];
        for tag in self.cosigned.get(&id).into_iter().flatten() {
            // A further signature that does not count is no reason to refuse what stands without it.
            signatures.extend(self.walk.judge_signature(&set, tag.signed(), (below, id)));
        }
        let transition = Transition { below, candidate: candidate.cloned(), signatures: &signatures, need: 1 };
        let source = self.walk.judge_transition(&transition)?;
        Ok((Below { source, signed_at: Some(signed_at) }, signatures, set))
    }

    /// Returns what each parent says about who may sign, or why it says nothing.
    fn parents(&mut self, node: &Node) -> Vec<Result<Below, Refusal>> {
        let below = |parent: &ObjectId| {
            if Some(*parent) == self.root.commit {
                Ok(self.root.below.clone())
            } else if let Some(good) = self.good.get(parent) {
                Ok(good.below.clone())
            } else if let Some(refusal) = self.history.broken.get(parent) {
                Err(refusal.clone())
            } else if self.history.below.contains(parent) {
                Err(Refusal::BelowIntroduction)
            } else {
                Err(Refusal::RefusedParent { parent: *parent })
            }
        };
        let mut parents: Vec<Result<Below, Refusal>> = node.parents.iter().map(below).collect();
        for (parent, judged) in node.parents.iter().zip(&mut parents) {
            if matches!(judged, Err(Refusal::BelowIntroduction))
                && let Ok(below) = self.old_parent(*parent)
            {
                *judged = Ok(below);
            }
        }
        parents
    }

    /// Judges by an old commit, when it descends from the introduction (T5).
    fn old_parent(&mut self, parent: ObjectId) -> Result<Below, Refusal> {
        if self.old.is_none() {
            self.old = Some(self.above_introduction());
        }
        let tree = self.old.as_ref().and_then(|old| old.get(&parent)).copied();
        let source = self.walk.sources.of_tree(tree.ok_or(Refusal::BelowIntroduction)?)?;
        Ok(Below { source: source.ok_or(Refusal::NoPolicy)?, signed_at: None })
    }

    /// Finds the commits between the introduction and the standing revision, both among them, and their trees.
    ///
    /// Once a walk, whatever it meets: a server may offer any number of merges with old commits.
    fn above_introduction(&self) -> BTreeMap<ObjectId, ObjectId> {
        let (objects, mut above) = (self.walk.evidence.objects, BTreeMap::new());
        let (Introduction::Commit { id: introduction, .. }, Some(root)) =
            (&self.walk.policy.introduction, self.root.commit)
        else {
            return above;
        };
        if let Ok(node) = history::read_node(objects, *introduction) {
            above.insert(*introduction, node.tree);
        }
        let history = History::explore(objects, &[root], Some(*introduction));
        for id in history.order(&BTreeMap::new()) {
            let node = &history.nodes[&id];
            if node.parents.iter().any(|parent| above.contains_key(parent)) {
                above.insert(id, node.tree);
            }
        }
        above
    }

    /// Chooses the newest commit on the first-parent line of a tip that may act.
    fn choose(&mut self, tips: &[ObjectId]) {
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
        let mut first_reason = None;
        let mut next = Some(tip);
        while let Some(id) = next.filter(|id| self.history.nodes.contains_key(id)) {
            // Naming the reason costs a walk of its own, so it is done for the tip only.
            let judged = if self.good.contains_key(&id) { Some(self.may_act(id)) } else { None };
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

    fn may_act(&mut self, id: ObjectId) -> Result<(), Refusal> {
        let accepted = self.outcome.standing.commit.ok_or(Refusal::NoPolicy)?;
        let Some(good) = self.good.get(&id) else { return Err(self.reason_below(id)) };
        let descends =
            Some(accepted) == self.root.commit || ancestors(Some(id), &self.history.nodes).contains(&accepted);
        if !good.on_root || !descends {
            return Err(Refusal::NotDescendant { accepted });
        }
        let statement = good.statement.clone()?;
        let (have, need) = (distinct(&good.signatures).len(), self.walk.policy.threshold.max(1));
        if have < need && !self.walk.vouched.contains(&id) {
            return Err(Refusal::TooFewSignatures { have, need });
        }
        let last = self.root.revision.as_ref().and_then(VerifiedRevision::counter);
        self.walk.check_statement(statement.as_ref(), last)
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
        let signers = distinct(&good.signatures).iter().map(|one| self.walk.signer(&good.set, one)).collect();
        let statement = good.statement.clone().ok().flatten().unwrap_or_default();
        let signed_at = good.below.signed_at.or(self.root.below.signed_at);
        let revision = VerifiedRevision {
            commit: id,
            tree: self.history.nodes[&id].tree,
            tag: None,
            signers,
            signed_at: signed_at.unwrap_or(self.walk.evidence.now),
            valid_until: statement.valid_until,
            counter: statement.counter.or(self.root.revision.as_ref().and_then(VerifiedRevision::counter)),
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
        for (commit, good) in self.good.iter().filter(|(commit, _)| below.contains(*commit)) {
            self.outcome.accepted.push((*commit, good.below.source.clone()));
            let vouched = self.walk.vouched_by(*commit, &good.signatures, &good.below.source);
            self.outcome.confirmed.extend(vouched);
        }
        self.outcome.ancestors = below;
        self.outcome.ancestors.extend(&self.history.below);
        self.outcome.standing = standing;
    }
}
