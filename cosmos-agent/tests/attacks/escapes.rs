//! Text that takes over a terminal (A50), wherever foreign text comes from, in every command that prints it.

use std::os::unix::fs::symlink;

use crate::forge::Forger;
use crate::support::{Ran, Settled, World, put};

/// Clears the screen, rings, sets the title, and turns the rest of the line around.
const HOSTILE: &str = "\u{1b}[2J\u{7}\u{9b}31m\u{1b}]0;owned\u{7}\u{202e}";
/// The same as TOML writes it, less the C0 characters that TOML cannot hold raw.
const IN_TOML: &str = "\\u001b[2J\\u0007\\u009b31m\\u001b]0;owned\\u0007\\u202e";

/// What is said about a host, by each command.
const COMMANDS: [&[&str]; 13] = [
    &["run"],
    &["run", "--scheduled", "--retry"],
    &["update"],
    &["apply"],
    &["run", "--json"],
    &["plan", "-v"],
    &["plan", "--json"],
    &["drift"],
    &["drift", "--json"],
    &["status"],
    &["status", "--json"],
    &["verify"],
    &["verify", "--json"],
];

#[track_caller]
fn assert_plain(what: &[&str], ran: &Ran) {
    let control =
        |c: char| c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains(control), "{what:?}: {text:?}");
    }
}

/// Runs every command, and asserts that some of them had something to say and none an escape.
#[track_caller]
fn all_say_it_plainly(settled: &Settled, expected: &str) {
    let mut said = String::new();
    let log: [&[&str]; 2] = [&["log"], &["log", "--json"]];
    for words in COMMANDS.into_iter().chain(log) {
        let ran = settled.world.on(&settled.host, words);
        assert_plain(words, &ran);
        said.push_str(&ran.stdout);
        said.push_str(&ran.stderr);
    }
    assert!(said.contains(expected), "'{expected}' is not in:\n{said}");
}

#[test]
fn a50_escapes_in_a_signers_name_a_release_and_the_names_of_refs_reach_no_terminal() {
    let world = World::new();
    let eve = Forger::called(&world, "eve", &format!("Eve {HOSTILE} <eve@example.org>"), 1, |builder| builder);
    let settled = Settled::by_tags_with(world, eve.operator, &[]);
    all_say_it_plainly(&settled, "Eve \\x1b[2J\\x07\\xc2\\x9b31m");
    settled.world.write("global/overlay/etc/motd", "newer\n");
    settled.release("release-2", &format!("{HOSTILE}\n\n{HOSTILE}"));
    settled.release("release-3", &format!("cosmos: 1 fleet={HOSTILE}\n\nrelease"));
    settled.release("release-4", &format!("cosmos: 1 {HOSTILE}=1\n\nrelease"));
    let inside =
        settled.world.git(&["cat-file", "tag", "release-2"]).replace("tag release-2", &format!("tag {HOSTILE}"));
    let id = settled.world.object("tag", inside.as_bytes());
    settled.world.git(&["update-ref", "refs/tags/release-5", &id]);
    let id = settled.world.object("tag", inside.replace("tagger ", HOSTILE).as_bytes());
    settled.world.git(&["update-ref", "refs/tags/release-6", &id]);
    settled.world.git(&["tag", "-m", "unsigned", "release-\u{9b}31m\u{202e}"]);
    all_say_it_plainly(&settled, "the name inside the tag is '\\x1b[2J");
}

#[test]
fn a50_escapes_in_tasks_reach_no_terminal() {
    let settled = Settled::new();
    let script = format!("#!/bin/sh\nprintf '%b' '{HOSTILE}\\r\\n'\nprintf '{HOSTILE}\\n' >&2\nexit 1\n");
    settled.world.write("global/pre-tasks.d/010clear", &script.replace("exit 1", "exit 0"));
    settled.world.write("global/post-tasks.d/010clear", &script);
    settled.commit();
    all_say_it_plainly(&settled, "    \\x1b[2J\\x07");
    settled.world.write("global/post-tasks.d/010\u{9b}31m\u{202e}", &script);
    settled.commit();
    all_say_it_plainly(&settled, "the name '010\\xc2\\x9b31m\\xe2\\x80\\xae' contains a control character");
}

#[test]
fn a50_escapes_in_what_a_layer_says_reach_no_terminal() {
    let settled = Settled::new();
    let texts = [
        ("global/layer.toml", format!("\"{IN_TOML}\" = 1\n")),
        ("global/layer.toml", format!("use = [\"{IN_TOML}\"]\n")),
        ("global/layer.toml", format!("[files.\"etc/motd\"]\nowner = \"{IN_TOML}\"\n")),
        ("global/layer.toml", format!("[files.\"{IN_TOML}\"]\nmode = \"{IN_TOML}\"\n")),
        ("hosts/ns1.example.org/layer.toml", format!("retired = \"2026-01-10 {IN_TOML}\"\n")),
        ("fleet.toml", format!("format = 1\nfleet = \"{IN_TOML}\"\n")),
        ("fleet.toml", format!("format = 1\nagent = \">= {IN_TOML}\"\n")),
        ("fleet.toml", format!("format = 1\n[[rule]]\nhosts = [\"{IN_TOML}\"]\nuse = [\"{IN_TOML}\"]\n")),
        ("fleet.toml", format!("{HOSTILE}\n")),
        ("openpgp-policy.toml", format!("version = 0\n[authorization.\"{IN_TOML}\"]\nkeyring = \"{IN_TOML}\"\n")),
        ("openpgp-policy.toml", format!("version = 0\n{HOSTILE}\n")),
    ];
    let good = settled.world.head();
    for (path, text) in texts {
        // Each on top of the one before, so that the host has to read it.
        settled.world.git(&["read-tree", "--reset", "-u", &good]);
        settled.world.write(path, &text);
        let head = settled.commit();
        let said = [&["run"][..], &["plan"], &["status"], &["status", "--json"]].map(|words| {
            let ran = settled.world.on(&settled.host, words);
            assert_plain(words, &ran);
            ran
        });
        assert!(said[0].status != 0 || text.contains("retired"), "{path}: {text}: {said:?}");
        assert!(said[0].stderr.contains(path) || said[0].status == 0 || text.contains("owner"), "{path}: {said:?}");
        if path == "openpgp-policy.toml" {
            settled.world.git(&["reset", "--quiet", "--hard", &format!("{head}~1")]);
        }
    }
}

