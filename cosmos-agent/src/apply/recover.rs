//! After a run that was killed: its temporary files go, and the host tells which of its steps were done.

use cosmos_model::managed::ManagedSet;
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;
use cosmos_model::planner;
use cosmos_model::record::{Described, Kind, StepRecord};
use cosmos_model::snapshot::{Attributes, HostSnapshot, Observed};
use nix::errno::Errno;

use super::execute::{is_occupied, take_apart};
use super::folder::StateFolder;
use super::journal::{self, Journal, JournalError, temporary_name};
use super::managed_file::{ManagedFile, ManagedFileError};
use crate::fs::{self, Cursor, FsError, Obstacle, OnPath as _, Root};
use crate::observe::Observer;

/// What was found out about a killed run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The commit it was applying.
    pub commit: ObjectId,
    /// Its steps that were done.
    pub done: Vec<StepRecord>,
    /// How many were not.
    pub open: usize,
}

/// Why a killed run could not be recovered from.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The journal or the managed set is from a later agent.
    #[error("a later agent was killed here: {0}")]
    Later(String),
    /// The host or the state could not be read or written.
    #[error("cannot recover from a run that was killed")]
    Fs(#[from] FsError),
}

/// Finishes what a killed run left: removes its temporary files, remembers what it did, removes the journal.
///
/// Returns `None` when no run was killed. A damaged journal is removed: every file is old or new all the same, and
/// the next plan looks at them.
///
/// # Errors
/// Returns a [`RecoverError`]; the journal is then still there.
pub fn recover(root: &Root, state: &StateFolder) -> Result<Option<Recovery>, RecoverError> {
    let Some(text) = journal::read(state)? else { return Ok(None) };
    let journal = match journal::parse(&text) {
        Ok(journal) => journal,
        Err(later @ JournalError::Later(_)) => return Err(RecoverError::Later(later.to_string())),
        Err(JournalError::Damaged(_)) => {
            journal::remove(state)?;
            return Ok(None);
        }
    };
    let managed = read_managed(state)?;
    let snapshot = clean_and_look(root, &journal)?;
    state.write_managed(&planner::recover(&managed, &journal.steps, &snapshot), &mut || Ok(()))?;
    journal::remove(state)?;
    let found = |record: &StepRecord| snapshot.paths.get(&record.path).is_some_and(|found| record.landed(found));
    let (done, open): (Vec<_>, Vec<_>) = journal.steps.into_iter().partition(found);
    Ok(Some(Recovery { commit: journal.commit, done, open: open.len() }))
}

fn read_managed(state: &StateFolder) -> Result<ManagedSet, RecoverError> {
    let Some(bytes) = state.read_managed()? else { return Ok(ManagedSet::default()) };
    match ManagedFile::parse(&bytes) {
        Ok(file) => Ok(file.to_set()),
        Err(later @ ManagedFileError::Later) => Err(RecoverError::Later(later.to_string())),
        // Rebuilt from the host by the run that follows (docs/formats.md §10).
        Err(_) => Ok(ManagedSet::default()),
    }
}

fn clean_and_look(root: &Root, journal: &Journal) -> Result<HostSnapshot, FsError> {
    let mut cursor = Cursor::new(root);
    for (number, record) in journal.steps.iter().enumerate() {
        remove_temporary(root, &mut cursor, record, &temporary_name(&journal.run, number))?;
    }
    let mut observer = Observer::new(root);
    let mut paths = Vec::with_capacity(journal.steps.len());
    for record in &journal.steps {
        let mut found = observer.look(&record.path, None)?;
        if let (Some(wanted), Observed::Directory(attributes)) = (&record.new, &found)
            && record.old.is_none()
            && wanted.kind == Kind::Directory
        {
            found = Observed::Directory(finish_directory(root, &record.path, wanted, *attributes)?);
        }
        paths.push((record.path.clone(), found));
    }
    Ok(HostSnapshot { paths: paths.into(), ..HostSnapshot::default() })
}

/// Removes what a step left beside its path: a file, or the prepared or replaced directory of one that changes the
/// type.
///
/// A replaced directory that somebody put something into comes back, if what took its place is still ours.
fn remove_temporary(
    root: &Root,
    cursor: &mut Cursor<'_>,
    record: &StepRecord,
    temporary: &[u8],
) -> Result<(), FsError> {
    let path = record.path.as_bytes();
    let (directory, name) = match cursor.folder_of(path) {
        Ok(found) => found,
        Err(Obstacle::Failed(error)) => return Err(error),
        Err(Obstacle::Missing | Obstacle::Blocked(_)) => return Ok(()),
    };
    match directory.remove_one(temporary) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(errno) if is_occupied(errno) => {
            let is_file = record.new.as_ref().is_some_and(|new| new.kind != Kind::Directory);
            if is_file && record.landed(&Observer::new(root).look(&record.path, None)?) {
                take_apart(directory, temporary, name).on("put back the folder", path)?;
            }
            Ok(())
        }
        Err(errno) => Err(errno).on("remove the temporary file of", path),
    }
}

/// Gives a directory that the killed run made, perhaps a moment before, the owner and mode it was to have.
///
/// One that belongs to somebody else by now was not made by us, or is finished.
fn finish_directory(root: &Root, path: &RelPath, wanted: &Described, found: Attributes) -> Result<Attributes, FsError> {
    let wanted = Attributes { mode: wanted.mode_bits(), uid: wanted.uid, gid: wanted.gid };
    if found.uid != root.default_owner().0 || found == wanted {
        return Ok(found);
    }
    fs::set_directory_attributes(root, path, wanted)?;
    Ok(wanted)
}
