//! What can go wrong with a file: which one, doing what, and what an administrator does about it.

use cosmos_model::escape::for_terminal;
use nix::errno::Errno;

/// A failed access below the root.
#[derive(Debug, thiserror::Error)]
pub enum FsError {
    /// A system call failed.
    #[error("cannot {action} '{path}'")]
    Call {
        /// What was tried, as a verb: `write`, `rename`.
        action: &'static str,
        /// The path below the root, escaped for a terminal.
        path: String,
        /// The kernel's answer.
        #[source]
        errno: Errno,
    },
    /// The walk to the path was refused (A37–A39).
    #[error("cannot reach '{path}': {reason}")]
    Blocked {
        /// The path below the root, escaped for a terminal.
        path: String,
        /// What stands in the way.
        reason: String,
    },
}

impl FsError {
    /// Names what was tried on which path when the kernel answered `errno`.
    pub(crate) fn call(action: &'static str, path: &[u8], errno: Errno) -> Self {
        Self::Call { action, path: for_terminal(path), errno }
    }

    /// Returns the path the error is about, escaped for a terminal.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Call { path, .. } | Self::Blocked { path, .. } => path,
        }
    }

    /// Returns the kernel's answer, if it was the kernel that refused.
    #[must_use]
    pub const fn errno(&self) -> Option<Errno> {
        match self {
            Self::Call { errno, .. } => Some(*errno),
            Self::Blocked { .. } => None,
        }
    }

    /// Returns what to do next, where the cause says it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let path = self.path();
        match self.errno()? {
            Errno::ENOSPC | Errno::EDQUOT => {
                Some(format!("free space or inodes on the file system of '{path}', then run again"))
            }
            Errno::EROFS => Some(format!("remount the file system of '{path}' writable, then run again")),
            Errno::EIO => Some("look at the kernel's log for a failing disk before running again".to_owned()),
            Errno::EPERM => Some(format!("see with lsattr whether '{path}' or its folder is immutable")),
            Errno::EACCES => Some("run as root, or with a --root that you own".to_owned()),
            Errno::ETXTBSY | Errno::EBUSY => Some(format!("see what uses '{path}' (a mount, a swap file)")),
            _ => None,
        }
    }
}

/// Adds the path and the verb to the kernel's answer.
pub trait OnPath<T> {
    /// Turns an error number into an [`FsError`] that names `action` and `path`.
    ///
    /// # Errors
    /// Returns the error it was called on, with its path.
    fn on(self, action: &'static str, path: &[u8]) -> Result<T, FsError>;
}

impl<T> OnPath<T> for nix::Result<T> {
    fn on(self, action: &'static str, path: &[u8]) -> Result<T, FsError> {
        self.map_err(|errno| FsError::call(action, path, errno))
    }
}

impl<T> OnPath<T> for std::io::Result<T> {
    fn on(self, action: &'static str, path: &[u8]) -> Result<T, FsError> {
        self.map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(Errno::EIO as i32))).on(action, path)
    }
}
