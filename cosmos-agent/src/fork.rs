//! Duplicating this process: the one place that does, with the few raw system calls that takes.
#![allow(unsafe_code, reason = "fork, _exit and close_range have no safe form")]

use std::mem::ManuallyDrop;
use std::os::fd::{FromRawFd, IntoRawFd};
use std::os::unix::net::UnixStream;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, getpid, getppid};

/// The descriptor the child's end of the socket pair gets; everything above it is closed.
const SOCKET: i32 = 3;

/// A forked child. It is killed when this is dropped, and reaped by [`Child::end`] or by [`reap`] some time later:
/// taking a process apart lasts longer than the rest of a run without news.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    ended: Option<WaitStatus>,
}

impl Child {
    /// Returns the child's process id.
    #[must_use]
    pub const fn pid(&self) -> Pid {
        self.pid
    }

    /// Kills the child if it still runs, waits for its end, and says how it ended.
    pub fn end(&mut self) -> String {
        if self.ended.is_none() {
            // Fails only when the child is gone already, which waitpid then tells.
            let _ = kill(self.pid, Signal::SIGKILL);
            self.ended = waitpid(self.pid, None).ok();
        }
        describe(self.ended)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // Fails only when there is nothing left to do.
            let _ = kill(self.pid, Signal::SIGKILL);
            dying().push(self.pid);
            reap();
        }
    }
}

/// Children that were killed and not waited for yet.
static DYING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

fn dying() -> MutexGuard<'static, Vec<Pid>> {
    DYING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes leave of killed children that have ended meanwhile, without waiting for any; tells whether one is left.
///
/// Whoever starts programs calls it now and then, so that no task sees a dead process beside it for as long as it runs.
pub fn reap() -> bool {
    let mut dying = dying();
    // A child that cannot be waited for is nobody's any more.
    dying.retain(|pid| matches!(waitpid(*pid, Some(WaitPidFlag::WNOHANG)), Ok(WaitStatus::StillAlive)));
    !dying.is_empty()
}

fn describe(status: Option<WaitStatus>) -> String {
    match status {
        Some(WaitStatus::Exited(_, code)) => format!("exit status {code}"),
        Some(WaitStatus::Signaled(_, signal, _)) => format!("killed by {signal}"),
        _ => "ended in an unknown way".to_owned(),
    }
}

/// Forks a child that runs `work` with one end of a socket pair and ends; returns the child and the other end.
///
/// Call it while the process has one thread: a lock held by another would stay locked in the child for ever.
/// The child keeps standard input, output and error and its end of the pair, nothing else; it dies with its parent,
/// can gain no privileges, and never returns from here. Its end of the pair closes with the process, not before: who
/// reads the end of the stream and kills the child then hears of the child's own exit status.
///
/// # Errors
/// Returns the system's error when the pair cannot be made or the process table is full.
pub fn fork(work: impl FnOnce(&UnixStream) -> u8) -> Result<(Child, UnixStream), Errno> {
    let (ours, theirs) = UnixStream::pair().map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))?;
    let parent = getpid();
    // SAFETY: the caller has one thread, so no lock is held elsewhere, and the child leaves through `_exit` only.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok((Child { pid: child, ended: None }, ours)),
        ForkResult::Child => {
            let run = AssertUnwindSafe(|| {
                let socket = enter(theirs.into_raw_fd(), parent).map(ManuallyDrop::new);
                socket.map_or(SETUP_FAILED, |socket| work(&socket))
            });
            let code = std::panic::catch_unwind(run).unwrap_or(PANICKED);
            // SAFETY: ends the process at once; nothing of the parent's (buffers, locks, destructors) may run here.
            unsafe { libc::_exit(code.into()) }
        }
    }
}

/// Exit status of a child that could not shed what it inherited.
const SETUP_FAILED: u8 = 70;
/// Exit status of a child whose work panicked.
const PANICKED: u8 = 71;

/// Ties the child to its parent and sheds what it inherited; `descriptor` becomes [`SOCKET`].
fn enter(descriptor: i32, parent: Pid) -> Option<UnixStream> {
    prctl::set_pdeathsig(Signal::SIGKILL).ok()?;
    prctl::set_no_new_privs().ok()?;
    // SAFETY: the descriptors replaced and closed here may belong to objects of the parent, whose destructors the
    // child never runs; the stream is the only owner of SOCKET from here on.
    unsafe {
        let moved = libc::dup2(descriptor, SOCKET) == SOCKET;
        let closed = libc::close_range(SOCKET.unsigned_abs() + 1, libc::c_uint::MAX, 0) == 0;
        (moved && closed && getppid() == parent).then(|| UnixStream::from_raw_fd(SOCKET))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_child_that_hung_up_has_ended_by_itself() {
        for _ in 0..300 {
            let (mut child, mut stream) = fork(|_| 7).unwrap();
            assert_eq!(stream.read(&mut [0]).unwrap(), 0, "it hangs up");
            assert_eq!(child.end(), "exit status 7");
        }
    }
}
