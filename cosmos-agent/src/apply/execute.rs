//! Doing steps: each looks once more at what it is about to change, and changes nothing else.

use std::collections::BTreeSet;
use std::os::fd::AsFd as _;

use cosmos_model::content::{Content, ContentHash};
use cosmos_model::path::RelPath;
use cosmos_model::plan::{Action, Plan, Step};
use cosmos_model::snapshot::{Attributes, Observed, Stat};
use nix::errno::Errno;

use super::batch::{Batch, Pending, Unsynced};
use super::folder::StateFolder;
use super::journal::temporary_name;
use super::{Contents, Progress, RefusedStep, StepError, backup};
use crate::fs::{Cursor, Directory, FsError, Kind, Obstacle, OnPath as _, Root, extended, kind_of, stat_of, write};
use crate::observe::look_at;

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Not done: a step before it failed.
    Open,
    /// Not done: the host had moved.
    Refused,
    /// Done; a file or symlink looked like this right after.
    Done(Option<Stat>),
}

impl Outcome {
    pub(super) const fn is_done(self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// The plan under way.
pub(super) struct Execution<'a> {
    root: &'a Root,
    state: &'a StateFolder,
    plan: &'a Plan,
    contents: &'a dyn Contents,
    run: String,
    cursor: Cursor<'a>,
    chunk: Vec<u8>,
    batch: Batch,
    outcomes: Vec<Outcome>,
    refused: Vec<RefusedStep>,
    /// Paths that earlier steps of this plan removed: nothing is expected there any more.
    removed: BTreeSet<&'a RelPath>,
    kept: BTreeSet<ContentHash>,
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
        plan: &'a Plan,
        contents: &'a dyn Contents,
        run: String,
    ) -> Self {
        Self {
            root,
            state,
            plan,
            contents,
            run,
            cursor: Cursor::new(root),
            chunk: Vec::new(),
            batch: Batch::default(),
            outcomes: vec![Outcome::Open; plan.steps().len()],
            refused: Vec::new(),
            removed: BTreeSet::new(),
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
        self.sync_folders()?;
        progress(Progress { done: total, total });
        Ok(())
    }

    /// Returns what became of each step, the refusals, and the hashes of the backups made.
    pub(super) fn end(self) -> (Vec<Outcome>, Vec<RefusedStep>, BTreeSet<ContentHash>) {
        (self.outcomes, self.refused, self.kept)
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
            Action::MakeDirectory { attributes } => Ok(self.make_directory(&place, *attributes)?),
            Action::SetAttributes { attributes } => Ok(self.set_attributes(&place, *attributes)?),
            Action::Remove => Ok(self.remove(&place)?),
            Action::RemoveDirectory => Ok(self.remove_directory(&place)?),
        }
    }

    fn refuse(&mut self, number: usize, step: &Step, reason: &str) {
        self.outcomes[number] = Outcome::Refused;
        self.refused.push(RefusedStep { step: number, path: step.path().clone(), reason: reason.to_owned() });
    }

