//! A path of the host as it is typed: with a slash in front, or without.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use cosmos_model::path::RelPath;

use crate::exit::{Failure, Status};

/// Reads a path that was typed.
///
/// # Errors
/// Returns a [`Failure`] for one that is not plain.
pub fn named(path: &Path) -> Result<RelPath, Failure> {
    let bytes = path.as_os_str().as_bytes();
    let start = bytes.iter().position(|byte| *byte != b'/').unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| *byte != b'/').map_or(start, |last| last + 1);
    RelPath::new(&bytes[start..end])
        .map_err(|error| Failure::new(Status::Usage, &error, "name it as the host has it: /etc/motd"))
}
