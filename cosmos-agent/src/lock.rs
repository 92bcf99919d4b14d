//! One run at a time: the lock of docs/formats.md §15.
//!
//! The file is 0600: who may open it may lock it, and a local user must not be able to keep a host from converging.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};

use cosmos_model::escape::for_terminal;
use cosmos_model::path::RelPath;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::fs::{self, FsError, OnPath as _, Root};

/// Longest text that is read from a lock, in bytes.
const TEXT: u64 = 200;

/// Who else may hold the lock at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Nobody: this run may change something.
    Exclusive,
    /// Others that only look.
    Shared,
}

/// What to do when somebody else holds the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Give up at once.
    Refuse,
    /// Wait for as long as it takes.
    Wait,
}

/// A lock that is held until this value goes, or the process.
#[derive(Debug)]
pub struct Lock {
    file: Flock<File>,
    sharing: Sharing,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else has it.
    #[error("another cosmos is at work{}", holder_words(holder))]
    Held {
        /// What the holder wrote into it: its process id and command; empty when it only looks.
        holder: String,
    },
    /// The file cannot be opened or locked.
    #[error("cannot lock")]
    Fs(#[from] FsError),
}

fn holder_words(holder: &str) -> String {
    if holder.is_empty() { String::new() } else { format!(": process {holder}") }
}

impl Lock {
    /// Takes the lock `path`, making file and folder where they are missing; `command` is what others are told.
    ///
    /// # Errors
    /// Returns [`LockError::Held`] when somebody else has it and `patience` refuses.
    pub fn take(
        root: &Root,
        path: &RelPath,
        sharing: Sharing,
        patience: Patience,
        command: &str,
    ) -> Result<Self, LockError> {
        if let Some(folder) = path.parent() {
            fs::make_directories(root, &folder, 0o755)?;
        }
        let file = fs::open_private(root, path)?;
        let how = match (sharing, patience) {
            (Sharing::Exclusive, Patience::Refuse) => FlockArg::LockExclusiveNonblock,
            (Sharing::Exclusive, Patience::Wait) => FlockArg::LockExclusive,
            (Sharing::Shared, Patience::Refuse) => FlockArg::LockSharedNonblock,
            (Sharing::Shared, Patience::Wait) => FlockArg::LockShared,
        };
        let mut file = lock(file, how, path)?;
        if sharing == Sharing::Exclusive {
            write_holder(&mut file, &format!("{} {command}\n", std::process::id())).on("write", path.as_bytes())?;
        }
        Ok(Self { file, sharing })
    }
}

fn lock(mut file: File, how: FlockArg, path: &RelPath) -> Result<Flock<File>, LockError> {
    loop {
        match Flock::lock(file, how) {
            Ok(locked) => return Ok(locked),
            Err((again, Errno::EINTR)) => file = again,
            Err((held, Errno::EWOULDBLOCK)) => return Err(LockError::Held { holder: read_holder(held) }),
            Err((_, errno)) => return Err(FsError::call("lock", path.as_bytes(), errno).into()),
        }
    }
}

fn write_holder(file: &mut File, text: &str) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())
}

/// Reads who holds the lock; an unreadable text only makes the message shorter.
fn read_holder(file: File) -> String {
    let mut text = Vec::new();
    match file.take(TEXT).read_to_end(&mut text) {
        Ok(_) => for_terminal(text.trim_ascii()),
        Err(_) => String::new(),
    }
}

impl Drop for Lock {
    /// Clears the text, so that a later holder who only looks is not taken for this one.
    fn drop(&mut self) {
        if self.sharing == Sharing::Exclusive {
            // A text that stays is only a less precise message.
            let _ = self.file.set_len(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(root: &Root, sharing: Sharing) -> Result<Lock, String> {
        let path = RelPath::new(b"run/cosmos/lock").unwrap();
        Lock::take(root, &path, sharing, Patience::Refuse, "run --scheduled").map_err(|error| error.to_string())
    }

    #[test]
    fn a_held_lock_names_process_and_command_and_is_free_after() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        let held = take(&root, Sharing::Exclusive).unwrap();
        let message = format!("another cosmos is at work: process {} run --scheduled", std::process::id());
        assert_eq!(take(&root, Sharing::Exclusive).unwrap_err(), message);
        assert_eq!(take(&root, Sharing::Shared).unwrap_err(), message);
        drop(held);
        let one = take(&root, Sharing::Shared).unwrap();
        let two = take(&root, Sharing::Shared).unwrap();
        assert_eq!(take(&root, Sharing::Exclusive).unwrap_err(), "another cosmos is at work");
        drop((one, two));
        take(&root, Sharing::Exclusive).unwrap();
    }

    #[test]
    fn waiting_ends_when_the_holder_does() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        let path = RelPath::new(b"lock").unwrap();
        let held = Lock::take(&root, &path, Sharing::Exclusive, Patience::Refuse, "one").unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| Lock::take(&root, &path, Sharing::Exclusive, Patience::Wait, "two").map(drop));
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!waiting.is_finished());
            drop(held);
            waiting.join().unwrap().unwrap();
        });
    }
}
