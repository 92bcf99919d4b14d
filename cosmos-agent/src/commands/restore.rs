//! `cosmos restore`: what was at a path before Cosmos wrote there, with owner and mode.

use crate::agent::Agent;
use crate::cli::{GlobalOptions, RestoreOptions};
use crate::commands::path;
use crate::exit::{Failure, Status};
use crate::operation::{self, Manner};

/// Puts one path back.
///
/// # Errors
/// Returns a [`Failure`] when nothing was found there, or a run would write it again.
pub fn run(options: &RestoreOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let agent = Agent::load(global)?;
    let path = path::named(&options.path)?;
    let report = operation::perform(&agent, Manner::changing("restore", global, false), |pipeline| {
        if !pipeline.restore(&path)? {
            pipeline.report.remarks.push(format!("'{path}' is as it was found already"));
        }
        Ok(())
    })?;
    Ok(operation::print(&agent, &report))
}
