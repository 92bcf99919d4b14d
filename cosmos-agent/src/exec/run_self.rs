//! Executing this program again: a daemon never forks without that (F4).

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Starts `program`, this one as installed now, with our environment and our output, without standard input.
///
/// # Errors
/// Returns the system's answer when the program cannot be executed.
pub fn run_self(program: &Path, arguments: &[OsString]) -> io::Result<Child> {
    Command::new(program).args(arguments).stdin(Stdio::null()).spawn()
}
