//! `cosmos manual`: the manual pages, from the same words as `--help`.

use std::path::Path;

use clap::CommandFactory as _;

use crate::exit::{Failure, Status};

/// Writes one page a command into `dir`.
///
/// # Errors
/// Returns a [`Failure`] that names `dir` when the pages cannot be written.
pub fn run(dir: &Path) -> Result<Status, Failure> {
    let failed = |error: std::io::Error| {
        let message = format!("cannot write manual pages to '{}': {error}", dir.display());
        Failure::of(Status::Failed, message, "name a folder that exists and that you may write to")
    };
    std::fs::create_dir_all(dir).map_err(failed)?;
    clap_mangen::generate_to(crate::cli::Cli::command(), dir).map_err(failed)?;
    Ok(Status::Done)
}
