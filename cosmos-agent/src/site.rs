//! Where things are on one host, or below one root: what is managed, settings, state, store, lock.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use cosmos_model::content::ContentHash;
use cosmos_model::path::RelPath;

use crate::apply::StateFolder;
use crate::fs::{self, FsError, OnPath as _, Root};

/// The places one agent works with. With `--root` all of them lie below it, so that an ordinary user can own a whole
/// site.
#[derive(Debug, Clone)]
pub struct Site {
    /// The root that is managed.
    pub root: Root,
    /// The managed root's path, for tasks and messages.
    pub root_path: PathBuf,
    /// The root below which the agent's own files lie: the same, but for a classic `COSMOS_ROOT` elsewhere.
    pub home: Root,
    /// The home's path.
    pub home_path: PathBuf,
    /// `var/lib/cosmos` below the home.
    state: RelPath,
    /// `run/cosmos` below the home.
    run: RelPath,
    /// The cache folder: the bare object store (F1) and what a fetch needs while it lasts.
    pub cache: PathBuf,
}

/// Returns a path of this program's own, which is sound by construction.
fn fixed(path: &str) -> RelPath {
    RelPath::new(path.as_bytes()).expect("the program's own paths are relative and plain")
}

impl Site {
    /// Opens the native site below `root`; its paths are absolute, since tasks start in a folder of their own.
    ///
    /// # Errors
    /// Returns an [`FsError`] when `root` is no directory.
    pub fn below(root: &Path) -> Result<Self, FsError> {
        let root = &std::path::absolute(root).on("open", root.as_os_str().as_bytes())?;
        let handle = Root::open(root)?;
        Ok(Self {
            home: handle.clone(),
            home_path: root.to_path_buf(),
            root: handle,
            root_path: root.to_path_buf(),
            state: fixed("var/lib/cosmos"),
            run: fixed("run/cosmos"),
            cache: root.join("var/cache/cosmos"),
        })
    }

    /// Opens a classic site: files go to `root`; the agent's own state has its packaged place, or lies in the working
    /// directory `base` when that is not the packaged one (docs/formats.md §17).
    ///
    /// # Errors
    /// Returns an [`FsError`] when `root` or `base` is no directory.
    pub fn classic(root: &Path, base: &Path) -> Result<Self, FsError> {
        let packaged = base == Path::new("/var/cache/cosmos");
        let home_path = if packaged { PathBuf::from("/") } else { base.to_path_buf() };
        Ok(Self {
            root: Root::open(root)?,
            root_path: root.to_path_buf(),
            home: Root::open(&home_path)?,
            state: fixed(if packaged { "var/lib/cosmos" } else { "state" }),
            run: fixed(if packaged { "run/cosmos" } else { "run" }),
            home_path,
            cache: base.to_path_buf(),
        })
    }

    /// Opens the site of an operator's clone, all of it below `folder` in git's own.
    ///
    /// # Errors
    /// Returns an [`FsError`] when `folder` is no directory.
    pub fn of_clone(folder: &Path) -> Result<Self, FsError> {
        let root = Root::open(folder)?;
        Ok(Self {
            home: root.clone(),
            home_path: folder.to_path_buf(),
            root,
            root_path: folder.to_path_buf(),
            state: fixed("state"),
            run: fixed("run"),
            cache: folder.to_path_buf(),
        })
    }

    /// Returns the folder of the bare object store (F1).
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.cache.join(crate::store::FOLDER)
    }

    /// Makes the cache folder where it is missing, 0700: it holds what was fetched, and not only what was accepted.
    ///
    /// # Errors
    /// Returns an [`FsError`] when something else is in the way.
    pub fn make_cache(&self) -> Result<(), FsError> {
        if self.cache.is_dir() {
            return Ok(());
        }
        // A classic host's own working directory is its home, and there.
        let below = self.cache.strip_prefix(&self.home_path).map(|below| below.as_os_str().as_bytes());
        match below.map(RelPath::new) {
            Ok(Ok(folder)) => fs::make_directories(&self.home, &folder, 0o700).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Returns the state file (docs/formats.md §9), below the home.
    #[must_use]
    pub fn state_file(&self) -> RelPath {
        self.in_state("state.json")
    }

    /// Returns the refs of the last look (docs/formats.md §9), below the home.
    #[must_use]
    pub fn refs_file(&self) -> RelPath {
        self.in_state("refs")
    }

    /// Returns the key by which this host reads secrets (docs/formats.md §28), below the home.
    #[must_use]
    pub fn host_key_file(&self) -> RelPath {
        self.in_state("host.key")
    }

    /// Returns the generations (docs/formats.md §24), below the home.
    #[must_use]
    pub fn generations_file(&self) -> RelPath {
        self.in_state("generations.json")
    }

    /// Returns the log (docs/formats.md §12), below the home.
    #[must_use]
    pub fn log_file(&self) -> RelPath {
        self.in_state("log.jsonl")
    }

    /// Returns the empty file whose time says when this remote answered last (docs/formats.md §9), below the home.
    #[must_use]
    pub fn answered_file(&self, remote: &str) -> RelPath {
        let name = ContentHash::of(remote.as_bytes()).to_string();
        self.in_state("answered").join(&name.as_bytes()[..16]).expect("a plain name")
    }

    /// Returns the folder of notes (docs/formats.md §30), below the home.
    #[must_use]
    pub fn notes(&self) -> RelPath {
        self.in_state("notes.d")
    }

    /// Returns where the older part of a long log goes, below the home.
    #[must_use]
    pub fn old_log_file(&self) -> RelPath {
        self.in_state("log.jsonl.1")
    }

    /// Returns the lock (docs/formats.md §15), below the home.
    #[must_use]
    pub fn lock_file(&self) -> RelPath {
        self.run.join(b"lock").expect("a plain name")
    }

    /// Returns the list that `COSMOS_CHANGED_FILES` names, below the home.
    #[must_use]
    pub fn changed_files(&self) -> RelPath {
        self.in_state("changed-files")
    }

    /// Returns the folder the task scripts of the accepted revision are written to and run from.
    #[must_use]
    pub fn model(&self) -> PathBuf {
        self.path_of(&self.in_state("model"))
    }

    /// Returns the index of [`Site::model`].
    #[must_use]
    pub fn model_index(&self) -> PathBuf {
        self.path_of(&self.in_state("model-index"))
    }

    /// Returns the index of the classic clone's work tree (C2).
    #[must_use]
    pub fn checkout_index(&self) -> PathBuf {
        self.path_of(&self.in_state("checkout-index"))
    }

    /// Returns where apply keeps the managed set, journal and backups.
    #[must_use]
    pub fn state_folder(&self, backup_size: u64) -> StateFolder {
        StateFolder::new(self.home.clone(), self.state.clone(), backup_size)
    }

    /// Returns the full path of something below the home.
    #[must_use]
    pub fn path_of(&self, path: &RelPath) -> PathBuf {
        self.home_path.join(std::ffi::OsStr::from_bytes(path.as_bytes()))
    }

    fn in_state(&self, name: &str) -> RelPath {
        self.state.join(name.as_bytes()).expect("a plain name")
    }
}
