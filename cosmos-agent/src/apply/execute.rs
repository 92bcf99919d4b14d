//! Doing steps: each looks once more at what it is about to change, and changes nothing else.

mod change;
mod exchange;
mod make;

use std::collections::{BTreeMap, BTreeSet};

use cosmos_model::content::ContentHash;
use cosmos_model::managed::ManagedSet;
use cosmos_model::path::RelPath;
use cosmos_model::plan::{Action, Plan, Step};
use cosmos_model::snapshot::{Observed, Stat};
use nix::errno::Errno;

use super::batch::{Batch, Pending, Unsynced};
use super::folder::StateFolder;
use super::{Contents, Progress, RefusedStep, StepError, backup};
use crate::fs::{Cursor, Directory, FsError, Obstacle, OnPath as _, Root, stat_of};
use crate::observe::look_at;
pub(super) use exchange::{is_occupied, take_apart};

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Not done: a step before it failed.
    Open,
    /// Not done: the host had moved.
    Refused,
    /// Done.
    Done,
    /// Done, and the managed set says how the file or symlink looked right after.
    Written,
}

impl Outcome {
    pub(super) const fn is_done(self) -> bool {
        matches!(self, Self::Done | Self::Written)
    }
}

/// The plan under way.
pub(super) struct Execution<'a> {
    root: &'a Root,
    state: &'a StateFolder,
    plan: &'a Plan,
    /// What is managed after the plan: each path is given its stat when it was written.
    managed: &'a mut ManagedSet,
    contents: &'a dyn Contents,
    run: String,
    cursor: Cursor<'a>,
    chunk: Vec<u8>,
    batch: Batch,
    outcomes: Vec<Outcome>,
    refused: Vec<RefusedStep>,
    /// Paths that earlier steps of this plan removed: nothing is expected there any more.
    removed: BTreeSet<&'a RelPath>,
    /// Steps that make a path another type, each with the one that removes what is there: the two are done as one.
    exchanges: BTreeMap<usize, usize>,
    /// The latter of the two, which are not done by themselves.
    exchanged: BTreeSet<usize>,
    kept: BTreeSet<ContentHash>,
}

/// Puts the folders on disk that the steps of `plan` changed and `batch` knows.
pub(super) fn sync_folders(plan: &Plan, batch: &mut Batch) -> Result<(), FsError> {
    batch.sync_folders().map_err(|of| unsynced(plan, "put on disk the folder of", of))
}

fn unsynced(plan: &Plan, action: &'static str, (number, errno): Unsynced) -> FsError {
    FsError::call(action, plan.steps()[number].path().as_bytes(), errno)
}

/// A step with the place it happens in.
struct Place<'a> {
    number: usize,
    step: &'a Step,
    directory: Directory,
    name: &'a [u8],
}

impl Place<'_> {
    fn path(&self) -> &[u8] {
        self.step.path().as_bytes()
    }
}

impl<'a> Execution<'a> {
    pub(super) fn new(
        root: &'a Root,
        state: &'a StateFolder,
        (plan, managed): (&'a Plan, &'a mut ManagedSet),
        contents: &'a dyn Contents,
        run: String,
    ) -> Self {
        let exchanges = exchange::pairs(plan);
        Self {
            root,
            state,
            plan,
            managed,
            contents,
            run,
            cursor: Cursor::new(root),
            chunk: Vec::new(),
            batch: Batch::default(),
            outcomes: vec![Outcome::Open; plan.steps().len()],
            refused: Vec::new(),
            removed: BTreeSet::new(),
            exchanged: exchanges.values().copied().collect(),
            exchanges,
            kept: BTreeSet::new(),
        }
    }

