//! The log: every changing, refusing or failing run, one JSON object a line, kept for years (docs/formats.md §12).

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::fs::FileExt as _;

use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;
use cosmos_model::time::Time;
use serde_json::{Value, json};

use super::{Report, TaskMade, json as report_json};
use crate::fs::{self, FsError};
use crate::site::Site;

/// How many bytes are looked at in one go when the end of the last line is looked for.
const STEP: u64 = 4096;

/// No end of a line, from the comma before its commit, is longer.
const LONGEST_END: usize = 100;

/// What stands before the counter, the last member of every line; a quote inside a text would have a backslash.
const COUNTER: &str = ",\"counter\":";

/// What stands before the accepted commit, the last member but one.
const COMMIT: &str = ",\"commit\":";

/// What the log's last entry says about the state that was written before it (T1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastEntry {
    /// The state's counter.
    pub counter: u64,
    /// The commit accepted then, if one was.
    pub accepted: Option<ObjectId>,
}

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
        source: io::Error,
    },
    /// The last line does not end as the agent ends lines.
    #[error("the last line of '{path}' is no log entry")]
    Cut {
        /// The log.
        path: RelPath,
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

/// Returns the line that a run adds, without its newline.
#[must_use]
pub fn entry(report: &Report, accepted: Option<ObjectId>, counter: u64, now: Time) -> String {
    let mut line = json!({
        "format": 1, "time": now, "command": report.command,
        "generation": report.generation, "revision": report.commit, "release": report.release,
        "signers": report.signers, "remarks": report.marked.then_some(&report.remarks), "exit": report.status.code(),
        "refused": report.refused, "tasks": report.tasks.iter().map(report_json::task).collect::<Vec<_>>(),
        "packages": report_json::packages(&report.packages), "package_output": report.package_output,
        "error": report.failure.as_ref().map(|failure| &failure.message),
    });
    if !report.by_tasks.is_empty() {
        let made = |made: &TaskMade| json!({"path": made.path, "old": made.old, "new": made.new, "tasks": made.tasks});
        line["by_tasks"] = report.by_tasks.iter().map(made).collect();
    }
    if !report.caught_up.is_empty() {
        line["caught_up"] = report.caught_up.iter().map(report_json::pending).collect();
    }
    if !report.reported.is_empty() {
        line["reported"] =
            report.reported.iter().map(|news| json!({"path": news.path, "differs": news.began})).collect();
    }
    let mut line = line.to_string();
    line.truncate(line.len() - "}".len());
    // One change at a time: a first run has one for every file of the host, and a tree of values is ten times its text.
    line.push_str(",\"changes\":[");
    for (number, step) in report.steps.iter().enumerate() {
        line.push_str(if number == 0 { "" } else { "," });
        line.push_str(&report_json::step(step).to_string());
    }
    // Last, so that a run finds it without reading a line that may list every file of the host.
    let accepted = accepted.map_or_else(|| "null".to_owned(), |commit| format!("\"{commit}\""));
    line.push_str(&format!("]{COMMIT}{accepted}{COUNTER}{counter}}}"));
    line
}

/// Returns what the last complete line says about the state, or `None` when there is no log; a state file that was lost
/// or put back has a smaller counter, or another commit (T1).
///
/// # Errors
/// Returns [`LogError`] when the file cannot be read or its last line is damaged.
pub fn last_entry(site: &Site) -> Result<Option<LastEntry>, LogError> {
    // A run that was killed between making room and writing leaves the older part only.
    for path in [site.log_file(), site.old_log_file()] {
        let Some(file) = site.home.open_file(&path).map_err(LogError::Open)? else { continue };
        match end_of_last_line(&file) {
            Ok(None) => {}
            Ok(Some(end)) => return entry_of(&end).map(Some).ok_or(LogError::Cut { path }),
            Err(source) => return Err(LogError::Read { path, source }),
        }
    }
    Ok(None)
}

/// Returns the last bytes of the last complete line: a line without its newline was cut off by a crash.
fn end_of_last_line(file: &File) -> io::Result<Option<Vec<u8>>> {
    let mut end = file.metadata()?.len();
    while end > 0 {
        let start = end.saturating_sub(STEP);
        let mut bytes = vec![0; usize::try_from(end - start).expect("a step is small")];
        file.read_exact_at(&mut bytes, start)?;
        match bytes.iter().rposition(|byte| *byte == b'\n') {
            // The line's end may lie in the step before.
            Some(newline) if newline < LONGEST_END && start > 0 => end = start + newline as u64 + 1,
            Some(newline) => {
                bytes.truncate(newline);
                return Ok(Some(bytes));
            }
            None => end = start,
        }
    }
    Ok(None)
}

fn entry_of(line: &[u8]) -> Option<LastEntry> {
    let inner = line.strip_suffix(b"}")?;
    let digits = inner.iter().rposition(|byte| !byte.is_ascii_digit())? + 1;
    let (before, digits) = inner.split_at(digits);
    let before = before.strip_suffix(COUNTER.as_bytes())?;
    let counter = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let commit = before.strip_suffix(b"\"").and_then(|text| text.split_last_chunk::<41>());
    let commit = commit.filter(|(before, _)| before.ends_with(COMMIT.as_bytes())).map(|(_, quoted)| &quoted[1..]);
    Some(LastEntry { counter, accepted: commit.and_then(|id| ObjectId::from_hex(id).ok()) })
}

/// Returns the entries, oldest first, those of the older part before; with `about`, only those that changed that path,
/// cut down to it.
///
/// # Errors
/// Returns [`LogError`] when a file cannot be read or a line is damaged.
pub fn entries(site: &Site, about: Option<&str>) -> Result<Vec<Value>, LogError> {
    let mut found = Vec::new();
    for path in [site.old_log_file(), site.log_file()] {
        entries_of(site, path, about, &mut found)?;
    }
    Ok(found)
}

fn entries_of(site: &Site, path: RelPath, about: Option<&str>, found: &mut Vec<Value>) -> Result<(), LogError> {
    let Some(file) = site.home.open_file(&path).map_err(LogError::Open)? else { return Ok(()) };
    for line in BufReader::new(file).lines() {
        let line = line.map_err(|source| LogError::Read { path: path.clone(), source })?;
        let damaged = |source| LogError::Damaged { path: path.clone(), source };
        let mut entry: Value = serde_json::from_str(&line).map_err(damaged)?;
        if about.is_none_or(|wanted| cut_down_to(&mut entry, wanted)) {
            found.push(entry);
        }
    }
    Ok(())
}

/// Leaves of an entry what it says about `path`; tells whether that is anything.
fn cut_down_to(entry: &mut Value, path: &str) -> bool {
    let mut says_something = false;
    for list in ["changes", "by_tasks", "reported"] {
        if let Some(changes) = entry.get_mut(list).and_then(Value::as_array_mut) {
            changes.retain(|change| change["path"] == path);
            says_something |= !changes.is_empty();
        }
    }
    says_something
}

/// Adds a line. When the log is longer than `size` bytes it first becomes `log.jsonl.1`, replacing an older one.
///
/// # Errors
/// Returns an [`FsError`] when the log cannot be written.
pub fn append(site: &Site, line: &str, size: u64) -> Result<(), FsError> {
    make_room(site, size)?;
    fs::append(&site.home, &site.log_file(), line.as_bytes(), 0o600)
}

/// Lets a log that is longer than `size` be the old one.
///
/// # Errors
/// Returns an [`FsError`] when it cannot be looked at or renamed.
pub fn make_room(site: &Site, size: u64) -> Result<(), FsError> {
    let path = site.log_file();
    let long = site.home.open_file(&path)?.and_then(|file| file.metadata().ok()).is_some_and(|it| it.len() > size);
    if long { fs::rename(&site.home, &path, b"log.jsonl.1") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_entry_is_found_behind_long_lines_and_before_one_that_was_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::below(folder.path()).unwrap();
        assert_eq!(last_entry(&site).unwrap(), None);
        let path = site.path_of(&site.log_file());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let report = Report::new("run");
        for accepted in [None, Some(ObjectId::new([0xa5; 20]))] {
            let line = entry(&report, accepted, 17, Time::from_seconds(0));
            let expected = Some(LastEntry { counter: 17, accepted });
            // The end of the line lies before, across and behind a boundary of what is looked at in one go.
            for cut in [0, 1, 5, 3990, 4056, 4090, 4095, 4096, 4097, 9000] {
                let text = format!("{}\n{line}\n{}", "x".repeat(5000), "y".repeat(cut));
                std::fs::write(&path, text).unwrap();
                assert_eq!(last_entry(&site).unwrap(), expected, "{cut}");
            }
        }
        let old = site.path_of(&site.old_log_file());
        std::fs::rename(&path, old).unwrap();
        assert_eq!(last_entry(&site).unwrap().map(|last| last.counter), Some(17), "between making room and writing");
        std::fs::write(&path, "{\"counter\":\"17\"}\n").unwrap();
        assert_eq!(
            last_entry(&site).unwrap_err().to_string(),
            "the last line of 'var/lib/cosmos/log.jsonl' is no log entry"
        );
    }
}
