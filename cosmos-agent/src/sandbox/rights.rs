//! Whose rights the child has: a user of its own instead of root, and no capabilities.
#![allow(unsafe_code, reason = "capget, capset and the secure bits have no safe form")]

use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, geteuid, getppid, setgroups, setresgid, setresuid};

use super::SandboxError;

/// The user that belongs to the fetching child alone; `overlay/usr/lib/sysusers.d/cosmos.conf` makes it.
pub const USER: &str = "cosmos-fetch";

/// A user and a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The user's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
}

impl Identity {
    /// Returns the user [`USER`] of this system for a process of root's, if it has one.
    ///
    /// There is no substitute: `nobody` belongs to others, too, who could trace or kill what runs as it.
    #[must_use]
    pub fn own() -> Option<Self> {
        let users = geteuid().is_root().then(|| std::fs::read("/etc/passwd").ok())??;
        Self::find(&users)
    }

    fn find(users: &[u8]) -> Option<Self> {
        users.split(|byte| *byte == b'\n').find_map(|line| {
            let mut fields = std::str::from_utf8(line).ok()?.split(':');
            let name = fields.next()?;
            let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            (name == USER && uid != 0 && gid != 0).then_some(Self { uid, gid })
        })
    }
}

/// Becomes `identity`, drops every capability but the one to read what is `foreign`, and cannot be traced any more.
/// Tells whether it is another user than root now.
pub(super) fn give_up(identity: Option<Identity>, foreign: bool) -> Result<bool, SandboxError> {
    let parent = getppid();
    if let Some(identity) = identity {
        keep_capabilities()?;
        become_user(identity)?;
    }
    drop_capabilities(foreign)?;
    prctl::set_dumpable(false).map_err(failed("forbid being traced"))?;
    // A process that changes its user is forgotten by its parent's death.
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(failed("die with the parent"))?;
    if getppid() != parent {
        return Err(failed("die with the parent")(Errno::ESRCH));
    }
    Ok(!geteuid().is_root())
}

/// `SECBIT_NO_SETUID_FIXUP`, from `linux/securebits.h`: changing the user leaves the capabilities alone, and asking
/// whether a file is accessible counts them. libgit2 asks before it opens.
const LEAVE_ALONE: libc::c_ulong = 1 << 2;

/// Keeps the capabilities across the change of user; they are dropped one by one afterwards.
fn keep_capabilities() -> Result<(), SandboxError> {
    // SAFETY: sets a flag of this process and touches no memory.
    let set = unsafe { libc::prctl(libc::PR_SET_SECUREBITS, LEAVE_ALONE, 0, 0, 0) };
    match Errno::result(set) {
        Ok(_) => Ok(()),
        // Root of a container may not; what it opens without asking works all the same.
        Err(_) => prctl::set_keepcaps(true).map_err(failed("keep capabilities")),
    }
}

fn become_user(Identity { uid, gid }: Identity) -> Result<(), SandboxError> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    match setgroups(&[]) {
        // Root of a container without that right stays what it is.
        Err(Errno::EPERM) => return Ok(()),
        other => other.map_err(failed("leave root's groups"))?,
    }
    setresgid(gid, gid, gid).map_err(failed("take the group of the fetching user"))?;
    setresuid(uid, uid, uid).map_err(failed("become the fetching user"))
}

/// The version of the two structures below, from `linux/capability.h`.
const VERSION: u32 = 0x2008_0522;
/// `CAP_DAC_READ_SEARCH`: reading files and passing folders whatever their modes say.
const READ_ANYTHING: u32 = 1 << 2;

#[repr(C)]
struct Header {
    version: u32,
    pid: libc::c_int,
}

/// Capabilities 0 to 31, then 32 to 63.
#[repr(C)]
#[derive(Default, Clone, Copy)]
struct Sets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

fn drop_capabilities(foreign: bool) -> Result<(), SandboxError> {
    let mut header = Header { version: VERSION, pid: 0 };
    let mut sets = [Sets::default(); 2];
    // SAFETY: both structures are laid out as the kernel's of this version and live through the call.
    let read = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()) };
    Errno::result(read).map_err(failed("read capabilities"))?;
    let kept = if foreign { sets[0].permitted & READ_ANYTHING } else { 0 };
    let sets = [Sets { effective: kept, permitted: kept, inheritable: 0 }, Sets::default()];
    // SAFETY: as above; the kernel only reads them.
    let written = unsafe { libc::syscall(libc::SYS_capset, &raw mut header, sets.as_ptr()) };
    Errno::result(written).map(drop).map_err(failed("drop capabilities"))
}

fn failed(action: &'static str) -> impl Fn(Errno) -> SandboxError {
    move |source| SandboxError::Rights { action, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_found_by_its_whole_name_and_is_never_root() {
        let found = |text: &str| Identity::find(text.as_bytes());
        let users = "root:x:0:0::/root:/bin/sh\ncosmos-fetch2:x:7:7::/:\ncosmos-fetch:x:990:980::/:/usr/sbin/nologin\n";
        assert_eq!(found(users), Some(Identity { uid: 990, gid: 980 }));
        assert_eq!(found("cosmos-fetch:x:0:980::/:\n"), None);
        assert_eq!(found("cosmos-fetch:x:990:0::/:\n"), None);
        assert_eq!(found("cosmos-fetch:x:\n#\n"), None);
    }
}
