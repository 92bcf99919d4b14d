//! C1–C12: what a host set up for Cosmos 1.5 relies on.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::host::{Classic, IMPORT, KEYS, mode_of, silent};
use crate::support::{Ran, tree};

#[test]
fn c1_a_line_that_another_tool_appended_puts_its_layer_before_the_hosts_own() {
    let host = Classic::new();
    host.world.write("meta-common/overlay/etc/motd", "of the meta layer\n");
    host.configure("COSMOS_REPO_MODELS=\"$COSMOS_REPO/meta-common/:$COSMOS_REPO_MODELS\"\n");
    host.begins();
    assert_eq!(host.read("etc/motd"), "of the meta layer\n");
}

#[test]
fn c1_settings_are_never_executed_and_the_error_says_what_to_write_instead() {
    let host = Classic::running();
    let witness = host.path("witness");
    host.configure(&format!("COSMOS_WORD=$(touch {})\n", witness.display()));
    let ran = host.cosmos(&["update"]);
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.lines().count()), (1, "", 2), "{ran:?}");
    assert!(ran.stderr.starts_with("error: "), "{ran:?}");
    assert!(!witness.exists());
}

#[test]
fn c2_the_clone_holds_the_unverified_tip_until_the_first_update_and_the_verified_release_from_then_on() {
    let host = Classic::new();
    host.release("ops-2026-01-01-v01");
    let released = host.world.head();
    host.world.write("global/overlay/etc/issue", "not released\n");
    let tip = host.world.commit_unsigned("Work in progress");
    host.adopt();
    assert_eq!(host.git_in_clone(&["rev-parse", "HEAD"]), tip);
    assert_eq!(host.git_in_clone(&["remote", "get-url", "origin"]), host.world.repo().display().to_string());
    assert!(host.path("base/repo/global/overlay/etc/issue").exists());
    assert!(!host.has("etc"), "clone installs nothing");

    host.converge();
    assert_eq!(host.git_in_clone(&["rev-parse", "HEAD"]), released);
    assert_eq!(host.git_in_clone(&["status", "--porcelain"]), "");
    assert_eq!(host.git_in_clone(&["log", "-1", "--format=%s"]), "ops-2026-01-01-v01");
    assert!(!host.path("base/repo/global/overlay/etc/issue").exists());
    assert!(!host.has("etc/issue"));
}

#[test]
fn c2_a_remote_that_another_tool_sets_is_fetched_from() {
    let host = Classic::running();
    let moved = host.path("moved");
    host.world.write("classic.example.org/overlay/etc/motd", "after the move\n");
    host.release("ops-2026-01-01-v02");
    fs::rename(host.world.repo(), &moved).expect("the repository moves");
    host.git_in_clone(&["remote", "set-url", "origin", &moved.display().to_string()]);
    host.converge();
    assert_eq!(host.read("etc/motd"), "after the move\n");
}

#[test]
fn c2_an_existing_clone_is_not_replaced() {
    let host = Classic::running();
    let ran = host.cosmos(&["clone", &host.world.repo().display().to_string()]);
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.starts_with("error: '[world]/base/repo' exists already\nhint: "), "{ran:?}");
}

#[test]
fn c3_the_first_layer_wins_a_folder_beats_a_file_and_odd_names_arrive() {
    let host = Classic::new();
    host.world.write("classic.example.org/overlay/srv/thing", "a file in the first layer\n");
    host.world.write("global/overlay/srv/thing/inside", "a folder in the last\n");
    host.world.write("web-common/overlay/srv/link", "a file\n");
    fs::create_dir_all(host.world.repo().join("classic.example.org/overlay/srv")).expect("a folder");
    symlink("../etc/motd", host.world.repo().join("classic.example.org/overlay/srv/link")).expect("a link");
    for name in ["-dash", "a name with blanks", "räksmörgås", "colon:s", "back\\slash", "quo'te\""] {
        host.world.write(&format!("web-common/overlay/srv/names/{name}"), name);
    }
    host.begins();
    let expected = [
        "link -> ../etc/motd",
        "names/ 755",
        "names/-dash 644 \"-dash\"",
        "names/a name with blanks 644 \"a name with blanks\"",
        "names/back\\slash 644 \"back\\\\slash\"",
        "names/colon:s 644 \"colon:s\"",
        "names/quo'te\" 644 \"quo'te\\\"\"",
        "names/räksmörgås 644 \"räksmörgås\"",
        "thing/ 755",
        "thing/inside 644 \"a folder in the last\\n\"",
    ];
    assert_eq!(tree(&host.path("root/srv")), expected);
    assert_eq!(host.read("etc/motd"), "of the host\n");
}

