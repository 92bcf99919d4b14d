//! An operator at work in a clone of the repository: whom the clone believes, what its remote has, and who signs.
//!
//! Nothing of the repository is ever executed (A52): the clone is read as data by libgit2, without its hooks, filters,
//! attributes and file system monitor. Git is started for the network only, in a bare repository of our own that has
//! none of them either, with the operator's own environment and settings, so that ssh agents and cards work.

use std::io;
use std::path::PathBuf;

use crate::exit::{Failure, Status};

mod as_it_is;
mod draft;
mod git_settings;
mod mirror;
mod programs;
mod settings;
mod signing_key;
mod work_tree;

pub use as_it_is::AsItIs;
pub use draft::Draft;
pub use git_settings::GitSettings;
pub use mirror::Mirror;
pub use programs::{Programs, without_repository};
pub use settings::{Believed, believed};
pub use signing_key::SigningKey;
pub use work_tree::WorkTree;

/// Why an operator's command cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// There is no clone.
    #[error("'{}' is in no git repository of yours", folder.display())]
    NoClone {
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// The clone belongs to somebody else, whose settings would be followed.
    #[error("the repository '{}' belongs to another user", folder.display())]
    Foreign {
        /// The repository.
        folder: PathBuf,
    },
    /// libgit2 failed.
    #[error("cannot {action} in '{}'", folder.display())]
    Library {
        /// What was tried.
        action: &'static str,
        /// The repository.
        folder: PathBuf,
        /// The library's error.
        #[source]
        source: git2::Error,
    },
    /// No branch is checked out.
    #[error("no branch is checked out")]
    Detached,
    /// There is nothing to push to.
    #[error("the clone has no remote 'origin' that can be used: {reason}")]
    NoOrigin {
        /// What is wrong.
        reason: String,
    },
    /// A program that is needed is not installed.
    #[error("'{program}' is not in the folders of PATH")]
    NotFound {
        /// Its name.
        program: String,
    },
    /// A program lies where a commit could have put it.
    #[error("'{}' lies in the repository and is not executed", program.display())]
    InRepository {
        /// The program.
        program: PathBuf,
    },
    /// A program could not be started.
    #[error("cannot execute '{}'", program.display())]
    Execute {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// A program ended with an error.
    #[error("cannot {action}: {reason}")]
    Program {
        /// What it was to do.
        action: &'static str,
        /// The end of what it said, escaped.
        reason: String,
    },
    /// Git does not know who the operator is.
    #[error("git does not know your name and address")]
    NoIdentity,
    /// There is no key to sign with.
    #[error("there is no key to sign with: {reason}")]
    NoKey {
        /// What was looked for.
        reason: String,
    },
    /// The key file cannot be used.
    #[error("cannot sign with '{}': {reason}", file.display())]
    KeyFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The settings ask for signatures that no host accepts.
    #[error("git is set to sign by '{format}', and hosts accept OpenPGP signatures only")]
    Format {
        /// The value of `gpg.format`.
        format: String,
    },
    /// A file of the clone cannot be read or written.
    #[error("cannot use '{}'", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
}

impl OperatorError {
    /// Returns what to try.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoClone { .. } => "go into your clone, or name it: --repository DIR",
            Self::Foreign { .. } => "work in a clone of your own",
            Self::Library { .. } => "see what 'git fsck' says in the clone",
            Self::Detached => "check out the branch to release: git switch main",
            Self::NoOrigin { .. } => "name the repository's server: git remote add origin URL",
            Self::NotFound { .. } => "install it",
            Self::InRepository { .. } => "install the program elsewhere, and take the folder out of PATH and settings",
            Self::Execute { .. } => "see whether it is a program for this machine",
            Self::Program { .. } => "mend what it says, then do the same again",
            Self::NoIdentity => "git config --global user.name NAME; git config --global user.email ADDRESS",
            Self::NoKey { .. } => "git config --global user.signingKey FINGERPRINT, or say --key FILE",
            Self::KeyFile { .. } => "name an OpenPGP key without passphrase, or let gpg sign with user.signingKey",
            Self::Format { .. } => "git config --global gpg.format openpgp, or say --key FILE",
            Self::File { .. } => "look at its owner and mode, and at the room on the disk",
        }
    }
}

impl From<OperatorError> for Failure {
    fn from(error: OperatorError) -> Self {
        let status = match error {
            OperatorError::Library { .. } | OperatorError::Program { .. } | OperatorError::File { .. } => {
                Status::Failed
            }
            _ => Status::Usage,
        };
        Self::new(status, &error, error.hint())
    }
}
