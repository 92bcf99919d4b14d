//! The order of the stages, and the only file that knows it: fetch → authenticate → stage → plan → apply → report.

mod authenticate;
mod back;
mod checks;
mod classic;
mod files;
mod looking;
mod packages;
mod part;
mod probes;
mod rendering;
mod reported;
mod restore;
mod rests_on;
mod services;
mod testing;
mod triggers;

pub use authenticate::prospects;
pub use looking::Planned;
pub use packages::Packages;

use std::cell::OnceCell;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use cosmos_model::content::ContentHash;
use cosmos_model::escape;
use cosmos_model::facts::Facts;
use cosmos_model::layer::Probe;
use cosmos_model::managed::ManagedSet;
use cosmos_model::object_id::ObjectId;
use cosmos_model::plan::Plan;
use cosmos_model::planner::Extent;
use cosmos_model::snapshot::Stat;
use cosmos_model::staged::{StagedModel, Waiting};
use cosmos_model::time::Time;
use cosmos_model::triggers::{Pending, Said};
use cosmos_model::trust::VerifiedRevision;

use crate::agent::Agent;
use crate::apply::StateFolder;
use crate::built_in;
use crate::classic::folders::Step;
use crate::exit::{Failure, Status};
use crate::fetch::{FetchError, Progress};
use crate::fs::FsError;
use crate::host::{Host, ObserveRequest};
use crate::managed::{Managed, View};
use crate::record::Record;
use crate::report::progress::Watched;
use crate::report::{Report, TaskReport};
use crate::stage;
use crate::state::Hindrance;
use crate::store::Store;
use crate::task::ran;
use crate::tasks::{Stage, TaskRun};
use part::Staged;

/// One run over one host. What it did is in `report`; what the next run must know is in `record`.
pub struct Pipeline<'a> {
    agent: &'a Agent,
    state: StateFolder,
    host: &'a mut dyn Host,
    store: Store,
    now: Time,
    /// The revision whose model this run wrote to a classic host's folder, where no task ran since.
    shown: Option<ObjectId>,
    /// What is known about this host, once it was asked for.
    facts: OnceCell<Facts>,
    /// What the templates of the model became that this run applies: the hash of a list that is kept.
    rendering: Option<ContentHash>,
    /// What is done about packages that are missing.
    pub when_missing: Packages,
    /// Layers that wait for a package: their paths stay as they are.
    waiting: Waiting,
    /// The probes of all layers, of which some are made when everything else is done.
    probing: Vec<Said<Probe>>,
    /// What earlier runs left to happen, as far as the model still asks for it.
    owed: Vec<Pending>,
    /// What the next run must know.
    pub record: Record,
    /// What happened so far.
    pub report: Report,
}

impl<'a> Pipeline<'a> {
    /// Prepares a run; nothing is looked at yet.
    #[must_use]
    pub fn new(agent: &'a Agent, host: &'a mut dyn Host, record: Record, report: Report, now: Time) -> Self {
        let state = agent.site.state_folder(agent.settings.backup_size);
        Self {
            agent,
            state,
            host,
            store: Store::at(agent.site.store()),
            now,
            shown: None,
            facts: OnceCell::new(),
            rendering: None,
            when_missing: Packages::default(),
            waiting: Waiting::new(),
            probing: Vec::new(),
            owed: record.state.triggers.pending.clone(),
            record,
            report,
        }
    }

    /// Fetches and authenticates, and between them runs the scripts of a classic host, whose model folder and clone
    /// then show what is accepted. A refused candidate is in the report; the accepted revision stays in force.
    ///
    /// Returns what the remotes failed with when none of them could be used.
    ///
    /// # Errors
    /// Returns a [`Failure`] when the store or the state cannot be written; a remote out of reach is none.
    pub fn update(&mut self, progress: &mut dyn Progress) -> Result<Vec<FetchError>, Failure> {
        let (mut fetched, mut failed) = (None, Vec::new());
        for step in self.agent.steps("update")? {
            match step {
                Step::BuiltIn(FETCH) => fetched = Some(self.fetch(progress)?),
                Step::BuiltIn(VERIFY) => {
                    let fetched = fetched.take().expect("steps are in order of their numbers");
                    failed = self.authenticate(fetched)?;
                }
                Step::BuiltIn(MODEL) if self.agent.classic.is_some() => self.write_classic_model()?,
                Step::BuiltIn(_) => {}
                // A refusal ended the command of Cosmos 1.5: what comes after it is told of good revisions only.
                Step::Script { .. } if fetched.is_none() && self.report.is_refusing() => {}
                Step::Script { path, .. } => self.run_script(&path)?,
            }
        }
        Ok(failed)
    }

