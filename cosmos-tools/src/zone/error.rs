//! What goes wrong with signed zones.

use std::io;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::program::ProgramError;

/// Why a command about zones failed.
#[derive(Debug, thiserror::Error)]
pub enum ZoneError {
    /// A file cannot be read or written.
    #[error("cannot {deed} '{}'", path.display())]
    File {
        /// What was to be done.
        deed: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// A line of the list of zones makes no sense.
    #[error("{}:{line}: {text}", path.display())]
    List {
        /// The list.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        text: String,
    },
    /// A program could not be asked.
    #[error("cannot ask a program")]
    Program(#[from] ProgramError),
    /// Knot's keys cannot be listed.
    #[error("keymgr cannot list the keys of '{zone}': {answer}")]
    Keymgr {
        /// The zone.
        zone: String,
        /// What it said.
        answer: String,
    },
    /// The enforcer answered with a failure.
    #[error("the enforcer refused '{words}': {answer}")]
    Enforcer {
        /// What it was asked.
        words: String,
        /// What it said.
        answer: String,
    },
    /// The program that hands keys to the parent failed.
    #[error("'{}' did not take the keys of '{zone}': exit status {status}, {answer}", program.display())]
    HandOver {
        /// The program.
        program: PathBuf,
        /// The zone.
        zone: String,
        /// Its exit status.
        status: i32,
        /// What it said.
        answer: String,
    },
    /// A zone would lose its signatures while resolvers insist on them.
    #[error("the zone '{zone}' cannot leave: {reason}")]
    Leaving {
        /// The zone.
        zone: String,
        /// What the parent says.
        reason: String,
    },
}

impl ZoneError {
    /// Returns what turns the system's answer about a file into an error.
    pub fn file<'p>(deed: &'static str, path: &'p Path) -> impl Fn(io::Error) -> Self + 'p {
        move |source| Self::File { deed, path: path.into(), source }
    }
}

impl Failure for ZoneError {
    fn hint(&self) -> String {
        match self {
            Self::File { .. } => {
                "look at its permissions, and whether a module that signs zones is on this host".into()
            }
            Self::List { .. } => {
                "a line is: zone, file, name server, those that take it over, each behind '>', and those of the parent"
                    .into()
            }
            Self::Program(_) => "install 'ldnsutils', and start what signs: opendnssec-enforcer or knot".into(),
            Self::Keymgr { .. } => "start knot, and ask as root or 'knot'; journalctl -u knot says more".into(),
            Self::Enforcer { .. } => "journalctl -u opendnssec-enforcer says more".into(),
            Self::HandOver { .. } => "mend it; it is called again by the next look, until it ends with 0".into(),
            Self::Leaving { .. } => {
                "have the parent remove its DS records, wait as long as they are kept (parent-ttl), then try again"
                    .into()
            }
        }
    }

    fn status(&self) -> u8 {
        1
    }
}
