//! The steps of one path of the model.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

use super::desired::{Desired, NO_CONTENT, content_found, is_ours, must_keep};
use super::{Planning, removal};
use crate::content::ContentHash;
use crate::layer::{FilePolicy, Owner};
use crate::managed::{ManagedEntry, ManagedKind};
use crate::path::RelPath;
use crate::plan::{Action, Cause, NoteKind, Step};
use crate::snapshot::{Attributes, Observed, Stat};
use crate::staged::{StagedEntry, StagedKind};

impl<'a> Planning<'a> {
    /// Plans one path; paths come in order, so that a directory is decided before what it holds.
    pub(super) fn entry(&mut self, path: &'a RelPath, entry: &'a StagedEntry) {
        if self.extent.has(path, entry.layer) {
            return self.planned(path, entry);
        }
        if entry.kind == StagedKind::Directory && self.extent.needs(path, self.model) {
            // Its layer waits, and others' files go into it: nothing but the folder itself is made.
            let plain = StagedEntry { mode: None, owner: Owner::Default, group: Owner::Default, ..entry.clone() };
            return self.planned(path, &plain);
        }
        self.leave_out(path, entry);
    }

    fn planned(&mut self, path: &'a RelPath, entry: &StagedEntry) {
        if self.blocked.as_ref().is_some_and(|blocked| path.is_below(blocked)) {
            return self.carry(path, false);
        }
        if let Some(other) = self.links.shadow_of(path, self.model) {
            let text = format!("on this host it is the same as '{other}', which the model has too");
            self.blocked = (entry.kind == StagedKind::Directory).then(|| path.clone()).or(self.blocked.take());
            return self.note(path, NoteKind::Blocked, text);
        }
        if let Some(words) = self.model.held(path) {
            return self.leave_held(path, words);
        }
        let observed = self.observed(path);
        let Some(desired) = self.desired(path, entry, &observed) else { return };
        let subject = Subject { path, entry, desired, observed, previous: self.previous(path) };
        match (&subject.observed, entry.policy) {
            (Observed::Blocked(why), _) => self.block(&subject, why.clone()),
            (Observed::Other, _) => self.block(&subject, String::from("a device, pipe or socket is in the way")),
            (Observed::Absent, FilePolicy::Enforce | FilePolicy::CreateOnly) => self.create(&subject),
            (Observed::Absent, _) if entry.kind == StagedKind::Directory => self.create(&subject),
            (_, FilePolicy::Report) => self.report(&subject),
            (_, FilePolicy::CreateOnly) => self.leave_alone(&subject),
            (_, FilePolicy::Enforce) => self.enforce(&subject),
        }
    }

    fn enforce(&mut self, subject: &Subject<'_>) {
        match (&subject.entry.kind, &subject.observed) {
            (StagedKind::Directory, Observed::Directory(found)) => self.standing_directory(subject, *found),
            (StagedKind::Directory, _) => self.directory_over(subject),
            (_, Observed::Directory(_)) => self.over_directory(subject),
            (StagedKind::File(_), Observed::File { attributes, hash, .. }) => self.file(subject, *attributes, *hash),
            (StagedKind::Symlink(wanted), Observed::Symlink { target, attributes, .. }) if wanted == target => {
                let owners = (subject.desired.attributes.uid, subject.desired.attributes.gid);
                if (attributes.uid, attributes.gid) == owners || self.is_task_attributes(subject, *attributes) {
                    self.settle(subject, subject.desired, false);
                } else {
                    self.write(subject);
                }
            }
            _ => self.write(subject),
        }
    }

    fn file(&mut self, subject: &Subject<'_>, found: Attributes, hash: ContentHash) {
        let by_task = subject.desired.is_task_content(subject.previous, hash);
        if hash != subject.desired.hash && !by_task {
            return self.write(subject);
        }
        let mut settled = subject.desired;
        if let (true, Some(previous)) = (by_task, subject.previous) {
            (settled.hash, settled.size) = (previous.hash, previous.size);
        }
        if found == subject.desired.attributes || self.is_task_attributes(subject, found) {
            settled.attributes = found;
        } else {
            self.attributes(subject);
        }
        self.settle(subject, settled, false);
    }