    /// Applies the revision in force: this host's test, else the accepted one. Where mistakes in it or the need for a
    /// newer agent hinder that, the one before stays enforced: its tasks run, and drift is repaired.
    ///
    /// # Errors
    /// Returns the [`Failure`] that stopped it; what was done until then is in the report.
    pub fn apply(&mut self) -> Result<(), Failure> {
        self.drop_what_is_over();
        let revision = self.in_force()?;
        self.record.state.hindrance = None;
        let ended = self.enforce(&revision);
        let (Some(applied), Err(hindered)) = (self.kept_instead_of(&revision), &ended) else { return ended };
        self.enforce(&applied).inspect_err(|_| self.report.remarks.push(hindered.message.clone())).and(ended)
    }

    /// Makes the host what `revision` says: pre-tasks, files, post-tasks, and between them a classic host's scripts.
    fn enforce(&mut self, revision: &VerifiedRevision) -> Result<(), Failure> {
        self.report.is_about(revision);
        let mut managed = Managed::read(&self.state)?;
        let at = managed.view().is_settled_at(revision.commit())
            && self.is_remembered(revision)
            && !self.record.state.replan
            && !self.record.state.blocked
            && self.rests_as_applied();
        let settled = at && !self.has_pending() && self.has_its_packages()? && self.is_model_of(revision)?;
        let mut staged = if settled { None } else { Some(self.prepare(revision, &managed.view())?) };
        let tasks = TaskRun::prepare(self.agent, revision, staged.as_ref().map(|staged| &staged.model));
        let mut written = false;
        for step in self.agent.steps("apply")? {
            match step {
                Step::BuiltIn(PRE_TASKS) => {
                    tasks.run(Stage::Before, self.host, &mut self.report, &mut self.record, &[])?;
                }
                Step::BuiltIn(FILES) if settled && self.looks_untouched(revision, &managed.view())? => {
                    self.is_applied(revision)
                }
                Step::BuiltIn(FILES) => {
                    let mut staged = self.staged_for_files(staged.take(), revision, &managed.view())?;
                    // Apply reads it itself, and has no room for two.
                    managed = Managed::default();
                    self.waiting = self.packages(&mut staged)?;
                    tasks.leave_out(&staged.model, &self.waiting);
                    let ended = self.files(staged, &tasks);
                    ended.map_err(|failed| self.or_taken_back(failed, revision, &tasks))?;
                    written = true;
                    if self.waiting.is_empty() {
                        self.is_applied(revision);
                    }
                }
                Step::BuiltIn(POST_TASKS) => {
                    let changed = self.changed_for_tasks();
                    tasks.run(Stage::After, self.host, &mut self.report, &mut self.record, &changed)?;
                }
                Step::BuiltIn(_) => {}
                Step::Script { path, .. } => self.run_script(&path)?,
            }
        }
        self.probe(&tasks)?;
        if tasks.any_ran() {
            if written {
                managed = Managed::read(&self.state)?;
            }
            let managed = managed.view();
            if !managed.looks_untouched(&self.agent.site.root)? {
                let (before, mut after) = (managed.set(), managed.set());
                let changed = self.host.take_over(&mut after)?;
                let which = |stat: &Stat| tasks.that_may_have(ran::at(stat.changed));
                self.report.taken_over(changed, &before, &after, &which);
            }
        }
        Ok(())
    }

    /// Tells whether the folder that tasks run from is what `revision` says: on a classic host somebody, or the
    /// pre-tasks of the last run, may have changed it.
    fn is_model_of(&self, revision: &VerifiedRevision) -> Result<bool, Failure> {
        let folder = self.agent.model_folder();
        let whole = self.agent.classic.is_none() || self.shown == Some(revision.commit());
        Ok(folder.is_at(revision.commit()) && (whole || folder.is_as_left()?))
    }

    /// Runs a script of a classic host's own; a dry run names it, with its command's folder.
    fn run_script(&mut self, path: &Path) -> Result<(), Failure> {
        let classic = self.agent.classic.as_ref().expect("only classic hosts have command folders");
        if !self.host.run_script(classic, path)? {
            let folder = path.parent().and_then(Path::parent);
            let name = folder.and_then(|folder| path.strip_prefix(folder).ok()).unwrap_or(path);
            self.report.tasks.push(TaskReport::skipped(escape::for_terminal(name.as_os_str().as_bytes())));
        }
        Ok(())
    }

    /// Stages a revision that is news here, judges the brake before any task runs, and lays the tasks ready.
    fn prepare(&mut self, revision: &VerifiedRevision, managed: &View<'_>) -> Result<Staged, Failure> {
        self.rest();
        let staged = match self.part(revision, managed)? {
            Some(part) => part,
            None => {
                let whole = self.whole(revision, managed)?;
                self.judge_brake(&whole)?;
                whole
            }
        };
        let model = &staged.model;
        let retired = model.retired().map(str::to_owned);
        if let Some(when_and_why) = retired.as_ref().filter(|_| retired != self.record.state.retired) {
            self.report.remarks.push(format!("this host is retired: {when_and_why}"));
        }
        self.record.state.retired = retired;
        self.let_go(model)?;
        self.take_task_rules(model)?;
        self.host.write_model(&self.agent.model_folder(), model, &self.store)?;
        Ok(staged)
    }

