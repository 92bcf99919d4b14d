//! Steps and what is at a path, as JSON has them (docs/formats.md §13): in plans, drift, the journal and the log.

use alloc::format;
use alloc::string::String;

use crate::content::ContentHash;
use crate::escape::for_terminal;
use crate::managed::{ManagedEntry, ManagedKind};
use crate::path::RelPath;
use crate::plan::{Action, Cause, Step};
use crate::snapshot::{Attributes, Observed};
use crate::staged::{StagedEntry, StagedKind};

/// The kinds of thing that can be at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A regular file.
    File,
    /// A symlink.
    Symlink,
    /// A directory.
    Directory,
    /// A device, pipe or socket, or something that cannot be reached.
    Other,
}

/// What is, was or will be at a path.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Described {
    /// What it is.
    pub kind: Kind,
    /// Four octal digits.
    pub mode: String,
    /// Numeric user id.
    pub uid: u32,
    /// Numeric group id.
    pub gid: u32,
    /// Bytes of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Content of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<ContentHash>,
    /// Target of a symlink, escaped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// What a step does, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionName {
    /// Nothing was there.
    Create,
    /// Something was.
    Replace,
    /// Owner or mode only.
    Attributes,
    /// It goes.
    Remove,
}

/// A step as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StepRecord {
    /// The path.
    pub path: RelPath,
    /// What is done.
    pub action: ActionName,
    /// What the path is about: the new thing, or the old one that goes.
    pub kind: Kind,
    /// The layer that owns the path.
    pub layer: String,
    /// What is there before.
    pub old: Option<Described>,
    /// What is there after.
    pub new: Option<Described>,
    /// Why.
    pub cause: Cause,
    /// The task that changed the model's entry (C5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Whether the old content goes to the backup store first.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub kept: bool,
    /// Whether a secret is written or was there.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub secret: bool,
}

impl Described {
    fn new(kind: Kind, attributes: Attributes) -> Self {
        let Attributes { mode, uid, gid } = attributes;
        Self { kind, mode: format!("{mode:04o}"), uid, gid, size: None, sha256: None, target: None }
    }

    fn file(attributes: Attributes, size: u64, hash: ContentHash) -> Self {
        Self { size: Some(size), sha256: Some(hash), ..Self::new(Kind::File, attributes) }
    }

    fn symlink(attributes: Attributes, target: &[u8]) -> Self {
        let attributes = Attributes { mode: 0o777, ..attributes };
        Self { target: Some(for_terminal(target)), ..Self::new(Kind::Symlink, attributes) }
    }

    /// Describes what was found; `None` where nothing is.
    #[must_use]
    pub fn found(observed: &Observed) -> Option<Self> {
        let unreachable = Attributes { mode: 0, uid: 0, gid: 0 };
        match observed {
            Observed::Absent => None,
            Observed::File { attributes, size, hash } => Some(Self::file(*attributes, *size, *hash)),
            Observed::Symlink { attributes, target, .. } => Some(Self::symlink(*attributes, target)),
            Observed::Directory(attributes) => Some(Self::new(Kind::Directory, *attributes)),
            Observed::Other | Observed::Blocked(_) => Some(Self::new(Kind::Other, unreachable)),
        }
    }

    /// Describes what we wrote; a symlink's target is not remembered, only its hash.
    #[must_use]
    pub fn managed(entry: &ManagedEntry) -> Self {
        match entry.kind {
            ManagedKind::File => Self::file(entry.attributes, entry.size, entry.hash),
            ManagedKind::Symlink => Self { sha256: Some(entry.hash), ..Self::new(Kind::Symlink, entry.attributes) },
            ManagedKind::Directory => Self::new(Kind::Directory, entry.attributes),
        }
    }

    /// Describes what the model wants, as far as it can be said without the host: owners given by name are shown as 0.
    #[must_use]
    pub fn wanted(entry: &StagedEntry) -> Self {
        let id = |owner: &crate::layer::Owner| match owner {
            crate::layer::Owner::Id(id) => *id,
            crate::layer::Owner::Default | crate::layer::Owner::Name(_) => 0,
        };
        let mode = entry.mode.unwrap_or(0o755);
        let attributes = Attributes { mode, uid: id(&entry.owner), gid: id(&entry.group) };
        match &entry.kind {
            StagedKind::File(content) => Self::file(attributes, content.size, content.hash),
            StagedKind::Symlink(target) => Self::symlink(attributes, target),
            StagedKind::Directory => Self::new(Kind::Directory, attributes),
        }
    }

    /// Returns the permission bits; what is not octal counts as none.
    #[must_use]
    pub fn mode_bits(&self) -> u32 {
        u32::from_str_radix(&self.mode, 8).unwrap_or(0)
    }
}

impl From<&Step> for StepRecord {
    fn from(step: &Step) -> Self {
        let old = Described::found(step.expects());
        let new = match step.action() {
            Action::WriteFile { content, attributes } => Some(Described::file(*attributes, content.size, content.hash)),
            Action::MakeSymlink { target, attributes } => Some(Described::symlink(*attributes, target)),
            Action::MakeDirectory { attributes } => Some(Described::new(Kind::Directory, *attributes)),
            Action::SetAttributes { attributes } => old.clone().map(|old| {
                let Attributes { mode, uid, gid } = *attributes;
                Described { mode: format!("{mode:04o}"), uid, gid, ..old }
            }),
            Action::Remove | Action::RemoveDirectory => None,
        };
        let action = match (step.action(), &old) {
            (Action::Remove | Action::RemoveDirectory, _) => ActionName::Remove,
            (Action::SetAttributes { .. }, _) => ActionName::Attributes,
            (_, None) => ActionName::Create,
            (_, Some(_)) => ActionName::Replace,
        };
        let kind = new.as_ref().or(old.as_ref()).map_or(Kind::Other, |described| described.kind);
        Self {
            path: step.path().clone(),
            action,
            kind,
            layer: String::from(step.layer()),
            old,
            new,
            cause: step.cause(),
            task: step.task().map(String::from),
            kept: step.keep(),
            secret: step.is_secret(),
        }
    }
}

impl StepRecord {
    /// Tells whether the step has happened, by what is there now.
    #[must_use]
    pub fn landed(&self, observed: &Observed) -> bool {
        Described::found(observed) == self.new
    }
}
