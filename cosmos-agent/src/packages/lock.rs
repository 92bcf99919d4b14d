//! dpkg's lock, for the one call that does not wait for it by itself.

use std::fs::File;
use std::time::{Duration, Instant};

use cosmos_model::path::RelPath;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::InstallError;
use crate::fs::{self, FsError, Root};

/// How long somebody else may go on installing before we give up.
pub(super) const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// The time between two tries.
const PAUSE: Duration = Duration::from_millis(250);

/// Takes the lock that apt and dpkg take first; it is free again when the file is closed.
pub(super) fn take(root: &Root) -> Result<File, InstallError> {
    let path: RelPath = "var/lib/dpkg/lock-frontend".parse().expect("a fixed path");
    let file = fs::open_private(root, &path)?;
    let whole = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    let started = Instant::now();
    loop {
        match fcntl(&file, FcntlArg::F_SETLK(&whole)) {
            Ok(_) => return Ok(file),
            Err(Errno::EACCES | Errno::EAGAIN | Errno::EINTR) if started.elapsed() < PATIENCE => {
                std::thread::sleep(PAUSE);
            }
            Err(Errno::EACCES | Errno::EAGAIN | Errno::EINTR) => return Err(InstallError::Busy(PATIENCE.as_secs())),
            Err(errno) => return Err(FsError::call("lock", path.as_bytes(), errno).into()),
        }
    }
}
