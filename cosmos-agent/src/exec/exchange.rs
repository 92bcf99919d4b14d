//! Programs that are asked one thing and answer it, gpg and git, and those that operators work with: for their
//! commands.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// What a program answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its exit status; 128 and the signal's number when a signal ended it.
    pub status: i32,
    /// What it wrote to standard output.
    pub output: Vec<u8>,
    /// What it wrote to standard error.
    pub complaint: Vec<u8>,
}

/// Runs `program` in `folder` with `input` on its standard input, with this environment and nothing else, to its end.
///
/// It stays in our process group, so that what it starts may ask for a passphrase on the operator's terminal.
///
/// # Errors
/// Returns the system's answer when it cannot be started or waited for.
pub fn ask(
    program: &Path,
    arguments: &[OsString],
    environment: &[(OsString, OsString)],
    folder: &Path,
    input: &[u8],
) -> io::Result<Answer> {
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut pipe = child.stdin.take().expect("standard input is a pipe");
    // A program that ends without reading says why on standard error and by its status.
    let _ = pipe.write_all(input);
    drop(pipe);
    let ended = child.wait_with_output()?;
    let status = number_of(ended.status);
    Ok(Answer { status, output: ended.stdout, complaint: ended.stderr })
}

/// Runs `program` in `folder` with the terminal as it is, with this environment and nothing else, to its end.
///
/// # Errors
/// Returns the system's answer when it cannot be started or waited for.
pub fn attend(
    program: &Path,
    arguments: &[OsString],
    environment: &[(OsString, OsString)],
    folder: &Path,
) -> io::Result<i32> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
    command.current_dir(folder).status().map(number_of)
}

fn number_of(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}
