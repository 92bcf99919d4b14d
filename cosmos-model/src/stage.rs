//! Staging: the layers of one host, read from a verified tree by id and merged, first wins.

use alloc::string::String;
use alloc::vec::Vec;

use crate::content::ContentHash;
use crate::host_name::HostName;
use crate::object::ObjectSource;
use crate::object_id::ObjectId;
use crate::staged::StagedModel;
use crate::trust::VerifiedRevision;

/// Hashes that are already known, so that blobs which did not change are not read again.
pub trait KnownContent {
    /// Returns size and SHA-256 of the blob `id`, if it was hashed before.
    fn content_of(&self, id: ObjectId) -> Option<(u64, ContentHash)>;
}

/// Which layers a host has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layers {
    /// The repository's own word: the host, what it uses, rules, `global/`, the root.
    Native {
        /// Whose model.
        host: HostName,
        /// The version of this agent, for `agent = ">= …"`.
        agent: (u64, u64, u64),
    },
    /// A list of folders relative to the repository, first wins, merged as rsync with several sources does (C3).
    Classic {
        /// The folders, `COSMOS_REPO_MODELS` without `COSMOS_REPO`; a trailing slash is significant.
        folders: Vec<Vec<u8>>,
    },
}

/// Everything that is wrong with the repository for this host, at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageErrors(pub Vec<String>);

/// Merges the layers of one host.
///
/// # Errors
/// Returns every mistake found: names, layers, `layer.toml`, tree entries (F5).
pub fn stage(
    revision: &VerifiedRevision,
    layers: &Layers,
    objects: &dyn ObjectSource,
    known: &dyn KnownContent,
) -> Result<StagedModel, StageErrors> {
    let _ = (revision, layers, objects, known);
    todo!()
}