    /// Tells whether a task of ours set the attributes found, for this very revision (C11).
    ///
    /// A later revision sets them anew, since the set does not say what the model wanted when the task changed them.
    fn is_task_attributes(&self, subject: &Subject<'_>, found: Attributes) -> bool {
        let same_revision = self.managed.commit == Some(self.model.commit());
        same_revision && subject.previous.is_some_and(|entry| entry.task_made && entry.attributes == found)
    }

    fn standing_directory(&mut self, subject: &Subject<'_>, found: Attributes) {
        let mut settled = subject.desired;
        if self.is_task_attributes(subject, found) {
            settled.attributes = found;
        } else if settled.attributes != found {
            self.attributes(subject);
        }
        // A directory that others made is only ours to watch where a layer names its attributes.
        let made_by_us = subject.previous.is_some_and(|entry| entry.kind == ManagedKind::Directory);
        let StagedEntry { mode, owner, group, .. } = subject.entry;
        if made_by_us || mode.is_some() || *owner != Owner::Default || *group != Owner::Default {
            self.settle(subject, settled, false);
        }
    }

    /// A directory is wanted where a file or symlink is.
    fn directory_over(&mut self, subject: &Subject<'_>) {
        let ours = is_ours(subject.previous, &subject.observed);
        match &subject.observed {
            // The operator's own symlink to a directory stands for the directory (A38).
            Observed::Symlink { to_directory: true, .. } if !ours => {}
            // Somebody else's symlink, or one that leads nowhere: neither followed nor replaced (A39).
            Observed::Symlink { target, .. } if !ours => {
                let shown = crate::escape::for_terminal(target);
                self.block(subject, format!("a symlink to '{shown}' is in the way of a directory"));
            }
            _ => {
                let keep = must_keep(subject.previous, &subject.observed);
                let cause = subject.desired.cause(subject.previous);
                let layer = self.layer_name(subject.entry);
                self.removals.push(removal(subject.path, subject.observed.clone(), cause, &layer, keep));
                let absent = Subject { observed: Observed::Absent, ..subject.clone() };
                self.create(&absent);
            }
        }
    }

    /// A file or symlink is wanted where a directory is: only one that we made, and that can be empty, makes way.
    fn over_directory(&mut self, subject: &Subject<'_>) {
        // Known under another name only, nobody looked at what else is in it.
        let Some(previous) = self.managed.entries.get(subject.path) else {
            return self.note(subject.path, NoteKind::Blocked, "a directory is in the way");
        };
        let made_by_us = previous.kind == ManagedKind::Directory && previous.found.is_none();
        if !made_by_us || self.links.hold(subject.path) {
            return self.block_by_directory(subject, String::from("a directory is in the way"));
        }
        if let Some(staying) = self.staying_in(subject.path) {
            let why = format!("a directory is in the way, and '{staying}' in it stays");
            return self.block_by_directory(subject, why);
        }
        let layer = self.layer_name(subject.entry);
        let step = removal(subject.path, subject.observed.clone(), Cause::Release, &layer, false);
        self.folder_removals.push(Step { action: Action::RemoveDirectory, ..step });
        let absent = Subject { observed: Observed::Absent, ..subject.clone() };
        self.create(&absent);
    }

    fn create(&mut self, subject: &Subject<'_>) {
        if subject.entry.kind == StagedKind::Directory && !self.is_below_fresh(subject.path) {
            self.fresh.push(subject.path.clone());
        }
        self.write(subject);
    }

    /// Makes the path anew, whatever file or symlink is there.
    fn write(&mut self, subject: &Subject<'_>) {
        let attributes = subject.desired.attributes;
        let action = match &subject.entry.kind {
            StagedKind::File(content) => Action::WriteFile { content: *content, attributes },
            StagedKind::Symlink(target) => Action::MakeSymlink { target: target.clone(), attributes },
            StagedKind::Directory => Action::MakeDirectory { attributes },
        };
        let keep = !subject.desired.secret && must_keep(subject.previous, &subject.observed);
        self.step(subject, action, keep);
        self.settle(subject, subject.desired, keep);
    }

    fn attributes(&mut self, subject: &Subject<'_>) {
        self.step(subject, Action::SetAttributes { attributes: subject.desired.attributes }, false);
    }

    fn step(&mut self, subject: &Subject<'_>, action: Action, keep: bool) {
        self.creations.push(Step {
            path: subject.path.clone(),
            expects: subject.observed.clone(),
            action,
            cause: subject.desired.cause(subject.previous),
            layer: self.layer_name(subject.entry),
            task: subject.entry.changed_by.clone(),
            keep,
            secret: subject.desired.secret || subject.previous.is_some_and(|entry| entry.secret),
        });
    }

