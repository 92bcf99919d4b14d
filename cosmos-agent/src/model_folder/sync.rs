//! A folder that is kept equal to a list of entries, touching only what differs.
//!
//! It belongs to root and lies where nobody else writes. Even so no entry is written through a symlink: every
//! directory is an entry of the list, and what stands in its place is removed before anything is put into it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use cosmos_model::object::{self, ObjectError, ObjectKind, ObjectSource};
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;

use super::index::{self, Index, Left, LeftKind};
use crate::exit::{Failure, Status};
use crate::fs::by_path;

/// What one path of the folder should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A file with the content of a blob.
    File {
        /// The blob.
        blob: ObjectId,
        /// Permission bits.
        mode: u32,
    },
    /// A file without content.
    EmptyFile,
    /// A symlink.
    Symlink(Vec<u8>),
    /// A directory with these permission bits.
    Directory(u32),
}

/// The entries of a folder, by path; each directory above an entry is an entry too.
pub type Listing = BTreeMap<RelPath, Wanted>;

/// What happens to paths that are not in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strangers {
    /// They go, whoever made them.
    Remove,
    /// They stay, unless we wrote them.
    Keep,
}

/// Why a folder could not be made what it should be. What was written until then stays.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The system refused.
    #[error("cannot {verb} '{}'", path.display())]
    System {
        /// What was tried.
        verb: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A blob could not be read.
    #[error("cannot write '{path}'")]
    Content {
        /// The path below the folder.
        path: RelPath,
        /// Why.
        #[source]
        source: ObjectError,
    },
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        Self::new(Status::Failed, &error, "make room, or run as the user who owns the folder, normally root")
    }
}

pub(crate) fn failed<'a>(verb: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> FolderError + 'a {
    move |source| FolderError::System { verb, path: path.to_owned(), source }
}

/// Adds the directories above every entry, 0755.
pub fn add_parents(listing: &mut Listing) {
    let parents: Vec<RelPath> = listing.keys().flat_map(|path| path.ancestors().collect::<Vec<_>>()).collect();
    for parent in parents {
        listing.entry(parent).or_insert(Wanted::Directory(0o755));
    }
}

/// Makes `folder` what `listing` says, and remembers in the file `index` how each path was left: of the
/// directories only where no strangers are kept, since with them a directory's times say little.
///
/// # Errors
/// Returns [`FolderError`] at the first path that cannot be read or written.
pub fn sync(
    folder: &Path,
    index: &Path,
    listing: &Listing,
    objects: &dyn ObjectSource,
    strangers: Strangers,
) -> Result<Index, FolderError> {
    let known = index::read(index).map_err(failed("read", index))?;
    by_path::make_directories(folder, 0o755).map_err(failed("make", folder))?;
    let mut sync = Sync { folder, objects, known: &known, left: Index::new(), changed: false };
    match strangers {
        Strangers::Remove => sync.remove_strangers(listing)?,
        Strangers::Keep => sync.remove_dropped(listing)?,
    }
    for (path, wanted) in listing {
        sync.entry(path, wanted)?;
    }
    if strangers == Strangers::Remove {
        sync.remember_directories(listing)?;
    }
    let Sync { left, changed, .. } = sync;
    if changed || left != known {
        // The files are not synced: one that a power cut empties no longer has the size the index remembers.
        index::write(index, &left).map_err(failed("write", index))?;
    }
    Ok(left)
}

/// Tells whether nothing in `folder` changed, came or went since [`sync`] removed its strangers and wrote `index`.
///
/// # Errors
/// Returns [`FolderError::System`] when the system does not say.
pub fn is_as_left(folder: &Path, index: &Path) -> Result<bool, FolderError> {
    let known = index::read(index).map_err(failed("read", index))?;
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        entries => entries.map_err(failed("read", folder))?,
    };
    for entry in entries {
        let name = entry.map_err(failed("read", folder))?.file_name();
        if !RelPath::new(name.as_bytes()).is_ok_and(|name| known.contains_key(&name)) {
            return Ok(false);
        }
    }
    for (path, left) in &known {
        let same = |found: Metadata| {
            index::stat(&found) == left.stat
                && (left.kind == LeftKind::Symlink || found.permissions().mode() & 0o7777 == left.mode)
        };
        if !look(&inside(folder, path))?.is_some_and(same) {
            return Ok(false);
        }
    }
    Ok(!known.is_empty())
}

