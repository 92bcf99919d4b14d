//! The off switch, failure episodes, back-off and what is logged.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cosmos_agent::fs::Root;
use cosmos_agent::logging::{RunName, sentences};
use cosmos_agent::pause::{Pause, in_force, pause, resume};
use cosmos_agent::report::back_off::{BackOff, wait};
use cosmos_agent::report::episode::{Episode, Message, Outcome, after_run_by_hand, speak};
use cosmos_model::time::Time;
use proptest::prelude::*;
use tracing_subscriber::layer::SubscriberExt;

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

#[test]
fn a_pause_holds_with_its_reason_until_it_ends_or_runs_are_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::open(folder.path()).unwrap();
    let now = at("2026-01-10T12:00:00Z");
    assert_eq!(in_force(&root, now), None);
    let swap = Pause { reason: "disk swap, ask Kim".to_owned(), until: Some(at("2026-01-10T18:00:00Z")) };
    pause(&root, &swap, now).unwrap();
    let written = std::fs::read_to_string(folder.path().join("etc/no-automatic-cosmos")).unwrap();
    assert_eq!(written, "until: 2026-01-10T18:00:00Z\ndisk swap, ask Kim\n");
    let held = in_force(&root, at("2026-01-10T17:59:59Z")).unwrap();
    assert_eq!(held, swap);
    assert_eq!(held.to_string(), "unattended runs are off until 2026-01-10T18:00:00Z: disk swap, ask Kim");
    assert_eq!(in_force(&root, at("2026-01-10T18:00:00Z")), None);
    resume(&root).unwrap();
    resume(&root).unwrap();
    assert_eq!(in_force(&root, now), None);
}

#[test]
fn a_pause_needs_a_reason_and_an_end_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::open(folder.path()).unwrap();
    let now = at("2026-01-10T12:00:00Z");
    let refused =
        |reason: &str, until| pause(&root, &Pause { reason: reason.to_owned(), until }, now).unwrap_err().to_string();
    assert_eq!(refused(" \n", None), "a pause needs a reason");
    assert_eq!(refused("x", Some(now)), "the pause would have ended already, at 2026-01-10T12:00:00Z");
    assert_eq!(in_force(&root, now), None);
}

#[test]
fn whatever_lies_at_the_switch_switches_off() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::open(folder.path()).unwrap();
    let switch = folder.path().join("etc/no-automatic-cosmos");
    let shown = || in_force(&root, at("2026-01-10T12:00:00Z")).unwrap().to_string();
    std::fs::create_dir(folder.path().join("etc")).unwrap();
    std::fs::write(&switch, "").unwrap();
    assert_eq!(shown(), "unattended runs are off: no reason given");
    std::fs::write(&switch, b"until: supper\n\x1b[2J\xff").unwrap();
    assert_eq!(shown(), "unattended runs are off: until: supper\\x0a\\x1b[2J\u{fffd}");
    std::fs::remove_file(&switch).unwrap();
    std::os::unix::fs::symlink("/nowhere", &switch).unwrap();
    assert!(shown().starts_with("unattended runs are off: cannot open 'etc/no-automatic-cosmos': "), "{}", shown());
    std::fs::remove_file(&switch).unwrap();
    std::fs::create_dir(&switch).unwrap();
    assert!(shown().starts_with("unattended runs are off: cannot read"), "{}", shown());
}

fn failed(status: u8, message: &str) -> Outcome<'_> {
    Outcome::Failed { status, message }
}

#[test]
fn a_failure_is_spoken_of_when_it_starts_and_when_it_ends() {
    let runs = [
        ("2026-01-10T03:00:00Z", Outcome::Well),
        ("2026-01-10T03:15:00Z", failed(1, "task '030puppet' failed")),
        ("2026-01-10T03:30:00Z", failed(1, "task '030puppet' failed after 3 s")),
        ("2026-01-10T03:45:00Z", Outcome::Skipped),
        ("2026-01-10T04:00:00Z", failed(3, "revision refused")),
        ("2026-01-10T04:15:00Z", Outcome::Well),
        ("2026-01-10T04:30:00Z", Outcome::Well),
    ];
    let mut episode = None;
    let mut said = Vec::new();
    for (time, outcome) in runs {
        let (message, next) = speak(episode.as_ref(), outcome, at(time));
        episode = next;
        said.extend(message.map(|message| message.to_string()));
    }
    assert_eq!(
        said,
        [
            "task '030puppet' failed; nothing more is said until this changes",
            "revision refused; nothing more is said until this changes",
            "well again; since 2026-01-10T04:00:00Z it had failed: revision refused",
        ]
    );
    assert_eq!(episode, None);
}

#[test]
fn a_failure_seen_at_a_terminal_is_still_spoken_of_once_by_the_timer() {
    let seen = after_run_by_hand(None, failed(1, "disk full"), at("2026-01-10T03:00:00Z"));
    assert_eq!(speak(seen.as_ref(), Outcome::Well, at("2026-01-10T03:15:00Z")), (None, None));
    let (message, episode) = speak(seen.as_ref(), failed(1, "disk full"), at("2026-01-10T03:15:00Z"));
    assert_eq!(message, Some(Message::Started("disk full".to_owned())));
    let expected =
        Episode { since: at("2026-01-10T03:00:00Z"), status: 1, message: "disk full".to_owned(), spoken: true };
    assert_eq!(episode, Some(expected.clone()));
    assert_eq!(after_run_by_hand(Some(&expected), failed(1, "disk full"), at("2026-01-11")), Some(expected));
}

