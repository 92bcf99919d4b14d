//! A plan's step as JSON (docs/formats.md §11, §13): what the journal holds and reports print.

use cosmos_model::content::{ContentHash, ContentSource};
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;
use cosmos_model::plan::{Action, Step};
use cosmos_model::snapshot::{Attributes, Observed};
use serde::{Deserialize, Serialize};

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The path that changes.
    pub path: RelPath,
    /// `create`, `replace`, `attributes` or `remove`.
    pub action: String,
    /// The kind of what changes: `file`, `symlink` or `directory`.
    pub kind: String,
    /// The layer that owns the path.
    pub layer: String,
    /// What is there; `None` for nothing.
    pub old: Option<StepState>,
    /// What will be there; `None` for nothing.
    pub new: Option<StepState>,
    /// `release`, `drift`, `dropped` or `delete`.
    pub cause: String,
    /// Whether the old content is kept in the backup store.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep: bool,
    /// The blob of the new content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<ObjectId>,
}

/// One side of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepState {
    /// `file`, `symlink`, `directory` or `other`.
    pub kind: String,
    /// Permission bits, octal.
    pub mode: String,
    /// Owning user.
    pub uid: u32,
    /// Owning group.
    pub gid: u32,
    /// A file's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// A file's content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<ContentHash>,
    /// A symlink's target, escaped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

impl StepRecord {
    /// Returns the record of `step`.
    #[must_use]
    pub fn of(step: &Step) -> Self {
        let (old, new) = (StepState::found(step.expects()), StepState::after(step));
        let action = match (step.action(), &old) {
            (Action::Remove | Action::RemoveDirectory, _) => "remove",
            (Action::SetAttributes { .. }, _) => "attributes",
            (_, None) => "create",
            (_, Some(_)) => "replace",
        };
        let kind = new.as_ref().or(old.as_ref()).map_or("other", |state| state.kind.as_str()).to_owned();
        let cause = match step.cause() {
            cosmos_model::plan::Cause::Release => "release",
            cosmos_model::plan::Cause::Drift => "drift",
            cosmos_model::plan::Cause::Dropped => "dropped",
            cosmos_model::plan::Cause::Delete => "delete",
        };
        let blob = match step.action() {
            Action::WriteFile { content, .. } => match content.source {
                ContentSource::Blob(id) => Some(id),
                ContentSource::Model => None,
            },
            _ => None,
        };
        Self {
            path: step.path().clone(),
            action: action.to_owned(),
            kind,
            layer: step.layer().to_owned(),
            old,
            new,
            cause: cause.to_owned(),
            keep: step.keep(),
            blob,
        }
    }
}

impl StepState {
    fn plain(kind: &str, attributes: Attributes) -> Self {
        let mode = format!("{:04o}", attributes.mode);
        let (uid, gid) = (attributes.uid, attributes.gid);
        Self { kind: kind.to_owned(), mode, uid, gid, size: None, sha256: None, target: None }
    }

    /// Returns what was found; `None` for nothing, or what cannot be reached.
    #[must_use]
    pub fn found(observed: &Observed) -> Option<Self> {
        match observed {
            Observed::Absent | Observed::Blocked(_) => None,
            Observed::File { attributes, size, hash } => {
                Some(Self { size: Some(*size), sha256: Some(*hash), ..Self::plain("file", *attributes) })
            }
            Observed::Symlink { attributes, target, .. } => Some(Self::symlink(*attributes, target)),
            Observed::Directory(attributes) => Some(Self::plain("directory", *attributes)),
            Observed::Other => Some(Self::plain("other", Attributes { mode: 0, uid: 0, gid: 0 })),
        }
    }

    /// Returns what `step` leaves.
    fn after(step: &Step) -> Option<Self> {
        match step.action() {
            Action::WriteFile { content, attributes } => {
                Some(Self { size: Some(content.size), sha256: Some(content.hash), ..Self::plain("file", *attributes) })
            }
            Action::MakeSymlink { target, attributes } => Some(Self::symlink(*attributes, target)),
            Action::MakeDirectory { attributes } => Some(Self::plain("directory", *attributes)),
            Action::SetAttributes { attributes } => {
                let found = Self::found(step.expects())?;
                let new = Self::plain(&found.kind, *attributes);
                Some(Self { mode: new.mode, uid: new.uid, gid: new.gid, ..found })
            }
            Action::Remove | Action::RemoveDirectory => None,
        }
    }

    fn symlink(attributes: Attributes, target: &[u8]) -> Self {
        let target = Some(cosmos_model::escape::for_terminal(target));
        // A symlink's mode has no meaning; 0777 is what `stat` says.
        Self { target, ..Self::plain("symlink", Attributes { mode: 0o777, ..attributes }) }
    }

    /// Returns owner and mode; `None` when the mode is not octal.
    #[must_use]
    pub fn attributes(&self) -> Option<Attributes> {
        let mode = u32::from_str_radix(&self.mode, 8).ok().filter(|mode| *mode <= 0o7777)?;
        Some(Attributes { mode, uid: self.uid, gid: self.gid })
    }
}