#[test]
fn c3_a_layer_without_a_slash_is_nested_and_unknown_folders_are_carried_along() {
    let host = Classic::new();
    host.world.write("shared/tool", "#!/bin/sh\necho \"from the model\" > \"$COSMOS_ROOT/etc/nested\"\n");
    host.world.write("global/extra/words", "carried along\n");
    host.world.write("global/pre-tasks.d/010nested", "#!/bin/sh\nmkdir -p \"$COSMOS_ROOT/etc\"\nexec shared/tool\n");
    host.configure("COSMOS_REPO_MODELS=\"$COSMOS_REPO_MODELS:$COSMOS_REPO/shared\"\n");
    host.begins();
    assert_eq!(host.read("etc/nested"), "from the model\n");
    assert_eq!(fs::read_to_string(host.path("base/model/extra/words")).expect("the file"), "carried along\n");
    assert!(!host.has("extra"), "what is beside the overlay is not installed");
}

#[test]
fn c3_a_file_that_is_not_executable_switches_off_a_later_layers_task() {
    let host = Classic::new();
    host.world.write("global/post-tasks.d/050shadowed", "#!/bin/sh\nexit 1\n");
    host.world.write("classic.example.org/post-tasks.d/050shadowed", "switched off here\n");
    host.begins();
}

#[test]
fn c3_a_missing_layer_is_refused_with_model_and_host_as_they_were() {
    let host = Classic::running();
    let before = (tree(&host.path("base/model")), tree(&host.path("root")));
    host.configure("COSMOS_REPO_MODELS=\"$COSMOS_REPO/no-common/:$COSMOS_REPO_MODELS\"\n");
    host.world.write("classic.example.org/overlay/etc/motd", "newer\n");
    host.release("ops-2026-01-01-v02");
    let ran = host.cron();
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.contains("the layer 'no-common' does not exist in the repository"), "{ran:?}");
    assert_eq!((tree(&host.path("base/model")), tree(&host.path("root"))), before);
}

#[test]
fn c3_a_release_that_lost_a_layer_leaves_the_one_before_it_enforced() {
    let host = Classic::running();
    let good = host.git_in_clone(&["rev-parse", "HEAD"]);
    host.put("conf/update.d/99tell", "#!/bin/sh\ntouch \"$COSMOS_BASE/told\"\n", 0o755);
    fs::remove_dir_all(host.world.repo().join("web-common")).expect("the layer");
    host.world.write("classic.example.org/overlay/etc/motd", "without the web\n");
    host.release("ops-2026-01-01-v02");
    for command in ["update", "apply", "run"] {
        host.put("root/etc/motd", "edited by hand\n", 0o644);
        host.put("base/model/overlay/etc/motd", "edited by hand\n", 0o644);
        let ran = host.cosmos(&[command]);
        assert_eq!(ran.status, 1, "{command}: {ran:?}");
        let complaint = "error: COSMOS_REPO_MODELS: the layer 'web-common' does not exist in the repository\nhint: ";
        assert!(ran.stderr.starts_with(complaint), "{command}: {ran:?}");
        assert!(ran.stderr.ends_with("; what was applied before stays enforced until then\n"), "{command}: {ran:?}");
        let repaired = if command == "update" { "edited by hand\n" } else { "of the host\n" };
        assert_eq!(host.read("etc/motd"), repaired, "{command}");
        let model = fs::read_to_string(host.path("base/model/overlay/etc/motd")).expect("the model's file");
        assert_eq!(model, "of the host\n", "{command}");
        assert_eq!(host.git_in_clone(&["rev-parse", "HEAD"]), good, "{command}");
    }
    assert!(!host.path("base/told").exists(), "scripts after the model hear of good releases only");
}

