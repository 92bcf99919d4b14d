//! Walking to a directory below the root, one component at a time.
//!
//! A symlinked directory is followed only when root owns the link (in an unprivileged root: the caller); an absolute
//! target starts again at the root's handle, `..` in a target stops at it, and 40 links are the limit, as in the
//! kernel. `openat2` has no flag that looks at who owns a link, and `RESOLVE_BENEATH` refuses `/var/run -> /run`.

use std::path::Path;
use std::sync::Arc;

use cosmos_model::escape::for_terminal;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::Mode;

use super::directory::Directory;
use super::error::{FsError, OnPath};
use super::kind::{Kind, kind_of};

/// As many links as the kernel follows in one path.
const MAX_LINKS: usize = 40;

/// Why a directory was not reached.
#[derive(Debug)]
pub enum Obstacle {
    /// A component does not exist.
    Missing,
    /// A component is no directory, or a link that is not followed; the text says which.
    Blocked(String),
    /// The kernel refused.
    Failed(FsError),
}

impl Obstacle {
    /// Turns the obstacle into an error for a caller that needs the directory to be there.
    #[must_use]
    pub fn into_error(self, path: &[u8]) -> FsError {
        match self {
            Self::Missing => FsError::call("reach", path, Errno::ENOENT),
            Self::Blocked(reason) => FsError::Blocked { path: for_terminal(path), reason },
            Self::Failed(error) => error,
        }
    }
}

/// The directory below which a host is observed and changed.
#[derive(Debug, Clone)]
pub struct Root {
    top: Directory,
    /// Whose symlinked directories are followed.
    trusted: u32,
    default_owner: (u32, u32),
}

impl Root {
    /// Opens `folder`, normally `/`. Links in `folder` itself are the caller's word and followed.
    ///
    /// # Errors
    /// Returns an [`FsError`] when there is no such directory.
    pub fn open(folder: &Path) -> Result<Self, FsError> {
        Self::trusting(folder, nix::unistd::geteuid().as_raw())
    }

    /// Opens `folder`, following symlinked directories of the user `trusted`.
    pub(crate) fn trusting(folder: &Path, trusted: u32) -> Result<Self, FsError> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let bytes = std::os::unix::ffi::OsStrExt::as_bytes(folder.as_os_str());
        let handle = openat(AT_FDCWD, folder, flags, Mode::empty()).on("open", bytes)?;
        let default_owner = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
        Ok(Self { top: Directory::new(Arc::new(handle)), trusted, default_owner })
    }

    /// Returns the root's own directory.
    #[must_use]
    pub const fn top(&self) -> &Directory {
        &self.top
    }

    /// Returns the user and group that files get by default: 0 and 0, or the caller's in an unprivileged root.
    #[must_use]
    pub const fn default_owner(&self) -> (u32, u32) {
        self.default_owner
    }

    /// Walks to the directory `path`, relative to the root; an empty path is the root itself.
    ///
    /// # Errors
    /// Returns the [`Obstacle`] met on the way.
    pub fn directory(&self, path: &[u8]) -> Result<Directory, Obstacle> {
        let mut reached = vec![self.top.clone()];
        let mut left: Vec<Vec<u8>> = reversed_components(path);
        let mut links = 0;
        while let Some(name) = left.pop() {
            match name.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    // Above the root is the root, as for a process inside it.
                    reached.truncate((reached.len() - 1).max(1));
                    continue;
                }
                _ => {}
            }
            let here = reached.last().expect("the root is never taken off");
            match self.enter(here, &name, path)? {
                Entered::Directory(next) => reached.push(next),
                Entered::Link(target) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(Obstacle::Blocked(format!("more than {MAX_LINKS} symlinks on the way")));
                    }
                    if target.starts_with(b"/") {
                        reached.truncate(1);
                    }
                    left.extend(reversed_components(&target));
                }
            }
        }
        Ok(reached.pop().expect("the root is never taken off"))
    }

    fn enter(&self, here: &Directory, name: &[u8], path: &[u8]) -> Result<Entered, Obstacle> {
        let handle = match here.open_path(name) {
            Ok(handle) => handle,
            Err(Errno::ENOENT) => return Err(Obstacle::Missing),
            Err(errno) => return Err(Obstacle::Failed(FsError::call("reach", path, errno))),
        };
        let failed = |error| Obstacle::Failed(error);
        let stat = nix::sys::stat::fstat(&handle).on("look at", path).map_err(failed)?;
        match kind_of(&stat) {
            Kind::Directory => Ok(Entered::Directory(Directory::new(Arc::new(handle)))),
            Kind::Symlink if stat.st_uid == self.trusted => {
                let target = nix::fcntl::readlinkat(&handle, "").on("read the link", path).map_err(failed)?;
                Ok(Entered::Link(std::os::unix::ffi::OsStringExt::into_vec(target)))
            }
            Kind::Symlink => {
                let (name, owner) = (for_terminal(name), stat.st_uid);
                Err(Obstacle::Blocked(format!("'{name}' on the way is a symlink of user {owner}")))
            }
            _ => Err(Obstacle::Blocked(format!("'{}' on the way is not a directory", for_terminal(name)))),
        }
    }
}

