//! What is managed after an apply, and after tasks: the plan's word where its steps were done, the old one elsewhere.

use std::collections::BTreeSet;
use std::sync::Arc;

use cosmos_model::content::ContentHash;
use cosmos_model::managed::{ManagedEntry, ManagedKind, ManagedSet};
use cosmos_model::path::RelPath;
use cosmos_model::plan::{Action, Step};
use cosmos_model::snapshot::{Observed, Stat};

use super::execute::Outcome;
use crate::fs::{Cursor, FsError, OnPath as _, Root, stat_of};
use crate::observe::Observer;

/// Returns what is managed after `steps` ended as `outcomes` say: `managed` where they were done, `before` elsewhere.
pub(super) fn after(
    root: &Root,
    mut managed: ManagedSet,
    steps: &[Step],
    before: &ManagedSet,
    outcomes: &[Outcome],
    complete: bool,
) -> Result<ManagedSet, FsError> {
    if !complete {
        managed.commit = before.commit;
        take_back(&mut managed, before, steps, outcomes);
    }
    let mut by_path: Vec<usize> = (0..steps.len()).collect();
    // Of several steps of one path the last one stays the last.
    by_path.sort_by(|one, other| steps[*one].path().cmp(steps[*other].path()));
    let mut settling = Settling { cursor: Cursor::new(root), observer: Observer::new(root) };
    for (path, entry) in &mut managed.entries {
        let first = by_path.partition_point(|number| steps[*number].path() < path);
        let own = by_path[first..].iter().take_while(|number| steps[**number].path() == path);
        if !has_its_stat(own.map(|number| (&steps[*number], outcomes[*number]))) {
            settling.settle(path, entry, before.entries.get(path))?;
        }
    }
    Ok(managed)
}

/// Tells whether a path was given its stat by the last of its steps. Where that set owner and mode only, the content is
/// the one that was just compared, and all else is looked at anew; so is a path that was taken back.
fn has_its_stat<'s>(steps: impl Iterator<Item = (&'s Step, Outcome)> + Clone) -> bool {
    let sets = |action: &Action| matches!(action, Action::SetAttributes { .. });
    steps.clone().all(|(_, outcome)| outcome.is_done())
        && steps.last().is_some_and(|(step, outcome)| outcome == Outcome::Written && !sets(step.action()))
}

/// Lets paths be what they were whose steps were not done.
fn take_back(managed: &mut ManagedSet, before: &ManagedSet, steps: &[Step], outcomes: &[Outcome]) {
    let open = steps.iter().zip(outcomes).filter(|(_, outcome)| !outcome.is_done());
    let open: BTreeSet<&RelPath> = open.map(|(step, _)| step.path()).collect();
    managed.entries.retain(|path, _| !open.contains(path));
    let mut back = Vec::new();
    for path in open {
        if let Some(entry) = before.entries.get(path) {
            let name = before.layers.get(usize::from(entry.layer)).map_or("", |name| name);
            let layer = layer_index(managed, name);
            back.push((path.clone(), ManagedEntry { layer, ..entry.clone() }));
        }
    }
    managed.entries.extend(back);
}

/// Returns the position of the layer `name`, adding it if need be.
fn layer_index(managed: &mut ManagedSet, name: &str) -> u16 {
    let position = managed.layers.iter().position(|layer| **layer == *name).unwrap_or_else(|| {
        managed.layers.push(Arc::from(name));
        managed.layers.len() - 1
    });
    u16::try_from(position).expect("a host has far fewer than 65,536 layers")
}

struct Settling<'r> {
    cursor: Cursor<'r>,
    observer: Observer<'r>,
}

impl Settling<'_> {
    /// Gives `entry` the stat by which the next run recognises it, or marks it as one to look at again.
    fn settle(&mut self, path: &RelPath, entry: &mut ManagedEntry, old: Option<&ManagedEntry>) -> Result<(), FsError> {
        let now = self.stat(path)?;
        if let Some(old) = old
            && !old.unfinished
            && now == Some(old.stat)
            && (old.kind, old.hash) == (entry.kind, entry.hash)
        {
            entry.stat = old.stat;
            return Ok(());
        }
        let is_ours = agrees(entry, &self.observer.look(path, None)?);
        // The look is only worth something if nothing happened meanwhile.
        let must_give_way = entry.unfinished && entry.kind == ManagedKind::Directory;
        entry.unfinished = must_give_way || !is_ours || self.stat(path)? != now;
        entry.stat = Stat { size: entry.size, ..now.unwrap_or_default() };
        Ok(())
    }

    fn stat(&mut self, path: &RelPath) -> Result<Option<Stat>, FsError> {
        let Ok((directory, name)) = self.cursor.folder_of(path.as_bytes()) else { return Ok(None) };
        Ok(directory.stat(name).on("look at", path.as_bytes())?.map(|stat| stat_of(&stat)))
    }
}

fn agrees(entry: &ManagedEntry, found: &Observed) -> bool {
    entry.left_alone
        || match (entry.kind, found) {
            (ManagedKind::File, Observed::File { attributes, hash, .. }) => {
                (entry.hash, entry.attributes) == (*hash, *attributes)
            }
            (ManagedKind::Symlink, Observed::Symlink { target, .. }) => entry.hash == ContentHash::of(target),
            (ManagedKind::Directory, Observed::Directory(attributes)) => entry.attributes == *attributes,
            _ => false,
        }
}

/// What tasks did to managed paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TakenOver {
    /// Paths whose content, owner or mode changed.
    pub changed: Vec<RelPath>,
    /// Whether the managed set is another now, if only by the stat of a path that was merely touched.
    pub differs: bool,
}

/// Takes what tasks made of managed paths into `managed` (C11).
///
/// A path that a task removed or made another kind of thing is not taken over: that is drift.
///
/// # Errors
/// Returns the first path that could not be looked at.
pub fn take_over(root: &Root, managed: &mut ManagedSet) -> Result<TakenOver, FsError> {
    let mut settling = Settling { cursor: Cursor::new(root), observer: Observer::new(root) };
    let mut taken = TakenOver::default();
    for (path, entry) in &mut managed.entries {
        let Some(now) = settling.stat(path)? else { continue };
        let untouched = now == entry.stat && entry.kind != ManagedKind::Directory;
        if entry.left_alone || entry.unfinished || untouched {
            continue;
        }
        let found = settling.observer.look(path, None)?;
        if !agrees(entry, &found) && adopt(entry, &found) {
            entry.task_made = true;
            // When it changed tells which task it was.
            entry.stat = Stat { size: entry.size, ..now };
            taken.changed.push(path.clone());
            taken.differs = true;
        }
        if agrees(entry, &found) && entry.kind != ManagedKind::Directory {
            let settled = settling.stat(path)? == Some(now);
            entry.unfinished = !settled;
            entry.stat = Stat { size: entry.size, ..now };
            taken.differs = true;
        }
    }
    Ok(taken)
}

/// Lets `entry` say what was found, if it is of the same kind.
fn adopt(entry: &mut ManagedEntry, found: &Observed) -> bool {
    match (entry.kind, found) {
        (ManagedKind::File, Observed::File { attributes, size, hash }) => {
            (entry.attributes, entry.size, entry.hash) = (*attributes, *size, *hash);
            true
        }
        (ManagedKind::Symlink, Observed::Symlink { attributes, target, .. }) => {
            (entry.attributes, entry.size, entry.hash) = (*attributes, target.len() as u64, ContentHash::of(target));
            true
        }
        (ManagedKind::Directory, Observed::Directory(attributes)) => {
            entry.attributes = *attributes;
            true
        }
        _ => false,
    }
}
