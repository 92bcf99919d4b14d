//! `cosmos pause`: unattended runs off, with a reason.

use crate::agent::native_site;
use crate::cli::{GlobalOptions, PauseOptions};
use crate::exit::{Failure, Status};
use crate::operation;
use crate::pause::{self, Pause};

/// Writes the off switch.
///
/// # Errors
/// Returns a [`Failure`] when the time is none, the reason is empty, or the switch cannot be written.
pub fn run(options: &PauseOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let until = options.until.as_ref().map(|text| text.parse()).transpose();
    let until = until.map_err(|error: cosmos_model::time::InvalidTime| {
        Failure::new(Status::Usage, &error, "name the end in UTC: --until 2026-01-10T18:00:00Z")
    })?;
    let pause = Pause { reason: options.reason.clone(), until };
    pause::pause(&native_site(global)?.root, &pause, operation::now())
        .map_err(|error| Failure::new(Status::Failed, &error, error.hint()))?;
    println!("{pause}");
    Ok(Status::Done)
}