    fn refuse_moved(&mut self, place: &Place<'_>) {
        self.refuse(place.number, place.step, "it changed after it was looked at");
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

    fn write_file(&mut self, place: &Place<'_>, content: &Content, attributes: Attributes) -> Result<(), StepError> {
        let path = place.step.path();
        let read = self.contents.read(path, content);
        let bytes = read.map_err(|source| StepError::Content { path: path.clone(), source })?;
        if ContentHash::of(&bytes) != content.hash {
            return Err(StepError::OtherContent { path: path.clone() });
        }
        // Capabilities were given to the content that goes.
        Ok(self.add_file(place, &bytes, attributes, &[extended::LABEL])?)
    }

    /// Writes a temporary file, which takes over the attributes `kept` from the file that it will replace.
    fn add_file(
        &mut self,
        place: &Place<'_>,
        bytes: &[u8],
        attributes: Attributes,
        kept: &[&str],
    ) -> Result<(), FsError> {
        let temporary = temporary_name(&self.run, place.number);
        let is_foreign = self.is_foreign(place)?;
        let replaces = matches!(place.step.expects(), Observed::File { .. });
        let written = place.directory.create(&temporary).and_then(|mut file| {
            write::write_all(&mut file, bytes)?;
            if is_foreign {
                extended::drop_access_lists(file.as_fd())?;
            }
            write::set_attributes(&file, attributes)?;
            if replaces {
                extended::take_over(&place.directory, place.name, file.as_fd(), kept)?;
            }
            let stat = stat_of(&nix::sys::stat::fstat(&file)?);
            Ok((file, stat))
        });
        if written.is_err() {
            // Best effort: it may not exist, and the error that matters is the one before.
            let _ = place.directory.unlink(&temporary);
        }
        let (file, stat) = written.on("write", place.path())?;
        self.pend(place, temporary, Some(file), stat)
    }

    /// Tells whether the step's folder belongs to somebody whose access lists say nothing about our files.
    fn is_foreign(&self, place: &Place<'_>) -> Result<bool, FsError> {
        let folder = place.directory.stat_self().on("look at the folder of", place.path())?;
        Ok(folder.st_uid != self.root.default_owner().0)
    }

    fn write_symlink(&mut self, place: &Place<'_>, target: &[u8], attributes: Attributes) -> Result<(), FsError> {
        let temporary = temporary_name(&self.run, place.number);
        let made = place.directory.make_symlink(target, &temporary).and_then(|()| {
            place.directory.own_symlink(&temporary, attributes)?;
            place.directory.stat(&temporary)?.ok_or(Errno::ENOENT)
        });
        if made.is_err() {
            // Best effort, as above.
            let _ = place.directory.unlink(&temporary);
        }
        let stat = stat_of(&made.on("make the symlink", place.path())?);
        self.pend(place, temporary, None, stat)
    }

    fn pend(
        &mut self,
        place: &Place<'_>,
        temporary: Vec<u8>,
        file: Option<std::fs::File>,
        stat: Stat,
    ) -> Result<(), FsError> {
        let pending = Pending { number: place.number, directory: place.directory.clone(), temporary, file, stat };
        self.batch.push(pending).on("look at the folder of", place.path())
    }

    fn make_directory(&mut self, place: &Place<'_>, attributes: Attributes) -> Result<(), FsError> {
        if !self.is_expected(&place.directory, place.name, place.step)? {
            self.refuse_moved(place);
            return Ok(());
        }
        place.directory.make_directory(place.name, attributes.mode).on("make the directory", place.path())?;
        // From here on it is ours, also when the rest fails: what is not known to be ours never leaves the host.
        self.done(place)?;
        if self.is_foreign(place)? {
            place.directory.drop_access_lists(place.name).on("set owner and mode of", place.path())?;
        }
        let is_ours = |stat: &nix::sys::stat::FileStat| kind_of(stat) == Kind::Directory;
        let set = place.directory.set_attributes(place.name, attributes, is_ours);
        set.map(|_| ()).on("set owner and mode of", place.path())
    }

    fn set_attributes(&mut self, place: &Place<'_>, attributes: Attributes) -> Result<(), FsError> {
        let before = place.directory.stat(place.name).on("look at", place.path())?;
        let (Some(before), true) = (before, self.is_expected(&place.directory, place.name, place.step)?) else {
            self.refuse_moved(place);
            return Ok(());
        };
        if kind_of(&before) == Kind::File && before.st_nlink > 1 {
            let same_owner = (before.st_uid, before.st_gid) == (attributes.uid, attributes.gid);
            return self.break_link(place, attributes, same_owner);
        }
        let same = |stat: &nix::sys::stat::FileStat| (stat.st_dev, stat.st_ino) == (before.st_dev, before.st_ino);
        let set = place.directory.set_attributes(place.name, attributes, same);
        if !set.on("set owner and mode of", place.path())? {
            self.refuse_moved(place);
            return Ok(());
        }
        self.done(place)
    }

    /// Gives the path an inode of its own: its other names may be somebody's trap (A39).
    ///
    /// The content stays, and with it what it was given; but for capabilities under another owner, as for any `chown`.
    fn break_link(&mut self, place: &Place<'_>, attributes: Attributes, same_owner: bool) -> Result<(), FsError> {
        let mut bytes = Vec::new();
        let mut file = place.directory.open_file(place.name).on("open", place.path())?;
        std::io::Read::read_to_end(&mut file, &mut bytes).on("read", place.path())?;
        let kept: &[&str] = if same_owner { &[extended::LABEL, extended::CAPABILITIES] } else { &[extended::LABEL] };
        self.add_file(place, &bytes, attributes, kept)
    }

    fn remove(&mut self, place: &Place<'_>) -> Result<(), FsError> {
        if !self.is_expected(&place.directory, place.name, place.step)? {
            self.refuse_moved(place);
            return Ok(());
        }
        place.directory.unlink(place.name).on("remove", place.path())?;
        self.gone(place)
    }

    fn remove_directory(&mut self, place: &Place<'_>) -> Result<(), FsError> {
        if !self.is_expected(&place.directory, place.name, place.step)? {
            self.refuse_moved(place);
            return Ok(());
        }
        match place.directory.remove_directory(place.name) {
            Ok(()) => self.gone(place),
            // Somebody keeps something in it: it stays, and is no longer ours.
            Err(Errno::ENOTEMPTY | Errno::EEXIST) => self.done(place),
            Err(errno) => Err(errno).on("remove the directory", place.path()),
        }
    }

    fn gone(&mut self, place: &Place<'_>) -> Result<(), FsError> {
        self.removed.insert(self.plan.steps()[place.number].path());
        self.cursor.forget();
        self.done(place)
    }

    fn done(&mut self, place: &Place<'_>) -> Result<(), FsError> {
        self.outcomes[place.number] = Outcome::Done(None);
        self.batch.touch(place.number, place.directory.clone()).on("look at the folder of", place.path())
    }

    /// Syncs what is pending, then renames it.
    fn put_in_place(&mut self) -> Result<(), StepError> {
        self.batch.sync_files().map_err(|unsynced| self.unsynced("put on disk", unsynced))?;
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
            self.sync_folders()?;
        }
        self.cursor.forget();
        Ok(())
    }