#[test]
fn c4_tasks_run_in_order_from_the_model_without_arguments_and_see_all_settings() {
    let host = Classic::new();
    host.configure("export COSMOS_WORD='own word'\nLOCAL=plain\n");
    let note = |name: &str| {
        format!(
            "#!/bin/sh\nmkdir -p \"$COSMOS_ROOT/etc\"\n\
             echo {name} $# \"$COSMOS_WORD\" \"$LOCAL\" \"${{HOME:+home}}\" \"${{SHELL:+shell}}\" \"$USER\" \"$http_proxy\" \
             \"${{GNUPGHOME-no gnupghome}}\" \"${{PWD#\"$COSMOS_BASE\"}}\" >> \"$COSMOS_ROOT/etc/said\"\n"
        )
    };
    for task in ["pre-tasks.d/020b", "pre-tasks.d/010a", "pre-tasks.d/030c~", "pre-tasks.d/x", "post-tasks.d/9z"] {
        host.world.write(&format!("global/{task}"), &note(task));
    }
    host.world.write("global/shared/task", &note("linked"));
    symlink("../shared/task", host.world.repo().join("global/post-tasks.d/10linked")).expect("a link");
    host.is_introduced();
    assert_eq!(host.cosmos(&["update"]), silent(0));
    let proxied = host.with(&["apply"], b"", &[("http_proxy", "http://proxy:1"), ("GNUPGHOME", "/nowhere")]);
    assert_eq!(proxied, silent(0));
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).expect("a user data base").map(|user| user.name);
    let rest =
        format!("0 own word plain home shell {} http://proxy:1 no gnupghome /model", user.expect("this user's name"));
    let names = ["pre-tasks.d/010a", "pre-tasks.d/020b", "linked", "post-tasks.d/9z"];
    let expected: Vec<String> = names.iter().map(|name| format!("{name} {rest}")).collect();
    assert_eq!(host.read("etc/said").lines().collect::<Vec<_>>(), expected);
}

#[test]
fn c4_a_task_that_leaves_something_running_with_its_output_open_returns_at_once() {
    let host = Classic::new();
    host.world.write("global/post-tasks.d/010background", "#!/bin/sh\nsleep 300 &\necho $! > \"$COSMOS_BASE/pid\"\n");
    host.is_introduced();
    let started = Instant::now();
    host.converge();
    assert!(started.elapsed() < Duration::from_secs(100));
    let pid: i32 = fs::read_to_string(host.path("base/pid")).expect("a pid").trim().parse().expect("a number");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGTERM).expect("it still runs");
}

#[test]
fn c4_the_first_failing_task_stops_the_run_and_its_output_is_shown() {
    let host = Classic::new();
    host.world.write("global/pre-tasks.d/010fails", "#!/bin/sh\necho why it failed\nexit 3\n");
    host.world.write("global/pre-tasks.d/020never", "#!/bin/sh\ntouch \"$COSMOS_ROOT/never\"\n");
    host.is_introduced();
    assert_eq!(host.cosmos(&["update"]), silent(0));
    let ran = host.cosmos(&["apply"]);
    assert_eq!(ran.status, 1);
    assert_eq!(ran.stdout, "> pre-tasks.d/010fails: exit status 3\n    why it failed\n");
    assert!(ran.stderr.starts_with("error: task 'pre-tasks.d/010fails' failed: exit status 3\nhint: "), "{ran:?}");
    assert_eq!(tree(&host.path("root")), Vec::<String>::new());
}

