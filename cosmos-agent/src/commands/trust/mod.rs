//! `cosmos trust`: what operators settle about whom hosts believe.

use crate::cli::{GlobalOptions, TrustCommand};
use crate::exit::{Failure, Status};

mod init;

pub(super) use init::tree::target;

/// Does what the second word says.
///
/// # Errors
/// Returns a [`Failure`] as the command does.
pub fn run(command: &TrustCommand, global: &GlobalOptions) -> Result<Status, Failure> {
    match command {
        TrustCommand::Init(options) => init::run(options, global),
    }
}
