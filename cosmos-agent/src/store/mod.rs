//! The agent's own bare object store (F1): what the parent hashed and wrote itself, read by id and nothing else.
//!
//! Only the object database is ever opened: no configuration, hooks, replace refs, grafts or shallow lists are read.

use std::cell::OnceCell;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use cosmos_model::built_in::BuiltIn;
use cosmos_model::object::{ObjectKind, ObjectSource, RawObject};
use cosmos_model::object_id::ObjectId;
use git2::{ErrorCode, ObjectType, Odb, Oid};

use crate::built_in;
use crate::exit::{Failure, Status};
use crate::fs::by_path;

mod compact;
pub mod library;
mod pack;

pub(crate) use pack::BUFFER;
pub use pack::PackWriter;

/// The store's folder inside the agent's cache folder.
pub const FOLDER: &str = "store.git";

/// Why the store could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder of the store could not be made or read.
    #[error("cannot use '{}' in the object store", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// Somebody else could change the store.
    #[error("the object store '{}' belongs to another user or others may write to it", path.display())]
    Exposed {
        /// The store's folder.
        path: PathBuf,
    },
    /// The store names other object stores (A31).
    #[error("the object store refers to others by '{}', which is refused", path.display())]
    Alternates {
        /// The file that names them.
        path: PathBuf,
    },
    /// libgit2 failed.
    #[error("cannot {action} the object store '{}'", path.display())]
    Library {
        /// What was tried.
        action: &'static str,
        /// The store's folder.
        path: PathBuf,
        /// The library's error.
        #[source]
        source: git2::Error,
    },
    /// The objects given and the number announced differ.
    #[error("a pack of {announced} objects was given {given}")]
    Count {
        /// How many the pack's header says.
        announced: u32,
        /// How many came.
        given: u32,
    },
    /// An object that should be there is missing, damaged, or of another kind.
    #[error("the object store is damaged; 'cosmos clone --again' makes a new one")]
    Damaged {
        /// What was found.
        #[source]
        source: cosmos_model::object::ObjectError,
    },
    /// An object carries the marks of a SHA-1 collision attack (A12).
    #[error("a {} was made for a SHA-1 collision", kind.as_str())]
    Collision {
        /// The object's kind.
        kind: ObjectKind,
    },
}

impl StoreError {
    /// Returns what to try. The store is a cache of what was signed: one that is removed is fetched again.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::File { .. } => "make room in the cache folder, or remove the store in it: it is fetched again".into(),
            Self::Exposed { path } => format!("remove '{}' with all it holds: it is fetched again", path.display()),
            Self::Alternates { path } => format!(
                "remove '{}', and look who made it; the whole store may go, too: it is fetched again",
                path.display()
            ),
            Self::Library { path, .. } => format!("look at '{}', or remove it: it is fetched again", path.display()),
            Self::Count { .. } | Self::Damaged { .. } => {
                "run again; if it stays, remove the store: it is fetched again".into()
            }
            Self::Collision { .. } => "do not use this remote before you know who made the object".into(),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(Status::Failed, &error, error.hint())
    }
}

/// The object store. It is opened, and made where it is missing, at its first use: a run without news never does.
pub struct Store {
    path: PathBuf,
    odb: OnceCell<Odb<'static>>,
    earlier: Option<BuiltIn>,
}

