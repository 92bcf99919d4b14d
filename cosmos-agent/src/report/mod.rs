//! Speaking about a run: lines for people, JSON for machines, the log for years.

use cosmos_model::content::ContentHash;
use cosmos_model::managed::ManagedSet;
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;
use cosmos_model::plan::{Note, Plan, Step};
use cosmos_model::snapshot::Stat;
use cosmos_model::staged::Missing;
use cosmos_model::triggers::Pending;
use cosmos_model::trust::{RecordedRefusal, Signer, VerifiedRevision};

use crate::exit::{Failure, Status};

pub mod back_off;
pub mod diff;
pub mod episode;
pub mod json;
pub mod log;
pub mod progress;
pub mod reported;
pub mod style;
pub mod text;

/// How a task ended.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskReport {
    /// Folder and name: `pre-tasks.d/030packages`.
    pub name: String,
    /// How it ended, in words a message can carry: `exit status 3`, `killed by signal 9`, `timed out after 3600 s`.
    pub ending: Option<String>,
    /// The exit status, when it had one.
    pub exit: Option<i32>,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// The head and tail of its output, escaped for a terminal, lines kept.
    pub output: String,
    /// Whether it ran; a dry run only names it.
    pub ran: bool,
}

/// A package that was missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageReport {
    /// Which, and the layers that need it.
    pub package: Missing,
    /// Whether it was to be installed, or is held back.
    pub tried: bool,
    /// Why it did not come, when it did not.
    pub ending: Option<String>,
}

/// A managed path that a task changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskMade {
    /// The path.
    pub path: RelPath,
    /// The content's hash before.
    pub old: ContentHash,
    /// And after.
    pub new: ContentHash,
    /// Which task it was: two where that cannot be told, none for what a task left running in the background.
    pub tasks: Vec<String>,
}

/// Everything one run did, found and left undone.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The command's name.
    pub command: &'static str,
    /// The revision in force.
    pub commit: Option<ObjectId>,
    /// Its release tag, where releases are signed.
    pub release: Option<String>,
    /// Who signed it.
    pub signers: Vec<Signer>,
    /// The number of the generation that is applied now, when one was.
    pub generation: Option<u64>,
    /// Packages that were missing.
    pub packages: Vec<PackageReport>,
    /// What the package tools wrote about those that did not come, escaped for a terminal, lines kept.
    pub package_output: String,
    /// What was changed, in order.
    pub steps: Vec<Step>,
    /// Managed paths that tasks changed after they were written (C11).
    pub by_tasks: Vec<TaskMade>,
    /// Remarks by path.
    pub notes: Vec<Note>,
    /// Paths that are only reported and began to differ from what the model says, or ended to.
    pub reported: Vec<reported::News>,
    /// Tasks that ran.
    pub tasks: Vec<TaskReport>,
    /// What earlier runs had left to happen, and happened in this one.
    pub caught_up: Vec<Pending>,
    /// Revisions refused.
    pub refused: Vec<RecordedRefusal>,
    /// Whether revisions were judged, and not only the last verdict repeated.
    pub judged: bool,
    /// Whether another revision was accepted.
    pub advanced: bool,
    /// Whether the command changed what later runs do: a rollback, a hold.
    pub marked: bool,
    /// Whether verification was off (T17).
    pub unverified: bool,
    /// Whether applying was left out, since a step that failed is not tried again yet.
    pub skipped: bool,
    /// Remarks about the run as a whole, one sentence each: a remote out of reach, a stale mirror, a retired host.
    pub remarks: Vec<String>,
    /// What stopped the run, if something did.
    pub failure: Option<Failure>,
    /// Conditions that hold beside a failure.
    pub status: Status,
}

impl Report {
    /// Starts the report of `command`.
    #[must_use]
    pub fn new(command: &'static str) -> Self {
        Self { command, ..Self::default() }
    }

    /// Says which revision the run makes the host.
    pub fn is_about(&mut self, revision: &VerifiedRevision) {
        self.commit = Some(revision.commit());
        self.release = revision.tag().map(str::to_owned);
        self.signers = revision.signers().to_vec();
    }

    /// Takes over those steps of `plan` that were `done`, and its notes.
    ///
    /// `done` holds their positions, sorted.
    pub fn applied(&mut self, plan: Plan, done: &[usize]) {
        let (mut steps, notes) = plan.into_report();
        let mut number = 0;
        steps.retain(|_| {
            number += 1;
            done.binary_search(&(number - 1)).is_ok()
        });
        // Taken as they are where there are none yet: a first run has one for every file of the host.
        if self.steps.is_empty() {
            self.steps = steps;
        } else {
            self.steps.append(&mut steps);
        }
        self.notes = notes;
    }

    /// Takes over what tasks made of the paths `changed`; `which` tells the tasks by when a path changed.
    pub fn taken_over(
        &mut self,
        changed: Vec<RelPath>,
        before: &ManagedSet,
        after: &ManagedSet,
        which: &dyn Fn(&Stat) -> Vec<String>,
    ) {
        let made = |path: RelPath| {
            let (old, new) = (before.entries.get(&path)?, after.entries.get(&path)?);
            Some(TaskMade { old: old.hash, new: new.hash, tasks: which(&new.stat), path })
        };
        self.by_tasks = changed.into_iter().filter_map(made).collect();
    }

    /// Adds a condition; the exit status is the greatest of all.
    pub fn raise(&mut self, status: Status) {
        self.status = self.status.max(status);
    }

    /// Records what stopped the run.
    pub fn fail(&mut self, failure: Failure) {
        self.raise(failure.status);
        // What stopped the run is said once.
        self.remarks.retain(|remark| *remark != failure.message);
        self.failure = Some(failure);
    }

    /// Tells whether what a remote offers was refused, or was accepted and cannot be applied.
    #[must_use]
    pub fn is_refusing(&self) -> bool {
        !self.refused.is_empty() || self.failure.is_some()
    }

    /// Tells whether the run did or found anything a log should keep.
    #[must_use]
    pub fn is_noteworthy(&self) -> bool {
        let news = self.judged && !self.refused.is_empty();
        let tried = self.packages.iter().any(|package| package.tried);
        let did = tried || !self.steps.is_empty() || !self.by_tasks.is_empty() || !self.caught_up.is_empty();
        let told = !self.reported.is_empty();
        news || did || told || self.advanced || self.marked || self.unverified || self.failure.is_some()
    }
}