    fn judge_brake(&mut self, Staged { model, managed }: &Staged) -> Result<(), Failure> {
        let snapshot = self.observe(model, managed)?;
        match self.plan_for(model, &snapshot, managed, &Extent::default()) {
            Ok(plan) => refuse_brake(&plan),
            // Pre-tasks and packages may make the users that the model names; it is planned again after them.
            Err(_) if !model.pre_tasks().is_empty() || !self.missing_packages(model)?.is_empty() => Ok(()),
            Err(error) => Err(self.unplanned(&error)),
        }
    }

    /// Tells whether host and model are as the last run left them, so that a plan would be empty.
    fn looks_untouched(&self, revision: &VerifiedRevision, managed: &View<'_>) -> Result<bool, Failure> {
        // Pre-tasks change a classic model (C5): it is planned for unless neither this run's did, nor those of the
        // last.
        let model_changed = self.agent.classic.is_some()
            && (self.record.state.as_released != self.identity(revision) || !self.agent.model_folder().is_as_left()?);
        Ok(!model_changed && self.is_host_as_left(managed)? && self.reported_look_as_seen()?)
    }

    /// Tells whether every managed path is as the last run left it; by content if the settings ask for that.
    fn is_host_as_left(&self, managed: &View<'_>) -> Result<bool, FsError> {
        let root = &self.agent.site.root;
        if self.agent.settings.verify_content {
            managed.holds_what_was_left(root)
        } else {
            managed.looks_untouched(root)
        }
    }

    /// Returns what names the model of a classic host and what is done with it, before its pre-tasks.
    fn identity(&self, revision: &VerifiedRevision) -> Option<ContentHash> {
        let dropped = self.agent.plan_settings().remove_dropped;
        let text = format!("{} {dropped}", self.agent.model_folder().identity(revision.commit()));
        self.agent.classic.is_some().then(|| ContentHash::of(text.as_bytes()))
    }

    /// Returns the objects of the repository, to show what a plan would write.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    fn stage(&mut self, revision: &VerifiedRevision, managed: &View<'_>) -> Result<StagedModel, Failure> {
        self.store.open()?;
        let objects = Watched::new(self.agent, &self.store, "staging");
        let staged = stage::stage(self.agent, revision, &objects, managed, self.facts(), built_in::tree());
        drop(objects);
        staged.map_err(|error| {
            self.is_hindered(error.to_string(), error.needs_newer_agent());
            stage::failure(&error)
        })
    }

    /// Stages a revision with what is an exception on this host.
    fn model(&mut self, revision: &VerifiedRevision, managed: &View<'_>) -> Result<StagedModel, Failure> {
        let back = self.record.state.rolled_back().filter(|back| back.paths.is_none()).map(|back| back.generation);
        let mut model = match back {
            Some(number) => self.earlier_model(number, managed)?,
            None => self.stage(revision, managed)?,
        };
        self.except(&mut model, managed)?;
        Ok(model)
    }

    fn observe(
        &self,
        model: &StagedModel,
        managed: &ManagedSet,
    ) -> Result<cosmos_model::snapshot::HostSnapshot, Failure> {
        let request = ObserveRequest::of(model, managed, self.agent.settings.verify_content);
        let mut snapshot = self.host.observe(&request)?;
        if managed.entries.keys().any(|path| !model.entries().contains_key(path)) {
            snapshot.conffiles = self.host.conffiles()?;
        }
        Ok(snapshot)
    }

    /// Remembers what hinders the revision in force; the first word is about it, a later one about that kept instead.
    fn is_hindered(&mut self, why: String, newer_agent: bool) {
        self.record.state.hindrance.get_or_insert(Hindrance { why, newer_agent });
    }
}

/// The numbers of the built-in steps of `update`, as Cosmos 1.5 named its scripts (C10).
const FETCH: u32 = 20;
/// The judgement.
const VERIFY: u32 = 25;
/// The model folder of a classic host.
const MODEL: u32 = 90;
/// The numbers of the built-in steps of `apply`, as Cosmos 1.5 named its scripts (C10).
const PRE_TASKS: u32 = 20;
/// Deletions and files: 1.5 had them apart, at 40 and 60; here they are one plan.
const FILES: u32 = 60;
/// Tasks that see the files in place.
const POST_TASKS: u32 = 70;

/// The brake: a plan that removes too much is not applied (docs/formats.md §4, Paths that leave).
fn refuse_brake(plan: &Plan) -> Result<(), Failure> {
    let Some(brake) = plan.brake() else { return Ok(()) };
    let hint = format!("see 'cosmos plan'; if it is meant, release again with 'removals={}'", brake.removals.len());
    Err(Failure::of(Status::Failed, brake.to_string(), hint))
}
