//! One command over one host, from the lock to the last line printed.

use cosmos_model::snapshot::Observed;
use cosmos_model::time::Time;
use cosmos_model::trust::RecordedRefusal;

use crate::agent::Agent;
use crate::apply::{RecoverError, RenderedFolder, is_large};
use crate::cli::GlobalOptions;
use crate::exit::{Failure, Status};
use crate::host::{DryHost, DryTasks, Host, RealHost};
use crate::lock::{Lock, LockError, Patience, Sharing};
use crate::logging::RunName;
use crate::pipeline::Pipeline;
use crate::record::Record;
use crate::report::style::Palette;
use crate::report::{Report, json, text};

/// How a command goes about its host.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// The command's name.
    pub command: &'static str,
    /// Who else may be at work.
    pub sharing: Sharing,
    /// Whether to wait for them.
    pub patience: Patience,
    /// Whether anything is changed.
    pub changes: bool,
}

impl Manner {
    /// A command that changes the host, unless the options ask for a dry run.
    #[must_use]
    pub const fn changing(command: &'static str, options: &GlobalOptions, wait: bool) -> Self {
        let changes = !options.dry_run && !options.dry_tasks;
        let patience = if wait { Patience::Wait } else { Patience::Refuse };
        Self { command, sharing: Sharing::Exclusive, patience, changes }
    }

    /// A command that only looks.
    #[must_use]
    pub const fn looking(command: &'static str) -> Self {
        Self { command, sharing: Sharing::Shared, patience: Patience::Refuse, changes: false }
    }
}

/// Returns the clock, for the model that has none (T16).
#[must_use]
pub fn now() -> Time {
    Time::from_seconds(jiff::Timestamp::now().as_second())
}

/// Takes the lock, finishes what a killed run left, does `work`, and keeps the record.
///
/// # Errors
/// Returns a [`Failure`] when the work cannot even start; a failure of the work itself is in the report.
pub fn perform(
    agent: &Agent,
    manner: Manner,
    work: impl FnOnce(&mut Pipeline<'_>) -> Result<(), Failure>,
) -> Result<Report, Failure> {
    let site = &agent.site;
    let _lock = Lock::take(&site.home, &site.lock_file(), manner.sharing, manner.patience, manner.command)?;
    let mut real = RealHost::new(site.root.clone(), site.state_folder(agent.settings.backup_size));
    if manner.changes {
        real.recover()?;
    }
    let mut host: Box<dyn Host> = match (manner.changes, agent.options.dry_tasks) {
        (true, _) => Box::new(real),
        (false, true) => Box::new(DryHost::new(real, DryTasks::Run)),
        (false, false) => Box::new(DryHost::new(real, DryTasks::Skip)),
    };
    let record = Record::open(site, manner.changes)?;
    let now = now();
    let mut pipeline = Pipeline::new(agent, host.as_mut(), record, Report::new(manner.command), now);
    if let Err(failure) = work(&mut pipeline) {
        pipeline.report.fail(failure);
    }
    pipeline.tell_what_was_owed();
    tell_large_backups(&mut pipeline.report, agent.settings.backup_size);
    let Pipeline { mut record, mut report, .. } = pipeline;
    report.generation = Some(record.state.generation_in_force()).filter(|number| *number > 0);
    if let Err(error) = record.close(&report, agent.settings.log_size, now) {
        report.fail(Failure::from(error));
    } else if record.adds_generation() && manner.changes {
        // What nothing needs is no reason to call a finished run failed: the next generation takes it along.
        let state = site.state_folder(agent.settings.backup_size);
        let _ = record.generations().map(|list| RenderedFolder(&state).collect(&list));
    }
    tell_journal(&report);
    Ok(report)
}

/// Says which foreign files were so large that their backups do not last.
fn tell_large_backups(report: &mut Report, bound: u64) {
    for step in report.steps.iter().filter(|step| step.keep()) {
        let Observed::File { size, .. } = step.expects() else { continue };
        if is_large(*size, bound) {
            let path = step.path();
            let said = format!(
                "what was at '{path}' has {size} bytes, more than a quarter of backup-size: it is kept until a later run \
                 needs the room; 'cosmos restore' may not find it then"
            );
            report.remarks.push(said);
        }
    }
}

/// Lets `look` see the host as a run would, without a lock: what it sees may be in the middle of a run.
///
/// # Errors
/// Returns a [`Failure`] when the state cannot be read.
pub fn peek<T>(agent: &Agent, look: impl FnOnce(&mut Pipeline<'_>, Time) -> T) -> Result<T, Failure> {
    let site = &agent.site;
    let real = RealHost::new(site.root.clone(), site.state_folder(agent.settings.backup_size));
    let mut host = DryHost::new(real, DryTasks::Skip);
    let (record, now) = (Record::open(site, false)?, now());
    Ok(look(&mut Pipeline::new(agent, &mut host, record, Report::new("status"), now), now))
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        let hint = "wait until it ends, or say --wait";
        match &error {
            LockError::Held { .. } => Self::new(Status::Locked, &error, hint),
            LockError::Fs(cause) => Self { message: crate::exit::with_causes(&error), ..Self::from(cause) },
        }
    }
}

impl From<RecoverError> for Failure {
    fn from(error: RecoverError) -> Self {
        Self::new(Status::Failed, &error, "mend what the message names; the host's files are old or new, none is half")
    }
}

/// Prints what a command did, as lines or JSON, and returns how it ended.
#[must_use]
pub fn print(agent: &Agent, report: &Report) -> Status {
    let status = report.status.for_host(agent.classic.is_some());
    if agent.options.json {
        println!("{}", json::envelope(report.command, agent.host(), status, json::run(report)));
        return status;
    }
    let verbose = agent.options.verbose > 0;
    // Cron mails what a classic host prints every quarter of an hour: Cosmos 1.5 said nothing unless asked (C9). What
    // it did not have is typed by somebody who waits for the answer.
    let by_cron = matches!(report.command, "update" | "apply" | "run");
    let asked = agent.classic.is_none() || !by_cron || verbose || agent.options.dry_run || agent.options.dry_tasks;
    for line in
        text::lines(report, &Palette::for_stdout(), verbose).iter().filter(|_| asked || report.failure.is_some())
    {
        println!("{line}");
    }
    complaints(report).iter().for_each(|line| eprintln!("{line}"));
    status
}

/// Returns the lines about what was refused and what failed: two each.
#[must_use]
pub fn complaints(report: &Report) -> Vec<String> {
    // A hostile remote can cause any number of refusals; the newest says it, `status` lists the rest.
    let newest: Option<&RecordedRefusal> = report.refused.last();
    let mut lines: Vec<String> = newest.map(text::refused).into_iter().flatten().collect();
    // That nothing was accepted needs no words of its own beside the refusal.
    let failure = report.failure.as_ref().filter(|failure| lines.is_empty() || failure.status != Status::Refused);
    lines.extend(failure.map(ToString::to_string));
    lines
}

/// Hands the journal what changed, by path and task, and how the run ended; a converged run says nothing.
fn tell_journal(report: &Report) {
    let commit = report.commit.map(|commit| commit.to_string()).unwrap_or_default();
    let name = RunName { command: report.command, commit: &commit };
    let plain = Palette::default();
    for step in &report.steps {
        name.path_changed(&step.path().to_string(), &text::step(step, &plain));
    }
    for task in report.tasks.iter().filter(|task| task.ending.is_some()) {
        name.task_ran(&task.name, task.ending.as_deref().unwrap_or_default());
    }
    if report.is_noteworthy() {
        name.ended(report.status.code(), report.steps.len(), &complaints(report).join("; "));
    }
}
