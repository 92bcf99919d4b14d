//! A host converges from a signed repository: the whole path, by the command line.

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use support::{Operator, Settled, World, put};

/// Makes a repository of these files, signed by one operator, and a host that was introduced to it.
fn introduced(files: &[(&str, &str)], message: &str) -> (World, Operator, PathBuf) {
    let world = World::new();
    let ada = world.operator("ada", "ed25519");
    let trust = world.found(&[&ada]);
    files.iter().for_each(|(path, content)| world.write(path, content));
    world.commit(&ada, message);
    let host = world.clone_host("ns1.example.org", &trust, &ada);
    (world, ada, host)
}

#[test]
fn a_new_host_becomes_what_the_signed_repository_says_and_a_second_run_is_silent() {
    let (world, _ada, host) = introduced(
        &[
            ("global/overlay/etc/motd", "hello\n"),
            ("hosts/ns1.example.org/overlay/etc/cron.daily/report", "#!/bin/sh\nexit 0\n"),
        ],
        "Say hello",
    );

    let first = world.on(&host, &["run"]);
    assert_eq!(first.status, 0, "{first:?}");
    assert_eq!(first.stdout, "+ etc/cron.daily/\n+ etc/cron.daily/report\n+ etc/motd\n");
    assert_eq!(fs::read_to_string(host.join("etc/motd")).expect("the file"), "hello\n");

    let second = world.on(&host, &["run"]);
    assert_eq!((second.status, second.stdout.as_str(), second.stderr.as_str()), (0, "", ""));
}

#[test]
fn a_signed_change_arrives_and_a_dropped_file_goes() {
    let (world, ada, host) =
        introduced(&[("global/overlay/etc/motd", "hello\n"), ("global/overlay/etc/issue", "test\n")], "Two files");
    assert_eq!(world.on(&host, &["run"]).status, 0);

    world.write("global/overlay/etc/motd", "hello again\n");
    world.remove("global/overlay/etc/issue");
    world.commit(&ada, "One file");
    let run = world.on(&host, &["run"]);
    assert_eq!((run.status, run.stdout.as_str()), (0, "- etc/issue  no longer in the model\n~ etc/motd\n"), "{run:?}");
    assert!(!host.join("etc/issue").exists());
    assert_eq!(fs::read_to_string(host.join("etc/motd")).expect("the file"), "hello again\n");
}

#[test]
fn a_host_below_a_relative_root_runs_its_tasks_and_tells_them_whole_paths() {
    let task = "global/post-tasks.d/010list";
    let (world, ada, host) = introduced(&[(task, "#!/bin/sh\necho \"$COSMOS_ROOT\" > \"$COSMOS_ROOT/told\"\n")], "Ask");
    support::executable(&world.repo().join(task));
    world.commit(&ada, "Ask indeed");

    let mut command = Command::new(env!("CARGO_BIN_EXE_cosmos"));
    let run = world.run(command.current_dir(host.parent().unwrap()).args(["--root", "ns1.example.org", "run"]));
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    assert_eq!(fs::read_to_string(host.join("told")).unwrap(), format!("{}\n", host.display()));
}

#[test]
fn what_plan_prints_is_what_run_then_does() {
    let (world, _ada, host) = introduced(&[("global/overlay/etc/motd", "hello\n")], "Say hello");

    let plan = world.on(&host, &["plan"]);
    assert_eq!((plan.status, plan.stdout.as_str()), (0, "+ etc/motd\n"), "{plan:?}");
    assert!(!host.join("etc/motd").exists());
    let dry = world.on(&host, &["run", "--dry-run"]);
    assert_eq!((dry.status, dry.stdout.as_str()), (0, "+ etc/motd\n"), "{dry:?}");
    assert!(!host.join("etc/motd").exists());
    assert_eq!(world.on(&host, &["run"]).stdout, plan.stdout);
}

