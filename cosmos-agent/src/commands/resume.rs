//! `cosmos resume`: unattended runs on again.

use crate::agent::native_site;
use crate::cli::GlobalOptions;
use crate::exit::{Failure, Status};
use crate::pause;

/// Removes the off switch.
///
/// # Errors
/// Returns a [`Failure`] when the switch cannot be removed.
pub fn run(global: &GlobalOptions) -> Result<Status, Failure> {
    pause::resume(&native_site(global)?.root).map_err(|error| Failure::new(Status::Failed, &error, error.hint()))?;
    Ok(Status::Done)
}
