//! An end as it is typed, of a pause or a hold.

use cosmos_model::time::{InvalidTime, Time};

use crate::exit::{Failure, Status};

/// Reads the value of `--until`.
///
/// # Errors
/// Returns a [`Failure`] for what is no time.
pub fn named(text: Option<&str>) -> Result<Option<Time>, Failure> {
    text.map(str::parse).transpose().map_err(|error: InvalidTime| {
        Failure::new(Status::Usage, &error, "name the end in UTC: --until 2026-01-10T18:00:00Z")
    })
}
