//! `cosmos resume`: unattended runs on again, and the newest revision after a rollback.

use crate::agent::{Agent, native_site};
use crate::cli::GlobalOptions;
use crate::exit::{Failure, Status};
use crate::operation::{self, Manner};
use crate::pause;
use crate::state::State;

/// Removes the off switch, and ends a rollback.
///
/// # Errors
/// Returns a [`Failure`] when the switch cannot be removed, or the state cannot be changed.
pub fn run(global: &GlobalOptions) -> Result<Status, Failure> {
    pause::resume(&native_site(global)?.root).map_err(|error| Failure::new(Status::Failed, &error, error.hint()))?;
    // A host that was never told whom to trust has a switch, and nothing else to resume.
    let Ok(agent) = Agent::load(global) else { return Ok(Status::Done) };
    if State::load(&agent.site)?.rolled_back().is_none() {
        return Ok(Status::Done);
    }
    let report = operation::perform(&agent, Manner::changing("resume", global, false), |pipeline| {
        if pipeline.resume() {
            let said = "the rollback ended: the next run makes this host the newest revision";
            pipeline.report.remarks.push(said.to_owned());
            pipeline.report.marked = true;
        }
        Ok(())
    })?;
    Ok(operation::print(&agent, &report))
}
