//! `cosmos update`: fetch and authenticate.

use crate::agent::Agent;
use crate::cli::GlobalOptions;
use crate::exit::{Failure, Status, with_causes};
use crate::fetch::FetchError;
use crate::operation::{self, Manner};
use crate::report::progress;

/// Fetches and authenticates. Natively, but not on a classic host, a remote out of reach is a failure, as this is all that was asked for (§14).
///
/// # Errors
/// Returns a [`Failure`] when settings, lock or state do not let it start.
pub fn run(global: &GlobalOptions) -> Result<Status, Failure> {
    let agent = Agent::load(global)?;
    let manner = Manner::changing("update", &agent.options, false);
    let report = operation::perform(&agent, manner, |pipeline| {
        let unreachable = pipeline.update(&mut progress::bar(&agent))?;
        let failed = out_of_reach(&unreachable).filter(|_| agent.classic.is_none());
        failed.map_or(Ok(()), Err)
    })?;
    Ok(operation::print(&agent, &report))
}

/// Returns the failure of a command that was asked for news and got none.
pub(super) fn out_of_reach(unreachable: &[(String, FetchError)]) -> Option<Failure> {
    let (url, error) = unreachable.first()?;
    let message = format!("cannot reach '{url}': {}", with_causes(error));
    Some(Failure::of(Status::Failed, message, error.hint()))
}
