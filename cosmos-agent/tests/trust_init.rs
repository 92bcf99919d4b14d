//! `cosmos trust init`: what it says of a repository's past, what it writes, and that hosts start from it.

mod support;

use std::fs;

use support::{NAME, Operator, Ran, World, executable, put, read};

/// A repository with a past: commits nobody signed, one by a stranger, and releases of every kind.
struct Past {
    world: World,
    ada: Operator,
    certificate: String,
}

fn past() -> Past {
    let world = World::new();
    world.repo();
    world.git(&["init", "--quiet", "--initial-branch=main", "."]);
    let (ada, bob) = (world.operator("ada", "ed25519"), world.operator("bob", "ed25519"));
    world.write("global/overlay/etc/motd", "hello\n");
    (0..4).for_each(|number| drop(world.commit_unsigned(&format!("Change {number}"))));
    world.tag(&ada, "release-1");
    world.commit(&bob, "By a stranger");
    world.git(&["tag", "-m", "Nobody's", "release-2"]);
    world.commit(&ada, "By Ada");
    world.git(&["tag", "release-3"]);
    world.tag(&bob, "release-4");
    let certificate = world.certificate(&ada).display().to_string();
    Past { world, ada, certificate }
}

impl Past {
    fn init(&self, words: &[&str]) -> Ran {
        let repo = self.world.repo().display().to_string();
        self.world.cosmos(&[&["trust", "init", &repo], words].concat())
    }

