//! Tasks that fail, hang, write without end or leave something behind.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::{Settled, put, read};

#[test]
fn a_failing_pre_task_stops_the_run_before_any_file() {
    let settled = Settled::new();
    settled.world.write("global/pre-tasks.d/010fail", "#!/bin/sh\necho no disk >&2\nexit 7\n");
    settled.world.write("global/overlay/etc/motd", "never\n");
    settled.commit();
    let ran = settled.run();
    ran.complains(
        1,
        "error: task 'pre-tasks.d/010fail' failed: exit status 7\n\
         hint: its output is above and in 'cosmos log'; the script is \
         '[world]/hosts/ns1.example.org/var/lib/cosmos/model/pre-tasks.d/010fail'\n",
    );
    assert_eq!(ran.stdout, "> pre-tasks.d/010fail: exit status 7\n    no disk\n");
    assert_eq!(read(&settled.host, "etc/motd"), "hello\n");
    assert_eq!(settled.status()["back_off"]["what"], "pre-tasks.d/010fail");
}

#[test]
fn a_task_whose_interpreter_is_missing_is_named() {
    let settled = Settled::new();
    settled.world.write("global/pre-tasks.d/010odd", "#!/no/such/interpreter\n");
    settled.commit();
    settled.run().complains(
        1,
        "error: cannot start '[world]/hosts/ns1.example.org/var/lib/cosmos/model/pre-tasks.d/010odd': \
             No such file or directory (os error 2)\n\
             hint: look at the first line of the script: is the program it names installed?\n",
    );
    assert_eq!(read(&settled.host, "etc/motd"), "hello\n");
}

#[test]
fn a_hanging_task_is_ended_by_the_time_limit() {
    let settled = Settled::new();
    put(&settled.host, "etc/cosmos/agent.toml", "task-timeout = \"1s\"\n");
    settled.world.write("global/pre-tasks.d/010hang", "#!/bin/sh\necho waiting\nexec sleep 300\n");
    settled.commit();
    let start = Instant::now();
    let ran = settled.run();
    ran.complains(
        1,
        "error: task 'pre-tasks.d/010hang' failed: ended after 1 s, the longest it may take\n\
         hint: its output is above and in 'cosmos log'; the script is \
         '[world]/hosts/ns1.example.org/var/lib/cosmos/model/pre-tasks.d/010hang'\n",
    );
    assert!(start.elapsed() < Duration::from_secs(100));
    assert_eq!(read(&settled.host, "etc/motd"), "hello\n");
}

#[test]
fn megabytes_of_output_are_read_and_bounded_in_the_report() {
    let settled = Settled::new();
    let script = "#!/bin/sh\necho first\nhead -c 8000000 /dev/zero | tr '\\0' 'x' | fold -w 100\necho last\nexit 1\n";
    settled.world.write("global/post-tasks.d/010loud", script);
    settled.commit();
    let ran = settled.run();
    assert_eq!(ran.status, 1);
    assert!(ran.stdout.contains("    first\n") && ran.stdout.ends_with("last\n"), "head and tail are kept");
    assert!(ran.stdout.len() < 100_000, "{} bytes", ran.stdout.len());
    let log = fs::metadata(settled.host.join("var/lib/cosmos/log.jsonl")).expect("a log").len();
    assert!(log < 100_000, "{log} bytes");
}

#[test]
fn a_task_that_leaves_a_child_behind_does_not_hold_the_run() {
    let settled = Settled::new();
    let script = "#!/bin/sh\nsleep 300 &\necho $! > \"$COSMOS_ROOT/left\"\nexit 0\n";
    settled.world.write("global/post-tasks.d/010leave", script);
    settled.commit();
    let start = Instant::now();
    settled.run().prints("");
    assert!(start.elapsed() < Duration::from_secs(100), "waited for the child left behind");
    settled.world.on(&settled.host, &["status"]);
    let left: i32 = read(&settled.host, "left").trim().parse().expect("a process id");
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(left), nix::sys::signal::Signal::SIGKILL);
}
