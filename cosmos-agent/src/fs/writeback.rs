//! Starting to write files to disk, so that several are under way before the first is waited for.
#![allow(unsafe_code, reason = "sync_file_range has no safe form")]

use std::fs::File;
use std::os::fd::AsRawFd as _;

use nix::libc;

/// Lets the kernel begin to write the file's bytes, and returns at once.
///
/// One after the other, each file waits for a commit of the file system's journal of its own, since its blocks are
/// found only when it is written. What was begun before the first wait is in the first commit.
pub(crate) fn begin(file: &File) {
    // SAFETY: the descriptor is open, and no memory is handed over. Who needs the bytes on disk waits for them
    // afterwards, so that an error here, as of a file system that does not know the call, only costs time.
    unsafe {
        libc::sync_file_range(file.as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE);
    }
}