    fn sync_folders(&mut self) -> Result<(), FsError> {
        let synced = self.batch.sync_folders();
        synced.map_err(|unsynced| self.unsynced("put on disk the folder of", unsynced))
    }

    fn unsynced(&self, action: &'static str, (number, errno): Unsynced) -> FsError {
        FsError::call(action, self.plan.steps()[number].path().as_bytes(), errno)
    }

    fn rename(&mut self, pending: &Pending) -> Result<(), FsError> {
        let step = &self.plan.steps()[pending.number];
        let (directory, name, path) = (&pending.directory, step.path().name(), step.path().as_bytes());
        if !self.is_expected(directory, name, step)? {
            directory.unlink(&pending.temporary).on("remove the temporary file of", path)?;
            self.refuse(pending.number, step, "it changed after it was looked at");
            return Ok(());
        }
        if matches!(step.expects(), Observed::Absent) {
            match directory.rename_new(&pending.temporary, name) {
                // Not every file system can promise it; the look above then has to do.
                Err(Errno::EINVAL | Errno::ENOSYS) => directory.rename(&pending.temporary, name),
                renamed => renamed,
            }
        } else {
            directory.rename(&pending.temporary, name)
        }
        .on("put in place", path)?;
        let now = directory.stat(name).on("look at", path)?.map(|stat| stat_of(&stat));
        // The rename moves the change time; all else must be what we wrote, or the next run looks at the content.
        let ours = now.filter(|now| Stat { changed: pending.stat.changed, ..*now } == pending.stat);
        self.outcomes[pending.number] = Outcome::Done(ours);
        Ok(())
    }
}
