//! Where programs are looked for that are named without a folder.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The one PATH of everything the agent starts.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Returns the absolute path of the program `name`; `None` where there is none that can be executed.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    let is_program =
        |path: &PathBuf| path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    if name.starts_with('/') {
        return Some(PathBuf::from(name)).filter(is_program);
    }
    PATH.split(':').map(|folder| Path::new(folder).join(name)).find(is_program)
}