    /// Types what was printed: git's lines as the operator, `cosmos clone` on a new host.
    fn type_in(&self, line: &str) -> Ran {
        let typed = line.replace("[world]", &self.world.path("").display().to_string());
        let script = format!("set -e; {}", typed.replace("cosmos ", &format!("{} ", env!("CARGO_BIN_EXE_cosmos"))));
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .env("GNUPGHOME", &self.ada.home)
            .envs(["AUTHOR", "COMMITTER"].map(|role| (format!("GIT_{role}_NAME"), "Ada")))
            .envs(["AUTHOR", "COMMITTER"].map(|role| (format!("GIT_{role}_EMAIL"), "ada@example.org")))
            .output()
            .expect("a shell");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran { status: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Follows the commands that `ran` prints, and returns what the last of them, `trust init` again, says.
    fn follow(&self, ran: &Ran) -> Ran {
        let commands: Vec<&str> = ran.stdout.lines().filter_map(|line| line.strip_prefix("    ")).collect();
        let commands: Vec<&str> =
            commands.into_iter().filter(|line| line.starts_with("git ") || line.starts_with("cosmos ")).collect();
        let mut last = ran.clone();
        for line in commands {
            last = self.type_in(line);
            assert_eq!(last.status, 0, "{line}: {last:?}");
        }
        last
    }

    /// Lets a new host start by the line that `started` prints.
    fn host(&self, started: &Ran) -> std::path::PathBuf {
        let line = started.stdout.lines().find_map(|line| line.strip_prefix("    ")).expect("a command");
        let root = self.world.host(NAME);
        let url = self.world.repo().display().to_string();
        let line = line.replace(" URL ", &format!(" {url} "));
        let cloned = self.type_in(&format!("{line} --fqdn {NAME} --root {}", root.display()));
        assert_eq!(cloned.status, 0, "{line}: {cloned:?}");
        root
    }

    fn neutral(&self, ran: &Ran) -> String {
        let mut text = format!("{}{}", ran.stdout, ran.stderr);
        let log = self.world.git(&["log", "--format=%H %s"]);
        for (id, subject) in log.lines().filter_map(|line| line.split_once(' ')) {
            text = text.replace(&id[..12], &format!("[{subject}]"));
        }
        for tag in ["release-1", "release-2", "release-4"] {
            let id = self.world.git(&["rev-parse", tag]);
            text = text.replace(&id[..12], "[tag]");
        }
        text.replace(&self.ada.fingerprint, "[ada]")
    }
}

#[test]
fn a_past_is_told_by_mode_and_reason_and_the_next_commands_are_printed() {
    let past = past();
    let ran = past.init(&["--signer", &past.certificate]);
    assert_eq!(ran.status, 0, "{ran:?}");
    insta::assert_snapshot!(past.neutral(&ran));
    let all = past.init(&["--signer", &past.certificate, "--force", "-v", "-n"]);
    assert_eq!(all.stdout.matches("it carries no signature").count(), 4 + 1 + 2, "{all:?}");
}

#[test]
fn years_of_unsigned_history_start_from_today_by_signed_tags() {
    let past = past();
    let started = past.follow(&past.init(&["--signer", &past.certificate]));
    assert!(started.stdout.contains(&format!(":{} --tags 'release-*'\n", past.ada.fingerprint)), "{started:?}");
    let host = past.host(&started);
    past.world.on(&host, &["run"]).prints("+ etc/motd\n");
    past.world.write("global/overlay/etc/motd", "owned\n");
    past.world.commit_unsigned("Owned");
    past.world.git(&["tag", "-m", "Owned", "release-99"]);
    assert_eq!(past.world.on(&host, &["run"]).status, 3);
    assert_eq!(read(&host, "etc/motd"), "hello\n");
}

#[test]
fn years_of_unsigned_history_start_from_today_by_signed_commits() {
    let past = past();
    let started = past.follow(&past.init(&["--signer", &past.certificate, "--mode", "commits"]));
    assert!(
        started.stdout.ends_with(&format!("--trust {}:{}\n", past.world.head(), past.ada.fingerprint)),
        "{started:?}"
    );
    let host = past.host(&started);
    past.world.on(&host, &["run"]).prints("+ etc/motd\n");
    past.world.write("global/overlay/etc/motd", "owned\n");
    past.world.commit_unsigned("Owned");
    assert_eq!(past.world.on(&host, &["run"]).status, 3);
    past.init(&["--mode", "commits"]).complains(
        3,
        &format!(
            "error: hosts would refuse to start from {head}: the introduction {head} was not signed by {}: it carries no \
             signature\nhint: sign it and say the same again: git commit --amend --no-edit --gpg-sign, for releases git \
             tag --sign\n",
            past.ada.fingerprint,
            head = past.world.head(),
        ),
    );
}

#[test]
fn signers_are_found_in_a_classic_keys_folder_and_chosen_by_their_fingerprints() {
    let past = past();
    let cert = fs::read_to_string(&past.certificate).expect("a certificate");
    past.world.write("global/overlay/etc/cosmos/keys/ada.pub", &cert);
    past.world.write("global/overlay/etc/cosmos/keys/broken.pub", "no certificate\n");
    past.world.commit_unsigned("Keys");
    let json = |words: &[&str]| -> serde_json::Value {
        let ran = past.init(&[&["--json", "-n"], words].concat());
        serde_json::from_str::<serde_json::Value>(&ran.stdout).expect("JSON")["trust init"].clone()
    };
    for words in [vec![], vec!["--signer", past.ada.fingerprint.as_str()]] {
        let body = json(&words);
        assert_eq!(body["signers"], serde_json::json!([past.ada.fingerprint]));
        assert_eq!(
            (&body["mode"], &body["commits"]["judged"], &body["tags"]["judged"]),
            (&"tags".into(), &7.into(), &4.into())
        );
        assert_eq!(body["commits"]["refused"].as_array().map(Vec::len), Some(6));
        let refused: Vec<_> =
            body["tags"]["refused"].as_array().expect("a list").iter().map(|one| &one["reference"]).collect();
        assert_eq!(refused, ["refs/tags/release-2", "refs/tags/release-3", "refs/tags/release-4"]);
    }
    let stranger = "0".repeat(40);
    let message =
        format!("error: '{stranger}' is neither a file nor a whole fingerprint in 'global/overlay/etc/cosmos/keys'\n");
    let ran = past.init(&["--signer", &stranger]);
    assert!(ran.status == 2 && ran.stderr.starts_with(&message), "{ran:?}");
}

#[test]
fn nobody_to_sign_and_a_policy_that_is_there_are_mistakes() {
    let past = past();
    past.init(&[]).complains(
        2,
        "error: nothing says who may sign from today\nhint: say who: --signer FILE, from 'gpg --armor --export ADDRESS > FILE'\n",
    );
    put(&past.world.repo(), "openpgp-policy.toml", "mine\n");
    let refused = past.init(&["--signer", &past.certificate]);
    assert!(refused.status == 2 && refused.stderr.contains("exists already and is not replaced"), "{refused:?}");
    assert_eq!(read(&past.world.repo(), "openpgp-policy.toml"), "mine\n");
    assert_eq!(past.init(&["--signer", &past.certificate, "--force"]).status, 0);
    assert!(read(&past.world.repo(), "openpgp-policy.toml").contains("[authorization.ada]"));
}

#[test]
fn nothing_of_the_clone_is_executed_and_no_link_in_it_is_written_through_a52() {
    let past = past();
    let repo = past.world.repo();
    let marker = past.world.path("executed");
    for name in ["hooks/post-checkout", "hooks/pre-commit", "fsmonitor", "filter"] {
        put(&repo.join(".git"), name, &format!("#!/bin/sh\ntouch '{}'\ncat\n", marker.display()));
        executable(&repo.join(".git").join(name));
    }
    for (key, program) in [("core.fsmonitor", "fsmonitor"), ("filter.x.smudge", "filter"), ("filter.x.clean", "filter")]
    {
        past.world.git(&["config", key, &repo.join(".git").join(program).display().to_string()]);
    }
    put(&repo, ".gitattributes", "* filter=x\n");
    let outside = past.world.path("outside");
    std::os::unix::fs::symlink(&outside, repo.join("openpgp-policy.toml")).expect("a link");
    let ran = past.init(&["--signer", &past.certificate, "--force"]);
    assert_eq!((ran.status, marker.exists(), outside.exists()), (0, false, false), "{ran:?}");
    assert!(read(&repo, "openpgp-policy.toml").contains("[authorization.ada]"));
}