    /// Does all steps in order; on an error no temporary file stays.
    pub(super) fn all(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(), StepError> {
        let result = self.steps(progress);
        if result.is_err() {
            for pending in self.batch.take() {
                // Best effort: what cannot be removed now is named in the journal or removed by the next run.
                let _ = pending.directory.unlink(&pending.temporary);
            }
            let _ = self.batch.sync_folders();
        }
        result
    }

    fn steps(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<(), StepError> {
        let total = self.plan.steps().len();
        for (number, step) in self.plan.steps().iter().enumerate() {
            self.step(number, step)?;
            if self.batch.is_full() {
                self.put_in_place()?;
                progress(Progress { done: number + 1, total });
            }
        }
        self.put_in_place()?;
        progress(Progress { done: total, total });
        Ok(())
    }

    /// Returns what became of each step, the refusals, the hashes of the backups made, and the folders that are to be
    /// put on disk yet.
    pub(super) fn end(self) -> (Vec<Outcome>, Vec<RefusedStep>, BTreeSet<ContentHash>, Batch) {
        (self.outcomes, self.refused, self.kept, self.batch)
    }

    fn step(&mut self, number: usize, step: &'a Step) -> Result<(), StepError> {
        let place = match self.cursor.folder_of(step.path().as_bytes()) {
            Ok((directory, name)) => Place { number, step, directory: directory.clone(), name },
            Err(Obstacle::Missing) => {
                self.refuse(number, step, "its folder is not there");
                return Ok(());
            }
            Err(Obstacle::Blocked(reason)) => {
                self.refuse(number, step, &reason);
                return Ok(());
            }
            Err(Obstacle::Failed(error)) => return Err(error.into()),
        };
        if step.keep() && !self.keep(&place)? {
            self.refuse(number, step, "its content changed after it was looked at");
            return Ok(());
        }
        match step.action() {
            Action::WriteFile { content, attributes } => self.write_file(&place, content, *attributes),
            Action::MakeSymlink { target, attributes } => Ok(self.write_symlink(&place, target, *attributes)?),
            Action::MakeDirectory { attributes } => match self.exchanges.get(&number) {
                Some(removal) => Ok(self.exchange_for_directory(&place, *attributes, *removal)?),
                None => Ok(self.make_directory(&place, *attributes)?),
            },
            Action::SetAttributes { attributes } => Ok(self.set_attributes(&place, *attributes)?),
            Action::Remove | Action::RemoveDirectory if self.exchanged.contains(&number) => Ok(()),
            Action::Remove => Ok(self.remove(&place)?),
            Action::RemoveDirectory => Ok(self.remove_directory(&place)?),
        }
    }

    fn refuse(&mut self, number: usize, step: &Step, reason: &str) {
        self.outcomes[number] = Outcome::Refused;
        self.refused.push(RefusedStep { step: number, path: step.path().clone(), reason: reason.to_owned() });
    }

    fn refuse_moved(&mut self, place: &Place<'_>) {
        self.refuse(place.number, place.step, MOVED);
    }

    /// Looks whether the path still is what the plan expects.
    fn is_expected(&mut self, directory: &Directory, name: &[u8], step: &Step) -> Result<bool, FsError> {
        let found = look_at(self.root, directory, name, step.path(), None, &mut self.chunk)?;
        if self.removed.contains(step.path()) {
            return Ok(found == Observed::Absent);
        }
        Ok(match (step.expects(), &found) {
            // What was behind an obstacle is absent once the steps before took the obstacle away.
            (Observed::Absent | Observed::Blocked(_), Observed::Absent) => true,
            (
                Observed::Symlink { target, attributes, .. },
                Observed::Symlink { target: now, attributes: owner, .. },
            ) => target == now && attributes == owner,
            (Observed::Directory(_), Observed::Directory(_)) if *step.action() == Action::RemoveDirectory => true,
            (Observed::Other, _) => false,
            (expected, found) => expected == found,
        })
    }

    /// Puts what is at the path into the backup store; tells whether it was what the plan expects.
    fn keep(&mut self, place: &Place<'_>) -> Result<bool, FsError> {
        match place.step.expects() {
            Observed::File { hash, .. } => {
                let mut file = match place.directory.open_file(place.name) {
                    Ok(file) => file,
                    Err(Errno::ENOENT | Errno::ELOOP) => return Ok(false),
                    Err(errno) => return Err(errno).on("open", place.path()),
                };
                self.kept.insert(*hash);
                backup::keep_file(self.state, &mut file, *hash)
            }
            Observed::Symlink { target, .. } => {
                self.kept.insert(ContentHash::of(target));
                backup::keep_bytes(self.state, target).map(|()| true)
            }
            _ => Ok(true),
        }
    }

    fn done(&mut self, place: &Place<'_>) -> Result<(), FsError> {
        self.outcomes[place.number] = Outcome::Done;
        self.batch.touch(place.number, place.directory.clone()).on("look at the folder of", place.path())
    }

    /// Syncs what is pending, then renames it.
    fn put_in_place(&mut self) -> Result<(), StepError> {
        self.batch.sync_files().map_err(|of| unsynced(self.plan, "put on disk", of))?;
        let mut pending = self.batch.take().into_iter();
        while let Some(next) = pending.next() {
            if let Err(error) = self.rename(&next) {
                for left in std::iter::once(next).chain(pending) {
                    // Best effort: the error that matters is the one before.
                    let _ = left.directory.unlink(&left.temporary);
                }
                return Err(error.into());
            }
        }
        if self.batch.has_many_folders() {
            sync_folders(self.plan, &mut self.batch)?;
        }
        self.cursor.forget();
        Ok(())
    }

    fn rename(&mut self, pending: &Pending) -> Result<(), FsError> {
        let step = &self.plan.steps()[pending.number];
        let (directory, name, path) = (&pending.directory, step.path().name(), step.path().as_bytes());
        let exchanged = self.exchanges.get(&pending.number).copied();
        let expected = match exchanged {
            Some(removal) => self.is_replaceable(directory, name, removal)?,
            None => self.is_expected(directory, name, step)?,
        };
        if !expected {
            directory.unlink(&pending.temporary).on("remove the temporary file of", path)?;
            self.refuse(pending.number, step, MOVED);
            return Ok(());
        }
        match exchanged {
            Some(removal) => {
                if !self.put_in_place_of_another_type(pending, removal)? {
                    self.refuse(pending.number, step, MOVED);
                    return Ok(());
                }
                Ok(())
            }
            None if matches!(step.expects(), Observed::Absent) => put_new(directory, &pending.temporary, name),
            None => directory.rename(&pending.temporary, name),
        }
        .on("put in place", path)?;
        let now = directory.stat(name).on("look at", path)?.map(|stat| stat_of(&stat));
        // The rename moves the change time; all else must be what we wrote, or the next run looks at the content.
        let ours = now.filter(|now| Stat { changed: pending.stat.changed, ..*now } == pending.stat);
        let entry = self.managed.entries.get_mut(step.path());
        self.outcomes[pending.number] = match ours.zip(entry) {
            Some((stat, entry)) => {
                entry.stat = stat;
                Outcome::Written
            }
            None => Outcome::Done,
        };
        Ok(())
    }
}

/// Why a step is refused whose path is not what the plan saw.
const MOVED: &str = "it changed after it was looked at";

/// Renames `temporary` to `name`, where nothing was a moment ago.
fn put_new(directory: &Directory, temporary: &[u8], name: &[u8]) -> nix::Result<()> {
    match directory.rename_new(temporary, name) {
        // Not every file system can promise it; the look before then has to do.
        Err(Errno::EINVAL | Errno::ENOSYS) => directory.rename(temporary, name),
        renamed => renamed,
    }
}
