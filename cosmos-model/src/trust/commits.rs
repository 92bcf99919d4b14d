//! `commits` mode: every commit is judged by each of its parents (T3, T5).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use super::history::{self, History, Node};
use super::refusal::Refusal;
use super::signature::{self, Attested};
use super::signers::TrustSet;
use super::source::Source;
use super::statement::Statement;
use super::tag_refs::{self, Steps};
use super::transition::Transition;
use super::trusted::Trusted;
use super::verified::VerifiedRevision;
use super::walk::{Below, Outcome, Standing, Walk, distinct};
use super::{Introduction, MergeRule};
use crate::object::commit::Commit;
use crate::object::{self, ObjectKind};
use crate::object_id::ObjectId;
use crate::time::Time;

/// A commit that was judged good.
pub struct Good {
    pub(super) below: Below,
    pub(super) signatures: Vec<Attested>,
    pub(super) set: Rc<TrustSet>,
    pub(super) statement: Result<Option<Statement>, Refusal>,
    /// Whether it descends from the standing revision (T6).
    pub(super) on_root: bool,
    /// The counter that its own has to exceed (T7).
    pub(super) last_counter: Option<u64>,
    /// The counter of a host that stands here.
    pub(super) counter: Option<u64>,
}

/// A parent, and what it says about who may sign, or why it says nothing.
type Spoken = (ObjectId, Result<Below, Refusal>);

/// What a commit's parents said to it.
#[derive(Default)]
struct Passed {
    /// The parents that agreed.
    by: Vec<(ObjectId, Below)>,
    signatures: Vec<Attested>,
    /// The signers it was judged by; `None` when somebody vouched for it instead.
    set: Option<Rc<TrustSet>>,
    signed_at: Option<Time>,
}

/// Lets a commit stand on the word of an auditor: nobody signed it, and all parents that can be judged by count.
fn vouched(parents: Vec<Spoken>) -> Passed {
    let by: Vec<_> = parents.into_iter().filter_map(|(parent, below)| Some((parent, below.ok()?))).collect();
    let signed_at = by.iter().filter_map(|(_, below)| below.signed_at).max();
    Passed { by, signatures: Vec::new(), set: None, signed_at }
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
    walk.look_ahead(&history);
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
    branch.sign_again();
    branch.judge_all();
    branch.choose(&tips);
    branch.outcome
}

/// The walk over commits.
pub struct Branch<'w, 'a> {
    pub(super) walk: &'w mut Walk<'a>,
    pub(super) history: &'w History,
    pub(super) cosigned: &'w Steps,
    pub(super) root: Standing,
    pub(super) good: BTreeMap<ObjectId, Good>,
    /// The commits that [`Branch::above_introduction`] found, once it was asked.
    pub(super) old: Option<BTreeMap<ObjectId, Rc<Trusted>>>,
    pub(super) outcome: Outcome,
    pub(super) reference: String,
}

impl Branch<'_, '_> {
    fn judge_all(&mut self) {
        for id in self.history.order(&BTreeMap::new()) {
            let node = &self.history.nodes[&id];
            match self.judge_commit(id, node) {
                Ok(good) => {
                    let first = node.parents.first().and_then(|parent| self.source_of(*parent));
                    self.walk.note_holders(first.as_ref(), &good.below.trusted.source, Some(id));
                    self.good.insert(id, good);
                }
                // What rests on a refused commit is not news; the tip says so itself.
                Err(Refusal::RefusedParent { .. }) => {}
                Err(refusal) => self.walk.refuse(self.reference.clone(), id, Some(id), refusal),
            }
        }
    }

    /// Returns where a commit that was judged good says who may sign.
    fn source_of(&self, commit: ObjectId) -> Option<Source> {
        let root = Some(&self.root.below).filter(|_| self.root.commit == Some(commit));
        root.or_else(|| self.good.get(&commit).map(|good| &good.below)).map(|below| below.trusted.source.clone())
    }

