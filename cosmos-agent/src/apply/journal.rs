//! The journal: the plan, on disk before its first change and gone after its last (docs/formats.md §11).
//!
//! Nothing is appended while steps are done: the host itself tells which are.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, BufWriter, Write};

use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;
use cosmos_model::plan::Plan;
use cosmos_model::record::StepRecord;
use serde::{Deserialize, Serialize};

use super::folder::StateFolder;
use crate::fs::{self, FsError};

/// The version this agent reads and writes.
const FORMAT: u32 = 1;

/// Largest journal that is read, in bytes: a million steps with all their fields.
const LIMIT: u64 = 1 << 30;

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    format: u32,
    run: String,
    commit: ObjectId,
    steps: usize,
}

/// A journal that was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Journal {
    /// The run's name, part of its temporary files' names.
    pub(super) run: String,
    /// The commit it was applying.
    pub(super) commit: ObjectId,
    /// Its steps.
    pub(super) steps: Vec<StepRecord>,
}

/// Why a journal cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum JournalError {
    /// Written by a later agent.
    #[error("the journal has format {0}, this agent knows format {FORMAT}")]
    Later(u32),
    /// Its text is damaged.
    #[error("the journal is damaged in line {0}")]
    Damaged(usize),
}

/// Returns a name for this run that no local user can guess: temporary files carry it.
pub(super) fn run_id() -> String {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    format!("{:016x}", hasher.finish())
}

/// Returns the name of the temporary file of step `number`.
pub(super) fn temporary_name(run: &str, number: usize) -> Vec<u8> {
    format!(".cosmos-{run}-{number}").into_bytes()
}

fn path(state: &StateFolder) -> RelPath {
    state.path("journal")
}

/// Writes the journal of `plan` and puts it on disk.
///
/// It may be torn where a run is killed before that, which [`parse`] sees by its number of lines: then nothing was
/// begun.
pub(super) fn write(state: &StateFolder, plan: &Plan, run: &str) -> Result<(), FsError> {
    let mut write = |to: &mut dyn Write| lines(run, plan.commit(), plan.steps().iter().map(StepRecord::from), to);
    fs::make_in_pieces(state.home(), &path(state), &mut write, 0o600)
}

/// Writes the lines of a journal to `to`.
pub(super) fn lines(
    run: &str,
    commit: ObjectId,
    steps: impl ExactSizeIterator<Item = StepRecord>,
    to: &mut dyn Write,
) -> io::Result<()> {
    let mut to = BufWriter::with_capacity(PIECE, to);
    line(&Header { format: FORMAT, run: run.to_owned(), commit, steps: steps.len() }, &mut to)?;
    for step in steps {
        line(&step, &mut to)?;
    }
    to.flush()
}

/// So many bytes are collected before they are written.
const PIECE: usize = 32 << 10;

fn line(value: &impl Serialize, to: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *to, value)?;
    to.write_all(b"\n")
}

/// Reads the journal's bytes, if a run left one.
pub(super) fn read(state: &StateFolder) -> Result<Option<Vec<u8>>, FsError> {
    state.home().read(&path(state), LIMIT)
}

/// Reads a journal from its text.
pub(super) fn parse(text: &[u8]) -> Result<Journal, JournalError> {
    let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let first = lines.next().ok_or(JournalError::Damaged(1))?;
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let version: Version = serde_json::from_slice(first).map_err(|_| JournalError::Damaged(1))?;
    if version.format != FORMAT {
        return Err(JournalError::Later(version.format));
    }
    let header: Header = serde_json::from_slice(first).map_err(|_| JournalError::Damaged(1))?;
    let sound_name = header.run.len() == 16 && header.run.bytes().all(|byte| byte.is_ascii_hexdigit());
    let steps = lines
        .enumerate()
        .map(|(number, line)| serde_json::from_slice(line).map_err(|_| JournalError::Damaged(number + 2)))
        .collect::<Result<Vec<StepRecord>, _>>()?;
    if !sound_name || steps.len() != header.steps {
        return Err(JournalError::Damaged(1));
    }
    Ok(Journal { run: header.run, commit: header.commit, steps })
}

/// Removes the journal: the managed set tells everything now.
///
/// Nobody waits for the disk: of a journal that a power cut brings back, [`super::recover`] finds all steps done.
pub(super) fn remove(state: &StateFolder) -> Result<(), FsError> {
    fs::remove_passing(state.home(), &path(state))
}
