//! What the modules of Cosmos need besides the agent. The binary calls [`run`]; the rest is its own.

use std::error::Error;
use std::process::ExitCode;

use clap::Parser as _;

mod cli;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod note;
mod phone;
mod program;
mod text;
mod units;
mod zone;

use cli::{Cli, Command};

/// Does what the command line says, and returns how it ended.
#[must_use]
pub fn run() -> ExitCode {
    match Cli::parse().command {
        Command::Backup(options) => end(phone::backup::run(&options)),
        Command::Status(options) => end(phone::status::run(&options)),
        Command::Shell(options) => end(phone::shell::run(&options)),
        Command::ZoneStatus(options) => end(zone::status::run(&options)),
        Command::ZoneFollow(options) => end(zone::follow::run(&options)),
        Command::ZoneLeave(options) => end(zone::leave::run(&options)),
    }
}

/// What a failed command tells people, and its exit status.
trait Failure: Error {
    /// What to try, in one line.
    fn hint(&self) -> String;
    /// The exit status (docs/tools.md, Exit status).
    fn status(&self) -> u8;
}

fn end<E: Failure>(outcome: Result<ExitCode, E>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        let mut words = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            words.push_str(": ");
            words.push_str(&next.to_string());
            cause = next.source();
        }
        eprintln!("error: {words}");
        eprintln!("hint: {}", error.hint());
        ExitCode::from(error.status())
    })
}
