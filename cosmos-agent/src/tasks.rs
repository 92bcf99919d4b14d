//! The tasks of one run: which there are, what they are told, what became of them.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, SystemTime};

use cosmos_model::content::ContentHash;
use cosmos_model::path::RelPath;
use cosmos_model::staged::{StagedModel, StagedTaskFile, Waiting};
use cosmos_model::triggers::{Due, Kept, KeptTask};
use cosmos_model::trust::VerifiedRevision;

use crate::agent::Agent;
use crate::classic::reread;
use crate::exec::{self, Ended, Finished, Limit};
use crate::exit::{Failure, Status};
use crate::host::Host;
use crate::model_folder::listing::{self, POST_TASKS, PRE_TASKS};
use crate::model_folder::{FolderError, ModelFolder};
use crate::record::Record;
use crate::report::{Report, TaskReport};
use crate::task::ran::{self, Ran};
use crate::task::{self, Surroundings, Task, TaskOutcome};

/// Before or after the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// `pre-tasks.d/`.
    Before,
    /// `post-tasks.d/`.
    After,
}

impl Stage {
    /// Returns the name of the stage's folder.
    #[must_use]
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Before => PRE_TASKS,
            Self::After => POST_TASKS,
        }
    }
}

/// The tasks of one run over one revision.
pub struct TaskRun<'a> {
    agent: &'a Agent,
    folder: ModelFolder,
    environment: BTreeMap<OsString, OsString>,
    /// The model's own word, for a dry run whose model folder was not written.
    names: Option<[Vec<RelPath>; 2]>,
    ran: RefCell<Vec<Ran>>,
    any_ran: Cell<bool>,
    /// Post-tasks of layers that wait for a package.
    left_out: RefCell<BTreeSet<RelPath>>,
}

impl<'a> TaskRun<'a> {
    /// Prepares the tasks of `revision`. `model` is there when the model folder may not have been written for it.
    #[must_use]
    pub fn prepare(agent: &'a Agent, revision: &VerifiedRevision, model: Option<&StagedModel>) -> Self {
        let folder = agent.model_folder();
        let changed_files = agent.site.path_of(&agent.site.changed_files());
        let unwritten = model.filter(|_| !folder.is_at(revision.commit()));
        Self {
            environment: environment(agent, revision, &folder, &changed_files),
            names: unwritten.map(|model| [names(model.pre_tasks()), names(model.post_tasks())]),
            folder,
            agent,
            ran: RefCell::default(),
            any_ran: Cell::new(false),
            left_out: RefCell::default(),
        }
    }

    /// Returns the names of the stage's tasks with their folder, in the order they run.
    ///
    /// # Errors
    /// Returns a [`Failure`] when the model folder cannot be read.
    pub fn names(&self, stage: Stage) -> Result<Vec<RelPath>, Failure> {
        if let Some([before, after]) = &self.names {
            let names = if stage == Stage::Before { before } else { after };
            return Ok(names.iter().filter_map(|name| in_folder(stage, name.as_bytes())).collect());
        }
        let tasks = listing::tasks(self.folder.path(), stage.folder()).map_err(|error| {
            Failure::new(Status::Failed, &error, "run again as the user who owns the state folder, normally root")
        })?;
        Ok(tasks.iter().filter_map(|task| in_folder(stage, task.file_name()?.as_bytes())).collect())
    }

