//! Paths that should not be there: those that left the model, and those that `delete/` names (docs/formats.md §4).

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::desired::{is_ours, must_keep};
use super::{Planning, managed_layer, removal};
use crate::managed::{ManagedEntry, ManagedKind};
use crate::path::RelPath;
use crate::plan::{Action, Cause, NoteKind, Step};
use crate::snapshot::Observed;

/// What happens to a managed path that the model does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    /// It goes.
    Remove,
    /// It is gone already, or has become another path's business.
    Forget,
    /// It stays and is the host's from now on.
    Keep(String),
    /// It stays and is still ours, because the settings say so.
    Stay,
}

impl<'a> Planning<'a> {
    /// Plans what is to be absent.
    pub(super) fn absences(&mut self) {
        self.deletions();
        let mut staying = BTreeSet::new();
        let mut directories = Vec::new();
        let mut left_out = Vec::new();
        for (path, entry) in &self.managed.entries {
            if self.model.entries().contains_key(path) {
                continue;
            }
            if let Some(words) = self.model.held(path) {
                self.leave_held(path, words);
                staying.insert(path);
                continue;
            }
            if self.model.deletions().contains_key(path) {
                continue;
            }
            if !self.may_drop(path, entry) {
                left_out.push(path);
                self.carry(path, false);
            } else if entry.kind == ManagedKind::Directory {
                directories.push((path, entry));
            } else if !self.drop_path(path, entry) {
                staying.insert(path);
            }
        }
        for (path, entry) in directories.into_iter().rev() {
            if left_out.iter().any(|inside| inside.is_below(path)) {
                self.carry(path, false);
            } else {
                self.drop_directory(path, entry, &staying);
            }
        }
    }

    fn deletions(&mut self) {
        let model = self.model;
        for (path, layer) in model.deletions().iter().filter(|(path, layer)| self.extent.has(path, **layer)) {
            if let Some(words) = model.held(path) {
                // One that is managed is told of with the others that left.
                if !self.managed.entries.contains_key(path) {
                    self.note(path, NoteKind::Held, words);
                }
                continue;
            }
            let observed = self.observed(path);
            let previous = self.managed.entries.get(path);
            match &observed {
                Observed::File { .. } | Observed::Symlink { .. } if !self.links.is_wanted(path) => {
                    let layer = self.model.layers().get(usize::from(layer.0)).map_or("", |name| name);
                    let keep = must_keep(previous, &observed);
                    self.removals.push(removal(path, observed, Cause::Delete, layer, keep));
                }
                Observed::Blocked(why) => self.note(path, NoteKind::Blocked, why.clone()),
                _ => (),
            }
        }
    }

    /// Plans a file or symlink that left the model; tells whether it will be gone.
    fn drop_path(&mut self, path: &RelPath, entry: &ManagedEntry) -> bool {
        let fate = if self.is_another_name(path) { Fate::Forget } else { self.fate(path, entry) };
        match fate {
            Fate::Forget => return true,
            Fate::Remove => {
                let layer = managed_layer(self.managed, entry);
                self.removals.push(removal(path, self.observed(path), Cause::Dropped, layer, false));
                return true;
            }
            Fate::Keep(why) => self.note(path, NoteKind::Kept, why),
            Fate::Stay => {
                self.note(path, NoteKind::Kept, "it left the model, and remove-dropped is off");
                self.carry(path, false);
            }
        }
        false
    }

    /// Tells whether what a managed path once was is decided under another name of it (A38).
    fn is_another_name(&self, path: &RelPath) -> bool {
        self.links.is_wanted(path) || self.links.is_second_name(path)
    }

    /// Returns a path in `directory` that this plan does not remove, if there is one.
    pub(super) fn staying_in(&self, directory: &RelPath) -> Option<&'a RelPath> {
        let snapshot = self.snapshot;
        let inside = snapshot
            .paths
            .starting_at(directory)
            .take_while(|(path, _)| path.as_bytes().starts_with(directory.as_bytes()));
        let stays = |(path, found): &(&'a RelPath, &'a Observed)| path.is_below(directory) && !self.goes(path, found);
        snapshot.foreign.get(directory).or_else(|| inside.into_iter().find(stays).map(|(path, _)| path))
    }

    /// Tells whether a path that the model does not install will be gone after this plan.
    fn goes(&self, path: &RelPath, found: &Observed) -> bool {
        let removable = matches!(found, Observed::File { .. } | Observed::Symlink { .. });
        match (found, self.managed.entries.get(path)) {
            (Observed::Absent | Observed::Blocked(_), _) => true,
            _ if self.is_another_name(path) => false,
            _ if self.model.held(path).is_some() => false,
            _ if self.model.deletions().contains_key(path) => removable,
            (Observed::Directory(_), Some(entry)) if entry.kind == ManagedKind::Directory => {
                entry.found.is_none() && self.settings.remove_dropped
            }
            (_, Some(entry)) => self.may_drop(path, entry) && removable && self.fate(path, entry) == Fate::Remove,
            (_, None) => false,
        }
    }

    fn fate(&self, path: &RelPath, entry: &ManagedEntry) -> Fate {
        let keep = |why: &str| Fate::Keep(String::from(why));
        match self.observed(path) {
            Observed::Absent => return Fate::Forget,
            Observed::Blocked(why) => return Fate::Keep(why),
            observed if !is_ours(Some(entry), &observed) => {
                return keep("it left the model, but was changed on this host");
            }
            _ => (),
        }
        if entry.found.is_some() {
            keep("it left the model, but was there before cosmos")
        } else if self.snapshot.conffiles.contains(path) {
            keep("it left the model, but belongs to a package")
        } else if self.settings.remove_dropped {
            Fate::Remove
        } else {
            Fate::Stay
        }
    }

    /// Plans a directory that left the model: one that we made goes when nothing of ours stays in it.
    fn drop_directory(&mut self, path: &RelPath, entry: &ManagedEntry, staying: &BTreeSet<&RelPath>) {
        // What is in the way of a file goes as a whole, once nothing foreign is in it.
        let is_waiting = self.snapshot.foreign.keys().any(|folder| path.is_below(folder));
        if !self.settings.remove_dropped || is_waiting {
            return self.carry(path, false);
        }
        if entry.found.is_some() || self.is_another_name(path) {
            return;
        }
        // It goes with what is held in it, once that may go.
        if staying.iter().any(|other| other.is_below(path) && self.model.held(other).is_some()) {
            return self.carry(path, false);
        }
        let observed = self.observed(path);
        let holds = staying.iter().any(|other| other.is_below(path)) || self.links.hold(path);
        match observed {
            Observed::Directory(_) if !holds => {
                let step = removal(path, observed, Cause::Dropped, managed_layer(self.managed, entry), false);
                self.folder_removals.push(Step { action: Action::RemoveDirectory, ..step });
            }
            Observed::Directory(_) | Observed::Absent => (),
            _ => self.note(path, NoteKind::Kept, "it left the model, but was changed on this host"),
        }
    }
}
