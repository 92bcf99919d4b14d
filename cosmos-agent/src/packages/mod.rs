//! Packages of the host's distribution: what is installed, and the installing of what is missing.
//!
//! [`Installer`] is what a run asks of a distribution's tools. Debian's are [`Apt`]; another kind of package gets a key
//! of its own in `[packages]` and an installer of its own.

mod apt;
mod database;
mod lists;
mod lock;
mod policy;
mod progress;

use std::collections::BTreeSet;

use cosmos_model::package::PackageName;
use cosmos_model::snapshot::Stat;

use crate::exec::ExecError;
use crate::fs::FsError;

pub use apt::{Apt, Request};
pub use database::parse;
pub(crate) use database::{installed, look};
pub use progress::Progress;

/// What a host's package database says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Installed {
    /// The packages that are installed and configured.
    pub names: BTreeSet<PackageName>,
    /// Whether any package stands between installed and not.
    pub unfinished: bool,
    /// How the database looked; none where there is none.
    pub seen: Option<Stat>,
}

/// A package that was asked for and did not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotInstalled {
    /// Its name.
    pub name: PackageName,
    /// Why, as one line.
    pub reason: String,
}

/// What became of the packages asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Installation {
    /// Those that did not come; all others are there.
    pub failed: Vec<NotInstalled>,
    /// What the tools wrote, bounded, where something did not come.
    pub output: Vec<u8>,
    /// How the database looked afterwards.
    pub seen: Option<Stat>,
}

/// A distribution's tools, as far as a run needs them.
pub trait Installer {
    /// Installs these packages and what they need, asking nobody, starting no service, removing nothing.
    ///
    /// # Errors
    /// Returns an [`InstallError`] where nothing could be tried; a package that does not come is no error.
    fn install(&self, names: &[PackageName]) -> Result<Installation, InstallError>;
}

/// Packages could not be looked at, or their tools not be used.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// A file could not be read or written.
    #[error("cannot install packages")]
    Fs(#[from] FsError),
    /// A program could not be started.
    #[error("cannot run the package tools of this host")]
    Exec(#[from] ExecError),
    /// Somebody else is installing, and does not end.
    #[error("another program holds the package database for more than {0} s")]
    Busy(u64),
}
