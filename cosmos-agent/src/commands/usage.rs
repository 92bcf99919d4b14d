//! Words that are no command line: what is wrong with them in two lines, or the help that was asked for.

use std::ffi::OsString;

use clap::CommandFactory as _;
use clap::error::ErrorKind;

use crate::cli::{Cli, GlobalOptions, overview};
use crate::exit::{Failure, Status};

/// Prints what clap has to say about the words typed, and returns the status: help and version are no mistakes.
#[must_use]
pub fn run(error: &clap::Error) -> Status {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // Who asks for help can wait for a list by groups to be made; each run cannot.
        let _ = overview::command().try_get_matches().map_or_else(|error| error.print(), |_| Ok(()));
        return Status::Done;
    }
    let failure = failure(error, &command_of(std::env::args_os().skip(1)));
    eprintln!("{failure}");
    // The words could not be read, so neither could a '--root' among them.
    failure.status.for_host(crate::classic::settings_folder(&GlobalOptions::default()).is_some())
}

/// Returns clap's first paragraph as one line, with the option that was meant where it knows one.
fn failure(error: &clap::Error, command: &str) -> Failure {
    let rendered = error.render().to_string();
    let what = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => format!("'{command}' needs one of its commands"),
        _ => rendered.trim_start_matches("error: ").lines().map_while(said).collect::<Vec<_>>().join(" "),
    };
    let meant = rendered.lines().find_map(|line| line.trim_start().strip_prefix("tip: a similar "));
    let hint = format!("try '{command} --help'");
    Failure::of(
        Status::Usage,
        what,
        meant.map_or_else(|| hint.clone(), |meant| format!("a similar {meant}; or {hint}")),
    )
}

fn said(line: &str) -> Option<&str> {
    Some(line.trim()).filter(|line| !line.is_empty())
}

/// Returns the names of the commands that the words typed begin with.
fn command_of(words: impl Iterator<Item = OsString>) -> String {
    let mut command = Cli::command();
    let mut names = command.get_name().to_owned();
    for word in words {
        if let Some(below) = command.find_subcommand(&word).cloned() {
            names = format!("{names} {}", below.get_name());
            command = below;
        }
    }
    names
}
