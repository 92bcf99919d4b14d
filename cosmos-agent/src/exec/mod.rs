//! Starting programs: the only place that does.
//!
//! A program gets the environment it is given and no other, reads from nothing, and is the leader of a process group
//! of its own. It is waited for by its process, not by the end of its output: what it leaves running in the
//! background may keep the output open for ever.

mod exchange;
mod output;
mod pidfd;
mod run_self;
mod search;
mod telling;
mod turn;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, PipeReader};
use std::iter;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

pub use exchange::{Answer, ask, attend};
pub use output::Output;
pub use run_self::run_self;
pub use search::{PATH, find};
pub use telling::Telling;
use telling::{Ear, Lines};

/// The shortest time between two looks at a program that outlives its limit.
const LOOK: Duration = Duration::from_millis(50);

/// How soon the fetching process is looked at again that was killed and has not ended yet, in milliseconds.
const LOOK_AT_THE_DYING: u8 = 5;

/// A program to run.
#[derive(Debug, Clone)]
pub struct Program<'a> {
    /// Its absolute path.
    pub path: &'a Path,
    /// Its arguments, without its own name.
    pub arguments: &'a [OsString],
    /// All of its environment.
    pub environment: &'a BTreeMap<OsString, OsString>,
    /// The folder it starts in.
    pub folder: &'a Path,
    /// When it is ended, if it does not end by itself.
    pub limit: Option<Limit>,
    /// How many bytes of its output are kept.
    pub output: usize,
}

/// How long a program may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// After this time its group gets TERM.
    pub time: Duration,
    /// So much later its group gets KILL.
    pub grace: Duration,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this status.
    Exit(i32),
    /// By this signal, not ours.
    Signal(i32),
    /// We ended it: it ran longer than its limit.
    TimedOut,
}

/// A program that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// How.
    pub ended: Ended,
    /// After how long.
    pub duration: Duration,
    /// What it wrote to standard output and standard error, in the order written.
    pub output: Output,
}

/// A program that did not start, or was lost.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// The kernel refused to start it.
    #[error("cannot start '{path}'")]
    Start {
        /// The program.
        path: String,
        /// The kernel's answer.
        #[source]
        source: std::io::Error,
    },
    /// It runs, but we cannot wait for it.
    #[error("cannot wait for '{path}'")]
    Wait {
        /// The program.
        path: String,
        /// The kernel's answer.
        #[source]
        source: std::io::Error,
    },
}

/// Runs `program` to its end.
///
/// # Errors
/// Returns an [`ExecError`] when it cannot be started or waited for.
pub fn run(program: &Program<'_>) -> Result<Finished, ExecError> {
    let started = Instant::now();
    let begun = start(program).map_err(|source| ExecError::Start { path: shown(program), source })?;
    attended(program, started, begun, None)
}

/// Runs `program` to its end, and hands on the lines that it tells of its work meanwhile.
///
/// # Errors
/// Returns an [`ExecError`] when it cannot be started or waited for.
pub fn run_telling(program: &Program<'_>, telling: Telling, hear: &dyn Fn(&[u8])) -> Result<Finished, ExecError> {
    let started = Instant::now();
    let begun = telling.inherited(|| start(program));
    let (reader, begun) = begun.map_err(|source| ExecError::Start { path: shown(program), source })?;
    attended(program, started, begun, Some(Ear { reader, lines: Lines::default(), hear }))
}

fn shown(program: &Program<'_>) -> String {
    cosmos_model::escape::for_terminal(OsStr::as_encoded_bytes(program.path.as_os_str()))
}

fn attended(
    program: &Program<'_>,
    started: Instant,
    (reader, mut child): (PipeReader, Child),
    ear: Option<Ear<'_>>,
) -> Result<Finished, ExecError> {
    let path = || shown(program);
    let end = pidfd::open(&child).map_err(|source| {
        // Nobody would wait for it: it must not go on unseen. Both fail only when it is gone already.
        let _ = child.kill();
        let _ = child.wait();
        ExecError::Wait { path: path(), source }
    })?;
    let mut running = Running {
        child,
        end,
        reader: Some(reader),
        ear,
        output: Output::keeping(program.output),
        started,
        limit: program.limit,
        asked: false,
    };
    let (status, timed_out) = running.wait().map_err(|source| ExecError::Wait { path: path(), source })?;
    let ended = match (timed_out, status.code(), status.signal()) {
        (true, ..) => Ended::TimedOut,
        (false, Some(code), _) => Ended::Exit(code),
        (false, None, signal) => Ended::Signal(signal.unwrap_or_default()),
    };
    Ok(Finished { ended, duration: started.elapsed(), output: running.output })
}

