//! `cosmos apply`: the accepted revision, on this host.

use crate::agent::Agent;
use crate::cli::{ApplyOptions, GlobalOptions};
use crate::exit::{Failure, Status};
use crate::operation::{self, Manner};
use crate::pipeline::Packages;

/// Applies without fetching.
///
/// # Errors
/// Returns a [`Failure`] when settings, lock or state do not let it start.
pub fn run(options: &ApplyOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let agent = Agent::load(global)?;
    let manner = Manner::changing("apply", &agent.options, options.wait);
    let report = operation::perform(&agent, manner, |pipeline| {
        if options.no_packages {
            pipeline.when_missing = Packages::HoldBack;
        }
        pipeline.apply()
    })?;
    Ok(operation::print(&agent, &report))
}