enum Entered {
    Directory(Directory),
    Link(Vec<u8>),
}

fn reversed_components(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec).collect()
}

/// Reaches the folders of many paths in turn. The way to the last one stays open: sorted paths cost one look a folder.
#[derive(Debug)]
pub struct Cursor<'r> {
    root: &'r Root,
    /// The folder last reached.
    path: Vec<u8>,
    /// Where each open directory's path ends in `path`.
    trail: Vec<(usize, Directory)>,
    met_links: bool,
}

impl<'r> Cursor<'r> {
    /// Starts at the root.
    #[must_use]
    pub const fn new(root: &'r Root) -> Self {
        Self { root, path: Vec::new(), trail: Vec::new(), met_links: false }
    }

    /// Forgets what is open; needed after a directory or link was removed or replaced.
    pub fn forget(&mut self) {
        self.path.clear();
        self.trail.clear();
    }

    /// Tells whether any folder so far was reached through a symlink.
    #[must_use]
    pub const fn met_links(&self) -> bool {
        self.met_links
    }

    /// Returns the folder that holds `path`, and the last component.
    ///
    /// # Errors
    /// Returns the [`Obstacle`] met on the way.
    pub fn folder_of<'p>(&mut self, path: &'p [u8]) -> Result<(&Directory, &'p [u8]), Obstacle> {
        let Some(slash) = path.iter().rposition(|byte| *byte == b'/') else { return Ok((&self.root.top, path)) };
        let (folder, name) = (&path[..slash], &path[slash + 1..]);
        while self.trail.last().is_some_and(|(end, _)| !leads_to(&self.path[..*end], folder)) {
            self.trail.pop();
        }
        let mut start = self.trail.last().map_or(0, |(end, _)| end + 1);
        self.path.truncate(start.saturating_sub(1));
        while start <= folder.len() {
            let end = folder[start..].iter().position(|byte| *byte == b'/').map_or(folder.len(), |at| start + at);
            let next = self.step(&folder[..end], &folder[start..end])?;
            self.path.extend_from_slice(&folder[self.path.len()..end]);
            self.trail.push((end, next));
            start = end + 1;
        }
        Ok((self.trail.last().map_or(&self.root.top, |(_, directory)| directory), name))
    }

    fn step(&mut self, prefix: &[u8], name: &[u8]) -> Result<Directory, Obstacle> {
        let here = self.trail.last().map_or(&self.root.top, |(_, directory)| directory);
        match here.open_directory(name) {
            Ok(directory) => Ok(directory),
            Err(Errno::ENOENT) => Err(Obstacle::Missing),
            // A link or no directory: the full walk knows which, and where `..` in a target leads.
            Err(_) => {
                self.met_links = true;
                self.root.directory(prefix)
            }
        }
    }
}

fn leads_to(prefix: &[u8], folder: &[u8]) -> bool {
    folder.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

#[cfg(test)]
mod tests;
