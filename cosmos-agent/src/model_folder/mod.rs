//! The folder tasks run from: natively the agent's own, with the accepted revision's task folders; in classic mode
//! `$COSMOS_MODEL` with the whole merged model (C4).

use std::path::{Path, PathBuf};

use cosmos_model::content::ContentHash;
use cosmos_model::object::ObjectSource;
use cosmos_model::object_id::ObjectId;
use cosmos_model::stage::Layers;
use cosmos_model::staged::StagedModel;

pub mod index;
pub mod listing;
pub mod sync;

use crate::fs::by_path;
use index::Index;
use sync::Strangers;

pub use sync::FolderError;

/// Where the folder and what belongs to it lie.
#[derive(Debug, Clone)]
pub struct ModelFolder {
    path: PathBuf,
    index: PathBuf,
    mark: PathBuf,
    /// What the mark says after the commit: the list of layers, which a classic host may change by itself.
    layers: String,
    whole: bool,
}

/// How much of the model is in the folder, and where that is.
#[derive(Debug, Clone)]
pub enum Content {
    /// The task folders.
    Tasks(PathBuf),
    /// All of it.
    Whole(PathBuf),
}

impl ModelFolder {
    /// Names the folder, whose index is to lie at `index`, of a host with these layers.
    #[must_use]
    pub fn new(index: PathBuf, layers: &Layers, content: Content) -> Self {
        let (path, whole) = match content {
            Content::Tasks(path) => (path, false),
            Content::Whole(path) => (path, true),
        };
        Self {
            path,
            mark: index.with_extension("commit"),
            index,
            layers: match layers {
                Layers::Classic { folders } => format!(" {}", ContentHash::of(&folders.join(&0))),
                Layers::Native { .. } => String::new(),
            },
            whole,
        }
    }

    /// Returns the folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what names the content of the folder as it is written: a revision, and of it this host's layers.
    #[must_use]
    pub fn identity(&self, commit: ObjectId) -> String {
        format!("{commit}{}", self.layers)
    }

    /// Tells whether the folder was last written, to its end, for `commit` and the layers of today.
    #[must_use]
    pub fn is_at(&self, commit: ObjectId) -> bool {
        std::fs::read(&self.mark).is_ok_and(|mark| mark == self.identity(commit).as_bytes())
    }

    /// Tells whether nothing in the folder changed, came or went since it was written.
    ///
    /// # Errors
    /// Returns [`FolderError`] when it cannot be looked at.
    pub fn is_as_left(&self) -> Result<bool, FolderError> {
        sync::is_as_left(&self.path, &self.index)
    }

    /// Makes the folder what `model` says, touching only what differs; returns how each file was left.
    ///
    /// # Errors
    /// Returns [`FolderError`] at the first path that cannot be read or written.
    pub fn write(&self, model: &StagedModel, objects: &dyn ObjectSource) -> Result<Index, FolderError> {
        let marked = |source| FolderError::System { verb: "mark", path: self.mark.clone(), source };
        let known = self.is_at(model.commit());
        if !known {
            by_path::remove(&self.mark).map_err(marked)?;
        }
        let listing = if self.whole { listing::listing(model) } else { listing::task_listing(model) };
        let index = sync::sync(&self.path, &self.index, &listing, objects, Strangers::Remove)?;
        if !known {
            // Not synced, as the files it speaks of are not: a mark that is lost has the folder looked at again.
            by_path::replace_cached_file(&self.mark, self.identity(model.commit()).as_bytes(), 0o600)
                .map_err(marked)?;
        }
        Ok(index)
    }

    /// Returns how each file was left when the folder was last written.
    ///
    /// # Errors
    /// Returns [`FolderError`] when the index cannot be read.
    pub fn index(&self) -> Result<Index, FolderError> {
        let unreadable = |source| FolderError::System { verb: "read", path: self.index.clone(), source };
        index::read(&self.index).map_err(unreadable)
    }
}
