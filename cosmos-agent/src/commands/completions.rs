//! `cosmos completions`: completion scripts for shells.

use clap::CommandFactory as _;

use crate::exit::{Failure, Status};

/// Prints the completion script of `shell`.
///
/// # Errors
/// None; the signature is that of every command.
pub fn run(shell: clap_complete::Shell) -> Result<Status, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::cli::Cli::command(), "cosmos", &mut script);
    print!("{}", String::from_utf8_lossy(&script));
    Ok(Status::Done)
}
