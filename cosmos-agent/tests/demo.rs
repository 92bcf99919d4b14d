//! `cosmos demo`: it plays to its end, leaves nothing behind, and fails when the judge is broken.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use clap::Parser;
use cosmos_agent::cli::{Cli, Command};
use cosmos_agent::commands;
use cosmos_agent::demo::{self, DemoError, Narrator, example};
use cosmos_agent::exit::Status;

/// Plays the demonstration with the real agent, or one whose every command line is changed first.
fn play(place: &Path, change: impl Fn(&mut Cli)) -> Result<(), DemoError> {
    let agent = |mut cli: Cli| {
        change(&mut cli);
        commands::execute(cli)
    };
    demo::play(place, &agent, Narrator::for_terminal())
}

#[test]
fn the_demonstration_plays_to_its_end() {
    let place = tempfile::tempdir().unwrap();
    play(place.path(), |_| {}).unwrap();
}

#[test]
fn the_demonstration_fails_at_the_attackers_commit_when_nothing_is_verified() {
    let place = tempfile::tempdir().unwrap();
    let broken = play(place.path(), |cli| cli.global.insecure_skip_verification = true).unwrap_err();
    let command = format!("cosmos run --root {}", place.path().join("web1").display());
    let expected = format!("'{command}' ended with exit status 0, and the chapter says 3");
    assert_eq!(broken.to_string(), expected);
}

#[test]
fn the_demonstration_fails_when_a_refusal_is_only_said_and_the_change_is_made_all_the_same() {
    let place = tempfile::tempdir().unwrap();
    let runs = RefCell::new(0);
    let agent = |cli: Cli| {
        let forged_run = matches!(cli.command, Some(Command::Run(_))) && {
            *runs.borrow_mut() += 1;
            *runs.borrow() == 5
        };
        let root = cli.global.root.clone();
        let status = commands::execute(cli);
        if forged_run {
            let ssh = root.unwrap().join("root/.ssh");
            std::fs::create_dir_all(&ssh).unwrap();
            std::fs::write(ssh.join("authorized_keys"), "attacker\n").unwrap();
        }
        status
    };
    let broken = demo::play(place.path(), &agent, Narrator::for_terminal()).unwrap_err();
    assert!(
        matches!(&broken, DemoError::Touched { path, .. } if path == Path::new("root/.ssh/authorized_keys")),
        "{broken}"
    );
}

/// Runs a program in a folder with a keyring of its own, and returns whether it ended well and what it said.
fn tool(home: &Path, words: &[&str]) -> (bool, String) {
    let mut command = std::process::Command::new(words[0]);
    let output =
        command.args(&words[1..]).env("GNUPGHOME", home).env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn git_and_gpg_find_the_operators_signatures_good_and_the_renamed_tag_too() {
    if ["git", "gpg"].iter().any(|program| std::process::Command::new(program).arg("--version").output().is_err()) {
        eprintln!("skipped: git or gpg is not installed");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    play(place.path(), |_| {}).unwrap();
    let home = tempfile::tempdir().unwrap();
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let (at, server) = (|name: &str| place.path().join(name).display().to_string(), "server/fleet.git");
    let imported = tool(home.path(), &["gpg", "--batch", "--import", &at("ada.asc"), &at("kim.asc")]);
    assert!(imported.0, "{}", imported.1);
    for verb in [
        ["verify-commit", "main"],
        ["verify-commit", "main~1"],
        ["verify-tag", "release-2"],
        ["verify-tag", "release-3"],
    ] {
        let (good, said) = tool(home.path(), &["git", "-C", &at(server), verb[0], verb[1]]);
        assert!(good && said.contains("Good signature"), "{verb:?}: {said}");
    }
    let (sound, said) = tool(home.path(), &["git", "-C", &at(server), "fsck", "--strict"]);
    assert!(sound, "{said}");
}

#[test]
fn a_folder_that_is_not_empty_is_left_alone() {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("mine"), "mine\n").unwrap();
    let cli = Cli::try_parse_from(["cosmos".as_ref(), "demo".as_ref(), place.path().as_os_str()]).unwrap();
    assert_eq!(commands::execute(cli), Status::Usage);
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
}

#[test]
fn the_compiled_example_is_the_folder_example() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../example");
    let on_disk: BTreeSet<_> = walkdir::WalkDir::new(&top)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let executable = entry.metadata().unwrap().permissions().mode() & 0o111 != 0;
            (entry.path().strip_prefix(&top).unwrap().to_str().unwrap().to_owned(), executable)
        })
        .collect();
    let compiled: BTreeSet<_> = example::FILES.iter().map(|file| (file.path.to_owned(), file.executable)).collect();
    assert_eq!(compiled, on_disk);
}
