//! The managed set as a run has it: the file's bytes, looked at in place, and made into a set only when something
//! differs.

use cosmos_model::managed::ManagedSet;
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;

use crate::apply::StateFolder;
use crate::apply::managed_file::{KnownBlobs, ManagedFile, ManagedFileError};
use crate::exit::{Failure, Status};
use crate::fs::{FsError, Root};

/// The managed set's bytes, which were checked; none before the first run.
#[derive(Default)]
pub struct Managed(Option<Vec<u8>>);

impl Managed {
    /// Reads the file. A damaged one counts as none: the run rebuilds it from the host and removes nothing (§10).
    ///
    /// # Errors
    /// Returns a [`Failure`] when it cannot be read, or is of a later version.
    pub fn read(state: &StateFolder) -> Result<Self, Failure> {
        let hint = "install the version of cosmos that wrote it, or a later one";
        let Some(bytes) = state.read_managed()? else { return Ok(Self(None)) };
        match ManagedFile::parse(&bytes).map(drop) {
            Ok(()) => Ok(Self(Some(bytes))),
            Err(error @ ManagedFileError::Later) => Err(Failure::new(Status::Usage, &error, hint)),
            Err(_) => Ok(Self(None)),
        }
    }

    /// Returns the set, to be looked at in place.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View(self.0.as_deref().map(ManagedFile::of_checked))
    }
}

/// A checked managed set, or none.
pub struct View<'a>(Option<ManagedFile<'a>>);

impl View<'_> {
    /// Tells whether `commit` is what was last applied, to its end.
    #[must_use]
    pub fn is_settled_at(&self, commit: ObjectId) -> bool {
        self.0.as_ref().is_some_and(|file| file.commit() == Some(commit))
    }

    /// Tells whether every path looks as we left it.
    ///
    /// # Errors
    /// Returns the first path that the kernel does not let us look at.
    pub fn looks_untouched(&self, root: &Root) -> Result<bool, FsError> {
        self.0.as_ref().map_or(Ok(false), |file| Ok(crate::host::first_difference(root, file)?.is_none()))
    }

    /// Tells whether every path looks as we left it and holds what we wrote.
    ///
    /// # Errors
    /// Returns the first path that the kernel does not let us look at or read.
    pub fn holds_what_was_left(&self, root: &Root) -> Result<bool, FsError> {
        self.0.as_ref().map_or(Ok(false), |file| Ok(crate::host::first_other_content(root, file)?.is_none()))
    }

    /// Tells whether every path looks as we left it, and no symlink leads to any: each is the only name of its file.
    ///
    /// # Errors
    /// Returns the first path that the kernel does not let us look at.
    pub fn looks_plainly_untouched(&self, root: &Root) -> Result<bool, FsError> {
        self.0.as_ref().map_or(Ok(false), |file| crate::host::is_plainly_untouched(root, file))
    }

    /// Tells whether any path is left to the host: one that is held, or whose policy says so.
    #[must_use]
    pub fn leaves_any_alone(&self) -> bool {
        self.0.as_ref().is_some_and(|file| file.records().any(|record| record.left_alone))
    }

    /// Returns the set.
    #[must_use]
    pub fn set(&self) -> ManagedSet {
        self.0.as_ref().map(ManagedFile::to_set).unwrap_or_default()
    }

    /// Returns the set without what lies below `folders`, which are sorted.
    #[must_use]
    pub fn set_without(&self, folders: &[RelPath]) -> ManagedSet {
        self.0.as_ref().map(|file| file.to_set_without(folders)).unwrap_or_default()
    }

    /// Returns the contents that need not be read to be known.
    #[must_use]
    pub fn known(&self) -> Option<KnownBlobs<'_>> {
        self.0.as_ref().map(KnownBlobs::of)
    }
}
