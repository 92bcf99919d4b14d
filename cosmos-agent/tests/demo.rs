//! `cosmos demo`: it plays to its end, leaves nothing behind, and fails when the judge is broken.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use clap::Parser;
use cosmos_agent::cli::{Cli, Command};
use cosmos_agent::commands;
use cosmos_agent::demo::{self, DemoError, Narrator, example};
use cosmos_agent::exit::Status;

#[test]
fn the_demonstration_plays_to_its_end() {
    let place = tempfile::tempdir().unwrap();
    demo::play(place.path(), &commands::execute, Narrator::for_terminal()).unwrap();
}

/// Which `cosmos run` of the story meets the attacker's unsigned commit.
const RUN_OF_THE_ATTACK: usize = 5;

/// Plays the demonstration, and hands the run that meets the attack over to `broken`.
fn play_with_broken_attack(place: &Path, broken: impl Fn(Cli) -> Status) -> Result<(), DemoError> {
    let runs = Cell::new(0);
    let agent = |cli: Cli| {
        runs.set(runs.get() + usize::from(matches!(cli.command, Some(Command::Run(_)))));
        if runs.get() == RUN_OF_THE_ATTACK { broken(cli) } else { commands::execute(cli) }
    };
    demo::play(place, &agent, Narrator::for_terminal())
}

/// Runs a command on the host `root`, as the story does.
fn cosmos(root: &Path, command: &str) -> Status {
    let root = root.to_str().expect("a path");
    commands::execute(Cli::try_parse_from(["cosmos", command, "--root", root]).expect("a command line"))
}

/// Writes into the judge's memory what a judge that believes everybody would: the forged commit is accepted.
fn believe(root: &Path, server: &Path) {
    let repository = git2::Repository::open(server).expect("a repository");
    let forged = repository.find_reference("refs/heads/main").expect("a commit").peel_to_commit().expect("a commit");
    let file = root.join("var/lib/cosmos/state.json");
    let mut state: serde_json::Value = serde_json::from_slice(&fs::read(&file).expect("a file")).expect("a file");
    // The log holds the accepted commit, too, so that a state that was put back is noticed (T1).
    let log = root.join("var/lib/cosmos/log.jsonl");
    let accepted = state["trust"]["accepted"]["commit"].as_str().expect("a commit");
    fs::write(&log, fs::read_to_string(&log).expect("a file").replace(accepted, &forged.id().to_string()))
        .expect("a file");
    state["trust"]["accepted"]["commit"] = forged.id().to_string().into();
    state["trust"]["accepted"]["tree"] = forged.tree_id().to_string().into();
    state["trust"]["refused"] = serde_json::json!([]);
    fs::write(&file, serde_json::to_vec(&state).expect("a file")).expect("a file");
}

#[test]
fn the_demonstration_fails_when_the_judge_believes_an_unsigned_commit_a1() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("web1");
    let broken = play_with_broken_attack(place.path(), |_| {
        assert_eq!(cosmos(&root, "update"), Status::Refused);
        believe(&root, &place.path().join("server/fleet.git"));
        cosmos(&root, "apply")
    });
    let expected = format!("'cosmos run --root {}' ended with exit status 0, and the chapter says 3", root.display());
    assert_eq!(broken.unwrap_err().to_string(), expected);
    let key = fs::read_to_string(root.join("root/.ssh/authorized_keys")).unwrap();
    assert!(key.ends_with("attacker.example\n"), "the broken judge let nothing through: {key}");
}

#[test]
fn the_demonstration_fails_when_a_refusal_is_only_said_and_the_change_is_made_all_the_same() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("web1");
    let broken = play_with_broken_attack(place.path(), |cli| {
        fs::create_dir_all(root.join("root/.ssh")).unwrap();
        fs::write(root.join("root/.ssh/authorized_keys"), "attacker\n").unwrap();
        commands::execute(cli)
    });
    let broken = broken.unwrap_err();
    let touched = Path::new("root/.ssh/authorized_keys");
    assert!(matches!(&broken, DemoError::Touched { path, .. } if path == touched), "{broken}");
}

/// Runs a program in a folder with a keyring of its own, and returns whether it ended well and what it said.
fn tool(home: &Path, words: &[&str]) -> (bool, String) {
    let mut command = std::process::Command::new(words[0]);
    let output = command
        .args(&words[1..])
        .env("GNUPGHOME", home)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("a program");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn git_and_gpg_find_the_operators_signatures_good_and_the_renamed_tag_too() {
    if ["git", "gpg"].iter().any(|program| std::process::Command::new(program).arg("--version").output().is_err()) {
        eprintln!("skipped: git or gpg is not installed");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    demo::play(place.path(), &commands::execute, Narrator::for_terminal()).unwrap();
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
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
    fs::write(place.path().join("mine"), "mine\n").unwrap();
    let cli = Cli::try_parse_from(["cosmos".as_ref(), "demo".as_ref(), place.path().as_os_str()]).unwrap();
    assert_eq!(commands::execute(cli), Status::Usage);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
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

#[test]
fn without_a_folder_the_demonstration_leaves_nothing_behind() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cosmos"));
    let child = command.arg("demo").stdout(std::process::Stdio::piped()).spawn().unwrap();
    let place = std::env::temp_dir().join(format!("cosmos-demo-{}", child.id()));
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.starts_with(&format!("Everything below happens in {},", place.display())), "{said}");
    assert!(!place.exists());
}