#[test]
fn c5_modes_and_files_that_a_pre_task_makes_in_the_model_are_applied_under_its_name() {
    let host = Classic::new();
    host.world.write("global/overlay/root/.ssh/authorized_keys", "ssh-ed25519 AAAA\n");
    host.world.write("global/overlay/etc/unwanted", "removed by the task\n");
    host.world.write(
        "global/pre-tasks.d/010model",
        "#!/bin/sh\nset -e\nchmod 0700 overlay/root overlay/root/.ssh\nchmod 0600 overlay/root/.ssh/authorized_keys\n\
         echo made here > overlay/etc/made\necho appended >> overlay/etc/motd\nrm overlay/etc/unwanted\n\
         ln -s made overlay/etc/link\nmkdir -p overlay/srv/empty\n",
    );
    host.is_introduced();
    assert_eq!(host.cosmos(&["update"]), silent(0));
    let ran = host.cosmos(&["-v", "apply"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let lines = |text: &str| text.lines().filter(|line| line.contains(" by ")).map(str::to_owned).collect::<Vec<_>>();
    for line in lines(&ran.stdout) {
        assert!(line.ends_with("  by pre-tasks.d/010model"), "{line}");
    }
    assert!(lines(&ran.stdout).iter().any(|line| line.starts_with("+ etc/made")), "{ran:?}");
    assert_eq!([host.mode("root"), host.mode("root/.ssh")], [0o700; 2]);
    assert_eq!(host.mode("root/.ssh/authorized_keys"), 0o600);
    assert_eq!(host.read("etc/link"), "made here\n");
    assert!(host.has("srv/empty") && !host.has("etc/unwanted"));
    // The model is written anew before each run, so that nothing is appended twice.
    for _ in 0..2 {
        host.converge();
        assert_eq!(host.cosmos(&["run"]), silent(0));
        assert_eq!(host.read("etc/motd"), "of the host\nappended\n");
    }
    assert_eq!(host.cosmos(&["drift"]), silent(0));
}

#[test]
fn c6_a_task_imports_keys_with_cosmos_gpg_reading_standard_input_while_the_run_holds_its_lock() {
    let host = Classic::new();
    let bob = host.world.operator("bob", "nistp256");
    host.world.write("global/post-tasks.d/015keys", IMPORT);
    host.is_introduced();
    host.publish_key(&bob, "bob");
    host.release("ops-2026-01-01-v02");
    host.converge();
    let mut expected = vec![host.ada.fingerprint.clone(), bob.fingerprint.clone()];
    expected.sort();
    assert_eq!(host.keyring(), expected);

    let key = fs::read(host.world.certificate(&bob)).expect("a certificate");
    let said = host.fed(&["gpg", "--import"], &key);
    assert_eq!(said.status, 0);
    assert!(said.stderr.contains("\"bob <bob@example.org>\" not changed\n"), "{said:?}");
    let shown = host.fed(&["gpg", "--batch", "--with-colons", "--import-options", "show-only", "--import"], &key);
    assert!(shown.stdout.contains(&format!("fpr:::::::::{}:", bob.fingerprint)), "{shown:?}");
    assert_eq!(host.cosmos(&["gpg", "--batch", "--yes", "--delete-key", &bob.fingerprint]).status, 0);
    assert_eq!(host.keyring(), std::slice::from_ref(&host.ada.fingerprint));
}

#[test]
fn c7_the_keys_folder_says_who_signs_the_next_release_and_the_keyring_no_longer_does() {
    let host = Classic::new();
    let bob = host.world.operator("bob", "ed25519");
    host.publish_key(&bob, "bob");
    host.begins();
    host.world.write("classic.example.org/overlay/etc/motd", "by bob\n");
    host.release_by(&bob, "ops-2026-01-01-v02");
    host.converge();
    assert_eq!(host.read("etc/motd"), "by bob\n");

    host.world.remove(&format!("{KEYS}/bob.pub"));
    host.release("ops-2026-01-01-v03");
    host.converge();
    assert!(host.keyring().contains(&bob.fingerprint), "the keyring is left to its tasks");
    host.world.write("classic.example.org/overlay/etc/motd", "by bob, who left\n");
    host.release_by(&bob, "ops-2026-01-01-v04");
    let ran = host.cron();
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.contains("ops-2026-01-01-v04"), "{ran:?}");
    assert_eq!(host.read("etc/motd"), "by bob\n");
}

#[test]
fn c7_a_locked_out_host_is_rescued_by_a_key_imported_by_hand() {
    let host = Classic::running();
    let carol = host.world.operator("carol", "rsa3072");
    host.world.write("classic.example.org/overlay/etc/motd", "by carol\n");
    host.release_by(&carol, "ops-2026-01-01-v02");
    assert_eq!(host.cron().status, 1);
    let key = fs::read(host.world.certificate(&carol)).expect("a certificate");
    assert_eq!(host.fed(&["gpg", "--batch", "--quiet", "--import"], &key), silent(0));
    let line = format!("imported  {} carol <carol@example.org>: by hand, may sign the next release", carol.fingerprint);
    let imported = || -> Vec<String> {
        let lines = host.cosmos(&["status"]).stdout;
        lines.lines().filter(|line| line.starts_with("imported")).map(str::to_owned).collect()
    };
    assert_eq!(imported(), [line]);
    host.converge();
    assert_eq!(host.read("etc/motd"), "by carol\n");
    assert_eq!(imported(), Vec::<String>::new(), "the next accepted release ends it");
}

#[test]
fn c7_a_key_that_a_task_imports_out_of_the_release_is_not_by_hand() {
    let host = Classic::new();
    host.world.write("global/post-tasks.d/015keys", IMPORT);
    host.begins();
    let bob = host.world.operator("bob", "ed25519");
    host.publish_key(&bob, "bob");
    host.release("ops-2026-01-01-v02");
    host.converge();
    assert!(host.keyring().contains(&bob.fingerprint));
    let status: serde_json::Value =
        serde_json::from_str(&host.cosmos(&["status", "--json"]).stdout).expect("one JSON document");
    assert_eq!(status["status"]["imported"], serde_json::json!([]));
}

#[test]
fn c8_delete_removes_files_but_not_folders_nor_what_a_layer_installs() {
    let host = Classic::new();
    for path in ["etc/unwanted", "etc/folder/inside", "etc/issue"] {
        host.put(&format!("root/{path}"), "was here\n", 0o644);
    }
    for path in ["etc/unwanted", "etc/folder", "etc/issue", "etc/never-there"] {
        host.world.write(&format!("global/delete/{path}"), "");
    }
    host.world.write("web-common/overlay/etc/issue", "installed\n");
    host.begins();
    assert!(!host.has("etc/unwanted") && host.has("etc/folder/inside"));
    assert_eq!(host.read("etc/issue"), "installed\n");
}

#[test]
fn c8_a_file_that_left_the_overlay_stays_and_is_reported_unless_the_host_opts_in() {
    let host = Classic::new();
    host.world.write("global/overlay/etc/leaving", "soon gone\n");
    host.begins();
    host.world.remove("global/overlay/etc/leaving");
    host.release("ops-2026-01-01-v02");
    assert_eq!(host.cosmos(&["update"]), silent(0));
    let ran = host.cosmos(&["-v", "apply"]);
    assert!(ran.status == 0 && ran.stdout.contains("! etc/leaving kept: "), "{ran:?}");
    assert!(host.has("etc/leaving"));
    host.put("conf/agent.toml", "remove-dropped = true\n", 0o644);
    host.converge();
    assert!(!host.has("etc/leaving"));
}

#[test]
fn c9_a_mirror_out_of_reach_is_no_failure_and_the_host_is_still_repaired() {
    let host = Classic::running();
    fs::rename(host.world.repo(), host.path("gone")).expect("the repository is away");
    host.put("root/etc/motd", "edited by hand\n", 0o644);
    assert_eq!(host.cron(), silent(0));
    assert_eq!(host.read("etc/motd"), "of the host\n");
}

#[test]
fn c9_no_command_prints_the_usage_and_an_unknown_one_two_lines() {
    let host = Classic::running();
    let usage = host.cosmos(&[]);
    assert_eq!((usage.status, usage.stderr.as_str()), (0, ""));
    assert!(usage.stdout.contains("Usage: cosmos [OPTIONS] [COMMAND]"), "{usage:?}");
    let unknown = host.cosmos(&["upgrade"]);
    let said = "error: unknown command 'upgrade'\nhint: 'cosmos --help' lists the commands\n";
    assert_eq!((unknown.status, unknown.stdout.as_str(), unknown.stderr.as_str()), (1, "", said));
    for wrong in [&["--no-such-option"][..], &["update", "--no-such"], &["clone"], &["verify", "nonsense"]] {
        let ran = host.cosmos(wrong);
        assert_eq!((ran.status, ran.stderr.lines().count()), (1, 2), "{wrong:?}: {ran:?}");
    }
    assert_eq!(host.cosmos(&["-h"]).status, 0);
    assert_eq!(host.cosmos(&["-V"]).status, 0);
}

#[test]
fn c9_a_dry_run_changes_nothing_and_prints_what_apply_then_does() {
    let host = Classic::new();
    host.world.write("global/pre-tasks.d/010task", "#!/bin/sh\n[ -n \"$COSMOS_DRY_TASKS\" ] || exit 0\ntouch dry\n");
    host.is_introduced();
    assert_eq!(host.cosmos(&["update"]), silent(0));
    let before = (tree(&host.path("root")), tree(&host.path("base/model")));
    let dry = host.cosmos(&["-n", "apply"]);
    assert_eq!((tree(&host.path("root")), tree(&host.path("base/model"))), before);
    let keys = "+ etc/cosmos/\n+ etc/cosmos/keys/\n+ etc/cosmos/keys/ada.pub\n+ etc/cosmos/keys/empty.pub\n";
    let shown = format!("+ etc/\n{keys}+ etc/motd\n");
    assert_eq!((dry.status, dry.stdout), (0, format!("{shown}> pre-tasks.d/010task\n")));

    let tasks = host.cosmos(&["-N", "apply"]);
    assert_eq!((tasks.status, tasks.stdout.as_str()), (0, shown.as_str()), "{tasks:?}");
    assert!(host.path("base/model/dry").exists(), "the task ran and was told");
    assert_eq!(tree(&host.path("root")), before.0);

    let real = host.cosmos(&["-v", "apply"]);
    let steps: String =
        real.stdout.lines().filter(|line| !line.starts_with('>')).map(|line| format!("{line}\n")).collect();
    assert_eq!((real.status, steps), (0, shown), "{real:?}");
    assert!(real.stdout.contains("> pre-tasks.d/010task"), "{real:?}");
}

#[test]
fn c9_a_dry_update_moves_nothing() {
    let host = Classic::running();
    let before = (tree(&host.path("base/model")), host.git_in_clone(&["rev-parse", "HEAD"]));
    host.world.write("classic.example.org/overlay/etc/motd", "newer\n");
    host.release("ops-2026-01-01-v02");
    assert_eq!(host.cosmos(&["-n", "update"]).status, 0);
    assert_eq!((tree(&host.path("base/model")), host.git_in_clone(&["rev-parse", "HEAD"])), before);
    assert_eq!(host.cosmos(&["-n", "run"]).status, 0);
    assert_eq!(host.read("etc/motd"), "of the host\n");
}

#[test]
fn c9_update_and_apply_take_the_lock_and_say_who_holds_it() {
    let host = Classic::running();
    host.put("conf/apply.d/15nested", "#!/bin/sh\ncosmos update 2> \"$COSMOS_BASE/said\"\n[ $? = 1 ]\n", 0o755);
    assert_eq!(host.cosmos(&["apply"]), silent(0));
    let said = fs::read_to_string(host.path("base/said")).expect("what was said");
    assert!(said.starts_with("error: ") && said.contains("another cosmos is at work: process "), "{said}");
}

#[test]
fn c9_the_off_switch_stops_unattended_runs_only_and_a_good_run_leaves_the_stamp() {
    let host = Classic::running();
    host.world.write("classic.example.org/overlay/etc/motd", "newer\n");
    host.release("ops-2026-01-01-v02");
    host.put("root/etc/no-automatic-cosmos", "kim: disk swap\n", 0o644);
    assert_eq!(host.cosmos(&["run", "--scheduled"]), silent(0));
    assert_eq!(host.read("etc/motd"), "of the host\n");
    let stamp = host.path("base/run/last-cosmos-ok.stamp");
    assert!(!stamp.exists());
    fs::remove_file(host.path("root/etc/no-automatic-cosmos")).expect("the switch is there");
    assert_eq!(host.cosmos(&["run", "--scheduled"]), silent(0));
    assert_eq!(host.read("etc/motd"), "newer\n");
    assert!(stamp.exists());
    assert_eq!(host.git_in_clone(&["describe", "--tags"]), "ops-2026-01-01-v02", "a run shows the clone, too");
}

#[test]
fn c10_scripts_of_the_host_run_at_their_numbers_among_our_steps() {
    let host = Classic::new();
    let tell = |sees: &str| format!("#!/bin/sh\necho \"${{0##*/}}$1 $({sees})\" >> \"$COSMOS_BASE/told\"\n");
    let head = "git -C \"$COSMOS_REPO\" log -1 --format=%s";
    let motd = "cat \"$COSMOS_ROOT/etc/motd\" 2> /dev/null || echo none";
    let model = "cat \"$COSMOS_MODEL/overlay/etc/motd\" 2> /dev/null || echo none";
    host.put("conf/clone.d/95told", &tell(head), 0o755);
    for number in ["05", "22", "85", "95"] {
        host.put(&format!("conf/update.d/{number}told"), &tell(model), 0o755);
    }
    for number in ["15", "65", "75"] {
        host.put(&format!("conf/apply.d/{number}told"), &tell(motd), 0o755);
    }
    host.world.write("global/pre-tasks.d/010pre", "#!/bin/sh\necho pre >> \"$COSMOS_BASE/told\"\n");
    host.world.write("global/post-tasks.d/010post", "#!/bin/sh\necho post >> \"$COSMOS_BASE/told\"\n");
    host.begins();
    let told = fs::read_to_string(host.path("base/told")).expect("what was told");
    let clone = format!("95told{} ops-2026-01-01-v01", host.world.repo().display());
    let expected = [
        &clone,
        "05told none",
        "22told none",
        "85told none",
        "95told of the host",
        "15told none",
        "pre",
        "65told of the host",
        "post",
        "75told of the host",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn c10_a_dry_run_names_the_hosts_own_scripts_and_runs_none() {
    let host = Classic::new();
    host.world.write("global/pre-tasks.d/010look", "#!/bin/sh\nexit 0\n");
    host.begins();
    for script in ["update.d/15before", "apply.d/15 own", "apply.d/90after", "apply.d/95switched-off"] {
        let mode = if script.ends_with("off") { 0o644 } else { 0o755 };
        host.put(&format!("conf/{script}"), "#!/bin/sh\ntouch \"$COSMOS_BASE/ran\"\n", mode);
    }
    let applied = Ran {
        status: 0,
        stdout: "> apply.d/15 own\n> pre-tasks.d/010look\n> apply.d/90after\n".to_owned(),
        stderr: String::new(),
    };
    assert_eq!(host.cosmos(&["-n", "apply"]), applied);
    let updated = Ran { stdout: "> update.d/15before\n".to_owned(), ..applied };
    assert_eq!(host.cosmos(&["-n", "update"]), updated);
    assert!(!host.path("base/ran").exists());
}

#[test]
fn c10_a_failing_script_stops_the_command_there() {
    let host = Classic::running();
    host.world.write("classic.example.org/overlay/etc/motd", "newer\n");
    host.release("ops-2026-01-01-v02");
    host.put("conf/update.d/22no", "#!/bin/sh\nexit 7\n", 0o755);
    let ran = host.cosmos(&["update"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
    let said = "error: script '[world]/conf/update.d/22no' failed: exit status: 7\nhint: ";
    assert!(ran.stderr.starts_with(said), "{ran:?}");
    assert_eq!(host.cosmos(&["apply"]), silent(0));
    assert_eq!(host.read("etc/motd"), "of the host\n");
    fs::remove_file(host.path("conf/update.d/22no")).expect("the script");
    host.converge();
    assert_eq!(host.read("etc/motd"), "newer\n");
}

#[test]
fn c10_scripts_after_the_verification_do_not_run_for_a_refused_release() {
    let host = Classic::running();
    for number in ["22", "30", "95"] {
        let tell = "#!/bin/sh\necho \"${0##*/}\" >> \"$COSMOS_BASE/told\"\n";
        host.put(&format!("conf/update.d/{number}told"), tell, 0o755);
    }
    host.world.commit_unsigned("evil");
    host.world.git(&["tag", "-a", "-m", "not signed", "ops-2026-12-31-v01"]);
    assert_eq!(host.cosmos(&["update"]).status, 1);
    assert_eq!(fs::read_to_string(host.path("base/told")).expect("what was told"), "22told\n");
}

#[test]
fn c10_a_changed_script_of_the_old_package_is_an_error_that_names_it() {
    let host = Classic::running();
    for (name, command) in [("update.d/25verify-git", "update"), ("apply.d/60overlay", "apply"), ("gpg.d/50gpg", "gpg")]
    {
        host.put(&format!("conf/{name}"), "#!/bin/sh\nexit 0\n", 0o755);
        let ran = host.cosmos(&[command]);
        assert_eq!(ran.status, 1, "{ran:?}");
        assert!(ran.stderr.contains(&format!("'[world]/conf/{name}' is a changed script of Cosmos 1.5")), "{ran:?}");
    }
}

#[test]
fn c10_a_folder_of_scripts_is_a_command_with_arguments_and_input() {
    let host = Classic::running();
    host.put("conf/greet.d/10hello", "#!/bin/sh\nread -r word\necho \"hello $1 $2, $word\"\n", 0o755);
    host.put("conf/greet.d/20bye", "#!/bin/sh\necho bye from ${COSMOS_UPDATE_VERIFY_GIT_TAG_PATTERN}\n", 0o755);
    let ran = host.fed(&["greet", "big world", "--loud"], b"read\n");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    assert_eq!(ran.stdout, "hello big world --loud, read\nbye from ops-*\n");
}

#[test]
fn c11_what_tasks_change_in_managed_files_is_ours_and_no_drift() {
    let host = Classic::new();
    host.world.write("global/overlay/etc/app.conf", "as released\n");
    host.world.write(
        "global/post-tasks.d/010app",
        "#!/bin/sh\ncd \"$COSMOS_ROOT/etc\"\nchmod 0640 app.conf\ngrep -q task app.conf || echo by a task >> app.conf\n",
    );
    host.is_introduced();
    for _ in 0..3 {
        host.converge();
        assert_eq!(
            (host.read("etc/app.conf").as_str(), host.mode("etc/app.conf")),
            ("as released\nby a task\n", 0o640)
        );
        assert_eq!(host.cosmos(&["drift"]), silent(0));
    }
    host.put("root/etc/motd", "somebody else\n", 0o644);
    assert_eq!(host.cosmos(&["drift"]).status, 1, "classic hosts know 0 and 1 only");
}

#[test]
fn c12_two_hosts_of_one_repository_differ_by_their_own_lists_of_layers_alone() {
    let host = Classic::running();
    host.configure("COSMOS_REPO_MODELS=\"$COSMOS_REPO/web-common/:$COSMOS_REPO/global/\"\n");
    host.converge();
    assert_eq!(host.read("etc/motd"), "of the web\n");
    assert_eq!(mode_of(&host.path("base/model/overlay/etc/motd")), 0o644);
}

#[test]
fn c12_a_release_says_of_how_many_hosts_the_repository_does_not_know_the_layers() {
    let host = Classic::running();
    let introduction = format!("{}:{}", host.world.head(), host.ada.fingerprint);
    host.world.write("other.example.org/overlay/etc/motd", "of the other\n");
    host.world.remove("web-common/overlay/etc/motd");
    host.world.write("web-common/overlay/etc/issue", "of the web\n");
    host.world.commit_unsigned("Work for a release");
    let (origin, clone) = (host.world.repo(), host.path("operator"));
    host.world.git(&["clone", "--quiet", &origin.display().to_string(), &clone.display().to_string()]);
    let mut release = Command::new(env!("CARGO_BIN_EXE_cosmos"));
    release.args(["release", "--dry-run", "--tags", "ops-*", "--trust", &introduction]).current_dir(&clone);
    release.env("GNUPGHOME", &host.ada.home).env("GIT_CONFIG_GLOBAL", "/dev/null").env("TZ", "UTC");
    for role in ["AUTHOR", "COMMITTER"] {
        release.env(format!("GIT_{role}_NAME"), "Ada").env(format!("GIT_{role}_EMAIL"), "ada@example.org");
    }
    let ran = host.world.run(&mut release);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().filter(|line| line.contains("hosts")).collect();
    let expected = "layers unknown for 2 hosts: each has its own list, so what it loses is not counted";
    assert_eq!(lines, [expected], "{ran:?}");
}