proptest! {
    #[test]
    fn messages_start_and_end_in_turn_and_never_repeat(runs in proptest::collection::vec(0..3_u8, 0..40)) {
        let mut episode = None;
        let mut failing = false;
        for (run, outcome) in runs.iter().enumerate() {
            let outcome = [Outcome::Well, Outcome::Skipped, failed(1, "x")][usize::from(*outcome)];
            let now = Time::from_seconds(i64::try_from(run).unwrap());
            let (message, next) = speak(episode.as_ref(), outcome, now);
            match (outcome, failing) {
                (Outcome::Well, true) => prop_assert!(matches!(message, Some(Message::Ended { .. })), "silent"),
                (Outcome::Failed { .. }, false) => prop_assert!(matches!(message, Some(Message::Started(_))), "silent"),
                _ => prop_assert_eq!(message, None),
            }
            failing = next.is_some();
            episode = next;
        }
    }

    #[test]
    fn a_pause_is_read_as_it_was_written(
        reason in "[a-z: \n]{1,30}|until: 2026-01-10",
        until in proptest::option::of(0..1_i64 << 32),
    ) {
        prop_assume!(!reason.trim().is_empty());
        let pause = Pause { reason: reason.trim().to_owned(), until: until.map(Time::from_seconds) };
        prop_assert_eq!(Pause::parse(&pause.to_text()), pause);
    }
}

#[test]
fn waits_double_from_a_quarter_of_an_hour_to_six_hours() {
    let minutes: Vec<u64> = (0..9).map(|attempts| wait(attempts).as_secs() / 60).collect();
    assert_eq!(minutes, [15, 15, 30, 60, 120, 240, 360, 360, 360]);
    assert_eq!(wait(u32::MAX), Duration::from_secs(6 * 3600));
}

#[test]
fn back_off_holds_until_its_time_and_not_against_a_clock_that_was_wrong() {
    let now = at("2026-01-10T12:00:00Z");
    let first = BackOff::after(None, "task 030puppet", now);
    assert_eq!(
        first,
        BackOff { what: "task 030puppet".to_owned(), attempts: 1, not_before: at("2026-01-10T12:15:00Z") }
    );
    assert!(first.holds(now) && first.holds(at("2026-01-10T12:14:59Z")) && !first.holds(at("2026-01-10T12:15:00Z")));
    let second = BackOff::after(Some(&first), "task 030puppet", at("2026-01-10T12:15:00Z"));
    assert_eq!((second.attempts, second.not_before), (2, at("2026-01-10T12:45:00Z")));
    assert_eq!(BackOff::after(Some(&second), "task 040other", now).attempts, 1);
    assert!(!second.holds(at("2025-01-01")));
}

/// What a test's subscriber wrote.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn said_at(verbosity: u8) -> String {
    let written = Written::default();
    let writer = written.clone();
    let layer = sentences(verbosity, move || writer.clone());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        RunName { command: "run", commit: "0123" }.path_changed("etc/motd", "~ etc/motd");
        tracing::info!("waiting for the run under way to end");
        tracing::warn!("clock is behind, ignoring");
        tracing::debug!(seconds = 3, "looked");
        tracing::error!("no space");
    });
    let bytes = written.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn standard_error_has_sentences_without_times_and_fields() {
    let waiting = "waiting for the run under way to end\n";
    let behind = "warning: clock is behind, ignoring\n";
    // What a run changed is said by its report: with '-v' on a terminal it would stand there twice.
    assert_eq!(said_at(0), format!("{behind}error: no space\n"));
    assert_eq!(said_at(1), format!("{waiting}{behind}error: no space\n"));
    assert_eq!(said_at(2), format!("{waiting}{behind}debug: looked\nerror: no space\n"));
}

/// Collects the names of the fields of each event, as the journal gets them.
#[derive(Clone, Default)]
struct FieldNames(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for FieldNames {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        let names: Vec<String> = event.metadata().fields().iter().map(|field| field.name().to_uppercase()).collect();
        self.0.lock().unwrap().push(names.join(" "));
    }
}

#[test]
fn journal_entries_carry_the_documented_fields() {
    let names = FieldNames::default();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(names.clone()), || {
        let run = RunName { command: "run", commit: "0123" };
        run.path_changed("etc/motd", "~ etc/motd");
        run.task_ran("pre-tasks.d/010x", "> pre-tasks.d/010x");
        run.ended(0, 1, "1 path changed");
    });
    assert_eq!(
        *names.0.lock().unwrap(),
        [
            "MESSAGE MESSAGE_ID COSMOS_COMMAND COSMOS_COMMIT COSMOS_PATH",
            "MESSAGE MESSAGE_ID COSMOS_COMMAND COSMOS_COMMIT COSMOS_TASK",
            "MESSAGE MESSAGE_ID COSMOS_COMMAND COSMOS_COMMIT COSMOS_EXIT COSMOS_CHANGED",
        ]
    );
}
