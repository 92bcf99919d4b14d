//! Who may change a file that decides what root does.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

/// Tells whether nobody but root, or the caller in an unprivileged root, may change a file or folder.
///
/// Ask about an open descriptor, not about a name that may mean something else a moment later.
#[must_use]
pub fn is_exclusive(found: &Metadata) -> bool {
    let by_owner = found.uid() == 0 || found.uid() == nix::unistd::geteuid().as_raw();
    let by_group = found.mode() & 0o020 == 0 || found.gid() == 0;
    by_owner && by_group && found.mode() & 0o002 == 0
}
