//! The files of a plan, as checks are to see them.

use std::path::PathBuf;

use cosmos_model::path::RelPath;
use cosmos_model::snapshot::Attributes;

/// What a plan makes of paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedFiles {
    /// A folder of the agent's own that the child may hide.
    pub scratch: PathBuf,
    /// In the plan's order.
    pub files: Vec<StagedFile>,
}

/// One path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedFile {
    /// Which.
    pub path: RelPath,
    /// What lies there.
    pub laid: Laid,
}

/// What a path becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Laid {
    /// A file with these bytes.
    File(Vec<u8>, Attributes),
    /// A symlink to this target.
    Symlink(Vec<u8>),
    /// A directory.
    Directory(Attributes),
    /// What it was, with these attributes.
    Attributes(Attributes),
    /// Nothing.
    Gone,
}
