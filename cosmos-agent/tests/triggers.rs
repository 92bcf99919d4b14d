//! What changed files set off: tasks with rules, by the command line, on hosts that are folders.

mod support;

use std::path::Path;

use support::port::wait_until;
use support::{Operator, Ran, Settled, World, read};

/// A host whose repository has one post-task with this rule, which notes each time it runs.
fn with_rule(rule: &str, script: &str) -> Settled {
    let settled = Settled::new();
    settled.world.write("global/overlay/etc/page", "one\n");
    settled.world.write("global/layer.toml", &format!("[tasks.\"030page\"]\n{rule}\n"));
    settled.world.write("global/post-tasks.d/030page", &format!("#!/bin/sh\n{NOTE}{script}"));
    settled.world.commit(&settled.ada, "A task with a rule");
    settled
}

/// Notes that the task ran, with what it was told.
const NOTE: &str = "tr '\\0' ' ' < \"$COSMOS_CHANGED_FILES\" >> \"$COSMOS_ROOT/ran\"; echo >> \"$COSMOS_ROOT/ran\"\n";

fn change(world: &World, ada: &Operator, path: &str, content: &str) {
    world.write(&format!("global/overlay/{path}"), content);
    world.commit(ada, "A change");
}

fn times(host: &Path) -> usize {
    std::fs::read_to_string(host.join("ran")).map_or(0, |text| text.lines().count())
}

fn well(ran: &Ran) {
    assert_eq!(ran.status, 0, "{ran:?}");
}

#[test]
fn a_task_that_waits_for_a_change_runs_with_it_and_no_other_run() {
    let Settled { world, ada, host, .. } = with_rule("when-changed = [\"etc/page\"]", "");
    let plan = world.on(&host, &["update"]);
    well(&plan);
    let plan = world.on(&host, &["plan"]);
    assert_eq!(plan.stdout, "+ etc/page\n> post-tasks.d/030page  since etc/page changed\n");
    well(&world.on(&host, &["run"]));
    assert_eq!(times(&host), 1);
    well(&world.on(&host, &["run"]));
    change(&world, &ada, "etc/other", "other\n");
    assert_eq!(world.on(&host, &["run", "--dry-run"]).stdout, "+ etc/other\n");
    well(&world.on(&host, &["run"]));
    assert_eq!(times(&host), 1, "neither a run without news nor another file");
    std::fs::write(host.join("etc/page"), "by hand\n").expect("an edit");
    well(&world.on(&host, &["run"]));
    assert_eq!(read(&host, "ran"), "/etc/page \n/etc/page \n", "a repair is a change");
}

#[test]
fn a_task_that_failed_is_tried_by_each_run_until_it_ended_well_and_is_told_all_paths() {
    let script = "[ -e \"$COSMOS_ROOT/mended\" ]\n";
    let Settled { world, ada, host, .. } = with_rule("when-changed = [\"etc/**\"]", script);
    assert_eq!(world.on(&host, &["run"]).status, 1);
    assert_eq!(world.on(&host, &["run"]).status, 1, "nothing changed since, and it is still to happen");
    change(&world, &ada, "etc/other", "other\n");
    std::fs::write(host.join("mended"), "").expect("a mark");
    assert_eq!(world.on(&host, &["plan"]).stdout, "> post-tasks.d/030page  since etc/page changed\n");
    well(&world.on(&host, &["run"]));
    assert_eq!(read(&host, "ran"), "/etc/page \n/etc/page \n/etc/other /etc/page \n");
    well(&world.on(&host, &["run"]));
    assert_eq!(times(&host), 3, "it ended well");
}