    fn judge_commit(&mut self, id: ObjectId, node: &Node) -> Result<Good, Refusal> {
        let parents = self.parents(node)?;
        let candidate = self.walk.sources.of_tree(node.tree)?;
        let bytes = object::read(self.walk.evidence.objects, id, ObjectKind::Commit)?;
        let commit = Commit::parse(&bytes)?;
        let statement = Statement::parse(commit.message).map_err(Refusal::from);
        let passed = match self.judge_by_parents(id, &commit, &parents, candidate.as_ref()) {
            Ok(passed) => passed,
            Err(_) if self.walk.vouched.contains(&id) => {
                self.walk.leaned_on.insert(id);
                vouched(parents)
            }
            Err(refusal) => return Err(refusal),
        };
        let trusted: Vec<Rc<Trusted>> = passed.by.iter().map(|(_, below)| Rc::clone(&below.trusted)).collect();
        let trusted = self.walk.sources.follow(&trusted, &candidate.ok_or(Refusal::NoPolicy)?)?;
        let set = passed.set.unwrap_or_else(|| Rc::clone(&trusted.set));
        let below = Below { trusted, signed_at: passed.signed_at };
        let on_root = passed.by.iter().any(|(parent, _)| self.is_on_root(*parent));
        let last = self.counter_below(node);
        let mut good =
            Good { below, signatures: passed.signatures, set, statement, on_root, last_counter: last, counter: last };
        if let (Ok(Some(statement)), Ok(())) = (&good.statement, self.may_act(id, &good)) {
            good.counter = statement.counter.or(last);
        }
        Ok(good)
    }

    /// Tells whether a commit is the standing revision, or descends from it by judgements that ended well (T6).
    fn is_on_root(&self, id: ObjectId) -> bool {
        Some(id) == self.root.commit || self.good.get(&id).is_some_and(|good| good.on_root)
    }

    /// Returns the counter that the line of first parents came to; a host that looked at each of them saw the same
    /// (T7).
    fn counter_below(&self, node: &Node) -> Option<u64> {
        let first = node.parents.first().and_then(|first| self.good.get(first)).filter(|first| first.on_root);
        let root = || self.root.revision.as_ref().and_then(VerifiedRevision::counter);
        first.map_or_else(root, |first| first.counter)
    }

    fn judge_by_parents(
        &mut self,
        id: ObjectId,
        commit: &Commit<'_>,
        parents: &[Spoken],
        candidate: Option<&Source>,
    ) -> Result<Passed, Refusal> {
        let block = commit.signature()?.ok_or(Refusal::Unsigned)?;
        let payload = commit.payload();
        let (mut passed, mut refused) = (Passed::default(), None);
        for (parent, below) in parents {
            let judged = below.clone().and_then(|below| {
                let by = self.judge_by(id, (&block, &payload), (&below, *parent), candidate)?;
                Ok((below, by))
            });
            match (judged, self.walk.policy.merge_rule) {
                (Ok((below, (signatures, set))), _) => {
                    passed.by.push((*parent, below));
                    passed.signed_at = signatures.first().map(|own| own.signed_at);
                    (passed.signatures, passed.set) = (signatures, Some(set));
                }
                (Err(refusal), MergeRule::All) => return Err(refusal),
                (Err(refusal), MergeRule::Any) => refused = Some(refusal),
            }
        }
        let none = || refused.unwrap_or(Refusal::BelowIntroduction);
        if passed.by.is_empty() { Err(none()) } else { Ok(passed) }
    }

    fn judge_by(
        &mut self,
        id: ObjectId,
        signed: (&[u8], &[u8]),
        (below, parent): (&Below, ObjectId),
        candidate: Option<&Source>,
    ) -> Result<(Vec<Attested>, Rc<TrustSet>), Refusal> {
        let set = self.walk.sources.judging(&below.trusted, candidate);
        let own = self.walk.judge_signature(&set, signed, (below, id));
        let line = self.walk.proof_line((id, id, None), &own, (&set, below, Some(parent)));
        self.walk.steps.push(line);
        let mut signatures = alloc::vec![own?];
        for tag in self.cosigned.get(&id).into_iter().flatten() {
            // A further signature that does not count is no reason to refuse what stands without it.
            let further = self.walk.judge_signature(&set, tag.signed(), (below, id));
            let about = (tag.id, id, Some(tag.reference.clone()));
            let line = self.walk.proof_line(about, &further, (&set, below, Some(parent)));
            self.walk.steps.push(line);
            signatures.extend(further);
        }
        let transition = Transition { below, candidate: candidate.cloned(), signatures: &signatures, need: 1 };
        self.walk.judge_transition(&transition)?;
        Ok((signatures, set))
    }

