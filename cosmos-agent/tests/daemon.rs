//! The daemon: it rereads its settings, executes at the moment, ends with its child. One test, since signals are the
//! process's.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use cosmos_agent::daemon::{Job, Timetable, serve};
use cosmos_agent::exit::{Failure, Status};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

fn timetable(schedule: &str, delay: u64) -> Timetable {
    Timetable { schedule: schedule.parse().unwrap(), delay: Duration::from_secs(delay), zone: TimeZone::UTC }
}

/// Returns a timetable of every minute, with the delay that makes its next moment come in two seconds.
fn soon() -> Timetable {
    let moment = Timestamp::now().as_second() + 2;
    timetable("* * * * *", u64::try_from(moment.rem_euclid(60)).unwrap())
}

fn wait_for(path: &Path, text: &str) {
    let start = Instant::now();
    while fs::read_to_string(path).unwrap_or_default() != text {
        // Whoever misses a moment waits for the next, a minute later.
        assert!(start.elapsed() < Duration::from_secs(100), "'{}' never became {text:?}", path.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_daemon_rereads_at_hup_executes_at_the_moment_and_ends_with_its_child_at_term() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record");
    let script = "trap 'echo asked >>\"$0\"; exit 0' TERM; echo \"$1\" >>\"$0\"; while :; do sleep 0.05; done";
    let arguments = ["-c".into(), script.into(), record.clone().into_os_string(), "run --scheduled".into()];
    let job = Job { program: "/bin/sh".into(), arguments: arguments.to_vec() };
    let reads = folder.path().join("reads");
    let reads_written = reads.clone();
    let mut read = 0;
    let daemon = std::thread::spawn(move || {
        serve(job, move || {
            read += 1;
            fs::write(&reads_written, read.to_string()).unwrap();
            match read {
                1 => Ok(timetable("0 0 1 1 *", 0)),
                2 => Err(Failure::of(Status::Usage, "unreadable", "try again")),
                _ => Ok(soon()),
            }
        })
    });
    wait_for(&reads, "1");
    // The signals are listened to before the settings are first read.
    kill(Pid::this(), Signal::SIGHUP).unwrap();
    wait_for(&reads, "2");
    kill(Pid::this(), Signal::SIGHUP).unwrap();
    wait_for(&record, "run --scheduled\n");
    assert!(!daemon.is_finished(), "a bad timetable does not end the daemon");
    kill(Pid::this(), Signal::SIGTERM).unwrap();
    daemon.join().unwrap().unwrap();
    assert_eq!(fs::read_to_string(&record).unwrap(), "run --scheduled\nasked\n");
}

#[test]
fn unusable_settings_end_the_daemon_before_it_starts() {
    let job = Job { program: "/bin/false".into(), arguments: Vec::new() };
    let ended = serve(job, || Err(Failure::of(Status::Usage, "no settings", "run 'cosmos clone'")));
    assert_eq!(ended.unwrap_err().to_string(), "error: no settings\nhint: run 'cosmos clone'");
}

#[test]
fn a_moment_is_a_point_and_the_hosts_delay_and_rings_once() {
    let hourly = timetable("0 * * * *", 90);
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let next = |now: &str, last: Option<&str>| hourly.next_after(at(now), last.map(at)).unwrap().to_string();
    assert_eq!(next("2026-01-10T11:59:59Z", None), "2026-01-10T12:01:30Z");
    assert_eq!(next("2026-01-10T12:00:30Z", None), "2026-01-10T12:01:30Z");
    assert_eq!(next("2026-01-10T12:01:30Z", None), "2026-01-10T13:01:30Z");
    // The alarm rang a little early.
    assert_eq!(next("2026-01-10T12:01:29Z", Some("2026-01-10T12:01:30Z")), "2026-01-10T13:01:30Z");
    // The clock was set back by a year since.
    assert_eq!(next("2025-01-10T12:01:29Z", Some("2026-01-10T12:01:30Z")), "2025-01-10T12:01:30Z");
}