#[test]
fn what_is_still_to_happen_is_told_by_status_and_the_run_that_catches_up_tells_the_log() {
    let script = "[ -e \"$COSMOS_ROOT/mended\" ]\n";
    let Settled { world, host, .. } = with_rule("when-changed = [\"etc/page\"]", script);
    let json = |words: &[&str]| {
        let document = world.on(&host, &[words, &["--json"]].concat()).stdout;
        serde_json::from_str::<serde_json::Value>(&document).expect("a document")[words[0]].take()
    };
    assert_eq!(json(&["status"])["pending"], serde_json::json!([]));
    assert_eq!(world.on(&host, &["run"]).status, 1);
    let waits = serde_json::json!([{"what": "run post-tasks.d/030page", "because": ["etc/page"]}]);
    assert_eq!(json(&["status"])["pending"], waits);
    let said = world.on(&host, &["status"]).stdout;
    assert!(said.contains("\npending   run post-tasks.d/030page  since etc/page changed\n"), "{said}");

    let before = json(&["log"]).as_array().expect("a list").len();
    std::fs::write(host.join("mended"), "").expect("a mark");
    well(&world.on(&host, &["run"]));
    assert_eq!(json(&["status"])["pending"], serde_json::json!([]));
    let log = json(&["log"]);
    let (added, last) = (log.as_array().expect("a list").len() - before, log.as_array().and_then(|log| log.last()));
    let last = last.expect("a line");
    assert_eq!((added, &last["caught_up"], &last["changes"]), (1, &waits, &serde_json::json!([])));
    let said = world.on(&host, &["log"]).stdout;
    assert!(said.ends_with("\n    caught up: run post-tasks.d/030page  since etc/page changed\n"), "{said}");
    well(&world.on(&host, &["run"]));
    assert_eq!(json(&["log"]), log, "nothing is left to catch up on");
}

#[test]
fn a_run_that_was_killed_leaves_its_task_to_the_next() {
    let script = "[ -e \"$COSMOS_ROOT/lives\" ] || { touch \"$COSMOS_ROOT/lives\"; kill -KILL $PPID; }\n";
    let Settled { world, host, .. } = with_rule("when-changed = [\"etc/page\"]", script);
    assert_eq!(world.on(&host, &["run"]).status, -1, "killed in the middle of its task");
    well(&world.on(&host, &["run"]));
    well(&world.on(&host, &["run"]));
    assert_eq!(times(&host), 2);
}

#[test]
fn a_task_that_is_enough_once_runs_until_it_ended_well_and_again_when_it_is_another() {
    let Settled { world, ada, host, .. } = with_rule("once = true", "[ -e \"$COSMOS_ROOT/mended\" ]\n");
    assert_eq!(world.on(&host, &["run"]).status, 1);
    std::fs::write(host.join("mended"), "").expect("a mark");
    for _ in 0..3 {
        well(&world.on(&host, &["run"]));
    }
    assert_eq!(times(&host), 2, "once in vain, once well");
    world.write("global/post-tasks.d/030page", &format!("#!/bin/sh -e\n{NOTE}"));
    world.commit(&ada, "Another script");
    for _ in 0..2 {
        well(&world.on(&host, &["run"]));
    }
    assert_eq!(times(&host), 3);
}

#[test]
fn a_tasks_own_limit_ends_it_with_what_it_started() {
    let script = "(trap '' HUP; exec sleep 300) &\necho $! > \"$COSMOS_ROOT/left\"\nwait\n";
    let Settled { world, host, .. } = with_rule("timeout = \"3s\"", script);
    let ran = world.on(&host, &["run"]);
    assert_eq!(ran.status, 1, "{ran:?}");
    let said = "error: task 'post-tasks.d/030page' failed: ended after 3 s, the longest it may take\n";
    assert!(ran.stderr.starts_with(said), "{}", ran.stderr);
    let left = nix::unistd::Pid::from_raw(read(&host, "left").trim().parse().expect("a process id"));
    wait_until("the end of what it started", || nix::sys::signal::kill(left, None) == Err(nix::errno::Errno::ESRCH));
}

#[test]
fn a_run_without_news_writes_nothing_because_of_rules() {
    let Settled { world, host, .. } = with_rule("when-changed = [\"etc/page\"]", "");
    well(&world.on(&host, &["run"]));
    let before = read(&host, "var/lib/cosmos/state.json");
    well(&world.on(&host, &["run"]));
    assert_eq!(read(&host, "var/lib/cosmos/state.json"), before);
}

