//! `cosmos gpg`: gpg on the classic keyring (C6).

use crate::cli::{GlobalOptions, GpgOptions};
use crate::exit::{Failure, Status};

/// Becomes gpg, or without gpg imports certificates itself. Takes no lock.
///
/// # Errors
/// Returns a [`Failure`] when the host is not classic, or the keyring cannot be used.
pub fn run(options: &GpgOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    crate::classic::gpg_command(&options.arguments, global)
}