impl Store {
    /// Names the store in the folder `path`.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), odb: OnceCell::new(), earlier: None }
    }

    /// Returns the store's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells whether the store was ever made; asks the file system only.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.objects().is_dir()
    }

    /// Tells whether the store has the object `id`.
    ///
    /// # Errors
    /// Returns [`StoreError`] when the store cannot be opened.
    pub fn has(&self, id: ObjectId) -> Result<bool, StoreError> {
        Ok(self.odb()?.exists(oid(id)))
    }

    /// Opens the store, so that what is wrong with it is said as such, and not as a mistake of what it holds.
    ///
    /// # Errors
    /// Returns [`StoreError`] when the store cannot be made, or is refused.
    pub fn open(&self) -> Result<(), StoreError> {
        self.odb().map(|_| ())
    }

    /// Lets go of the packs that are mapped, until the store is used again: while a run plans, it has no room for them.
    pub fn rest(&mut self) {
        drop(self.odb.take());
    }

    /// Lets the store have the modules of an earlier agent besides, until it is closed; nothing is written.
    pub fn lend(&mut self, modules: BuiltIn) {
        self.earlier = Some(modules);
    }

    /// Starts a pack of exactly `count` objects.
    ///
    /// # Errors
    /// Returns [`StoreError`] when the store cannot be opened or written.
    pub fn pack(&self, count: u32) -> Result<PackWriter<'_>, StoreError> {
        PackWriter::new(self, count)
    }

    fn odb(&self) -> Result<&Odb<'static>, StoreError> {
        if let Some(odb) = self.odb.get() {
            return Ok(odb);
        }
        library::prepare();
        let objects = self.objects();
        if objects.is_dir() {
            self.check()?
        } else {
            self.create()?
        }
        let odb = Odb::new().map_err(|source| self.library("open", source))?;
        let shown = objects.to_str().ok_or_else(|| self.file(&objects, io::ErrorKind::InvalidFilename.into()))?;
        // A disk alternate of an empty database: libgit2 reads only this folder (and no configuration).
        odb.add_disk_alternate(shown).map_err(|source| self.library("open", source))?;
        Ok(self.odb.get_or_init(|| odb))
    }

    /// Makes the folders of a bare repository, so that an administrator's git can look into it.
    fn create(&self) -> Result<(), StoreError> {
        let folders = ["", "objects", "objects/pack", "refs", "refs/heads"];
        for folder in folders.map(|folder| self.path.join(folder)) {
            by_path::make_directories(&folder, 0o700).map_err(|source| self.file(&folder, source))?;
        }
        for (name, text) in
            [("HEAD", "ref: refs/heads/main\n"), ("config", "[core]\n\trepositoryformatversion = 0\n\tbare = true\n")]
        {
            let path = self.path.join(name);
            by_path::replace_cached_file(&path, text.as_bytes(), 0o600).map_err(|source| self.file(&path, source))?;
        }
        self.check()
    }

    fn check(&self) -> Result<(), StoreError> {
        let found = std::fs::symlink_metadata(&self.path).map_err(|source| self.file(&self.path, source))?;
        if found.uid() != nix::unistd::geteuid().as_raw() || found.mode() & 0o022 != 0 || !found.is_dir() {
            return Err(StoreError::Exposed { path: self.path.clone() });
        }
        let alternates = self.objects().join("info/alternates");
        match std::fs::symlink_metadata(&alternates) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Ok(_) => Err(StoreError::Alternates { path: alternates }),
            Err(source) => Err(self.file(&alternates, source)),
        }
    }

    fn objects(&self) -> PathBuf {
        self.path.join("objects")
    }

    fn file(&self, path: &Path, source: io::Error) -> StoreError {
        StoreError::File { path: path.to_owned(), source }
    }

    fn library(&self, action: &'static str, source: git2::Error) -> StoreError {
        StoreError::Library { action, path: self.path.clone(), source }
    }
}

/// What the store does not have may be of a module that comes with the agent, or came with an earlier one.
impl ObjectSource for Store {
    fn object(&self, id: ObjectId) -> Result<Option<RawObject>, String> {
        let odb = self.odb().map_err(|error| chain(&error))?;
        match odb.read(oid(id)) {
            Ok(object) => match kind_of(object.kind()) {
                Some(kind) => Ok(Some(RawObject { kind, bytes: object.data().to_vec() })),
                None => Err("it is of no known kind".to_owned()),
            },
            Err(error) if error.code() == ErrorCode::NotFound => match (built_in::object(id), &self.earlier) {
                (None, Some(earlier)) => earlier.object(id),
                (found, _) => Ok(found),
            },
            Err(error) => Err(error.message().to_owned()),
        }
    }
}

/// Returns libgit2's form of an id.
pub(crate) fn oid(id: ObjectId) -> Oid {
    Oid::from_bytes(id.as_bytes()).expect("an id has 20 bytes")
}

/// Returns our form of libgit2's kind, or `None` for kinds that name no object.
pub(crate) const fn kind_of(kind: ObjectType) -> Option<ObjectKind> {
    match kind {
        ObjectType::Commit => Some(ObjectKind::Commit),
        ObjectType::Tree => Some(ObjectKind::Tree),
        ObjectType::Blob => Some(ObjectKind::Blob),
        ObjectType::Tag => Some(ObjectKind::Tag),
        ObjectType::Any => None,
    }
}

/// Returns an error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
