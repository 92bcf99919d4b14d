//! Starting programs: the only place that does.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How many bytes of an answer are read, which is that of an enforcer about ten thousand zones; more is none.
const ANSWER: usize = 4 << 20;

/// Why a program gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It did not start.
    #[error("cannot start '{}'", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// It was lost while it ran.
    #[error("cannot wait for '{}'", program.display())]
    Wait {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// It was ended, since it talked on.
    #[error("'{}' answered more than {} MiB", program.display(), ANSWER >> 20)]
    Long {
        /// The program.
        program: PathBuf,
    },
    /// It was ended, since it took too long.
    #[error("'{}' gave no answer for {} seconds", program.display(), limit.as_secs())]
    Slow {
        /// The program.
        program: PathBuf,
        /// How long it had.
        limit: Duration,
    },
}

/// What a program answered.
#[derive(Debug)]
pub struct Answer {
    /// Its exit status; 128 and the signal's number when a signal ended it.
    pub status: i32,
    /// What it wrote to standard output.
    pub output: String,
    /// What it wrote to standard error.
    pub complaint: String,
}

/// Asks a program one thing; it is ended when it has not answered within the limit, or answers too much.
pub fn ask(program: &Path, arguments: &[OsString], limit: Duration) -> Result<Answer, ProgramError> {
    hand(program, arguments, String::new(), limit)
}

/// Asks a program one thing, with something to read on its standard input.
pub fn hand(program: &Path, arguments: &[OsString], input: String, limit: Duration) -> Result<Answer, ProgramError> {
    let lost = |source| ProgramError::Wait { program: program.into(), source };
    let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
    let mut child = start(
        program,
        Command::new(program).args(arguments).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()),
    )?;
    let (say, hear) = mpsc::channel();
    if let Some(mut pipe) = child.stdin.take() {
        // In the background, while the answer is read. Whoever does not read all of it did not want it.
        thread::spawn(move || pipe.write_all(input.as_bytes()));
    }
    read(child.stdout.take(), say.clone(), true);
    read(child.stderr.take(), say, false);
    let (mut output, mut complaint) = (String::new(), String::new());
    for _ in 0..2 {
        let failure = match hear.recv_timeout(limit) {
            Ok((_, bytes)) if bytes.len() > ANSWER => ProgramError::Long { program: program.into() },
            Ok((is_output, bytes)) => {
                let text = if is_output { &mut output } else { &mut complaint };
                *text = String::from_utf8_lossy(&bytes).into_owned();
                continue;
            }
            Err(_) => ProgramError::Slow { program: program.into(), limit },
        };
        // It may have ended this very moment; then there is nothing to end.
        let _ = child.kill();
        child.wait().map_err(lost)?;
        return Err(failure);
    }
    let status = code(child.wait().map_err(lost)?);
    Ok(Answer { status, output, complaint })
}

/// Runs a program to its end, with our own output, and returns its exit status.
pub fn run(program: &Path, arguments: &[OsString]) -> Result<i32, ProgramError> {
    let mut child = start(program, Command::new(program).args(arguments).stdin(Stdio::null()))?;
    child.wait().map(code).map_err(|source| ProgramError::Wait { program: program.into(), source })
}

/// Becomes a program; returns only when that fails.
pub fn become_program(program: &Path, arguments: &[OsString]) -> ProgramError {
    let source = Command::new(program).args(arguments).exec();
    ProgramError::Start { program: program.into(), source }
}

fn start(program: &Path, command: &mut Command) -> Result<Child, ProgramError> {
    command.spawn().map_err(|source| ProgramError::Start { program: program.into(), source })
}

/// Reads a pipe in the background and sends what was in it.
fn read<P: io::Read + Send + 'static>(pipe: Option<P>, say: mpsc::Sender<(bool, Vec<u8>)>, output: bool) {
    let pipe = pipe.expect("it was made a pipe");
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks ends the answer there; whoever reads it finds it incomplete.
        let _ = pipe.take(ANSWER as u64 + 1).read_to_end(&mut bytes);
        // Nobody listens any more when the limit passed.
        let _ = say.send((output, bytes));
    });
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Result<Answer, ProgramError> {
        ask(Path::new("/bin/sh"), &["-c".into(), script.into()], limit)
    }

    #[test]
    fn an_answer_has_status_output_and_complaint() {
        let answer = shell("echo yes; echo no >&2; exit 3", Duration::from_secs(60)).unwrap();
        assert_eq!((answer.status, &*answer.output, &*answer.complaint), (3, "yes\n", "no\n"));
        assert_eq!(shell("kill -9 $$", Duration::from_secs(60)).unwrap().status, 137);
    }

    #[test]
    fn a_program_reads_what_it_is_handed_or_does_not() {
        let handed = |script: &str, input: &str| {
            hand(Path::new("/bin/sh"), &["-c".into(), script.into()], input.into(), Duration::from_secs(60)).unwrap()
        };
        assert_eq!(handed("cat", "a\nb\n").output, "a\nb\n");
        assert_eq!(handed("exit 3", &"long".repeat(1 << 20)).status, 3);
        assert_eq!(shell("cat", Duration::from_secs(60)).unwrap().output, "", "nothing is handed");
    }

    #[test]
    fn a_program_that_does_not_answer_is_ended() {
        let error = shell("exec sleep 600", Duration::from_millis(50)).unwrap_err();
        assert!(matches!(error, ProgramError::Slow { .. }), "{error}");
    }

    #[test]
    fn a_program_that_talks_on_is_ended_and_half_an_answer_is_none() {
        let exactly = shell("head --bytes=4194304 /dev/zero", Duration::from_secs(60)).unwrap();
        assert_eq!(exactly.output.len(), ANSWER);
        let error = shell("exec yes", Duration::from_secs(60)).unwrap_err();
        assert_eq!(error.to_string(), "'/bin/sh' answered more than 4 MiB");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = run(Path::new("/nowhere/adb"), &[]).unwrap_err();
        assert_eq!(error.to_string(), "cannot start '/nowhere/adb'");
    }
}
