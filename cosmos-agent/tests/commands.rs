//! Commands through the binary: JSON documents, the off switch, unattended runs, dry runs, help.

mod support;

use std::collections::BTreeSet;

use clap::{CommandFactory as _, Parser as _};
use cosmos_agent::cli::Cli;
use serde_json::Value;
use support::{NAME, Settled, put, read, tree};

/// Runs a command with `--json` and returns the member named after it.
fn json(settled: &Settled, command: &str, status: i32) -> Value {
    let ran = settled.world.on(&settled.host, &[command, "--json"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (status, ""), "{ran:?}");
    let document: Value = serde_json::from_str(&ran.stdout).expect("one JSON document");
    assert_eq!(members(&document), BTreeSet::from(["format", "command", "host", "exit", command].map(str::to_owned)));
    assert_eq!((&document["format"], &document["command"]), (&1.into(), &command.into()));
    assert_eq!((&document["host"], &document["exit"]), (&NAME.into(), &status.into()));
    document[command].clone()
}

fn members(value: &Value) -> BTreeSet<String> {
    value.as_object().expect("an object").keys().cloned().collect()
}

#[track_caller]
fn has(value: &Value, expected: &[&str]) {
    let found = members(value);
    let missing: Vec<_> = expected.iter().filter(|name| !found.contains(**name)).collect();
    assert!(missing.is_empty(), "{missing:?} is not in {found:?}");
}

#[test]
fn every_json_document_has_its_documented_members() {
    let settled = Settled::new();
    let accepted = settled.world.head();
    let status = json(&settled, "status", 0);
    has(
        &status,
        &[
            "time", "follows", "accepted", "testing", "applied", "signers", "trusted", "look", "remotes", "sandbox",
            "imported", "refused", "paused", "failure", "back_off", "needs", "mistakes", "stale", "managed", "drift",
            "retired", "cloned", "agent",
        ],
    );
    let follows = r#"{"mode":"commits","branch":"main","pattern":null,"fleet":null,"threshold":1}"#;
    assert_eq!(status["follows"], serde_json::from_str::<serde_json::Value>(follows).expect("JSON"));
    has(&status["trusted"][0], &["fingerprint", "user_id", "usable", "expires", "expires_soon", "by_hand"]);
    assert_eq!(status["trusted"][0]["fingerprint"], settled.ada.fingerprint.as_str());
    assert_eq!((&status["drift"], &status["trusted"][0]["usable"]), (&0.into(), &true.into()));
    has(&status["accepted"], &["commit", "time", "signers", "tag"]);
    assert_eq!(
        (&status["accepted"]["commit"], &status["applied"]["commit"]),
        (&accepted.clone().into(), &accepted.clone().into())
    );
    assert_eq!((&status["applied"]["generation"], &status["stale"]), (&1.into(), &false.into()));
    has(&status["look"], &["ok", "failing_since", "last_good_run"]);
    assert!(status["look"]["last_good_run"].is_string(), "{status}");

    let verify = json(&settled, "verify", 0);
    has(&verify, &["commit", "verdict", "steps"]);
    assert_eq!((&verify["commit"], &verify["verdict"]), (&accepted.into(), &"accepted".into()));
    has(&verify["steps"][0], &["object", "signer", "right", "policy", "verdict", "reason", "repair"]);

    put(&settled.host, "etc/motd", "an edit\n");
    assert_eq!(json(&settled, "status", 0)["drift"], 1);
    let drift = json(&settled, "drift", 5);
    has(&drift["paths"][0], &["path", "what", "expected", "found"]);
    assert_eq!((&drift["paths"][0]["path"], &drift["paths"][0]["what"]), (&"etc/motd".into(), &"content".into()));

    let plan = json(&settled, "plan", 0);
    has(&plan, &["commit", "steps", "tasks", "notes"]);
    has(&plan["steps"][0], &["path", "action", "kind", "layer", "old", "new", "cause"]);
    has(&plan["steps"][0]["old"], &["kind", "mode", "uid", "gid", "size", "sha256"]);
    assert_eq!((&plan["steps"][0]["action"], &plan["steps"][0]["cause"]), (&"replace".into(), &"drift".into()));

    let run = json(&settled, "run", 0);
    has(&run, &["commit", "changed", "tasks", "notes"]);
    assert_eq!(run["changed"], plan["steps"], "what plan shows is what run does");

    let log = json(&settled, "log", 0);
    let entry = log.as_array().and_then(|entries| entries.last()).expect("an entry");
    has(
        entry,
        &[
            "format",
            "time",
            "counter",
            "command",
            "commit",
            "generation",
            "signers",
            "exit",
            "changes",
            "refused",
            "tasks",
            "error",
        ],
    );
    assert_eq!(entry["changes"], plan["steps"]);
}

#[test]
fn a_pause_stops_unattended_runs_with_status_0_until_resume() {
    let settled = Settled::new();
    put(&settled.host, "etc/motd", "an edit\n");
    let on = |words: &[&str]| settled.world.on(&settled.host, words);
    on(&["pause", "disk swap, ask Kim"]).prints("unattended runs are off: disk swap, ask Kim\n");
    on(&["run", "--scheduled"]).prints("");
    assert_eq!(read(&settled.host, "etc/motd"), "an edit\n");
    assert_eq!(settled.status()["paused"]["reason"], "disk swap, ask Kim");
    on(&["run"]).prints("unattended runs are off: disk swap, ask Kim\n~ etc/motd  drift repaired\n");
    on(&["resume"]);
    assert_eq!(settled.status()["paused"], Value::Null);
    put(&settled.host, "etc/motd", "an edit\n");
    on(&["run", "--scheduled"]).prints("");
    assert_eq!(read(&settled.host, "etc/motd"), "hello\n");
}

#[test]
fn unattended_runs_speak_once_when_a_failure_starts_and_once_when_it_ends() {
    let settled = Settled::new();
    let scheduled = || settled.world.on(&settled.host, &["run", "--scheduled"]);
    scheduled().prints("");
    let unsigned = settled.world.commit_unsigned("No signature");
    let first = scheduled();
    assert_eq!((first.status, first.stdout.as_str()), (3, ""), "{first:?}");
    let said = format!(
        "cosmos: revision {unsigned} of 'refs/heads/main' is refused: it carries no signature; \
         nothing more is said until this changes\n"
    );
    assert_eq!(first.stderr, said);
    let second = scheduled();
    assert_eq!((second.status, second.stdout.as_str(), second.stderr.as_str()), (3, "", ""));
    settled.world.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let ended = scheduled();
    assert_eq!((ended.status, ended.stdout.as_str()), (0, ""), "{ended:?}");
    assert!(ended.stderr.starts_with("cosmos: well again; since "), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    scheduled().prints("");
}

#[test]
fn a_retired_host_keeps_global_and_its_own_layer_and_says_so() {
    let settled = Settled::new();
    settled.world.write("hosts/ns1.example.org/layer.toml", "retired = \"2026-01-10 replaced by ns3\"\n");
    settled.world.write("overlay/etc/root-layer", "not any more\n");
    settled.commit();
    settled.run().prints("this host is retired: 2026-01-10 replaced by ns3\n");
    settled.run().prints("");
    assert_eq!(settled.status()["retired"], "2026-01-10 replaced by ns3");
    assert!(!settled.host.join("etc/root-layer").exists());
    assert_eq!(read(&settled.host, "etc/motd"), "hello\n");
}

#[test]
fn a_dry_run_changes_nothing_below_the_root_but_the_cache() {
    let settled = Settled::new();
    settled.world.write("global/overlay/etc/motd", "newer\n");
    settled.world.write("global/pre-tasks.d/010mark", "#!/bin/sh\ntouch \"$COSMOS_ROOT/ran\"\n");
    settled.commit();
    put(&settled.host, "etc/issue", "left alone\n");
    let all = || {
        tree(&settled.host)
            .into_iter()
            .filter(|line| !line.starts_with("var/cache/"))
            .filter(|line| !line.starts_with("run/cosmos/lock"))
            .collect::<Vec<_>>()
    };
    let before = all();
    for words in [["run", "-n"], ["apply", "-n"], ["update", "-n"]] {
        let ran = settled.world.on(&settled.host, &words);
        assert_eq!(ran.status, 0, "{ran:?}");
        assert_eq!(all(), before, "{words:?}");
    }
    settled.world.on(&settled.host, &["run", "-n"]).prints("~ etc/motd\n> pre-tasks.d/010mark\n");
    settled.run().prints("~ etc/motd\n");
}

#[test]
fn dry_tasks_are_run_and_told_to_change_nothing() {
    let settled = Settled::new();
    settled.world.write("global/overlay/etc/motd", "newer\n");
    settled
        .world
        .write("global/pre-tasks.d/010mark", "#!/bin/sh\necho \"dry: $COSMOS_DRY_TASKS\" >> \"$COSMOS_ROOT/ran\"\n");
    settled.commit();
    settled.world.on(&settled.host, &["run", "-N"]).prints("~ etc/motd\n");
    assert_eq!(read(&settled.host, "ran"), "dry: y\n");
    assert_eq!(read(&settled.host, "etc/motd"), "hello\n");
    settled.run().prints("~ etc/motd\n");
    assert_eq!(read(&settled.host, "ran"), "dry: y\ndry: \n");
}

#[test]
fn every_example_of_the_help_can_be_typed_and_fits_a_terminal() {
    let examples = examples(&Cli::command());
    assert!(examples.len() >= 50, "{examples:?}");
    for example in examples {
        assert!(example.chars().count() <= 80, "{example}");
        Cli::try_parse_from(words(&example)).unwrap_or_else(|error| panic!("{example}: {error}"));
    }
}

/// Returns the examples in the help of a command and of those below it.
fn examples(command: &clap::Command) -> Vec<String> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let own = help.lines().filter(|line| line.trim_start().starts_with("cosmos ")).map(str::to_owned);
    own.chain(command.get_subcommands().flat_map(examples)).collect()
}

/// Cuts a line into words as a shell does, as far as the examples need it.
fn words(line: &str) -> Vec<String> {
    let pieces = line.split('\'').enumerate();
    let cut = |(place, piece): (usize, &str)| match place % 2 {
        0 => piece.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
        _ => vec![piece.to_owned()],
    };
    pieces.flat_map(cut).collect()
}

#[test]
fn words_that_are_no_command_line_are_answered_in_two_lines_that_say_all() {
    let world = support::World::new();
    let lines = |what: &str, hint: &str| format!("error: {what}\nhint: {hint}\n");
    for (words, what, hint) in [
        (
            &["clone"] as &[&str],
            "the following required arguments were not provided: <URL>...",
            "try 'cosmos clone --help'",
        ),
        (
            &["run", "--schedule"],
            "unexpected argument '--schedule' found",
            "a similar argument exists: '--scheduled'; or try 'cosmos run --help'",
        ),
        (&["signer"], "'cosmos signer' needs one of its commands", "try 'cosmos signer --help'"),
        (
            &["signer", "add", "--name"],
            "a value is required for '--name <NAME>' but none was supplied",
            "try 'cosmos signer add --help'",
        ),
        (
            &["clone", "--mode", "none", "https://git.example.org/fleet.git"],
            "invalid value 'none' for '--mode <MODE>' [possible values: commits, tags]",
            "try 'cosmos clone --help'",
        ),
        (&["-x"], "unexpected argument '-x' found", "try 'cosmos --help'"),
    ] {
        world.cosmos(words).complains(2, &lines(what, hint));
    }
}

#[test]
fn manual_pages_and_completions_are_made_for_every_command() {
    let settled = support::World::new();
    let pages = settled.path("man");
    settled.cosmos(&["manual", &pages.display().to_string()]).prints("");
    let made: BTreeSet<String> =
        tree(&pages).iter().filter_map(|line| line.split(' ').next().map(str::to_owned)).collect();
    let shown = Cli::command();
    for command in shown.get_subcommands().filter(|command| !command.is_hide_set()) {
        assert!(made.contains(&format!("cosmos-{}.1", command.get_name())), "{}: {made:?}", command.get_name());
    }
    let page = std::fs::read_to_string(pages.join("cosmos-clone.1")).unwrap();
    assert!(page.contains(".SH SYNOPSIS\n\\fBcosmos clone [OPTIONS] <URL>...\\fR\n"), "{page}");
    let page = std::fs::read_to_string(pages.join("cosmos.1")).unwrap();
    for part in [".SH \"EXIT STATUS\"\n.TP\n\\fB0\\fR\nDone", ".SH FILES\n.TP\n", ".SH EXAMPLES\n.nf\ncosmos demo\n"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let page = std::fs::read_to_string(pages.join("cosmos-rollback.1")).unwrap();
    let parts = ["\n.SH NOTES\nWhat tasks did ", "\n.SH EXAMPLES\n.nf\ncosmos rollback \\-\\-list\n"];
    assert!(parts.iter().all(|part| page.contains(part)), "{page}");
    for shell in ["bash", "zsh", "fish"] {
        let ran = settled.cosmos(&["completions", shell]);
        assert!(ran.status == 0 && ran.stdout.contains("cosmos"), "{shell}");
    }
}
