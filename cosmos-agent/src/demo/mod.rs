//! The newcomer's demonstration: two operators, a signed repository, a host, a change, drift, and two attacks, all
//! below one folder, through the commands an administrator types.

use std::path::{Path, PathBuf};

use crate::cli::Cli;
use crate::exit::Status;

pub mod example;

mod narrator;
mod operator;
mod place;
mod repository;
mod stage;
mod story;

pub use narrator::Narrator;

/// The agent the story is played with: [`crate::commands::execute`], or in a test one that is broken on purpose.
pub type Agent<'a> = &'a dyn Fn(Cli) -> Status;

/// Why the demonstration ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A command did not end as the chapter says.
    #[error("'{command}' ended with exit status {found}, and the chapter says {expected}")]
    Status {
        /// The command line.
        command: String,
        /// What the chapter says.
        expected: u8,
        /// What happened.
        found: u8,
    },
    /// A file is not what the chapter says.
    #[error("'{path}' is not what the chapter says: {what}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A refused revision left something behind.
    #[error("the host is not as it was before '{command}': '{path}' differs")]
    Touched {
        /// The command line.
        command: String,
        /// The first path that differs.
        path: PathBuf,
    },
    /// The command line of a chapter is wrong.
    #[error("the demonstration typed a command that does not exist")]
    Typed(#[source] clap::Error),
    /// Making keys, objects or files failed.
    #[error("cannot prepare {what}")]
    Prepare {
        /// What was being made.
        what: &'static str,
        /// Why it failed.
        #[source]
        source: anyhow::Error,
    },
}

/// Plays all chapters below the empty folder `place`.
///
/// # Errors
/// Returns the first outcome that is not what its chapter says, or what could not be made.
pub fn play(place: &Path, agent: Agent<'_>, narrator: Narrator) -> Result<(), DemoError> {
    story::Story::begin(place, agent, narrator)?.play()
}
