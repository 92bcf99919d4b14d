//! Tasks: what they are given, how they are waited for, and how they are ended.

#[path = "support/port.rs"]
#[allow(dead_code, reason = "tasks need its patience only")]
mod port;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use cosmos_agent::exec::{Ended, Finished, Limit};
use cosmos_agent::task::{Surroundings, Task, environment, run};
use cosmos_model::host_name::HostName;
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;
use port::wait_until;

/// How long a shell may take until it has set its traps.
const STARTED: Duration = Duration::from_secs(3);

/// The kept output of a task in these tests, in bytes.
const OUTPUT: usize = 4096;

fn run_script(script: &str, limit: Option<Limit>) -> (Finished, Duration) {
    let folder = tempfile::tempdir().expect("a folder");
    run_script_in(folder.path(), script, limit, &BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]))
}

fn run_script_in(
    folder: &Path,
    script: &str,
    limit: Option<Limit>,
    environment: &BTreeMap<OsString, OsString>,
) -> (Finished, Duration) {
    let name = RelPath::new(b"post-tasks.d/010test").expect("a path");
    std::fs::create_dir_all(folder.join("post-tasks.d")).expect("a folder");
    let path = folder.join("post-tasks.d/010test");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let started = Instant::now();
    let task = Task { name: &name, folder, environment, limit, output: OUTPUT };
    (run(&task).expect("a task"), started.elapsed())
}

fn text(finished: &Finished) -> String {
    String::from_utf8(finished.output.bytes()).expect("text")
}

#[test]
fn a_task_has_its_environment_and_no_other_no_input_and_starts_in_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let host = HostName::new("ns1.example.org").unwrap();
    let passed = [(OsString::from("http_proxy"), OsString::from("http://p")), ("PATH".into(), "/evil".into())];
    let given = environment(&Surroundings {
        root: Path::new("/"),
        model: folder.path(),
        host: &host,
        commit: ObjectId::new([0xab; 20]),
        changed_files: Some(Path::new("/var/lib/cosmos/changed")),
        verbose: false,
        passed: &passed,
    });
    // What the shell itself adds is left out.
    let (finished, _) = run_script_in(folder.path(), "cat; pwd; env | grep -v -e ^PWD= -e ^_= | sort", None, &given);
    let model = folder.path().display();
    let commit = "ab".repeat(20);
    assert_eq!(
        text(&finished),
        format!(
            "{model}\nCOSMOS_CHANGED_FILES=/var/lib/cosmos/changed\nCOSMOS_COMMIT={commit}\nCOSMOS_HOST=ns1.example.org\n\
             COSMOS_MODEL={model}\nCOSMOS_ROOT=/\nHOME=/root\nLANG=C.UTF-8\n\
             PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nhttp_proxy=http://p\n"
        )
    );
    assert_eq!(finished.ended, Ended::Exit(0));
}

#[test]
fn a_task_that_leaves_something_in_the_background_returns_at_once_and_it_lives_on() {
    let folder = tempfile::tempdir().unwrap();
    let environment = BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]);
    // It goes on when it may, which is after the task ended, if nobody waits for it.
    let script = "(for n in $(seq 2400); do [ -e go ] && break; sleep 0.05; done; echo alive > lived) & echo started";
    let limit = Limit { time: Duration::from_secs(60), grace: Duration::ZERO };
    let (finished, _) = run_script_in(folder.path(), script, Some(limit), &environment);
    assert_eq!((finished.ended, text(&finished)), (Ended::Exit(0), "started\n".to_owned()));
    std::fs::write(folder.path().join("go"), "").expect("a file");
    wait_until("the background process", || folder.path().join("lived").exists());
}

#[test]
fn a_task_that_closes_its_output_and_goes_on_is_waited_for() {
    let (finished, took) = run_script("exec >&- 2>&-; sleep 0.3; exit 3", None);
    assert_eq!(finished.ended, Ended::Exit(3));
    assert!(took >= Duration::from_millis(300));
}

#[test]
fn a_task_over_its_limit_gets_term_and_may_end_in_order() {
    let limit = Limit { time: STARTED, grace: Duration::from_secs(200) };
    let (finished, took) = run_script("trap 'echo ended; exit 0' TERM; sleep 300 & wait", Some(limit));
    assert_eq!((finished.ended, text(&finished)), (Ended::TimedOut, "ended\n".to_owned()));
    assert!(took < Duration::from_secs(100));
}

#[test]
fn a_task_that_ignores_term_is_killed_with_its_children() {
    let limit = Limit { time: STARTED, grace: Duration::from_millis(300) };
    let (finished, took) = run_script("trap '' TERM; echo $$; while :; do sleep 300; done", Some(limit));
    assert_eq!(finished.ended, Ended::TimedOut);
    assert!(took < Duration::from_secs(100));
    let group = text(&finished).trim().parse::<i32>().unwrap();
    // A killed child of the script may still wait for whoever adopts it to look.
    let group = nix::unistd::Pid::from_raw(group);
    wait_until("the end of the group", || nix::sys::signal::killpg(group, None) == Err(nix::errno::Errno::ESRCH));
}

#[test]
fn megabytes_of_output_are_cut_to_head_and_tail() {
    let (finished, _) = run_script("echo first; head -c 5000000 /dev/zero | tr '\\0' x; echo; echo last >&2", None);
    let shown = text(&finished);
    assert!(shown.starts_with("first\nxxx") && shown.ends_with("xxx\nlast\n"), "{shown}");
    assert!(shown.contains("\n[4995916 bytes left out]\n"), "{shown}");
    assert_eq!(finished.output.total(), 5_000_012);
}

#[test]
fn a_signal_and_a_missing_interpreter_are_told_apart() {
    let (finished, _) = run_script("kill -SEGV $$", None);
    assert_eq!(finished.ended, Ended::Signal(11));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("010bad"), "#!/no/such/interpreter\n").unwrap();
    std::fs::set_permissions(folder.path().join("010bad"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let name = RelPath::new(b"010bad").unwrap();
    let environment = BTreeMap::new();
    let task = Task { name: &name, folder: folder.path(), environment: &environment, limit: None, output: OUTPUT };
    let error = run(&task).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot start '{}/010bad'", folder.path().display()));
}
