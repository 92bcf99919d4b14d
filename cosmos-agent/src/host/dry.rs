//! The dry run: the same run over a host that is looked at and never changed.

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
use crate::task::{self, Task, TaskOutcome};

/// What a dry run does with tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DryTasks {
    /// They are only named (`-n`).
    Skip,
    /// They run and are told to change nothing (`-N`).
    Run,
}

/// A host that is observed through `H` and never changed.
#[derive(Debug)]
pub struct DryHost<H> {
    observed: H,
    tasks: DryTasks,
}

impl<H: Host> DryHost<H> {
    /// Looks at `observed`, changing nothing.
    #[must_use]
    pub const fn new(observed: H, tasks: DryTasks) -> Self {
        Self { observed, tasks }
    }
}

impl<H: Host> Host for DryHost<H> {
    fn observe(&self, request: &ObserveRequest<'_>) -> Result<HostSnapshot, FsError> {
        self.observed.observe(request)
    }

    fn conffiles(&self) -> Result<BTreeSet<RelPath>, FsError> {
        self.observed.conffiles()
    }

    fn package_database(&self) -> Result<Option<Stat>, FsError> {
        self.observed.package_database()
    }

    fn installed(&self) -> Result<Installed, FsError> {
        self.observed.installed()
    }

    /// Installs nothing, and answers as if all had come.
    fn install(&mut self, _names: &[PackageName], _request: &Request<'_>) -> Result<Installation, InstallError> {
        Ok(Installation::default())
    }

    /// Does no step, and answers as if all had been done: a dry run reports what a run would do.
    fn apply(
        &mut self,
        plan: &mut Plan,
        before: &ManagedSet,
        _contents: &dyn Contents,
        _progress: &mut dyn FnMut(Progress),
    ) -> Result<Applied, ApplyError> {
        Ok(Applied { done: (0..plan.steps().len()).collect(), refused: Vec::new(), managed: before.clone() })
    }

    /// Tasks that run need their scripts, which lie in the agent's own folder.
    fn write_model(
        &mut self,
        folder: &ModelFolder,
        model: &StagedModel,
        objects: &dyn ObjectSource,
    ) -> Result<(), FolderError> {
        match self.tasks {
            DryTasks::Skip => Ok(()),
            DryTasks::Run => self.observed.write_model(folder, model, objects),
        }
    }

    fn list_changes(&mut self, list: &RelPath, changed: &[RelPath]) -> Result<(), FsError> {
        match self.tasks {
            DryTasks::Skip => Ok(()),
            DryTasks::Run => self.observed.list_changes(list, changed),
        }
    }

    /// Scripts know nothing of dry tasks: they are named, and never run.
    fn run_script(&mut self, _classic: &ClassicSettings, _path: &Path) -> Result<bool, Failure> {
        Ok(false)
    }

    fn show_checkout(
        &mut self,
        _classic: &ClassicSettings,
        _site: &Site,
        _revision: &VerifiedRevision,
        _refs: &[RemoteRef],
        _store: &Store,
    ) -> Result<(), Failure> {
        Ok(())
    }

    fn run_task(&mut self, task: &Task<'_>) -> Result<TaskOutcome, ExecError> {
        match self.tasks {
            DryTasks::Skip => Ok(TaskOutcome::Skipped),
            DryTasks::Run => {
                let environment = task::dry(task.environment);
                self.observed.run_task(&Task { environment: &environment, ..task.clone() })
            }
        }
    }

    /// Services know nothing of dry runs: what would be done is named.
    fn run_program(&mut self, _program: &Program<'_>) -> Result<TaskOutcome, ExecError> {
        Ok(TaskOutcome::Skipped)
    }

    fn check(&mut self, _staged: &StagedFiles, _checks: &[Check]) -> Result<Option<Vec<Verdict>>, CheckError> {
        Ok(None)
    }

    /// It is there to look, and what is refused is what a dry run is made to find out.
    fn ask(&self, check: &Check) -> Verdict {
        self.observed.ask(check)
    }

    fn probe_ways(&self, _agent: &Agent, _ways: Ways) -> Option<Option<String>> {
        None
    }

    fn take_over(&mut self, _managed: &mut ManagedSet) -> Result<Vec<RelPath>, FsError> {
        Ok(Vec::new())
    }
}
