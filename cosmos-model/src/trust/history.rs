//! The commits between a root and some tips, in an order in which parents come first (T4, T5). Never recursive.

use alloc::collections::btree_map::Entry;
use alloc::collections::{BTreeMap, BTreeSet, BinaryHeap};
use alloc::vec::Vec;

use super::pattern::NaturalName;
use super::refusal::Refusal;
use crate::object::commit::Commit;
use crate::object::{self, ObjectKind, ObjectSource};
use crate::object_id::ObjectId;

/// How much older than the youngest doubt the walk below the root goes on: operators' clocks differ by less than a
/// month.
const SLOP: i64 = 30 * 24 * 3600;

/// A commit as the graph needs it.
#[derive(Debug, Clone)]
pub struct Node {
    /// The commit's tree.
    pub tree: ObjectId,
    /// Its parents, first parent first.
    pub parents: Vec<ObjectId>,
    committed_at: i64,
}

/// What lies between a root and the tips.
#[derive(Debug, Default)]
pub struct History {
    /// Every commit reachable from a tip and not from the root.
    pub nodes: BTreeMap<ObjectId, Node>,
    /// Commits seen that the root descends from, or that are the root.
    pub below: BTreeSet<ObjectId>,
    /// Commits that could not be read, or cannot be parsed.
    pub broken: BTreeMap<ObjectId, Refusal>,
}

impl History {
    /// Walks from `tips` down to what `root` descends from; without a root, to the beginning.
    pub fn explore(objects: &dyn ObjectSource, tips: &[ObjectId], root: Option<ObjectId>) -> Self {
        let mut walk = Walk { objects, history: Self::default(), queue: BinaryHeap::new(), open: BTreeSet::new() };
        if let Some(root) = root {
            walk.reach(root, true);
        }
        tips.iter().for_each(|tip| walk.reach(*tip, false));
        walk.run();
        walk.history
    }

    /// Orders the commits so that parents come first; among those that are ready, commits without a name come first,
    /// then the smallest name (T4: siblings in name order).
    #[must_use]
    pub fn order(&self, names: &BTreeMap<ObjectId, NaturalName>) -> Vec<ObjectId> {
        let mut children: BTreeMap<ObjectId, Vec<ObjectId>> = BTreeMap::new();
        let mut waiting: BTreeMap<ObjectId, usize> = BTreeMap::new();
        let mut ready = BTreeSet::new();
        for (id, node) in &self.nodes {
            let parents: BTreeSet<&ObjectId> = node.parents.iter().filter(|id| self.nodes.contains_key(*id)).collect();
            parents.iter().for_each(|parent| children.entry(**parent).or_default().push(*id));
            waiting.insert(*id, parents.len());
            if parents.is_empty() {
                ready.insert((names.get(id), *id));
            }
        }
        let mut order = Vec::with_capacity(self.nodes.len());
        while let Some((_, id)) = ready.pop_first() {
            order.push(id);
            for child in children.remove(&id).unwrap_or_default() {
                let left = waiting.get_mut(&child).expect("every child was counted");
                *left -= 1;
                if *left == 0 {
                    ready.insert((names.get(&child), child));
                }
            }
        }
        order
    }
}

/// The walk itself: youngest first, from both ends at once.
struct Walk<'a> {
    objects: &'a dyn ObjectSource,
    history: History,
    /// Commits to expand: date, id.
    queue: BinaryHeap<(i64, ObjectId)>,
    /// Commits to expand that are not known to lie below the root.
    open: BTreeSet<ObjectId>,
}

impl Walk<'_> {
    /// Notes that `id` is reachable, from the root when `below`.
    fn reach(&mut self, id: ObjectId, below: bool) {
        let history = &mut self.history;
        if history.below.contains(&id) || history.broken.contains_key(&id) {
            return;
        }
        if let Entry::Vacant(vacant) = history.nodes.entry(id) {
            match read_node(self.objects, id) {
                Ok(node) => vacant.insert(node),
                Err(refusal) => return drop(history.broken.insert(id, refusal)),
            };
            self.open.insert(id);
        } else if !below {
            return;
        }
        if below {
            // What was expanded as new is expanded again, to spread the word downwards.
            self.open.remove(&id);
            history.below.insert(id);
        }
        self.queue.push((history.nodes[&id].committed_at, id));
    }

    fn run(&mut self) {
        let mut oldest_new = i64::MAX;
        let mut expanded = BTreeSet::new();
        while let Some((date, id)) = self.queue.pop() {
            if self.open.is_empty() && date < oldest_new.saturating_sub(SLOP) {
                break;
            }
            let below = self.history.below.contains(&id);
            if !expanded.insert((id, below)) {
                continue;
            }
            if !below {
                self.open.remove(&id);
                oldest_new = oldest_new.min(date);
            }
            for parent in self.history.nodes[&id].parents.clone() {
                self.reach(parent, below);
            }
        }
        let below = &self.history.below;
        self.history.nodes.retain(|id, _| !below.contains(id));
    }
}

/// Reads one commit for the graph.
pub fn read_node(objects: &dyn ObjectSource, id: ObjectId) -> Result<Node, Refusal> {
    let bytes = object::read(objects, id, ObjectKind::Commit)?;
    let commit = Commit::parse(&bytes)?;
    Ok(Node { tree: commit.tree, parents: commit.parents.clone(), committed_at: commit.committed_at })
}
