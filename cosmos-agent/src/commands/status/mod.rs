//! `cosmos status`: which revision is accepted, applied, refused, and whether this host is well. Takes no lock.

use crate::agent::Agent;
use crate::cli::GlobalOptions;
use crate::exit::{Failure, Status};
use crate::operation;
use crate::report::json as report_json;
use crate::report::style::Palette;

mod body;
mod text;

/// Prints the state of this host.
///
/// # Errors
/// Returns a [`Failure`] when settings or state cannot be read.
pub fn run(global: &GlobalOptions) -> Result<Status, Failure> {
    let agent = Agent::load(global)?;
    let body = operation::peek(&agent, |pipeline, now| body::of(&agent, pipeline, now))??;
    if agent.options.json {
        println!("{}", report_json::envelope("status", agent.host(), Status::Done, body));
    } else {
        let verbose = agent.options.verbose > 0;
        text::lines(agent.host(), &body, &Palette::for_stdout(), verbose).iter().for_each(|line| println!("{line}"));
    }
    Ok(Status::Done)
}