    /// Returns what each parent says about who may sign, or why it says nothing.
    ///
    /// # Errors
    /// Returns a refusal for which nobody can vouch: a commit rests on one that was refused, or cannot be read.
    fn parents(&mut self, node: &Node) -> Result<Vec<Spoken>, Refusal> {
        let mut parents = Vec::with_capacity(node.parents.len());
        let mut worst = None;
        for parent in &node.parents {
            let below = self.below(*parent);
            if let Err(refusal) = &below
                && !matches!(refusal, Refusal::BelowIntroduction)
            {
                worst = Some(refusal.clone());
            }
            parents.push((*parent, below));
        }
        let any = self.walk.policy.merge_rule == MergeRule::Any && parents.iter().any(|(_, below)| below.is_ok());
        worst.filter(|_| !any).map_or(Ok(parents), Err)
    }

    fn below(&mut self, parent: ObjectId) -> Result<Below, Refusal> {
        if Some(parent) == self.root.commit {
            Ok(self.root.below.clone())
        } else if let Some(good) = self.good.get(&parent) {
            Ok(good.below.clone())
        } else if let Some(refusal) = self.history.broken.get(&parent) {
            Err(refusal.clone())
        } else if self.history.below.contains(&parent) {
            self.old_parent(parent)
        } else {
            Err(Refusal::RefusedParent { parent })
        }
    }

    /// Judges by an old commit, when it descends from the introduction (T5).
    fn old_parent(&mut self, parent: ObjectId) -> Result<Below, Refusal> {
        if self.old.is_none() {
            let old = self.above_introduction()?;
            self.old = Some(old);
        }
        let trusted = self.old.as_ref().and_then(|old| old.get(&parent)).cloned();
        let trusted = trusted.ok_or(Refusal::BelowIntroduction)?;
        // It was judged before, or somebody vouched for it: its date needs no second look at the signature.
        let bytes = object::read(self.walk.evidence.objects, parent, ObjectKind::Commit)?;
        let block = Commit::parse(&bytes)?.signature().ok().flatten();
        Ok(Below { trusted, signed_at: block.and_then(|block| signature::claimed_date(&block)) })
    }

    /// Finds the commits between the introduction and the standing revision, both among them, and who may sign on each.
    ///
    /// Once a walk, whatever it meets: a server may offer any number of merges with old commits.
    fn above_introduction(&mut self) -> Result<BTreeMap<ObjectId, Rc<Trusted>>, Refusal> {
        let objects = self.walk.evidence.objects;
        let mut above: BTreeMap<ObjectId, Rc<Trusted>> = BTreeMap::new();
        let (Introduction::Commit { id, .. }, Some(root)) = (&self.walk.policy.introduction, self.root.commit) else {
            return Ok(above);
        };
        let tree = history::read_node(objects, *id)?.tree;
        let source = self.walk.sources.of_tree(tree)?.ok_or(Refusal::NoPolicy)?;
        above.insert(*id, self.walk.sources.begin(&source, false)?);
        let history = History::explore(objects, &[root], Some(*id));
        for id in history.order(&BTreeMap::new()) {
            let node = &history.nodes[&id];
            let below: Vec<Rc<Trusted>> = node.parents.iter().filter_map(|one| above.get(one).cloned()).collect();
            if !below.is_empty()
                && let Some(source) = self.walk.sources.of_tree(node.tree)?
            {
                above.insert(id, self.walk.sources.follow(&below, &source)?);
            }
        }
        Ok(above)
    }

    /// Tells whether a good commit may be stood on: it descends from the standing one, enough signed it, its line fits.
    pub(super) fn may_act(&self, id: ObjectId, good: &Good) -> Result<(), Refusal> {
        if let (false, Some(accepted)) = (good.on_root, self.root.commit) {
            return Err(Refusal::NotDescendant { accepted });
        }
        let statement = good.statement.as_ref().map_err(Clone::clone)?;
        let (have, need) = (distinct(&good.signatures).len(), self.walk.policy.threshold.max(1));
        if have < need && !self.walk.vouched.contains(&id) {
            return Err(Refusal::TooFewSignatures { have, need });
        }
        self.walk.check_statement(statement.as_ref(), good.last_counter)
    }
}
