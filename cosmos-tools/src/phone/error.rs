//! Why a phone was not backed up, and what to try.

use std::io;
use std::path::PathBuf;

use super::serial::Serial;
use crate::Failure;
use crate::program::ProgramError;

/// The exit status of a copy that the phone's leaving ended: nothing is wrong, the next one goes on.
const PHONE_LEFT: u8 = 75;

/// Why a phone was not backed up.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// The target folder is not there.
    #[error("there is no folder '{}'", .0.display())]
    NoTarget(PathBuf),
    /// A relative base: rsync would take a colon in it for a host.
    #[error("'{}' is no absolute path", .0.display())]
    Relative(PathBuf),
    /// Another copy of the same phone is under way.
    #[error("another backup of '{0}' is under way")]
    Locked(Serial),
    /// The target's disk is too full to begin.
    #[error("only {free} bytes are free for '{}', fewer than the {wanted} to keep free", target.display())]
    Full {
        /// Where the backup would go.
        target: PathBuf,
        /// Bytes that are free there.
        free: u64,
        /// Bytes that should be.
        wanted: u64,
    },
    /// The phone did not come or did not allow adb.
    #[error("phone '{serial}' was not ready within {seconds} seconds")]
    NotReady {
        /// The phone.
        serial: Serial,
        /// How long we waited.
        seconds: u64,
    },
    /// adb or the phone refused a command.
    #[error("phone '{serial}' refused (exit {status}): {said}")]
    Refused {
        /// The phone.
        serial: Serial,
        /// The exit status.
        status: i32,
        /// The last line it said.
        said: String,
    },
    /// `su -c` did not make us root.
    #[error("'su -c' on phone '{serial}' gives no root")]
    NoRoot {
        /// The phone.
        serial: Serial,
    },
    /// A marker is missing.
    #[error("phone '{serial}' has no '{marker}': it is locked, or not all of it is mounted")]
    Marker {
        /// The phone.
        serial: Serial,
        /// What an unlocked phone has.
        marker: String,
    },
    /// No rsync on the phone, and nothing chosen that `adb pull` could take.
    #[error("phone '{0}' has no rsync")]
    NoRsync(Serial),
    /// The phone was unplugged.
    #[error("phone '{serial}' left during the copy ({program} ended with {status})")]
    Left {
        /// The phone.
        serial: Serial,
        /// What was copying.
        program: &'static str,
        /// Its exit status.
        status: i32,
    },
    /// The copy failed for another reason.
    #[error("{program} ended with {status}, {meaning}")]
    Copy {
        /// What was copying.
        program: &'static str,
        /// Its exit status.
        status: i32,
        /// What that means.
        meaning: &'static str,
    },
    /// Too few files came.
    #[error("the copy has {found} files, fewer than the {minimum} of --minimum")]
    TooFew {
        /// How many came.
        found: u64,
        /// How many must.
        minimum: u64,
    },
    /// Too many files are missing.
    #[error("the copy lacks {missing} of the {before} files of backup '{latest}', more than {allowed}")]
    TooManyMissing {
        /// How many files are missing.
        missing: u64,
        /// How many there were.
        before: u64,
        /// How many may be missing.
        allowed: u64,
        /// The last good backup.
        latest: String,
    },
    /// A program did not do its part.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A file on this computer.
    #[error("cannot {verb} '{}'", path.display())]
    File {
        /// What was tried.
        verb: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
}

impl PhoneError {
    /// Makes an error of what the system answered about a path.
    pub fn file(verb: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { verb, path, source }
    }
}

impl Failure for PhoneError {
    fn hint(&self) -> String {
        match self {
            Self::NoTarget(path) => {
                format!("make it ('mkdir {}'), or mount the disk it is on; it is never made by itself", path.display())
            }
            Self::Relative(_) => "give --base a path that begins with '/'".into(),
            Self::Locked(_) => "wait until it has ended".into(),
            Self::Full { .. } => "remove old backups, let --keep do so, or lower --keep-free".into(),
            Self::NotReady { .. } => "unlock it, and allow USB debugging for this computer".into(),
            Self::Refused { serial, .. } => format!("try 'adb -s {serial} shell id'"),
            Self::NoRoot { .. } => "allow root for the shell on the phone, or leave out --su".into(),
            Self::Marker { .. } => "unlock it and plug it in again; the backups are as they were".into(),
            Self::NoRsync(_) => {
                "name it by --phone-rsync, or the folders to pull by --from, as in --from /sdcard/DCIM".into()
            }
            Self::Left { .. } => "what came is kept as 'partial', and the next copy goes on from there".into(),
            Self::Copy { status: 23, .. } => {
                "--su reads more, and --allow-unreadable accepts what cannot be read".into()
            }
            Self::Copy { .. } => "see what it said above; what came is kept as 'partial'".into(),
            Self::TooFew { .. } => "unlock the phone; what came is kept as 'partial', and counts as no backup".into(),
            Self::TooManyMissing { missing, .. } => {
                format!("unlock the phone; if they were deleted there, run once with --max-delete {missing}")
            }
            Self::Program(_) => "is it installed, and may it be run?".into(),
            Self::File { .. } => "look at its owner, its mode and its disk".into(),
        }
    }

    fn status(&self) -> u8 {
        match self {
            Self::Relative(_) => 2,
            Self::Locked(_) => 4,
            Self::Left { .. } => PHONE_LEFT,
            _ => 1,
        }
    }
}