/// Returns the path of `relative` inside `folder`.
#[must_use]
pub fn inside(folder: &Path, relative: &RelPath) -> PathBuf {
    folder.join(OsStr::from_bytes(relative.as_bytes()))
}

/// Looks at a path without following a symlink; `None` when nothing is there.
///
/// # Errors
/// Returns [`FolderError::System`] when the system does not say.
pub fn look(path: &Path) -> Result<Option<Metadata>, FolderError> {
    match std::fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("look at", path)(error)),
    }
}

struct Sync<'a> {
    folder: &'a Path,
    objects: &'a dyn ObjectSource,
    known: &'a Index,
    left: Index,
    changed: bool,
}

impl Sync<'_> {
    /// Removes everything that is not listed, directories with all they hold.
    fn remove_strangers(&mut self, listing: &Listing) -> Result<(), FolderError> {
        let mut walk = walkdir::WalkDir::new(self.folder).min_depth(1).into_iter();
        while let Some(entry) = walk.next() {
            let entry = entry.map_err(|error| failed("read", self.folder)(error.into()))?;
            let relative = entry.path().strip_prefix(self.folder).expect("a walk stays below its start");
            if RelPath::new(relative.as_os_str().as_bytes()).is_ok_and(|path| listing.contains_key(&path)) {
                continue;
            }
            if entry.file_type().is_dir() {
                walk.skip_current_dir();
            }
            self.remove(entry.path())?;
        }
        Ok(())
    }

    /// Removes what we wrote and is listed no longer, and directories that become empty by that.
    fn remove_dropped(&mut self, listing: &Listing) -> Result<(), FolderError> {
        for path in self.known.keys().rev().filter(|path| !listing.contains_key(path)) {
            if !self.parents_are_real(path)? {
                continue;
            }
            let full = inside(self.folder, path);
            if look(&full)?.is_some_and(|found| !found.is_dir()) {
                self.remove(&full)?;
            }
            let parents: Vec<RelPath> = path.ancestors().filter(|parent| !listing.contains_key(parent)).collect();
            for parent in parents.iter().rev().map(|parent| inside(self.folder, parent)) {
                by_path::remove_if_empty(&parent).map_err(failed("remove", &parent))?;
            }
        }
        Ok(())
    }

    fn parents_are_real(&self, path: &RelPath) -> Result<bool, FolderError> {
        for parent in path.ancestors() {
            if !look(&inside(self.folder, &parent))?.is_some_and(|found| found.is_dir()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn entry(&mut self, path: &RelPath, wanted: &Wanted) -> Result<(), FolderError> {
        let full = inside(self.folder, path);
        let found = look(&full)?;
        match wanted {
            Wanted::Directory(mode) => self.directory(&full, found, *mode),
            Wanted::File { blob, mode } => self.file(path, &full, found, Source::Blob(*blob), *mode),
            Wanted::EmptyFile => self.file(path, &full, found, Source::Bytes(b""), 0o644),
            Wanted::Symlink(target) => self.symlink(path, &full, found, target),
        }
    }

    fn directory(&mut self, full: &Path, found: Option<Metadata>, mode: u32) -> Result<(), FolderError> {
        match found {
            Some(found) if found.is_dir() => {
                if found.permissions().mode() & 0o7777 != mode || !is_ours(&found) {
                    self.changed = true;
                    by_path::reset_directory(full, mode).map_err(failed("set the mode of", full))?;
                }
                return Ok(());
            }
            Some(_) => self.remove(full)?,
            None => {}
        }
        self.changed = true;
        by_path::make_directory(full, mode).map_err(failed("make", full))
    }

    fn file(
        &mut self,
        path: &RelPath,
        full: &Path,
        found: Option<Metadata>,
        source: Source<'_>,
        mode: u32,
    ) -> Result<(), FolderError> {
        let blob = source.id();
        if self.is_as_left(path, found.as_ref(), blob, LeftKind::File, mode) {
            return Ok(());
        }
        if found.is_some_and(|found| found.is_dir()) {
            self.remove(full)?;
        }
        let bytes = match source {
            Source::Bytes(bytes) => bytes.to_vec(),
            Source::Blob(id) => object::read(self.objects, id, ObjectKind::Blob)
                .map_err(|source| FolderError::Content { path: path.clone(), source })?,
        };
        by_path::replace_cached_file(full, &bytes, mode).map_err(failed("write", full))?;
        self.remember(path, full, blob, LeftKind::File, mode)
    }

    fn symlink(
        &mut self,
        path: &RelPath,
        full: &Path,
        found: Option<Metadata>,
        target: &[u8],
    ) -> Result<(), FolderError> {
        let blob = Source::Bytes(target).id();
        if self.is_as_left(path, found.as_ref(), blob, LeftKind::Symlink, 0o777) {
            return Ok(());
        }
        if found.is_some_and(|found| found.is_dir()) {
            self.remove(full)?;
        }
        by_path::replace_symlink(full, OsStr::from_bytes(target)).map_err(failed("write", full))?;
        self.remember(path, full, blob, LeftKind::Symlink, 0o777)
    }

    /// Tells whether a path is what we left there and still wanted; if so it keeps its place in the index.
    fn is_as_left(
        &mut self,
        path: &RelPath,
        found: Option<&Metadata>,
        blob: ObjectId,
        kind: LeftKind,
        mode: u32,
    ) -> bool {
        let Some((found, known)) = found.zip(self.known.get(path)) else { return false };
        let wanted = Left { kind, blob, mode, stat: index::stat(found) };
        if wanted == *known {
            self.left.insert(path.clone(), wanted);
        }
        wanted == *known
    }

    fn remember(
        &mut self,
        path: &RelPath,
        full: &Path,
        blob: ObjectId,
        kind: LeftKind,
        mode: u32,
    ) -> Result<(), FolderError> {
        self.changed = true;
        let found = std::fs::symlink_metadata(full).map_err(failed("look at", full))?;
        self.left.insert(path.clone(), Left { kind, blob, mode, stat: index::stat(&found) });
        Ok(())
    }

    /// Looks at the directories once more: putting something into one changed its times.
    fn remember_directories(&mut self, listing: &Listing) -> Result<(), FolderError> {
        for (path, wanted) in listing {
            if let Wanted::Directory(mode) = wanted {
                let full = inside(self.folder, path);
                let found = std::fs::symlink_metadata(&full).map_err(failed("look at", &full))?;
                let (kind, blob) = (LeftKind::Directory, ObjectId::new([0; 20]));
                self.left.insert(path.clone(), Left { kind, blob, mode: *mode, stat: index::stat(&found) });
            }
        }
        Ok(())
    }

    fn remove(&mut self, full: &Path) -> Result<(), FolderError> {
        self.changed = true;
        by_path::remove(full).map_err(failed("remove", full))
    }
}

/// Where a file's bytes come from.
enum Source<'a> {
    Blob(ObjectId),
    Bytes(&'a [u8]),
}

impl Source<'_> {
    /// Returns the name git has for the bytes; those that carry the marks of a collision attack get a name of nothing.
    fn id(&self) -> ObjectId {
        match self {
            Self::Blob(id) => *id,
            Self::Bytes(bytes) => object::hash(ObjectKind::Blob, bytes).unwrap_or(ObjectId::new([0; 20])),
        }
    }
}

/// Tells whether a path has the owner that one made now would have.
fn is_ours(found: &Metadata) -> bool {
    found.uid() == nix::unistd::geteuid().as_raw() && found.gid() == nix::unistd::getegid().as_raw()
}