#[test]
fn a_check_that_fails_changes_nothing_and_reads_so() {
    let Settled { world, ada, host, .. } = Settled::new();
    world.write("global/overlay/etc/motd", "hello again\n");
    world.write("global/overlay/etc/cron.d/backup.sh", "* * * * * root true\n");
    world.commit(&ada, "A table that cron passes over");
    let ran = world.on(&host, &["run"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
    assert_eq!(
        ran.stderr,
        "error: check 'cron' of well-known paths failed: cron passes over 'etc/cron.d/backup.sh': \
         its name may have letters, digits, '_' and '-' only\n\
         hint: nothing was changed; mend etc/cron.d/backup.sh; \
         if it is wrong, write no-check = [\"cron\"] in a layer.toml\n"
    );
    assert!(!host.join("etc/cron.d").exists());
    assert_eq!(read(&host, "etc/motd"), "hello\n");
    world.write("global/layer.toml", "no-check = [\"cron\"]\n");
    world.commit(&ada, "It is meant");
    well(&world.on(&host, &["run"]));
    assert_eq!(read(&host, "etc/motd"), "hello again\n");
}

#[test]
fn what_a_layer_is_asked_before_it_leaves_is_kept_with_it_and_left_out_below_another_root() {
    let Settled { world, ada, host, .. } = Settled::new();
    let kept = || {
        let state: serde_json::Value = serde_json::from_str(&read(&host, "var/lib/cosmos/state.json")).expect("JSON");
        state["triggers"]["leaving"].clone()
    };
    world.write("models/signer/layer.toml", "[[check]]\nname = \"zones\"\nrun = [\"/bin/false\"]\nleaving = true\n");
    world.write("global/layer.toml", "use = [\"signer\"]\n");
    world.commit(&ada, "A layer that is asked before it leaves");
    well(&world.on(&host, &["run"]));
    let zones =
        serde_json::json!([{"layer": "models/signer", "name": "zones", "run": ["/bin/false"], "timeout": null}]);
    assert_eq!(kept(), zones);
    world.write("global/overlay/etc/broken", "");
    world.write("global/layer.toml", "use = [\"nothing\"]\n");
    world.commit(&ada, "A mistake");
    assert_eq!(world.on(&host, &["run"]).status, 1);
    assert_eq!(kept(), zones, "what is in force has the layer");
    world.write("global/layer.toml", "");
    world.commit(&ada, "It goes");
    well(&world.on(&host, &["update"]));
    assert_eq!(kept(), zones);
    let ran = world.on(&host, &["run"]);
    let said = "checks are left out (zones): the root is not that of this host's programs\n";
    assert_eq!((ran.status, ran.stdout.as_str()), (0, format!("+ etc/broken\n{said}").as_str()), "{ran:?}");
    assert_eq!(kept(), serde_json::Value::Null);
}

#[test]
fn below_another_root_services_and_programs_are_left_out_and_that_is_said() {
    let Settled { world, ada, host, .. } = Settled::new();
    let check = "[[check]]\nname = \"page\"\nrun = [\"/bin/false\"]\nwhen = [\"etc/page\"]\n";
    let service = "[[service]]\nname = \"page\"\nreload = [\"etc/page\"]\nenabled = true\n";
    let probe = "[[probe]]\nrun = [\"/bin/false\"]\nwhen = [\"etc/page\"]\n";
    world.write("global/layer.toml", &[check, service, probe].concat());
    world.write("global/overlay/etc/page", "one\n");
    world.commit(&ada, "A service");
    well(&world.on(&host, &["update"]));
    assert_eq!(
        world.on(&host, &["plan"]).stdout,
        "+ etc/page\n! left out, the root is not that of this host's services: enable page, reload page, probe false\n"
    );
    let ran = world.on(&host, &["run"]);
    assert_eq!(
        (ran.status, ran.stdout.as_str()),
        (0, "+ etc/page\nchecks are left out (page): the root is not that of this host's programs\n")
    );
    let plan: serde_json::Value = serde_json::from_str(&world.on(&host, &["plan", "--json"]).stdout).expect("JSON");
    assert_eq!(
        plan["plan"]["left_out"],
        serde_json::json!(["enable page"]),
        "nothing is forgotten, nothing is pending"
    );
    let state: serde_json::Value = serde_json::from_str(&read(&host, "var/lib/cosmos/state.json")).expect("JSON");
    assert_eq!(state["triggers"]["pending"], serde_json::Value::Null);
}
