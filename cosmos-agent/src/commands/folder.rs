//! A classic command of this host's own: the scripts of `NAME.d` (C10).

use std::ffi::OsString;

use crate::cli::GlobalOptions;
use crate::exit::{Failure, Status};

/// Runs the scripts of the folder that the first word names.
///
/// # Errors
/// Returns a [`Failure`] when there is no such command, or one of its scripts fails.
pub fn run(words: &[OsString], global: &GlobalOptions) -> Result<Status, Failure> {
    crate::classic::own_command(words, global)
}
