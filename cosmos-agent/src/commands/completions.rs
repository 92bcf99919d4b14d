//! `cosmos completions`: completion scripts for shells.

use clap::CommandFactory as _;

use crate::exit::{Failure, Status};

/// Prints the completion script of `shell`.
///
/// # Errors
/// None; the signature is that of every command.
pub fn run(shell: clap_complete::Shell) -> Result<Status, Failure> {
    clap_complete::generate(shell, &mut crate::cli::Cli::command(), "cosmos", &mut std::io::stdout());
    Ok(Status::Done)
}
