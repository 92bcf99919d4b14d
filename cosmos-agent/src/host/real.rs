//! The host we run on, or the tree below `--root`.

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

use super::{Host, ObserveRequest};
use crate::agent::Agent;
use crate::apply::{self, Applied, ApplyError, Contents, Progress, RecoverError, Recovery, StateFolder};
use crate::check::{self, CheckError, StagedFiles, Verdict};
use crate::classic::conf::ClassicSettings;
use crate::exec::{self, ExecError, Program};
use crate::exit::Failure;
use crate::fs::{FsError, Root};
use crate::model_folder::{FolderError, ModelFolder};
use crate::observe;
use crate::packages::{self, Apt, InstallError, Installation, Installed, Installer as _, Request};
use crate::probe;
use crate::site::Site;
use crate::store::Store;
use crate::task::{self, Task, TaskOutcome};

/// A root directory and the agent's state folder in it.
#[derive(Debug)]
pub struct RealHost {
    root: Root,
    state: StateFolder,
}

impl RealHost {
    /// Takes the host below `root`, whose state is kept in `state`.
    #[must_use]
    pub const fn new(root: Root, state: StateFolder) -> Self {
        Self { root, state }
    }

    /// Returns the root's handle.
    #[must_use]
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// Returns where the state is kept.
    #[must_use]
    pub const fn state(&self) -> &StateFolder {
        &self.state
    }

    /// Finishes what a killed run left behind; to be called under the exclusive lock, before anything else.
    ///
    /// # Errors
    /// Returns a [`RecoverError`] when the journal is from a later agent or the state cannot be written.
    pub fn recover(&mut self) -> Result<Option<Recovery>, RecoverError> {
        apply::recover(&self.root, &self.state)
    }
}

impl Host for RealHost {
    fn observe(&self, request: &ObserveRequest<'_>) -> Result<HostSnapshot, FsError> {
        observe::observe(&self.root, request)
    }

    fn conffiles(&self) -> Result<BTreeSet<RelPath>, FsError> {
        observe::conffiles(&self.root)
    }

    fn package_database(&self) -> Result<Option<Stat>, FsError> {
        packages::look(&self.root)
    }

    fn installed(&self) -> Result<Installed, FsError> {
        packages::installed(&self.root)
    }

    fn install(&mut self, names: &[PackageName], request: &Request<'_>) -> Result<Installation, InstallError> {
        Apt::new(&self.root, *request).install(names)
    }

    fn apply(
        &mut self,
        plan: &mut Plan,
        before: &ManagedSet,
        contents: &dyn Contents,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Applied, ApplyError> {
        apply::apply(&self.root, &self.state, plan, before, contents, progress)
    }

    fn write_model(
        &mut self,
        folder: &ModelFolder,
        model: &StagedModel,
        objects: &dyn ObjectSource,
    ) -> Result<(), FolderError> {
        folder.write(model, objects).map(|_| ())
    }

    fn list_changes(&mut self, list: &RelPath, changed: &[RelPath]) -> Result<(), FsError> {
        task::list_changes(self.state.home(), list, changed)
    }

    fn run_script(&mut self, classic: &ClassicSettings, path: &Path) -> Result<bool, Failure> {
        crate::classic::host::run_script(classic, path, &[]).map(|()| true)
    }

    fn show_checkout(
        &mut self,
        classic: &ClassicSettings,
        site: &Site,
        revision: &VerifiedRevision,
        refs: &[RemoteRef],
        store: &Store,
    ) -> Result<(), Failure> {
        crate::classic::host::show_checkout(classic, site, revision, refs, store)
    }

    fn run_task(&mut self, task: &Task<'_>) -> Result<TaskOutcome, ExecError> {
        task::run(task).map(TaskOutcome::Ran)
    }

    fn run_program(&mut self, program: &Program<'_>) -> Result<TaskOutcome, ExecError> {
        exec::run(program).map(TaskOutcome::Ran)
    }

    fn check(&mut self, staged: &StagedFiles, checks: &[Check]) -> Result<Option<Vec<Verdict>>, CheckError> {
        check::run(staged, checks).map(Some)
    }

    fn ask(&self, check: &Check) -> Verdict {
        check::verdict(check)
    }

    fn probe_ways(&self, agent: &Agent, ways: Ways) -> Option<Option<String>> {
        Some(probe::lost(ways, agent))
    }

    fn take_over(&mut self, managed: &mut ManagedSet) -> Result<Vec<RelPath>, FsError> {
        let taken = apply::take_over(&self.root, managed)?;
        if taken.differs {
            self.state.write_managed(managed, &mut || Ok(()))?;
        }
        Ok(taken.changed)
    }
}
