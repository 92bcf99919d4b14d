//! Diagnostics: sentences on standard error, or entries with fields in the journal (docs/formats.md §15).
//!
//! An error is logged or returned, never both. Information means that something changed.

use std::fmt;
use std::io;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber, info};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The journal's `MESSAGE_ID` of an entry about one path.
pub const PATH_CHANGED: &str = "4f2a6c1e0d9b4b0fa5d8c3e7916b27d4";
/// The journal's `MESSAGE_ID` of an entry about one task.
pub const TASK_RAN: &str = "9c7d5e30b1f84c2a8e46f1a20d53b98e";
/// The journal's `MESSAGE_ID` of a run's last entry.
pub const RUN_ENDED: &str = "e18b3f6a72c94d5d9f07a4c6d2108b35";

/// The target of entries about what a run did: on a terminal its report says the same.
const RUN: &str = "cosmos::run";

/// Starts logging for the rest of the process; call it once.
///
/// `journal_stream` is the variable of that name: when it names standard error, the journal reads there and entries
/// with fields go to it instead of plain sentences.
pub fn start(verbosity: u8, journal_stream: Option<&str>) {
    let registry = tracing_subscriber::registry();
    let journal = if journal_stream.is_some_and(is_standard_error) { tracing_journald::layer().ok() } else { None };
    match journal {
        // Without a prefix, `cosmos_path` is the journal's COSMOS_PATH.
        Some(journal) => {
            let level = if verbosity < 2 { LevelFilter::INFO } else { LevelFilter::DEBUG };
            registry.with(journal.with_field_prefix(None).with_filter(level)).init();
        }
        None => registry.with(sentences(verbosity, io::stderr)).init(),
    }
}

/// Tells whether `device:inode` is what standard error is; a task's output in a file is not the journal's.
fn is_standard_error(journal_stream: &str) -> bool {
    nix::sys::stat::fstat(io::stderr()).is_ok_and(|stat| journal_stream == format!("{}:{}", stat.st_dev, stat.st_ino))
}

/// Returns a layer that writes warnings, with `-v` information, with `-vv` everything, without times. What a run did is
/// left to its report.
pub fn sentences<S, W>(verbosity: u8, writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    let level = match verbosity {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .event_format(Sentence)
        .with_filter(filter_fn(move |metadata| *metadata.level() <= level && metadata.target() != RUN))
}

/// An event as people read it: what kind, then the sentence. Fields are for machines.
struct Sentence;

impl<S, N> FormatEvent<S, N> for Sentence
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut message = MessageOnly(String::new());
        event.record(&mut message);
        let kind = match *event.metadata().level() {
            Level::ERROR => "error: ",
            Level::WARN => "warning: ",
            Level::INFO => "",
            Level::DEBUG | Level::TRACE => "debug: ",
        };
        writeln!(writer, "{kind}{}", message.0)
    }
}

/// Keeps an event's sentence and drops its fields.
struct MessageOnly(String);

impl Visit for MessageOnly {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

/// Which run an entry belongs to.
#[derive(Debug, Clone, Copy)]
pub struct RunName<'r> {
    /// The command, `run` or `apply`.
    pub command: &'r str,
    /// The commit that is enforced, in hexadecimal.
    pub commit: &'r str,
}

impl RunName<'_> {
    /// Logs that a path changed; `path` and `sentence` are escaped already.
    pub fn path_changed(self, path: &str, sentence: &str) {
        let Self { command, commit } = self;
        info!(
            target: RUN,
            message_id = PATH_CHANGED,
            cosmos_command = command,
            cosmos_commit = commit,
            cosmos_path = path,
            "{sentence}"
        );
    }

    /// Logs that a task ran; `task` is its stage and name, escaped already.
    pub fn task_ran(self, task: &str, sentence: &str) {
        let Self { command, commit } = self;
        info!(
            target: RUN,
            message_id = TASK_RAN,
            cosmos_command = command,
            cosmos_commit = commit,
            cosmos_task = task,
            "{sentence}"
        );
    }

    /// Logs the end of a run that changed, refused or failed something.
    pub fn ended(self, exit: u8, changed: usize, sentence: &str) {
        let Self { command, commit } = self;
        info!(
            target: RUN,
            message_id = RUN_ENDED,
            cosmos_command = command,
            cosmos_commit = commit,
            cosmos_exit = exit,
            cosmos_changed = changed,
            "{sentence}"
        );
    }
}
