//! `agent.toml` and `agent.d/*.toml` (docs/formats.md §1): what a layer may deliver.

use cosmos_model::path::RelPath;
use std::sync::Arc;
use std::time::Duration;

use crate::fetch::Limits;
use crate::schedule::Schedule;

use super::document::Section;
use super::limits::LimitsFile;
use super::mistake::{Located, Mistakes, Place};
use super::units::{Seconds, Size};

/// How many generations may be kept.
const GENERATIONS: std::ops::RangeInclusive<u64> = 2..=1000;

/// One file as written: every key may be absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AgentFile {
    schedule: Option<Located<Schedule>>,
    splay: Option<Located<Seconds>>,
    stale_after: Option<Located<Seconds>>,
    remove_dropped: Option<Located<bool>>,
    verify_content: Option<Located<bool>>,
    pass_environment: Option<Located<Vec<String>>>,
    task_timeout: Option<Located<Seconds>>,
    task_output: Option<Located<Size>>,
    stamp: Option<Located<String>>,
    backup_size: Option<Located<Size>>,
    log_size: Option<Located<Size>>,
    generations: Option<Located<u64>>,
    on_probe_failure: Option<Located<String>>,
    limits: LimitsFile,
}

/// All files and the defaults as one: every key has a value, and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedAgent {
    schedule: Located<Schedule>,
    splay: Located<Seconds>,
    stale_after: Located<Seconds>,
    remove_dropped: Option<bool>,
    verify_content: bool,
    pass_environment: Located<Vec<String>>,
    task_timeout: Located<Seconds>,
    task_output: Size,
    stamp: Located<String>,
    backup_size: Size,
    log_size: Located<Size>,
    generations: Located<u64>,
    on_probe_failure: Located<String>,
    limits: LimitsFile,
}

/// What the agent goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSettings {
    /// When `cosmos daemon` runs.
    pub schedule: Schedule,
    /// The largest stable delay after each point of the schedule.
    pub splay: Duration,
    /// How long a failing fetch is not a failed run.
    pub stale_after: Duration,
    /// Whether every managed file is hashed on every run.
    pub verify_content: bool,
    /// Variables handed on to native tasks.
    pub pass_environment: Vec<String>,
    /// Limit of one native task.
    pub task_timeout: Duration,
    /// Bytes of a task's output that are kept.
    pub task_output: u64,
    /// What a good run touches, below the root.
    pub stamp: RelPath,
    /// Bound of the backups, in bytes.
    pub backup_size: u64,
    /// Bound of the log, in bytes.
    pub log_size: u64,
    /// How many generations are kept.
    pub generations: usize,
    /// What happens when a probe fails.
    pub on_probe_failure: OnProbeFailure,
    remove_dropped: Option<bool>,
    limits: LimitsFile,
}

/// What happens when a probe fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnProbeFailure {
    /// What it is about goes back to what it was.
    RollBack,
    /// It is said, and tried again.
    Report,
}

impl OnProbeFailure {
    const ROLL_BACK: &'static str = "roll-back";

    fn of(word: &Located<String>, mistakes: &mut Mistakes) -> Self {
        match word.value.as_str() {
            Self::ROLL_BACK => Self::RollBack,
            "report" => Self::Report,
            other => {
                let shown = cosmos_model::escape::for_terminal(other.as_bytes());
                let found = format!("'{shown}' is not what a failing probe can lead to");
                mistakes.add(&word.place, found, "\"roll-back\" or \"report\"");
                Self::Report
            }
        }
    }
}

impl AgentFile {
    /// Reads one file's text; `file` is its name in messages.
    ///
    /// # Errors
    /// Returns every mistake in it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Mistakes> {
        let mut mistakes = Mistakes::default();
        let read = Section::parse(file, text, &mut mistakes).map(|document| Self::read(document, &mut mistakes));
        mistakes.or(read.unwrap_or_default())
    }

    fn read(mut document: Section<'_>, mistakes: &mut Mistakes) -> Self {
        let read = Self {
            schedule: document.take("schedule", mistakes),
            splay: document.take("splay", mistakes),
            stale_after: document.take("stale-after", mistakes),
            remove_dropped: document.take("remove-dropped", mistakes),
            verify_content: document.take("verify-content", mistakes),
            pass_environment: document.take("pass-environment", mistakes),
            task_timeout: document.take("task-timeout", mistakes),
            task_output: document.take("task-output", mistakes),
            stamp: document.take_text("stamp", mistakes),
            backup_size: document.take("backup-size", mistakes),
            log_size: document.take("log-size", mistakes),
            generations: document.take("generations", mistakes),
            on_probe_failure: document.take_text("on-probe-failure", mistakes),
            limits: LimitsFile::default(),
        };
        let limits = document.section("limits", mistakes).map(|limits| LimitsFile::read(limits, mistakes));
        document.finish(mistakes);
        Self { limits: limits.unwrap_or_default(), ..read }
    }

    /// Returns this file with what `later` says instead.
    fn under(self, later: Self) -> Self {
        Self {
            schedule: later.schedule.or(self.schedule),
            splay: later.splay.or(self.splay),
            stale_after: later.stale_after.or(self.stale_after),
            remove_dropped: later.remove_dropped.or(self.remove_dropped),
            verify_content: later.verify_content.or(self.verify_content),
            pass_environment: later.pass_environment.or(self.pass_environment),
            task_timeout: later.task_timeout.or(self.task_timeout),
            task_output: later.task_output.or(self.task_output),
            stamp: later.stamp.or(self.stamp),
            backup_size: later.backup_size.or(self.backup_size),
            log_size: later.log_size.or(self.log_size),
            generations: later.generations.or(self.generations),
            on_probe_failure: later.on_probe_failure.or(self.on_probe_failure),
            limits: self.limits.under(later.limits),
        }
    }
}

