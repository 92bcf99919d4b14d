//! `cosmos daemon`: runs on a schedule where neither systemd nor cron does it.
//!
//! The daemon decides nothing and changes nothing: at each point of the schedule it executes `cosmos run --scheduled`
//! as a child and waits for it. It never forks without executing (F4).

mod alarm;
mod timetable;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};
use tracing::{info, warn};

use crate::exec;
use crate::exit::Failure;
use alarm::Alarm;
pub use timetable::Timetable;

/// How often the clock is looked at: after it was set, the next point is elsewhere.
const CLOCK_LOOK: Duration = Duration::from_secs(60);

/// Why the daemon cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The settings it starts with are unusable.
    #[error(transparent)]
    Settings(#[from] Failure),
    /// The event loop or its signals cannot be set up.
    #[error("cannot wait for signals and times")]
    Events(#[source] io::Error),
    /// The scheduler refused an alarm.
    #[error("cannot set an alarm")]
    Alarm(#[from] tokio_cron_scheduler::JobSchedulerError),
    /// The calendar ends before the next point.
    #[error("the schedule has no point left")]
    NoPoint,
}

/// What is executed at each point of the schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The program: this one's path, so that an upgrade is what runs next.
    pub program: PathBuf,
    /// `run --scheduled` and the options the daemon was given.
    pub arguments: Vec<OsString>,
}

/// Runs `job` on the timetable that `read` returns, and reads it again at SIGHUP, until SIGTERM or SIGINT.
///
/// A signal that ends the daemon is passed on to a child under way, and the daemon ends after it.
///
/// # Errors
/// Returns a [`DaemonError`] when the first timetable is unusable or the event loop fails; a later timetable that is
/// unusable is reported and the last one stays.
pub fn serve(job: Job, read: impl FnMut() -> Result<Timetable, Failure>) -> Result<(), DaemonError> {
    // One thread: nothing here takes long, and a child is started by posix_spawn or vfork and exec.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(DaemonError::Events)?;
    runtime.block_on(watch(job, read))
}

async fn watch(job: Job, mut read: impl FnMut() -> Result<Timetable, Failure>) -> Result<(), DaemonError> {
    let mut signals = Signals::listen().map_err(DaemonError::Events)?;
    let mut alarm = Alarm::new().await?;
    let mut timetable = read()?;
    let mut last = None;
    loop {
        let moment = timetable.next_after(Timestamp::now(), last).ok_or(DaemonError::NoPoint)?;
        alarm.set(moment).await?;
        tokio::select! {
            fired = alarm.rings() => {
                last = Some(fired);
                if run(&job, &mut signals).await == Wish::Stop {
                    return Ok(());
                }
            }
            Some(()) = signals.hangup.recv() => match read() {
                Ok(read) => timetable = read,
                Err(failure) => warn!("{failure}\nthe schedule stays as it was"),
            },
            () = signals.stop.asked() => return Ok(()),
            () = tokio::time::sleep(CLOCK_LOOK) => {}
        }
    }
}

/// What the world wants of the daemon after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    GoOn,
    Stop,
}

/// Executes the job and waits for its end. What failed in it, it has said itself.
async fn run(job: &Job, signals: &mut Signals) -> Wish {
    let mut child = match exec::run_self(&job.program, &job.arguments) {
        Ok(child) => child,
        Err(error) => {
            warn!("cannot execute '{}': {error}, trying again at the next point", job.program.display());
            return Wish::GoOn;
        }
    };
    let id = i32::try_from(child.id()).map(Pid::from_raw).expect("the kernel's process ids fit");
    let mut wish = Wish::GoOn;
    loop {
        match child.try_wait() {
            Ok(None) => {}
            Ok(Some(_)) => return wish,
            Err(error) => {
                warn!("cannot wait for the run under way: {error}, not waiting");
                return wish;
            }
        }
        tokio::select! {
            _ = signals.child.recv() => {}
            () = signals.stop.asked() => {
                wish = Wish::Stop;
                info!("waiting for the run under way to end");
                // The child is not reaped before the next `try_wait`: its id is still its own.
                if let Err(error) = nix::sys::signal::kill(id, Signal::SIGTERM) {
                    warn!("cannot ask the run under way to end: {error}, waiting");
                }
            }
        }
    }
}

/// The signals a daemon listens to; separate fields, since some are waited for together.
struct Signals {
    hangup: SignalStream,
    child: SignalStream,
    stop: Stop,
}

/// The signals that end it.
struct Stop {
    terminate: SignalStream,
    interrupt: SignalStream,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        let stop = Stop { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? };
        Ok(Self { hangup: signal(SignalKind::hangup())?, child: signal(SignalKind::child())?, stop })
    }
}

impl Stop {
    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
