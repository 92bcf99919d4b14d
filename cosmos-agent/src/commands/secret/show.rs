//! `cosmos secret show`: what a secret holds, on standard output.

use std::io::Write as _;

use super::Desk;
use crate::exit::{Failure, Status};
use crate::recipients::SecretFile;

/// Prints it as it is.
///
/// # Errors
/// Returns a [`Failure`] when the operator cannot read it.
pub fn run(desk: &Desk<'_>, secret: &SecretFile) -> Result<Status, Failure> {
    let text = desk.open(secret, &secret.read(desk.work)?)?;
    let written = std::io::stdout().write_all(&text);
    written.map_err(|error| Failure::new(Status::Failed, &error, "see where standard output leads"))?;
    Ok(Status::Done)
}
