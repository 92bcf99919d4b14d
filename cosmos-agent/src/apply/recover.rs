//! After a run that was killed: which of its steps were done, and what is managed therefore.
//!
//! Each step of the journal is decided by looking: the path is what the step leaves, or it is not.

use cosmos_model::content::ContentHash;
use cosmos_model::managed::{ManagedEntry, ManagedKind, ManagedSet};
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;
use cosmos_model::snapshot::{Observed, Stat};
use nix::errno::Errno;

use super::folder::StateFolder;
use super::journal::{self, Journal, JournalError, temporary_name};
use super::managed_file::{ManagedFile, ManagedFileError};
use super::record::{StepRecord, StepState};
use super::remember::layer_index;
use crate::fs::{FsError, Obstacle, OnPath as _, Root};
use crate::host::Observer;

/// What was found out about a killed run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The commit it was applying.
    pub commit: ObjectId,
    /// Paths that are as it wanted them.
    pub new: Vec<RelPath>,
    /// How many of its steps were not done.
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
    let Some(text) = journal::read(root, state)? else { return Ok(None) };
    let journal = match journal::parse(&text) {
        Ok(journal) => journal,
        Err(later @ JournalError::Later(_)) => return Err(RecoverError::Later(later.to_string())),
        Err(JournalError::Damaged(_)) => {
            journal::remove(root, state)?;
            return Ok(None);
        }
    };
    let mut managed = read_managed(root, state)?;
    let recovery = decide(root, &journal, &mut managed)?;
    state.write_managed(root, &managed)?;
    journal::remove(root, state)?;
    Ok(Some(recovery))
}

fn read_managed(root: &Root, state: &StateFolder) -> Result<ManagedSet, RecoverError> {
    let Some(bytes) = state.read_managed(root)? else { return Ok(ManagedSet::default()) };
    match ManagedFile::parse(&bytes) {
        Ok(file) => Ok(file.to_set()),
        Err(later @ ManagedFileError::Later) => Err(RecoverError::Later(later.to_string())),
        // Rebuilt from the host by the run that follows (docs/formats.md §10).
        Err(_) => Ok(ManagedSet::default()),
    }
}

fn decide(root: &Root, journal: &Journal, managed: &mut ManagedSet) -> Result<Recovery, FsError> {
    let mut recovery = Recovery { commit: journal.commit, new: Vec::new(), open: 0 };
    for (number, record) in journal.steps.iter().enumerate() {
        remove_temporary(root, &record.path, &temporary_name(&journal.run, number))?;
        let mut found = Observer::new(root).look(&record.path, None)?;
        if let (Some(wanted), Observed::Directory(_)) = (&record.new, &found)
            && record.old.is_none()
        {
            found = finish_directory(root, &record.path, wanted)?;
        }
        if is_done(record, &found) {
            remember(managed, record, &found);
            recovery.new.push(record.path.clone());
        } else {
            recovery.open += 1;
        }
    }
    Ok(recovery)
}

fn remove_temporary(root: &Root, path: &RelPath, name: &[u8]) -> Result<(), FsError> {
    let parent = path.parent();
    let directory = match root.directory(parent.as_ref().map_or(&[], RelPath::as_bytes)) {
        Ok(directory) => directory,
        Err(Obstacle::Failed(error)) => return Err(error),
        Err(Obstacle::Missing | Obstacle::Blocked(_)) => return Ok(()),
    };
    match directory.unlink(name) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(errno).on("remove the temporary file of", path.as_bytes()),
    }
}

/// Gives a directory that the killed run made, perhaps a moment before, the owner and mode it was to have.
fn finish_directory(root: &Root, path: &RelPath, wanted: &StepState) -> Result<Observed, FsError> {
    let parent = path.parent();
    let reached = root.directory(parent.as_ref().map_or(&[], RelPath::as_bytes));
    let directory = reached.map_err(|obstacle| obstacle.into_error(path.as_bytes()))?;
    if let Some(attributes) = wanted.attributes() {
        let (uid, _) = root.default_owner();
        let is_ours = |stat: &nix::sys::stat::FileStat| {
            crate::fs::kind_of(stat) == crate::fs::Kind::Directory && stat.st_uid == uid
        };
        directory.set_attributes(path.name(), attributes, is_ours).on("set owner and mode of", path.as_bytes())?;
    }
    Observer::new(root).look(path, None)
}

/// Tells whether what was found is what the step leaves.
fn is_done(record: &StepRecord, found: &Observed) -> bool {
    match (&record.new, StepState::found(found)) {
        (None, None) => matches!(found, Observed::Absent),
        (Some(new), Some(found)) => *new == found,
        _ => false,
    }
}

/// Lets `managed` say that the step is done; such entries are looked at by content once more.
fn remember(managed: &mut ManagedSet, record: &StepRecord, found: &Observed) {
    let (kind, size, hash, attributes) = match found {
        Observed::File { attributes, size, hash } => (ManagedKind::File, *size, *hash, *attributes),
        Observed::Symlink { attributes, target, .. } => {
            (ManagedKind::Symlink, target.len() as u64, ContentHash::of(target), *attributes)
        }
        Observed::Directory(attributes) => (ManagedKind::Directory, 0, ContentHash::new([0; 32]), *attributes),
        Observed::Absent | Observed::Other | Observed::Blocked(_) => {
            managed.entries.remove(&record.path);
            return;
        }
    };
    let layer = layer_index(managed, &record.layer);
    let known = managed.entries.get(&record.path);
    let found_before = match known {
        Some(entry) => entry.found,
        None => record.old.as_ref().map(|old| old.sha256.unwrap_or_else(|| target_hash(old))),
    };
    let entry = ManagedEntry {
        kind,
        attributes,
        size,
        hash,
        blob: record.blob,
        stat: Stat { size, ..Stat::default() },
        layer,
        found: found_before,
        found_kept: known.map_or(record.keep, |entry| entry.found_kept),
        task_made: false,
        unfinished: true,
        left_alone: known.is_some_and(|entry| entry.left_alone),
    };
    managed.entries.insert(record.path.clone(), entry);
}

fn target_hash(old: &StepState) -> ContentHash {
    let target = old.target.as_deref().and_then(cosmos_model::escape::undo);
    target.map_or(ContentHash::new([0; 32]), |target| ContentHash::of(&target))
}