/// Starts without `pre_exec`, so that the standard library may use `posix_spawn`.
fn start(program: &Program<'_>) -> std::io::Result<(PipeReader, Child)> {
    let (reader, writer) = std::io::pipe()?;
    let child = Command::new(program.path)
        .args(program.arguments)
        .env_clear()
        .envs(program.environment)
        .current_dir(program.folder)
        .stdin(Stdio::null())
        .stderr(writer.try_clone()?)
        .stdout(writer)
        .process_group(0)
        .spawn()?;
    nix::fcntl::fcntl(&reader, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK))?;
    Ok((reader, child))
}

/// Says how a program ended, if not well.
#[must_use]
pub fn ending(finished: &Finished) -> Option<String> {
    match finished.ended {
        Ended::Exit(0) => None,
        Ended::Exit(status) => Some(format!("exit status {status}")),
        Ended::Signal(signal) => Some(format!("killed by signal {signal}")),
        Ended::TimedOut => {
            Some(format!("ended after {:.0} s, the longest it may take", finished.duration.as_secs_f64()))
        }
    }
}

/// Returns what a program said, escaped for a terminal, lines kept.
#[must_use]
pub fn escaped(finished: &Finished) -> String {
    let lines = finished.output.bytes();
    let escaped: Vec<String> = lines.split(|byte| *byte == b'\n').map(cosmos_model::escape::for_terminal).collect();
    escaped.join("\n").trim_end().to_owned()
}

struct Running<'a> {
    child: Child,
    /// Readable when the child has ended.
    end: OwnedFd,
    /// The output's other end; `None` once it was closed by everybody.
    reader: Option<PipeReader>,
    /// What it tells of its work; `None` once that was closed by everybody.
    ear: Option<Ear<'a>>,
    output: Output,
    started: Instant,
    limit: Option<Limit>,
    /// Whether the group was asked to end (TERM).
    asked: bool,
}

impl Running<'_> {
    fn wait(&mut self) -> std::io::Result<(ExitStatus, bool)> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.drain();
                return Ok((status, self.asked));
            }
            self.keep_to_the_limit();
            self.listen()?;
        }
    }

    /// Waits for output, for the end of the program, or until the limit has something to say.
    fn listen(&mut self) -> std::io::Result<()> {
        let readers = self.reader.iter().chain(self.ear.iter().map(|ear| &ear.reader)).map(PipeReader::as_fd);
        let handles = iter::once(self.end.as_fd()).chain(readers);
        let mut polled: Vec<PollFd<'_>> = handles.map(|handle| PollFd::new(handle, PollFlags::POLLIN)).collect();
        match poll(&mut polled, self.patience()) {
            Ok(0) | Err(Errno::EINTR) => Ok(()),
            Ok(_) => {
                self.drain();
                Ok(())
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// How long nothing needs to be done about the limit.
    fn patience(&self) -> PollTimeout {
        if crate::fork::reap() {
            return PollTimeout::from(LOOK_AT_THE_DYING);
        }
        let Some(limit) = self.limit else { return PollTimeout::NONE };
        let next = if self.asked { limit.time + limit.grace } else { limit.time };
        let left = next.saturating_sub(self.started.elapsed()).max(LOOK);
        PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
    }

    fn drain(&mut self) {
        if let Some(reader) = &mut self.reader
            && self.output.drain(reader).is_break()
        {
            self.reader = None;
        }
        if self.ear.as_mut().is_some_and(|ear| ear.listen().is_break()) {
            self.ear = None;
        }
    }

    fn keep_to_the_limit(&mut self) {
        let Some(limit) = self.limit else { return };
        let elapsed = self.started.elapsed();
        let group = Pid::from_raw(self.child.id().cast_signed());
        // The group's leader is not reaped yet, so its number cannot be another's; an empty group is no matter.
        if !self.asked && elapsed >= limit.time {
            self.asked = true;
            let _ = killpg(group, Signal::SIGTERM);
        } else if self.asked && elapsed >= limit.time + limit.grace {
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

/// Runs an administrator's own script to its end, with the words that followed the command; its output goes where ours
/// goes, and it reads what we could read.
///
/// # Errors
/// Returns the system's answer when it cannot be executed.
pub fn show(
    program: &Path,
    arguments: &[OsString],
    environment: &BTreeMap<OsString, OsString>,
) -> std::io::Result<ExitStatus> {
    Command::new(program).args(arguments).env_clear().envs(environment).status()
}

/// Turns this process into `program`, with these arguments and this environment and nothing else of either.
///
/// Standard input, output and error stay what they are. Returns only when the program cannot be executed.
pub fn replace_with(program: &Path, arguments: &[OsString], environment: &[(OsString, OsString)]) -> io::Error {
    let variables = environment.iter().map(|(name, value)| (name, value));
    Command::new(program).args(arguments).env_clear().envs(variables).exec()
}
