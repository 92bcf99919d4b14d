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
    let until = super::until::named(options.until.as_deref())?;
    let pause = Pause { reason: options.reason.clone(), until };
    pause::pause(&native_site(global)?.root, &pause, operation::now())
        .map_err(|error| Failure::new(Status::Failed, &error, error.hint()))?;
    println!("{pause}");
    Ok(Status::Done)
}