impl MergedAgent {
    /// Merges files in the order read, a later value replacing an earlier one, with the defaults below them.
    #[must_use]
    pub fn of(files: impl IntoIterator<Item = AgentFile>) -> Self {
        let written = files.into_iter().fold(AgentFile::default(), AgentFile::under);
        let default_schedule = || "*/15 * * * *".parse().expect("the default schedule is a schedule");
        Self {
            schedule: or_default(written.schedule, default_schedule),
            splay: or_default(written.splay, || Seconds(5 * 60)),
            stale_after: or_default(written.stale_after, || Seconds(24 * 3600)),
            remove_dropped: written.remove_dropped.map(|found| found.value),
            verify_content: written.verify_content.is_some_and(|found| found.value),
            pass_environment: or_default(written.pass_environment, Vec::new),
            task_timeout: or_default(written.task_timeout, || Seconds(3600)),
            task_output: or_default(written.task_output, || Size(64 << 10)).value,
            stamp: or_default(written.stamp, || "/run/cosmos/last-ok.stamp".to_owned()),
            backup_size: or_default(written.backup_size, || Size(256 << 20)).value,
            log_size: or_default(written.log_size, || Size(100 << 20)),
            generations: or_default(written.generations, || 20),
            on_probe_failure: or_default(written.on_probe_failure, || OnProbeFailure::ROLL_BACK.to_owned()),
            limits: written.limits,
        }
    }

    /// Checks what one value alone, or a type, cannot say.
    ///
    /// # Errors
    /// Returns every mistake.
    pub fn validate(self) -> Result<AgentSettings, Mistakes> {
        let mut mistakes = Mistakes::default();
        let mut longer_than_zero = |time: &Located<Seconds>, hint: &str| {
            if time.value.0 == 0 {
                mistakes.add(&time.place, "a time of zero", hint);
            }
        };
        longer_than_zero(&self.stale_after, "a fetch that fails once would then be a failed run: use at least 1s");
        longer_than_zero(&self.task_timeout, "no task can end in no time; use at least 1s");
        if self.log_size.value.0 == 0 {
            mistakes.add(&self.log_size.place, "a log of no size", "changes must be on record; use at least 1K");
        }
        if !GENERATIONS.contains(&self.generations.value) {
            let found = format!("'{}' is no number of generations", self.generations.value);
            mistakes.add(&self.generations.place, found, "from 2, the host as it is and the one before, to 1000");
        }
        for name in &self.pass_environment.value {
            check_variable(name, &self.pass_environment.place, &mut mistakes);
        }
        let on_probe_failure = OnProbeFailure::of(&self.on_probe_failure, &mut mistakes);
        let stamp = below_root(&self.stamp, &mut mistakes);
        let Some(stamp) = stamp else { return Err(mistakes) };
        mistakes.or(AgentSettings {
            schedule: self.schedule.value,
            splay: self.splay.value.duration(),
            stale_after: self.stale_after.value.duration(),
            verify_content: self.verify_content,
            pass_environment: self.pass_environment.value,
            task_timeout: self.task_timeout.value.duration(),
            task_output: self.task_output.0,
            stamp,
            backup_size: self.backup_size.0,
            log_size: self.log_size.value.0,
            generations: usize::try_from(self.generations.value).unwrap_or(usize::MAX),
            on_probe_failure,
            remove_dropped: self.remove_dropped,
            limits: self.limits,
        })
    }
}

impl AgentSettings {
    /// Tells whether paths that left the model go; a classic host keeps them unless told otherwise.
    #[must_use]
    pub fn remove_dropped(&self, classic: bool) -> bool {
        self.remove_dropped.unwrap_or(!classic)
    }

    /// Returns the limits in force: the trust settings' own, lowered where these settings say less.
    #[must_use]
    pub fn limits(&self, upper: &Limits) -> Limits {
        self.limits.lower(upper)
    }
}

impl Default for AgentSettings {
    fn default() -> Self {
        MergedAgent::of([]).validate().expect("the defaults are valid")
    }
}

fn or_default<T>(found: Option<Located<T>>, default: impl FnOnce() -> T) -> Located<T> {
    let nowhere = || Place { file: Arc::from("default"), line: 0, key: String::new() };
    found.unwrap_or_else(|| Located { value: default(), place: nowhere() })
}

/// Variables that change what a task's shell or loader runs stay out: a layer may deliver these settings.
fn check_variable(name: &str, place: &Place, mistakes: &mut Mistakes) {
    let sound = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit());
    let shown = cosmos_model::escape::for_terminal(name.as_bytes());
    if !sound {
        mistakes.add(place, format!("'{shown}' is no variable's name"), "letters, digits and '_', no digit first");
    } else if matches!(name, "PATH" | "HOME" | "IFS" | "ENV" | "BASH_ENV") || name.starts_with("LD_") {
        mistakes.add(
            place,
            format!("'{shown}' cannot be handed on"),
            "tasks have a fixed PATH and HOME and no loader's",
        );
    }
}

/// Returns an absolute path as one below the root.
fn below_root(path: &Located<String>, mistakes: &mut Mistakes) -> Option<RelPath> {
    let below = path.value.strip_prefix('/').and_then(|path| RelPath::new(path.as_bytes()).ok());
    if below.is_none() {
        let shown = cosmos_model::escape::for_terminal(path.value.as_bytes());
        mistakes.add(&path.place, format!("'{shown}' is not an absolute path"), "without '.', '..' and '//'");
    }
    below
}
