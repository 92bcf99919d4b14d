//! A host: what is looked at, changed and run. The same run over [`DryHost`] changes nothing.

mod dry;
mod real;
mod unchanged;

use std::collections::BTreeSet;
use std::path::Path;

use cosmos_model::managed::ManagedSet;
use cosmos_model::object::ObjectSource;
use cosmos_model::package::PackageName;
use cosmos_model::path::RelPath;
use cosmos_model::plan::Plan;
use cosmos_model::refs::RemoteRef;
use cosmos_model::snapshot::{HostSnapshot, Stat};
use cosmos_model::staged::StagedModel;
use cosmos_model::triggers::{Check, Ways};
use cosmos_model::trust::VerifiedRevision;

use crate::agent::Agent;
use crate::apply::{Applied, ApplyError, Contents, Progress};
use crate::check::{CheckError, StagedFiles, Verdict};
use crate::classic::conf::ClassicSettings;
use crate::exec::{ExecError, Program};
use crate::exit::Failure;
use crate::fs::FsError;
use crate::model_folder::{FolderError, ModelFolder};
use crate::packages::{InstallError, Installation, Installed, Request};
use crate::site::Site;
use crate::store::Store;
use crate::task::{Task, TaskOutcome};

pub use crate::observe::ObserveRequest;
pub use dry::{DryHost, DryTasks};
pub use real::RealHost;
pub use unchanged::{first_difference, first_other_content, is_plainly_untouched};

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

    /// Returns how the package database looks, by one look; `None` where there is none.
    ///
    /// # Errors
    /// Returns why it cannot be looked at.
    fn package_database(&self) -> Result<Option<Stat>, FsError>;

    /// Reads which packages are installed.
    ///
    /// # Errors
    /// Returns why the database cannot be read.
    fn installed(&self) -> Result<Installed, FsError>;

    /// Installs packages on the running system, and finishes what an earlier installation left.
    ///
    /// # Errors
    /// Returns an [`InstallError`] where nothing could be tried; a package that does not come is in the answer.
    fn install(&mut self, names: &[PackageName], request: &Request<'_>) -> Result<Installation, InstallError>;

    /// Does the steps of `plan` in order and remembers what is managed from then on; `before` is what was.
    /// The plan gives away its managed set.
    ///
    /// # Errors
    /// Returns where it stopped; what was done until then is remembered, and each file is old or new.
    fn apply(
        &mut self,
        plan: &mut Plan,
        before: &ManagedSet,
        contents: &dyn Contents,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Applied, ApplyError>;

    /// Makes the folder that tasks run from what `model` says.
    ///
    /// # Errors
    /// Returns the first path that cannot be read or written.
    fn write_model(
        &mut self,
        folder: &ModelFolder,
        model: &StagedModel,
        objects: &dyn ObjectSource,
    ) -> Result<(), FolderError>;

    /// Writes the list that `COSMOS_CHANGED_FILES` names, below the agent's home.
    ///
    /// # Errors
    /// Returns why it cannot be written.
    fn list_changes(&mut self, list: &RelPath, changed: &[RelPath]) -> Result<(), FsError>;

    /// Runs a script of a classic host's own command folder (C10); tells whether it ran.
    ///
    /// # Errors
    /// Returns a [`Failure`] when it does not end well.
    fn run_script(&mut self, classic: &ClassicSettings, path: &Path) -> Result<bool, Failure>;

    /// Makes a classic host's clone show `revision` (C2).
    ///
    /// # Errors
    /// Returns a [`Failure`] at the first path that cannot be written.
    fn show_checkout(
        &mut self,
        classic: &ClassicSettings,
        site: &Site,
        revision: &VerifiedRevision,
        refs: &[RemoteRef],
        store: &Store,
    ) -> Result<(), Failure>;

    /// Runs one task and waits for it. A task that fails is an outcome, not an error.
    ///
    /// # Errors
    /// Returns why the task could not be started.
    fn run_task(&mut self, task: &Task<'_>) -> Result<TaskOutcome, ExecError>;

    /// Runs a program that changes or looks at services; one that fails is an outcome, not an error.
    ///
    /// # Errors
    /// Returns why it could not be started.
    fn run_program(&mut self, program: &Program<'_>) -> Result<TaskOutcome, ExecError>;

    /// Runs `checks` where the staged files are in their places and nothing else is changed; `None` in a dry run.
    ///
    /// # Errors
    /// Returns why the staged files could not be laid.
    fn check(&mut self, staged: &StagedFiles, checks: &[Check]) -> Result<Option<Vec<Verdict>>, CheckError>;

    /// Makes a check that looks at the host as it is; in a dry run, too.
    fn ask(&self, check: &Check) -> Verdict;

    /// Tries the ways to and from the host, and says which is lost; `None` in a dry run.
    fn probe_ways(&self, agent: &Agent, ways: Ways) -> Option<Option<String>>;

    /// Records as ours what tasks changed in managed paths since `managed` was true, and returns those paths (C11).
    ///
    /// # Errors
    /// Returns the path that could not be looked at, or why the set could not be written.
    fn take_over(&mut self, managed: &mut ManagedSet) -> Result<Vec<RelPath>, FsError>;
}
