//! Checks: programs that are asked before anything is changed (docs/formats.md §4).
//!
//! They run in a child with mounts of its own, in which the files of the plan lie where they will be; those of layers
//! that leave see the host as it is.

mod files;
mod overlay;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use cosmos_model::layer::STAGED;
use cosmos_model::triggers::{Check, Look};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use serde::{Deserialize, Serialize};

use crate::exec::{self, Ended, Limit, Program};
use crate::fork;

pub use files::{Laid, StagedFile, StagedFiles};

/// How long a check may take unless its layer says otherwise.
const TIME: Duration = Duration::from_secs(60);

/// How long one has between TERM and KILL.
const GRACE: Duration = Duration::from_secs(5);

/// How many bytes of a check's output are kept.
const OUTPUT: usize = 16 * 1024;

/// What became of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It has nothing against the plan.
    Passed,
    /// It has.
    Failed {
        /// How it ended.
        ending: String,
        /// What it said, escaped, lines kept.
        output: String,
    },
    /// Its program is not there.
    NoProgram,
}

/// Why checks could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There is no child to make them in.
    #[error("cannot start the process for checks")]
    Fork(#[source] Errno),
    /// The staged files could not be laid.
    #[error("cannot lay the staged files over the root: {0}")]
    Laid(String),
    /// The child ended without an answer.
    #[error("the process for checks failed: {0}")]
    Child(String),
}

/// Makes `checks` that run programs where `staged` lies over the root.
///
/// # Errors
/// Returns a [`CheckError`] when the staged files cannot be laid: no right to mount, no overlay file system.
pub fn run(staged: &StagedFiles, checks: &[Check]) -> Result<Vec<Verdict>, CheckError> {
    let (mut child, stream) = fork::fork(|socket| answer(socket, staged, checks)).map_err(CheckError::Fork)?;
    let mut line = String::new();
    let read = BufReader::new(stream).read_line(&mut line);
    let answer: Option<Result<Vec<Verdict>, String>> = read.ok().and_then(|_| serde_json::from_str(&line).ok());
    match answer {
        Some(Ok(verdicts)) if verdicts.len() == checks.len() => Ok(verdicts),
        Some(Err(reason)) => Err(CheckError::Laid(reason)),
        _ => Err(CheckError::Child(child.end())),
    }
}

/// Works in the child: lays the files, makes the checks, and tells.
fn answer(mut socket: &UnixStream, staged: &StagedFiles, checks: &[Check]) -> u8 {
    // What a check leaves running must not hold the parent up.
    let closed = fcntl(socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
    let needs: Vec<&Path> = checks.iter().filter_map(|check| check.needs).map(Path::new).collect();
    let laid = closed.map_err(|errno| errno.to_string()).and_then(|_| overlay::lay(staged, &needs));
    let verdicts = laid.map(|()| checks.iter().map(verdict).collect::<Vec<_>>());
    let line = serde_json::to_string(&verdicts).unwrap_or_default() + "\n";
    u8::from(socket.write_all(line.as_bytes()).is_err())
}

/// Makes a `check` here and now: it sees what this process sees.
#[must_use]
pub fn verdict(check: &Check) -> Verdict {
    let Look::Program { run, silent } = &check.look else { return Verdict::Passed };
    let Some((program, arguments)) = run.split_first() else { return Verdict::NoProgram };
    let Some(path) = exec::find(program) else { return Verdict::NoProgram };
    let arguments: Vec<OsString> = arguments.iter().map(|word| in_place(word)).collect();
    let finished = exec::run(&Program {
        path: &path,
        arguments: &arguments,
        environment: &environment(),
        folder: Path::new("/"),
        limit: Some(Limit { time: check.timeout.map_or(TIME, Duration::from_secs), grace: GRACE }),
        output: OUTPUT,
    });
    let finished = match finished {
        Ok(finished) => finished,
        Err(error) => return Verdict::Failed { ending: crate::exit::with_causes(&error), output: String::new() },
    };
    let ending = exec::ending(&finished);
    let output = exec::escaped(&finished);
    match ending {
        None if *silent && !output.is_empty() => Verdict::Failed { ending: "it complains".to_owned(), output },
        None => Verdict::Passed,
        Some(ending) if finished.ended == Ended::TimedOut => Verdict::Failed { ending, output: String::new() },
        Some(ending) => Verdict::Failed { ending, output },
    }
}

/// The staged tree lies over the root, so that a file's staged path is its own.
fn in_place(word: &str) -> OsString {
    let word = word.replace(STAGED, "");
    OsString::from(if word.is_empty() { "/" } else { &word })
}

/// Returns the environment of programs that are no tasks: checks, services and probes.
#[must_use]
pub fn environment() -> BTreeMap<OsString, OsString> {
    [("PATH", exec::PATH), ("HOME", "/root"), ("LANG", "C.UTF-8")]
        .map(|(name, value)| (name.into(), value.into()))
        .into()
}
