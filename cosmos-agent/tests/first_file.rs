//! docs/first-file.md, literally: every command of the page, in order, in one shell.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const PAGE: &str = include_str!("../../docs/first-file.md");

/// What the page promises.
const PROMISED: Duration = Duration::from_secs(120);

/// Returns the shell blocks of a page, one after the other.
fn commands(page: &str) -> String {
    let mut inside = false;
    let lines = page.lines().filter(|line| {
        let fence = line.starts_with("```");
        inside = if fence { line.starts_with("```sh") } else { inside };
        inside && !fence
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Writes a small program into a folder of the search path.
fn program(folder: &Path, name: &str, script: &str) {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
}

/// Runs a script as the page's reader would, on a host that lies below `home/host`.
fn shell(home: &Path, script: &str) -> Output {
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", home.join("bin").display());
    let mut command = Command::new("sh");
    command.args(["-eux", "-c", script]).current_dir(home).env_clear();
    command.env("PATH", path).env("HOME", home).env("LANG", "C.UTF-8").output().expect("a program")
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// Prepares a reader: no passphrase to type, no root to be, a host of their own.
fn reader(home: &Path) {
    for folder in ["bin", "host/etc"] {
        fs::create_dir_all(home.join(folder)).expect("a folder");
    }
    fs::create_dir(home.join(".gnupg")).expect("a folder");
    fs::set_permissions(home.join(".gnupg"), fs::Permissions::from_mode(0o700)).expect("a mode");
    fs::write(home.join(".gnupg/gpg.conf"), "batch\npinentry-mode loopback\npassphrase \"\"\n").expect("a file");
    let (cosmos, root) = (env!("CARGO_BIN_EXE_cosmos"), home.join("host"));
    let on_the_host = format!("exec {cosmos} \"$@\" --root {}", root.display());
    program(&home.join("bin"), "cosmos", &format!("case $1 in init) exec {cosmos} \"$@\" ;; esac\n{on_the_host}"));
    program(&home.join("bin"), "sudo", "exec \"$@\"");
}

#[test]
fn the_page_for_the_first_file_works_as_it_stands_in_under_two_minutes() {
    if let Some(missing) = ["git", "gpg"].into_iter().find(|program| !is_installed(program)) {
        eprintln!("skipped: {missing} is not installed");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    reader(home.path());
    let started = Instant::now();
    let page = shell(home.path(), &commands(PAGE));
    let took = started.elapsed();
    let unsigned = shell(home.path(), "cd fleet; git commit --quiet --allow-empty -m unsigned; sudo cosmos run");
    shell(home.path(), "gpgconf --kill all");

    assert!(page.status.success(), "{}", String::from_utf8_lossy(&page.stderr));
    let motd = fs::read_to_string(home.path().join("host/etc/motd")).unwrap();
    assert_eq!(motd, "This host is kept by Cosmos. Questions? Ask Ada.\n");
    assert!(took < PROMISED, "took {took:?}");
    assert_eq!(unsigned.status.code(), Some(3), "{}", String::from_utf8_lossy(&unsigned.stderr));
}

#[test]
fn only_shell_blocks_are_commands() {
    assert_eq!(
        commands("text\n```sh operator\none\ntwo\n```\ntext\n```\noutput\n```\n```sh host\nthree\n```\n"),
        "one\ntwo\nthree\n"
    );
}
