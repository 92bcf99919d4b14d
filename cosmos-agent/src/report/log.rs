//! The log: every changing, refusing or failing run, one JSON object a line, kept for years (docs/formats.md §12).

use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};

use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;
use cosmos_model::time::Time;
use serde_json::{Value, json};

use super::{Report, json as report_json};
use crate::fs::{self, FsError};
use crate::site::Site;

/// The last line may be this long; a longer one is not looked for further back.
const LONGEST_LAST_LINE: u64 = 8 * 1024 * 1024;

/// Why the log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file could not be opened.
    #[error("cannot open the log")]
    Open(#[source] FsError),
    /// The file could not be read.
    #[error("cannot read '{path}'")]
    Read {
        /// The log.
        path: RelPath,
        /// The cause.
        source: std::io::Error,
    },
    /// A line is not what the agent writes.
    #[error("'{path}' holds a line that is no log entry")]
    Damaged {
        /// The log.
        path: RelPath,
        /// The cause.
        source: serde_json::Error,
    },
}

/// What the last entry says about the state, to notice a state file that was lost or put back (T1).
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct LastEntry {
    /// The state's counter when the entry was written.
    pub counter: u64,
    /// The accepted commit.
    pub commit: Option<ObjectId>,
}

/// Returns the line that a run adds, without its newline.
#[must_use]
pub fn entry(report: &Report, accepted: Option<ObjectId>, counter: u64, now: Time) -> String {
    let changes: Vec<Value> = report.steps.iter().map(report_json::step).collect();
    let line = json!({
        "format": 1, "time": now, "counter": counter, "command": report.command, "commit": accepted,
        "generation": report.generation, "signers": report.signers, "exit": report.status.code(), "changes": changes,
        "refused": report.refused, "tasks": report.tasks.iter().map(report_json::task).collect::<Vec<_>>(),
        "error": report.failure.as_ref().map(|failure| &failure.message),
    });
    line.to_string()
}

/// Returns what the last complete line says, or `None` when there is no log.
///
/// # Errors
/// Returns [`LogError`] when the file cannot be read or its last line is damaged.
pub fn last(site: &Site) -> Result<Option<LastEntry>, LogError> {
    let path = site.log_file();
    let Some(mut file) = site.home.open_file(&path).map_err(LogError::Open)? else { return Ok(None) };
    let mut tail = Vec::new();
    let length = file.seek(SeekFrom::End(0));
    length
        .and_then(|length| file.seek(SeekFrom::Start(length.saturating_sub(LONGEST_LAST_LINE))))
        .and_then(|_| file.read_to_end(&mut tail))
        .map_err(|source| LogError::Read { path: path.clone(), source })?;
    // A line without its newline was cut off by a crash; the one before it still counts.
    let Some(end) = tail.iter().rposition(|byte| *byte == b'\n') else { return Ok(None) };
    let start = tail[..end].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    serde_json::from_slice(&tail[start..end]).map(Some).map_err(|source| LogError::Damaged { path, source })
}

/// Returns the entries, oldest first; with `about`, only those that changed that path, cut down to it.
///
/// # Errors
/// Returns [`LogError`] when the file cannot be read or a line is damaged.
pub fn entries(site: &Site, about: Option<&str>) -> Result<Vec<Value>, LogError> {
    let path = site.log_file();
    let Some(file) = site.home.open_file(&path).map_err(LogError::Open)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for line in BufReader::new(file).lines() {
        let line = line.map_err(|source| LogError::Read { path: path.clone(), source })?;
        let damaged = |source| LogError::Damaged { path: path.clone(), source };
        let mut entry: Value = serde_json::from_str(&line).map_err(damaged)?;
        if let (Some(wanted), Some(changes)) = (about, entry["changes"].as_array_mut()) {
            changes.retain(|change| change["path"] == wanted);
            if changes.is_empty() {
                continue;
            }
        }
        found.push(entry);
    }
    Ok(found)
}

/// Adds a line. When the log is longer than `size` bytes it first becomes `log.jsonl.1`, replacing an older one.
///
/// # Errors
/// Returns an [`FsError`] when the log cannot be written.
pub fn append(site: &Site, line: &str, size: u64) -> Result<(), FsError> {
    let path = site.log_file();
    let long = site.home.open_file(&path)?.and_then(|file| file.metadata().ok()).is_some_and(|it| it.len() > size);
    if long {
        fs::rename(&site.home, &path, b"log.jsonl.1")?;
    }
    fs::append(&site.home, &path, format!("{line}\n").as_bytes(), 0o600)
}
