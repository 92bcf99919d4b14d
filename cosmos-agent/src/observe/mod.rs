//! Observing: one look a path, content only where `stat` does not already tell it.

mod conffiles;
mod owners;
mod request;

use std::fs::File;
use std::io::Read as _;

use cosmos_model::by_path::ByPath;
use cosmos_model::content::ContentHash;
use cosmos_model::managed::{ManagedEntry, ManagedKind};
use cosmos_model::path::RelPath;
use cosmos_model::snapshot::{Attributes, HostSnapshot, Observed};
use nix::errno::Errno;
use nix::sys::stat::FileStat;
use sha2::{Digest as _, Sha256};

use crate::fs::{Cursor, Directory, FsError, Kind, Obstacle, OnPath as _, Root, kind_of, stat_of};

pub(crate) use conffiles::conffiles;
pub use request::ObserveRequest;

/// How many bytes are read and hashed at a time.
const CHUNK: usize = 64 * 1024;

/// Largest file whose content is looked at, in bytes: a local user's sparse file may be as large as numbers go.
pub(crate) const LARGEST: u64 = 1 << 30;

/// How often a path that changes under our eyes is looked at again.
const ATTEMPTS: usize = 3;

/// Looks at all paths of `request`.
pub(crate) fn observe(root: &Root, request: &ObserveRequest<'_>) -> Result<HostSnapshot, FsError> {
    let mut observer = Observer::new(root);
    let mut snapshot = HostSnapshot { default_owner: root.default_owner(), ..HostSnapshot::default() };
    snapshot.paths = ByPath::with_capacity(request.paths.len());
    for path in &request.paths {
        let known = request.managed.entries.get(path.as_ref()).filter(|_| !request.verify_content);
        snapshot.paths.insert(path.clone().into_owned(), observer.look(path, known)?);
    }
    for folder in &request.giving_way {
        if let Some(foreign) = foreign_in(root, folder, &snapshot)? {
            snapshot.foreign.insert((*folder).clone(), foreign);
        }
    }
    snapshot.users = owners::resolve(root, "etc/passwd", &request.users)?;
    snapshot.groups = owners::resolve(root, "etc/group", &request.groups)?;
    Ok(snapshot)
}

/// Returns the first path in `folder` that was not looked at; only directories that were are entered.
fn foreign_in(root: &Root, folder: &RelPath, snapshot: &HostSnapshot) -> Result<Option<RelPath>, FsError> {
    let Some(Observed::Directory(_)) = snapshot.paths.get(folder) else { return Ok(None) };
    let directory = match root.directory(folder.as_bytes()) {
        Ok(directory) => directory,
        Err(Obstacle::Missing | Obstacle::Blocked(_)) => return Ok(None),
        Err(Obstacle::Failed(error)) => return Err(error),
    };
    for name in directory.names().on("list", folder.as_bytes())? {
        let path = folder.join(&name).expect("the kernel's names are single components");
        if !snapshot.paths.contains_key(&path) {
            return Ok(Some(path));
        }
        if let Some(foreign) = foreign_in(root, &path, snapshot)? {
            return Ok(Some(foreign));
        }
    }
    Ok(None)
}

/// Looks at one path after the other; sorted paths share the walk to their folder.
pub(crate) struct Observer<'r> {
    root: &'r Root,
    cursor: Cursor<'r>,
    chunk: Vec<u8>,
}

impl<'r> Observer<'r> {
    /// Starts at the root.
    pub(crate) fn new(root: &'r Root) -> Self {
        Self { root, cursor: Cursor::new(root), chunk: vec![0; CHUNK] }
    }

    /// Looks at `path`; `known` is what we left there, if its hash may be believed.
    pub(crate) fn look(&mut self, path: &RelPath, known: Option<&ManagedEntry>) -> Result<Observed, FsError> {
        let (directory, name) = match self.cursor.folder_of(path.as_bytes()) {
            Ok(reached) => reached,
            Err(Obstacle::Missing) => return Ok(Observed::Absent),
            Err(Obstacle::Blocked(reason)) => return Ok(Observed::Blocked(reason)),
            Err(Obstacle::Failed(error)) => return Err(error),
        };
        look_at(self.root, directory, name, path, known, &mut self.chunk)
    }
}