    /// Runs those tasks of the stage that are due, in order; the first that fails stops the run. What ended well is
    /// remembered at once where it matters to the next run.
    ///
    /// # Errors
    /// Returns a [`Failure`] that names the task, how it ended, and what to look at.
    pub fn run(
        &self,
        stage: Stage,
        host: &mut dyn Host,
        report: &mut Report,
        record: &mut Record,
        changed: &[RelPath],
    ) -> Result<(), Failure> {
        let mut names = self.names(stage)?;
        names.retain(|name| !self.left_out.borrow().contains(name) && self.is_due(stage, name, &record.state.triggers));
        if names.is_empty() {
            return Ok(());
        }
        host.list_changes(&self.agent.site.changed_files(), changed).map_err(|error| Failure::from(&error))?;
        for name in &names {
            let rule = record.state.triggers.tasks.get(base(name).as_ref()).cloned();
            let since = ran::tick();
            let outcome = host.run_task(&self.task(name, rule.as_ref())).map_err(|error| {
                let hint = "look at the first line of the script: is the program it names installed?";
                Failure::new(Status::Failed, &error, hint)
            })?;
            match outcome {
                TaskOutcome::Skipped => report.tasks.push(TaskReport::skipped(name.to_string())),
                TaskOutcome::Ran(finished) => {
                    self.any_ran.set(true);
                    self.ran.borrow_mut().push(Ran::until_now(name.to_string(), since));
                    report.tasks.push(TaskReport::of(name.to_string(), &finished));
                    self.check(name, &finished)?;
                    if rule.is_some_and(|rule| rule.when_changed || rule.once) {
                        self.remember(name, record)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Leaves out the post-tasks of layers that wait for a package.
    pub fn leave_out(&self, model: &StagedModel, waiting: &Waiting) {
        let waits = model.post_tasks().iter().filter(|file| waiting.contains_key(&file.layer));
        let names = waits.filter_map(|file| in_folder(Stage::After, file.path.as_bytes()));
        self.left_out.borrow_mut().extend(names);
    }

    /// Tells whether a task runs: what its rule waits for has come, and it did not end well before where once is
    /// enough.
    fn is_due(&self, stage: Stage, name: &RelPath, kept: &Kept) -> bool {
        let Some(rule) = kept.tasks.get(base(name).as_ref()) else { return true };
        let waits = rule.when_changed && stage == Stage::After;
        let is_asked_for = !waits || kept.awaits(&Due::Task(base(name).into_owned()));
        let before = kept.once.get(base(name).as_ref()).filter(|_| rule.once);
        is_asked_for && before.is_none_or(|before| self.script(name) != Some(*before))
    }

    /// Remembers that a task with a rule ended well.
    fn remember(&self, name: &RelPath, record: &mut Record) -> Result<(), Failure> {
        let kept = &mut record.state.triggers;
        kept.is_done(&Due::Task(base(name).into_owned()));
        if kept.tasks.get(base(name).as_ref()).is_some_and(|rule| rule.once)
            && let Some(script) = self.script(name)
        {
            kept.once.insert(base(name).into_owned(), script);
        }
        Ok(record.save()?)
    }

    /// Returns the hash of a task's script; none where it cannot be read, so that the task runs and says why.
    fn script(&self, name: &RelPath) -> Option<ContentHash> {
        let path = self.folder.path().join(std::ffi::OsStr::from_bytes(name.as_bytes()));
        std::fs::read(path).ok().map(|script| ContentHash::of(&script))
    }

    /// Returns the tasks that may have made a change of that time: one, or two where one began as the other ended.
    #[must_use]
    pub fn that_may_have(&self, changed: SystemTime) -> Vec<String> {
        self.ran.borrow().iter().filter(|ran| ran.may_have(changed)).map(|ran| ran.task.clone()).collect()
    }

    /// Tells whether any task ran, and so may have changed managed paths.
    #[must_use]
    pub fn any_ran(&self) -> bool {
        self.any_ran.get()
    }

    /// Returns the model as pre-tasks left it: in classic mode they may change it (C5).
    ///
    /// # Errors
    /// Returns a [`Failure`] when the model folder cannot be read.
    pub fn reread<'m>(&self, model: &'m StagedModel) -> Result<Cow<'m, StagedModel>, Failure> {
        if self.agent.classic.is_none() || self.names.is_some() {
            return Ok(Cow::Borrowed(model));
        }
        let unreadable =
            |error: FolderError| Failure::new(Status::Failed, &error, "run 'cosmos update' to write the model again");
        let index = self.folder.index().map_err(unreadable)?;
        let read =
            reread::reread(self.folder.path(), &index, model.entries(), &self.ran.borrow()).map_err(unreadable)?;
        if read.entries == *model.entries() {
            return Ok(Cow::Borrowed(model));
        }
        let mut amended = model.clone();
        amended.amend(read.entries);
        Ok(Cow::Owned(amended))
    }

    fn task<'t>(&'t self, name: &'t RelPath, rule: Option<&KeptTask>) -> Task<'t> {
        let settings = &self.agent.settings;
        let limited = self.agent.classic.is_none();
        let time = rule.and_then(|rule| rule.timeout).map_or(settings.task_timeout, Duration::from_secs);
        Task {
            name,
            folder: self.folder.path(),
            environment: &self.environment,
            limit: limited.then_some(Limit { time, grace: task::GRACE }),
            output: usize::try_from(settings.task_output).unwrap_or(usize::MAX),
        }
    }

    fn check(&self, name: &RelPath, finished: &Finished) -> Result<(), Failure> {
        let Some(ending) = exec::ending(finished) else { return Ok(()) };
        let message = format!("task '{name}' failed: {ending}");
        let script = self.folder.path().join(std::ffi::OsStr::from_bytes(name.as_bytes()));
        let hint = format!("its output is above and in 'cosmos log'; the script is '{}'", script.display());
        Err(Failure::of(Status::Failed, message, hint))
    }
}

impl TaskReport {
    /// Names what a dry run leaves out.
    pub(crate) fn skipped(name: String) -> Self {
        Self { name, ending: None, exit: None, seconds: 0.0, output: String::new(), ran: false }
    }

    /// Tells how a program ended.
    pub(crate) fn of(name: String, finished: &Finished) -> Self {
        Self {
            name,
            ending: exec::ending(finished),
            exit: if let Ended::Exit(status) = finished.ended { Some(status) } else { None },
            seconds: finished.duration.as_secs_f64(),
            output: exec::escaped(finished),
            ran: true,
        }
    }
}

/// Returns a task's name without its folder, as `[tasks."NAME"]` has it.
fn base(name: &RelPath) -> Cow<'_, str> {
    let bytes = name.as_bytes();
    String::from_utf8_lossy(bytes.rsplit(|byte| *byte == b'/').next().unwrap_or(bytes))
}

fn in_folder(stage: Stage, name: &[u8]) -> Option<RelPath> {
    RelPath::new(stage.folder().as_bytes()).ok()?.join(name).ok()
}

fn names(files: &[StagedTaskFile]) -> Vec<RelPath> {
    files.iter().filter(|file| file.is_task()).map(|file| file.path.clone()).collect()
}

fn environment(
    agent: &Agent,
    revision: &VerifiedRevision,
    folder: &ModelFolder,
    changed_files: &std::path::Path,
) -> BTreeMap<OsString, OsString> {
    if let Some(classic) = &agent.classic {
        return crate::classic::task_environment(classic);
    }
    let passed = crate::environment::passed(&agent.settings.pass_environment);
    task::environment(&Surroundings {
        root: &agent.site.root_path,
        model: folder.path(),
        host: agent.fqdn.as_ref().expect("a native agent knows its name"),
        commit: revision.commit(),
        changed_files: Some(changed_files),
        verbose: agent.options.verbose > 0,
        passed: &passed,
    })
}