    /// Remembers the path as it will be.
    fn settle(&mut self, subject: &Subject<'_>, settled: Desired, kept: bool) {
        let there = match (&subject.observed, settled.kind) {
            (Observed::Directory(_), ManagedKind::Directory) => Some(NO_CONTENT),
            (observed, _) => content_found(observed),
        };
        let (found, found_kept) = match subject.previous {
            // A directory made in the place of a file is all ours: what the file was cannot come back into it.
            _ if settled.kind == ManagedKind::Directory && there != Some(NO_CONTENT) => (None, false),
            Some(entry) => (entry.found, entry.found_kept || (kept && entry.found == there)),
            None => (there, kept),
        };
        let untouched = subject.previous.filter(|entry| entry.hash == settled.hash && entry.kind == settled.kind);
        let entry = ManagedEntry {
            kind: settled.kind,
            attributes: settled.attributes,
            size: settled.size,
            hash: settled.hash,
            blob: settled.blob,
            stat: untouched.map_or_else(Stat::default, |entry| entry.stat),
            layer: subject.entry.layer.0,
            found,
            found_kept,
            task_made: untouched.is_some_and(|entry| entry.task_made && entry.hash == settled.hash),
            unfinished: false,
            secret: settled.secret,
            left_alone: subject.entry.policy != FilePolicy::Enforce,
        };
        self.after.push((subject.path.clone(), entry));
    }

    fn block(&mut self, subject: &Subject<'_>, why: String) {
        if subject.entry.kind == StagedKind::Directory {
            self.blocked = Some(subject.path.clone());
        }
        self.note(subject.path, NoteKind::Blocked, why);
        self.carry(subject.path, false);
    }

    fn block_by_directory(&mut self, subject: &Subject<'_>, why: String) {
        self.block(subject, why);
        if let (Some(_), Some((_, entry))) = (subject.previous, self.after.last_mut()) {
            // Nothing about the directory itself tells when it is empty: the next run has to look again.
            entry.unfinished = true;
        }
    }

    /// Says how a path differs that its policy only reports.
    fn report(&mut self, subject: &Subject<'_>) {
        let wanted = subject.desired;
        let what = match (&subject.observed, &subject.entry.kind) {
            (Observed::Absent, _) => Some("is missing"),
            (Observed::File { hash, .. }, StagedKind::File(_)) if *hash != wanted.hash => Some("has other content"),
            (Observed::Symlink { target, .. }, StagedKind::Symlink(other)) if target != other => {
                Some("points elsewhere")
            }
            (Observed::Symlink { .. }, StagedKind::Symlink(_)) => None,
            (Observed::Symlink { to_directory: true, .. }, StagedKind::Directory) => None,
            (Observed::File { attributes, .. }, StagedKind::File(_))
            | (Observed::Directory(attributes), StagedKind::Directory) => {
                (*attributes != wanted.attributes).then_some("has another owner or mode")
            }
            _ => Some("is of another type"),
        };
        if let Some(what) = what {
            self.note(subject.path, NoteKind::Reported, what);
        }
        self.leave_alone(subject);
    }

    /// Remembers a path that the host may change, as it is.
    fn leave_alone(&mut self, subject: &Subject<'_>) {
        if subject.previous.is_some() {
            return self.carry(subject.path, true);
        }
        let (kind, attributes, size) = match &subject.observed {
            Observed::File { attributes, size, .. } => (ManagedKind::File, *attributes, *size),
            Observed::Symlink { attributes, target, .. } => (ManagedKind::Symlink, *attributes, target.len() as u64),
            _ => return,
        };
        let hash = content_found(&subject.observed).unwrap_or(NO_CONTENT);
        let as_found = Desired { kind, attributes, size, hash, blob: None, secret: subject.desired.secret };
        self.settle(subject, as_found, false);
    }

    fn layer_name(&self, entry: &StagedEntry) -> Arc<str> {
        self.model.layers().get(usize::from(entry.layer.0)).cloned().unwrap_or_default()
    }
}

/// One path while it is being planned.
#[derive(Clone)]
struct Subject<'t> {
    path: &'t RelPath,
    entry: &'t StagedEntry,
    desired: Desired,
    observed: Observed,
    previous: Option<&'t ManagedEntry>,
}