#[test]
fn drift_is_reported_with_status_5_and_repaired_by_the_next_run() {
    let (world, _ada, host) = introduced(&[("global/overlay/etc/motd", "hello\n")], "Say hello");
    assert_eq!(world.on(&host, &["run"]).status, 0);

    fs::write(host.join("etc/motd"), "somebody was here\n").expect("an edit");
    let drift = world.on(&host, &["drift"]);
    assert_eq!((drift.status, drift.stdout.as_str()), (5, "~ etc/motd  content differs\n"), "{drift:?}");
    let run = world.on(&host, &["run"]);
    assert_eq!((run.status, run.stdout.as_str()), (0, "~ etc/motd  drift repaired\n"), "{run:?}");
    assert_eq!(world.on(&host, &["drift"]).status, 0);
    let kept = fs::read_dir(host.join("var/lib/cosmos/backup")).expect("the backup store").count();
    assert_eq!(kept, 1, "the foreign version is kept");
}

#[test]
fn what_is_in_the_way_is_told_by_each_run_and_as_drift_until_it_is_gone() {
    let (world, ada, host) = introduced(&[("global/overlay/etc/ours", "1\n")], "One file");
    assert_eq!(world.on(&host, &["run"]).status, 0);
    fs::remove_file(host.join("etc/ours")).expect("the file");
    ["etc/ours/x", "etc/new/x"].iter().for_each(|path| fs::create_dir_all(host.join(path)).expect("a folder"));
    world.write("global/overlay/etc/new", "2\n");
    world.commit(&ada, "Another");
    let said = "! etc/new blocked: a directory is in the way\n! etc/ours blocked: a directory is in the way\n";
    for _ in 0..2 {
        world.on(&host, &["run"]).prints(said);
        let drift = world.on(&host, &["drift"]);
        let shown = "~ etc/new  something else is there\n~ etc/ours  something else is there\n";
        assert_eq!((drift.status, drift.stdout.as_str()), (5, shown), "{drift:?}");
        assert!(world.on(&host, &["status"]).stdout.contains("drift     2 paths differ from what was applied"));
    }
    ["etc/ours", "etc/new"].iter().for_each(|path| fs::remove_dir_all(host.join(path)).expect("a folder"));
    world.on(&host, &["run"]).prints("+ etc/new\n+ etc/ours\n");
    world.on(&host, &["run"]).prints("");
    world.on(&host, &["drift"]).prints("");
}

#[test]
fn tasks_run_before_and_after_the_files_and_a_failing_one_stops_the_run() {
    let (world, ada, host) = introduced(
        &[
            ("global/overlay/etc/motd", "hello\n"),
            ("global/pre-tasks.d/010look", "#!/bin/sh\ntest ! -e \"$COSMOS_ROOT/etc/motd\" || echo again\n"),
            ("global/post-tasks.d/010show", "#!/bin/sh\ncat \"$COSMOS_ROOT/etc/motd\" > \"$COSMOS_ROOT/shown\"\n"),
        ],
        "Tasks",
    );
    let run = world.on(&host, &["run"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(fs::read_to_string(host.join("shown")).expect("the task ran after the files"), "hello\n");

    world.write("global/pre-tasks.d/020fail", "#!/bin/sh\necho no disk >&2\nexit 7\n");
    world.write("global/overlay/etc/motd", "never\n");
    world.commit(&ada, "A failing task");
    let run = world.on(&host, &["run"]);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.stderr.contains("task 'pre-tasks.d/020fail' failed: exit status 7"), "{run:?}");
    assert!(run.stdout.contains("no disk"), "{run:?}");
    assert_eq!(fs::read_to_string(host.join("etc/motd")).expect("the file"), "hello\n");
}

#[test]
fn what_a_first_run_makes_on_a_blank_root_leaves_the_folders_above_it_to_everybody() {
    let settled = Settled::new();
    let mode = |name: &str| {
        let found = settled.host.join(name).metadata().unwrap_or_else(|error| panic!("{name}: {error}"));
        std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o7777
    };
    let everybodys = ["var", "var/lib", "var/cache", "run", "run/cosmos", "etc", "etc/cosmos"];
    assert_eq!(everybodys.map(mode), [0o755; 7]);
    assert_eq!(["var/lib/cosmos", "var/cache/cosmos", "var/cache/cosmos/store.git"].map(mode), [0o700; 3]);
    put(&settled.host, "etc/motd", "an edit\n");
    settled.run().prints("~ etc/motd  drift repaired\n");
    assert_eq!(mode("var/lib/cosmos/backup"), 0o700);
}
