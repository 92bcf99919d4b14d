//! One file a verb.

pub mod demo;
pub mod init;

use crate::cli::Cli;
use crate::exit::Status;

/// Does what the command line says, prints what there is to say, and returns how it ended.
#[must_use]
pub fn execute(cli: Cli) -> Status {
    let _ = cli;
    Status::Done
}
