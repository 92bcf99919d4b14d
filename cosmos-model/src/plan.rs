//! A plan: the ordered steps that make a host what the model says, each with the state it expects to find.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::content::Content;
use crate::managed::ManagedSet;
use crate::object_id::ObjectId;
use crate::path::RelPath;
use crate::snapshot::{Attributes, Observed};

/// One change of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Write a temporary file beside the path, set owner and mode, sync, rename over the path.
    WriteFile {
        /// The bytes.
        content: Content,
        /// Owner and mode, resolved.
        attributes: Attributes,
    },
    /// Make a symlink under a temporary name and rename it over the path.
    MakeSymlink {
        /// Where it points.
        target: Vec<u8>,
        /// Owner; the mode is not used.
        attributes: Attributes,
    },
    /// Make a directory.
    MakeDirectory {
        /// Owner and mode, resolved.
        attributes: Attributes,
    },
    /// Set owner and mode of what is there, on its descriptor.
    SetAttributes {
        /// Owner and mode, resolved.
        attributes: Attributes,
    },
    /// Remove a file or symlink.
    Remove,
    /// Remove a directory if it is empty; one that is not stays without an error.
    RemoveDirectory,
}

/// Why a step is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The model changed.
    Release,
    /// The host changed behind our back.
    Drift,
    /// The path left the model.
    Dropped,
    /// A layer's `delete/` names the path.
    Delete,
    /// The host goes back to an earlier generation, as a whole or in part.
    Rollback,
    /// Somebody asked for what was there before us.
    Restore,
}

/// One step. Built by the planner only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub(crate) path: RelPath,
    pub(crate) expects: Observed,
    pub(crate) action: Action,
    pub(crate) cause: Cause,
    pub(crate) layer: Arc<str>,
    pub(crate) task: Option<Arc<str>>,
    pub(crate) keep: bool,
    pub(crate) secret: bool,
}

impl Step {
    /// Returns the path the step changes.
    #[must_use]
    pub const fn path(&self) -> &RelPath {
        &self.path
    }

    /// Returns what must be found there; anything else refuses the step.
    #[must_use]
    pub const fn expects(&self) -> &Observed {
        &self.expects
    }

    /// Returns what is done.
    #[must_use]
    pub const fn action(&self) -> &Action {
        &self.action
    }

    /// Returns why.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        self.cause
    }

    /// Returns the name of the layer that owns the path.
    #[must_use]
    pub fn layer(&self) -> &str {
        &self.layer
    }

    /// Returns the task that changed the model's entry, if one did (C5).
    #[must_use]
    pub fn task(&self) -> Option<&str> {
        self.task.as_deref()
    }

    /// Tells whether the content found must go to the backup store first: it is foreign, or was there before us.
    #[must_use]
    pub const fn keep(&self) -> bool {
        self.keep
    }

    /// Tells whether a secret is written or was there: neither content may be shown.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        self.secret
    }
}

/// Something a reader should know that is no step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The path it is about.
    pub path: RelPath,
    /// What kind of remark.
    pub kind: NoteKind,
    /// One sentence without full stop.
    pub text: String,
}

/// Kinds of [`Note`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// The path left the model but stays: changed by others, there before us, a conffile, or `remove-dropped` is off.
    Kept,
    /// Drift that the path's policy only reports.
    Reported,
    /// The path cannot be reached or is of a type that is never replaced.
    Blocked,
    /// Somebody asked for the path to be left as it is (`cosmos hold`).
    Held,
    /// The path's layer waits for a package.
    Waiting,
}

/// Why a plan must not be applied as a whole (docs/formats.md §4, Paths that leave).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brake {
    /// The paths that would go.
    pub removals: Vec<RelPath>,
    /// How many the release allows.
    pub allowed: u64,
    /// The rule that stopped it, as a sentence.
    pub rule: String,
}

impl fmt::Display for Brake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; the release allows {}", self.rule, self.allowed)
    }
}

/// Ordered steps for one host. Built by [`crate::planner::plan`] only, and the only thing that can be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub(crate) commit: ObjectId,
    pub(crate) steps: Vec<Step>,
    pub(crate) notes: Vec<Note>,
    pub(crate) brake: Option<Brake>,
    pub(crate) after: ManagedSet,
}

impl Plan {
    /// Returns the commit the plan leads to.
    #[must_use]
    pub const fn commit(&self) -> ObjectId {
        self.commit
    }

    /// Returns the steps in the order they must happen: removals, emptied directories from the deepest up, then the
    /// rest by path, so that a directory comes before what it holds.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Hands out steps and remarks, for a report on what was done.
    #[must_use]
    pub fn into_report(self) -> (Vec<Step>, Vec<Note>) {
        (self.steps, self.notes)
    }

    /// Returns remarks by path.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Returns why the plan must not be applied, if it must not.
    #[must_use]
    pub const fn brake(&self) -> Option<&Brake> {
        self.brake.as_ref()
    }

    /// Says of each step that is no repair of drift that it goes back to an earlier generation.
    #[must_use]
    pub fn going_back(mut self) -> Self {
        self.steps.iter_mut().filter(|step| step.cause != Cause::Drift).for_each(|step| step.cause = Cause::Rollback);
        self
    }

    /// Tells whether the host already is what the model says.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns the managed set as it is once every step is done; the `stat` of each path that a step changed is to be
    /// filled in by who applied it, the others keep theirs.
    #[must_use]
    pub const fn managed_after(&self) -> &ManagedSet {
        &self.after
    }

    /// Hands out [`Plan::managed_after`], for who fills it in: on a host with many files there is no room for two.
    #[must_use]
    pub fn take_managed(&mut self) -> ManagedSet {
        core::mem::take(&mut self.after)
    }
}
