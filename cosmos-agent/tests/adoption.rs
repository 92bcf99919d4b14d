//! docs/adoption.md, literally: a repository with an unsigned past, and every command of the page in order, in one
//! shell.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

const PAGE: &str = include_str!("../../docs/adoption.md");

/// What is there before the page begins: a key, a server, and a clone with a past.
const PAST: &str = r#"
gpg --quick-generate-key 'Ada <ada@example.org>' ed25519 sign 2y
git config --global user.name Ada
git config --global user.email ada@example.org
git init --quiet --bare --initial-branch=main server.git
git clone --quiet "$PWD/server.git" fleet
cd fleet
mkdir -p global/overlay/etc
for year in 2013 2014 2015; do
    echo "Since $year" > global/overlay/etc/motd
    git add global
    git commit --quiet -m "As it was in $year"
done
git tag -m 'Nobody signed it' release-0
git push --quiet origin main release-0
"#;

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

fn shell(home: &Path, script: &str) -> Output {
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", home.join("bin").display());
    let mut command = Command::new("sh");
    command.args(["-eux", "-c", script]).current_dir(home).env_clear().env("GIT_CONFIG_SYSTEM", "/dev/null");
    command.env("PATH", path).env("HOME", home).env("LANG", "C.UTF-8").output().expect("a shell")
}

/// Writes a small program into a folder of the search path.
fn program(home: &Path, name: &str, script: &str) {
    let path = home.join("bin").join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a program");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a program that can be executed");
}

/// Runs the page, and then `more` in the same home; returns what both printed.
fn read_page(home: &Path, more: &str) -> [Output; 2] {
    for folder in ["bin", "host/etc", ".gnupg"] {
        fs::create_dir_all(home.join(folder)).expect("a folder");
    }
    fs::set_permissions(home.join(".gnupg"), fs::Permissions::from_mode(0o700)).expect("a private folder");
    let settings = "batch\npinentry-mode loopback\npassphrase \"\"\n";
    fs::write(home.join(".gnupg/gpg.conf"), settings).expect("settings");
    let cosmos = env!("CARGO_BIN_EXE_cosmos");
    let on_the_host = format!("exec {cosmos} \"$@\" --root {}", home.join("host").display());
    program(home, "cosmos", &format!("case $1 in trust|fleet) exec {cosmos} \"$@\" ;; esac\n{on_the_host}"));
    program(home, "sudo", "exec \"$@\"");
    let past = shell(home, PAST);
    assert!(past.status.success(), "{}", String::from_utf8_lossy(&past.stderr));
    let page = shell(home, &commands(PAGE));
    let after = shell(home, more);
    shell(home, "gpgconf --kill all");
    [page, after]
}

#[test]
fn every_command_of_the_adoption_page_works_as_it_stands_and_an_unsigned_release_is_refused_afterwards() {
    let home = tempfile::Builder::new().prefix("cosmos-").tempdir().expect("a folder");
    let unsigned = "cd fleet; echo owned > global/overlay/etc/motd; git commit --quiet -am Owned; \
                    git tag -m Owned release-3; git push --quiet origin main release-3; sudo cosmos run";
    let [page, after] = read_page(home.path(), unsigned);
    let said = String::from_utf8_lossy(&page.stdout);
    assert!(page.status.success(), "{said}{}", String::from_utf8_lossy(&page.stderr));
    for line in [
        "commits of 'main': 3 of 3",
        "tags 'release-*': 1 of 1",
        "Hosts start from here: judged as a host would judge it, and good. On each host:",
        "+ etc/motd",
        "~ etc/motd",
    ] {
        assert!(said.lines().any(|printed| printed == line), "'{line}' in:\n{said}");
    }
    assert!(said.contains(" (testing/web1.example.org/1), signed "), "{said}");
    assert!(said.contains("tags 'release-*': 1 of 1 host at release-2 ("), "{said}");
    assert_eq!(after.status.code(), Some(3), "{}", String::from_utf8_lossy(&after.stderr));
    let motd = fs::read_to_string(home.path().join("host/etc/motd")).expect("a file");
    assert_eq!(motd, "trying something\n");
}
