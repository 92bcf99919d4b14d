//! A path that becomes another type: what it is to be changes places with what it was, so that there is no moment
//! without either; what it was is then taken apart under the temporary name.
//!
//! Not every file system can do it in one step with a folder. Where it cannot, what was there goes before the new thing
//! comes. Files and symlinks replace each other everywhere.

use std::collections::BTreeMap;

use cosmos_model::path::RelPath;
use cosmos_model::plan::{Action, Plan};
use cosmos_model::snapshot::Attributes;
use nix::errno::Errno;

use super::super::batch::Pending;
use super::super::journal::temporary_name;
use super::{Execution, Outcome, Place, put_new};
use crate::fs::{Directory, FsError, OnPath as _};

/// Returns the steps that make a path another type, each with the one before it that removes what is there.
pub(super) fn pairs(plan: &Plan) -> BTreeMap<usize, usize> {
    let (mut removals, mut pairs) = (BTreeMap::<&RelPath, usize>::new(), BTreeMap::new());
    for (number, step) in plan.steps().iter().enumerate() {
        match step.action() {
            Action::Remove | Action::RemoveDirectory => drop(removals.insert(step.path(), number)),
            Action::SetAttributes { .. } => {}
            _ => pairs.extend(removals.get(step.path()).map(|removal| (number, *removal))),
        }
    }
    pairs
}

impl Execution<'_> {
    /// Makes a directory beside the file or symlink that it is to replace, and lets the two change places.
    pub(super) fn exchange_for_directory(
        &mut self,
        place: &Place<'_>,
        attributes: Attributes,
        removal: usize,
    ) -> Result<(), FsError> {
        if !self.is_replaceable(&place.directory, place.name, removal)? {
            self.refuse_moved(place);
            return Ok(());
        }
        let temporary = temporary_name(&self.run, place.number);
        place.directory.make_directory(&temporary, attributes.mode).on("make the directory", place.path())?;
        if let Err(error) = self.own_directory(place, &temporary, attributes) {
            // Best effort: the error that matters is the one before.
            let _ = place.directory.remove_directory(&temporary);
            return Err(error);
        }
        if !exchange(&place.directory, &temporary, place.name).on("put in place", place.path())? {
            self.refuse_moved(place);
            return Ok(());
        }
        self.is_exchanged(removal);
        self.done(place)
    }

    /// Puts a file or symlink in the place of what step `removal` takes away; false where that is something else by
    /// now.
    pub(super) fn put_in_place_of_another_type(&mut self, pending: &Pending, removal: usize) -> Result<bool, FsError> {
        let (directory, path) = (&pending.directory, self.plan.steps()[pending.number].path());
        let was = directory.stat(path.name()).on("look at", path.as_bytes())?;
        let placed = match self.plan.steps()[removal].action() {
            Action::Remove => rename_over(directory, &pending.temporary, path.name()),
            _ => exchange(directory, &pending.temporary, path.name()),
        };
        let placed = placed.on("put in place", path.as_bytes())?;
        if placed {
            was.iter().for_each(|was| self.batch.forget(was));
            self.is_exchanged(removal);
        }
        Ok(placed)
    }

    /// Tells whether what step `removal` takes away is still what the plan saw, and kept where it is to be kept.
    pub(super) fn is_replaceable(
        &mut self,
        directory: &Directory,
        name: &[u8],
        removal: usize,
    ) -> Result<bool, FsError> {
        let is_open = self.outcomes.get(removal) == Some(&Outcome::Open);
        let Some(step) = self.plan.steps().get(removal).filter(|_| is_open) else { return Ok(false) };
        self.is_expected(directory, name, step)
    }

    /// Notes that step `removal` was done by an exchange; what lies below the path is reached anew.
    pub(super) fn is_exchanged(&mut self, removal: usize) {
        self.outcomes[removal] = Outcome::Done;
        self.cursor.forget();
    }
}

/// Lets the file or symlink `temporary` replace the symlink or file `name`, which every file system does in one step.
///
/// Returns false, and leaves `name` as it is without `temporary`, where that has become a folder.
fn rename_over(directory: &Directory, temporary: &[u8], name: &[u8]) -> nix::Result<bool> {
    match directory.rename(temporary, name) {
        Ok(()) => Ok(true),
        Err(Errno::EISDIR) => directory.unlink(temporary).map(|()| false),
        Err(errno) => Err(errno),
    }
}

/// Lets `temporary` take the place of `name`, which is of another type, and takes apart what that was.
///
/// Returns false, and leaves `name` as it is without `temporary`, where that is a folder with something in it.
pub(super) fn exchange(directory: &Directory, temporary: &[u8], name: &[u8]) -> nix::Result<bool> {
    match directory.exchange(temporary, name) {
        Ok(()) => take_apart(directory, temporary, name),
        Err(Errno::EINVAL | Errno::ENOSYS | Errno::EXDEV | Errno::EOPNOTSUPP) => replace(directory, temporary, name),
        Err(errno) => {
            // Best effort: the error that matters is the one before.
            let _ = directory.remove_one(temporary);
            Err(errno)
        }
    }
}

/// Removes what an exchange left at `temporary`. A folder that somebody put something into changes places once more,
/// and what had taken its place goes: then it returns false.
pub(in crate::apply) fn take_apart(directory: &Directory, temporary: &[u8], name: &[u8]) -> nix::Result<bool> {
    let Err(errno) = directory.remove_one(temporary) else { return Ok(true) };
    directory.exchange(temporary, name)?;
    directory.remove_one(temporary)?;
    if is_occupied(errno) { Ok(false) } else { Err(errno) }
}

/// Tells whether a folder could not be removed since something is in it.
pub(in crate::apply) const fn is_occupied(errno: Errno) -> bool {
    matches!(errno, Errno::ENOTEMPTY | Errno::EEXIST)
}

/// Does in two steps what [`exchange`] does in one: a folder can be neither replaced nor take a place that is not free.
fn replace(directory: &Directory, temporary: &[u8], name: &[u8]) -> nix::Result<bool> {
    let placed = directory.remove_one(name).and_then(|()| put_new(directory, temporary, name));
    let Err(errno) = placed else { return Ok(true) };
    // Best effort: the error that matters is the one before.
    let _ = directory.remove_one(temporary);
    if is_occupied(errno) { Ok(false) } else { Err(errno) }
}
