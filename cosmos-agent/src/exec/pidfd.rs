//! A descriptor that becomes readable when a program ends, so that nothing has to look again and again.
#![allow(unsafe_code, reason = "the system call has no safe form in the crates at hand")]

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::process::Child;

use nix::libc;

/// Opens the descriptor of a child that was not waited for yet; it is closed when we execute something.
///
/// # Errors
/// Returns the kernel's answer; Linux before 5.3 has no such call.
pub(super) fn open(child: &Child) -> io::Result<OwnedFd> {
    // SAFETY: takes two numbers and returns a new descriptor or -1; it touches no memory of ours.
    let number = unsafe { libc::syscall(libc::SYS_pidfd_open, child.id(), 0) };
    let number = i32::try_from(number).map_err(io::Error::other)?;
    if number < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just made this descriptor for us, and nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}