/// Looks at `name` in the folder `directory` of `path`.
pub(crate) fn look_at(
    root: &Root,
    directory: &Directory,
    name: &[u8],
    path: &RelPath,
    known: Option<&ManagedEntry>,
    chunk: &mut Vec<u8>,
) -> Result<Observed, FsError> {
    for _ in 0..ATTEMPTS {
        let Some(stat) = directory.stat(name).on("look at", path.as_bytes())? else { return Ok(Observed::Absent) };
        match kind_of(&stat) {
            Kind::Directory => return Ok(Observed::Directory(attributes_of(&stat))),
            Kind::Other => return Ok(Observed::Other),
            Kind::Symlink => match directory.read_link(name) {
                Ok(target) => return Ok(symlink(root, path, &stat, target)),
                Err(Errno::ENOENT | Errno::EINVAL) => {}
                Err(errno) => return Err(errno).on("read the link", path.as_bytes()),
            },
            Kind::File => match known.filter(|known| is_as_left(known, &stat)) {
                Some(known) => return Ok(file(&stat, known.hash)),
                None => match directory.open_file(name) {
                    Ok(opened) => return hash_open(opened, path, chunk),
                    Err(Errno::ENOENT | Errno::ELOOP) => {}
                    Err(errno) => return Err(errno).on("open", path.as_bytes()),
                },
            },
        }
    }
    Err(Errno::EAGAIN).on("look at what is being replaced, at", path.as_bytes())
}

fn is_as_left(known: &ManagedEntry, stat: &FileStat) -> bool {
    known.kind == ManagedKind::File && !known.unfinished && known.stat == stat_of(stat)
}

fn file(stat: &FileStat, hash: ContentHash) -> Observed {
    Observed::File { attributes: attributes_of(stat), size: stat_of(stat).size, hash }
}

fn symlink(root: &Root, path: &RelPath, stat: &FileStat, target: Vec<u8>) -> Observed {
    let to_directory = root.directory(path.as_bytes()).is_ok();
    Observed::Symlink { attributes: attributes_of(stat), target, to_directory }
}

/// Hashes what is open; owner and mode are those of the descriptor, whatever the name means by now.
fn hash_open(mut opened: File, path: &RelPath, chunk: &mut Vec<u8>) -> Result<Observed, FsError> {
    let stat = nix::sys::stat::fstat(&opened).on("look at", path.as_bytes())?;
    match kind_of(&stat) {
        Kind::File if stat_of(&stat).size > LARGEST => {
            Ok(Observed::Blocked("a file of more than 1 GiB is there, which is not read".to_owned()))
        }
        Kind::File => Ok(file(&stat, hash_of(&mut opened, chunk).on("read", path.as_bytes())?)),
        Kind::Directory => Ok(Observed::Directory(attributes_of(&stat))),
        Kind::Symlink | Kind::Other => Ok(Observed::Other),
    }
}

/// Hashes the rest of `file`, up to the size it has now: a file that grows while it is read has no other end.
pub(crate) fn hash_of(file: &mut File, chunk: &mut Vec<u8>) -> std::io::Result<ContentHash> {
    let mut left = file.metadata()?.len();
    let mut hasher = Sha256::new();
    chunk.resize(CHUNK, 0);
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let count = match file.read(&mut chunk[..most]) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&chunk[..count]);
        left -= count as u64;
    }
    Ok(ContentHash::new(hasher.finalize().into()))
}

/// Returns owner and mode of `stat`.
pub(crate) fn attributes_of(stat: &FileStat) -> Attributes {
    Attributes { mode: stat.st_mode & 0o7777, uid: stat.st_uid, gid: stat.st_gid }
}
