//! Extended attributes: what a file that replaces another takes over from it (docs/formats.md §4).

use std::ffi::CString;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};

use nix::Result;
use nix::errno::Errno;
use rustix::fs::{XattrFlags, getxattr, removexattr, setxattr};

use super::directory::{Directory, gate};

/// SELinux's word on who may use a file, whatever it holds.
pub(crate) const LABEL: &str = "security.selinux";

/// What a program may do beyond the rights of its user: a word on its content.
pub(crate) const CAPABILITIES: &str = "security.capability";

/// The access lists of a file, and those that a folder gives to what is made in it.
const ACCESS_LISTS: [&str; 2] = ["system.posix_acl_access", "system.posix_acl_default"];

/// Longest value that is taken over: that of a whole block.
const LONGEST: usize = 4096;

/// Gives the open file `new` the attributes `names` of the file `old` in `directory`, those that it has.
pub(crate) fn take_over(directory: &Directory, old: &[u8], new: BorrowedFd<'_>, names: &[&str]) -> Result<()> {
    let old = match directory.open_path(old) {
        Err(Errno::ENOENT) => return Ok(()),
        opened => opened?,
    };
    for name in names {
        let mut value = [0; LONGEST];
        match getxattr(through(old.as_fd()), *name, &mut value) {
            Ok(length) => {
                gate()?;
                setxattr(through(new), *name, &value[..length], XattrFlags::empty()).map_err(errno)?;
            }
            Err(error) => none_there(errno(error))?,
        }
    }
    Ok(())
}

/// Takes away the access lists that `new`, a file or directory just made, has from its folder.
pub(crate) fn drop_access_lists(new: BorrowedFd<'_>) -> Result<()> {
    for name in ACCESS_LISTS {
        gate()?;
        removexattr(through(new), name).or_else(|error| none_there(errno(error)))?;
    }
    Ok(())
}

impl Directory {
    /// Takes away the access lists that the directory `name`, just made, has from this one.
    pub(crate) fn drop_access_lists(&self, name: &[u8]) -> Result<()> {
        drop_access_lists(self.open_path(name)?.as_fd())
    }
}

/// The name of what a handle stands for, also of one that is a mere place and takes no call itself.
fn through(handle: BorrowedFd<'_>) -> CString {
    CString::new(format!("/proc/self/fd/{}", handle.as_raw_fd())).expect("digits hold no NUL")
}

fn errno(error: rustix::io::Errno) -> Errno {
    Errno::from_raw(error.raw_os_error())
}

fn none_there(errno: Errno) -> Result<()> {
    match errno {
        Errno::ENODATA | Errno::EOPNOTSUPP => Ok(()),
        errno => Err(errno),
    }
}
