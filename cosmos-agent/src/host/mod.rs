//! A host: what is looked at, changed and run. The same run over [`DryHost`] changes nothing.

mod conffiles;
mod dry;
mod observe;
mod owners;
mod real;
mod unchanged;

use std::borrow::Cow;
use std::collections::BTreeSet;

use cosmos_model::managed::ManagedSet;
use cosmos_model::path::RelPath;
use cosmos_model::plan::Plan;
use cosmos_model::snapshot::HostSnapshot;
use cosmos_model::staged::{Owner, StagedModel};

use crate::apply::{Applied, ApplyError, Contents, Progress};
use crate::exec::ExecError;
use crate::fs::FsError;
use crate::task::{Task, TaskOutcome};

pub use dry::{DryHost, DryTasks};
pub(crate) use observe::{Observer, hash_of, look_at};
pub use real::RealHost;
pub use unchanged::first_difference;

/// What a run may ask of a host. All decisions are in the arguments.
pub trait Host {
    /// Looks at the paths of `request` and resolves its names.
    ///
    /// # Errors
    /// Returns the first path that could not be looked at; a path that cannot be *reached* is no error but `Blocked`.
    fn observe(&self, request: &ObserveRequest<'_>) -> Result<HostSnapshot, FsError>;

    /// Returns the paths that packages call their conffiles; asked only when paths leave the model.
    ///
    /// # Errors
    /// Returns why the package database could not be read.
    fn conffiles(&self) -> Result<BTreeSet<RelPath>, FsError>;

    /// Does the steps of `plan` in order and remembers what is managed from then on; `before` is what was.
    ///
    /// # Errors
    /// Returns where it stopped; what was done until then is remembered, and each file is old or new.
    fn apply(
        &mut self,
        plan: &Plan,
        before: &ManagedSet,
        contents: &dyn Contents,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Applied, ApplyError>;

    /// Runs one task and waits for it. A task that fails is an outcome, not an error.
    ///
    /// # Errors
    /// Returns why the task could not be started.
    fn run_task(&mut self, task: &Task<'_>) -> Result<TaskOutcome, ExecError>;

    /// Records as ours what tasks changed in managed paths since `managed` was true, and returns those paths (C11).
    ///
    /// # Errors
    /// Returns the path that could not be looked at, or why the set could not be written.
    fn take_over(&mut self, managed: &mut ManagedSet) -> Result<Vec<RelPath>, FsError>;
}

/// Which paths and names a plan needs to know about.
#[derive(Debug, Clone)]
pub struct ObserveRequest<'a> {
    /// The paths; sorted ones cost one walk a folder.
    pub paths: Vec<Cow<'a, RelPath>>,
    /// User names to resolve.
    pub users: BTreeSet<&'a str>,
    /// Group names to resolve.
    pub groups: BTreeSet<&'a str>,
    /// What we left there: saves hashing what `stat` shows to be untouched.
    pub managed: &'a ManagedSet,
    /// Whether every file is hashed all the same.
    pub verify_content: bool,
}

impl<'a> ObserveRequest<'a> {
    /// Asks for what a plan of `model` compares: its paths, what it deletes, and what was managed before.
    #[must_use]
    pub fn of(model: &'a StagedModel, managed: &'a ManagedSet, verify_content: bool) -> Self {
        let paths: BTreeSet<_> =
            model.entries().keys().chain(model.deletions().keys()).chain(managed.entries.keys()).collect();
        let paths = paths.into_iter().map(Cow::Borrowed).collect();
        let name = |owner: &'a Owner| match owner {
            Owner::Name(name) => Some(name.as_str()),
            Owner::Default | Owner::Id(_) => None,
        };
        let users = model.entries().values().filter_map(|entry| name(&entry.owner)).collect();
        let groups = model.entries().values().filter_map(|entry| name(&entry.group)).collect();
        Self { paths, users, groups, managed, verify_content }
    }
}
