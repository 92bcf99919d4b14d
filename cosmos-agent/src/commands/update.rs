//! `cosmos update`: fetch and authenticate.

use crate::agent::Agent;
use crate::cli::{GlobalOptions, UpdateOptions};
use crate::exit::{Failure, Status};
use crate::operation::{self, Manner};
use crate::report::progress;

/// Fetches and authenticates. Natively, but not on a classic host, a remote out of reach is a failure, as this is all
/// that was asked for (§14).
///
/// # Errors
/// Returns a [`Failure`] when settings, lock or state do not let it start.
pub fn run(options: &UpdateOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let mut agent = Agent::load(global)?;
    // Held until the run has ended: what came in on standard input goes with it.
    let _given = options.bundle.as_deref().map(|bundle| agent.take_bundle(bundle)).transpose()?;
    let manner = Manner::changing("update", &agent.options, false);
    let report = operation::perform(&agent, manner, |pipeline| {
        let failed = pipeline.update(&mut progress::bar(&agent))?.into_iter().next();
        failed.filter(|_| agent.classic.is_none()).map_or(Ok(()), |error| Err(error.into()))
    })?;
    Ok(operation::print(&agent, &report))
}