#[test]
fn a50_escapes_in_files_links_and_what_others_left_on_the_host_reach_no_terminal() {
    let settled = Settled::new();
    settled.world.write("global/overlay/etc/motd", &format!("{HOSTILE}\n"));
    symlink(format!("/{HOSTILE}"), settled.world.repo().join("global/overlay/etc/link")).expect("a symlink");
    settled.world.write("global/overlay/srv/file", "x\n");
    settled.commit();
    std::fs::create_dir_all(settled.host.join("srv")).expect("a folder");
    symlink(format!("../{HOSTILE}"), settled.host.join("srv/file")).expect("a symlink");
    put(&settled.host, "etc/no-automatic-cosmos", &format!("{HOSTILE}\n"));
    assert_plain(&["plan"], &settled.world.on(&settled.host, &["plan"]));
    all_say_it_plainly(&settled, "/\\x1b[2J");
    put(&settled.host, "etc/motd", &format!("{HOSTILE}{HOSTILE}\n"));
    all_say_it_plainly(&settled, "drift repaired");
    settled.world.write(&format!("global/overlay/etc/{HOSTILE}"), "x\n");
    settled.commit();
    all_say_it_plainly(&settled, "contains a control character");
}

#[test]
fn a50_escapes_in_a_certificate_reach_no_terminal_when_a_repository_is_begun() {
    let world = World::new();
    let eve = Forger::called(&world, "eve", &format!("Eve {HOSTILE} <\u{1b}eve@example.org>"), 60, |builder| {
        builder.set_validity_period(std::time::Duration::from_secs(61 * 24 * 3600))
    });
    let certificate = world.certificate(&eve.operator).display().to_string();
    let folder = world.path("begun").display().to_string();
    let words = ["init", &folder, "--fleet", "test", "--signer", &certificate];
    let dry = [&words[..], &["--dry-run"]].concat();
    for words in [&dry[..], &words] {
        let ran = world.cosmos(words);
        assert_plain(words, &ran);
        assert!(ran.stderr.contains("the certificate of Eve \\x1b[2J"), "{ran:?}");
    }
    let policy = std::fs::read_to_string(world.path("begun/openpgp-policy.toml")).expect("the policy");
    assert!(!policy.contains(|c: char| c.is_control() && c != '\n'), "{policy}");
}

#[test]
fn a50_escapes_in_what_others_committed_reach_no_operators_terminal() {
    let world = World::new();
    let eve = Forger::called(&world, "eve", &format!("Eve {HOSTILE} <eve@example.org>"), 1, |builder| builder);
    let settled = Settled::by_tags_with(world, eve.operator, &[]);
    let (repository, remote) = (settled.world.repo(), settled.world.path("remote.git").display().to_string());
    settled.world.git(&["clone", "--quiet", "--bare", ".", &remote]);
    settled.world.git(&["remote", "add", "origin", &remote]);
    settled.world.git(&["config", "user.name", &format!("Eve {HOSTILE}")]);
    settled.world.git(&["config", "user.email", "eve@example.org"]);
    settled.world.write("global/overlay/etc/motd", &format!("{HOSTILE}\n"));
    settled.world.commit_unsigned(&format!("Say {HOSTILE}\n\n{HOSTILE}"));
    settled.world.git(&["tag", "-m", HOSTILE, "release-\u{9b}31m\u{202e}"]);
    let repository = repository.display().to_string();
    let trust = format!("{}:{}", settled.trust, settled.ada.fingerprint);
    let release = ["release", "--repository", &repository, "--trust", &trust, "--tags", "release-*", "--dry-run"];
    let certificate = settled.world.certificate(&settled.ada).display().to_string();
    let adopt = ["trust", "init", &repository, "--signer", &certificate, "--dry-run"];
    let mut said = String::new();
    for words in [
        &adopt[..],
        &[&adopt[..], &["--mode", "tags", "--tags", "release-*", "-v"]].concat(),
        &[&adopt[..], &["--mode", "commits", "-v"]].concat(),
        &[&adopt[..], &["--json"]].concat(),
        &release[..],
        &[&release[..], &["-v", "-m", HOSTILE]].concat(),
        &[&release[..], &["--json"]].concat(),
        &["signer", "--repository", &repository, "list"],
        &["signer", "--repository", &repository, "list", "--json"],
        &["signer", "--repository", &repository, "retire", &settled.ada.fingerprint],
    ] {
        let ran = settled.world.cosmos(words);
        assert_plain(words, &ran);
        said.push_str(&ran.stdout);
        said.push_str(&ran.stderr);
    }
    assert!(said.contains("to sign: tag release-2"), "the release is shown: {said}");
    assert!(said.contains("Eve \\x1b[2J"), "the signers are listed: {said}");
    settled.world.write(&format!("global/overlay/etc/{HOSTILE}"), "x\n");
    settled.world.commit_unsigned("A name");
    let ran = settled.world.cosmos(&release);
    assert_plain(&release, &ran);
    assert!(ran.status != 0 && ran.stderr.contains("the name '\\x1b[2J"), "{ran:?}");
}
