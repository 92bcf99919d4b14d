//! Somebody who reads a page and types what it says: a home with the programs that the page takes for granted.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const COSMOS: &str = env!("CARGO_BIN_EXE_cosmos");

/// A reader. Their gpg asks for no passphrase, and `sudo` changes nothing: what is a host to them lies below their home.
pub struct Reader {
    home: PathBuf,
    variables: Vec<(&'static str, PathBuf)>,
}

impl Reader {
    /// Gives somebody a home.
    pub fn new(home: PathBuf) -> Self {
        for folder in ["bin", "host/etc", ".gnupg"] {
            fs::create_dir_all(home.join(folder)).expect("a folder");
        }
        fs::set_permissions(home.join(".gnupg"), fs::Permissions::from_mode(0o700)).expect("a private folder");
        let settings = "batch\npinentry-mode loopback\npassphrase \"\"\n";
        fs::write(home.join(".gnupg/gpg.conf"), settings).expect("settings");
        let reader = Self { home, variables: Vec::new() };
        reader.program("sudo", "exec \"$@\"");
        reader.program("cosmos", &format!("exec {COSMOS} \"$@\""));
        reader
    }

    /// Lets them use a variable.
    pub fn with(mut self, name: &'static str, value: PathBuf) -> Self {
        self.variables.push((name, value));
        self
    }

    /// Lets `cosmos` work on the host below their home, but for the commands `elsewhere`, which work in a repository.
    pub fn at_a_host(self, elsewhere: &[&str]) -> Self {
        let others = elsewhere.iter().map(|word| format!("[ \"$1\" != {word} ] || exec {COSMOS} \"$@\"\n"));
        let script = format!("{}exec {COSMOS} \"$@\" --root {}", others.collect::<String>(), self.host().display());
        self.program("cosmos", &script);
        self
    }

    /// Returns the root of their host.
    pub fn host(&self) -> PathBuf {
        self.home.join("host")
    }

    /// Writes a small program into a folder of the search path, and returns its path.
    pub fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.home.join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program that can be executed");
        path
    }

    /// Runs a script, which stops at the first command that fails; standard error has each command before its words.
    pub fn types(&self, script: &str) -> Output {
        self.shell("-eux", script)
    }

    /// Runs a script in a shell with these options.
    pub fn shell(&self, options: &str, script: &str) -> Output {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.home.join("bin").display());
        let mut command = Command::new("sh");
        command.args([options, "-c", script]).current_dir(&self.home).env_clear().envs(self.variables.iter().cloned());
        command.env("PATH", path).env("HOME", &self.home).env("LANG", "C.UTF-8").env("GIT_CONFIG_SYSTEM", "/dev/null");
        command.output().expect("a shell")
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shell("-e", "gpgconf --kill all");
    }
}

/// Returns a new folder whose name is short enough for the sockets of gpg.
pub fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("cosmos-").tempdir().expect("a folder")
}

/// Returns what a file holds.
pub fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a file")
}

/// Returns the shell blocks of a page, each with the word that says who types it.
pub fn blocks(page: &str) -> Vec<(&str, String)> {
    let mut blocks: Vec<(&str, String)> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        if let Some(who) = line.strip_prefix("```sh") {
            blocks.push((who.trim(), String::new()));
            inside = true;
        } else if line.starts_with("```") {
            inside = false;
        } else if inside {
            let (_, block) = blocks.last_mut().expect("a fence came before");
            *block += &format!("{line}\n");
        }
    }
    blocks
}

/// Returns the shell blocks of a page, one after the other.
pub fn commands(page: &str) -> String {
    blocks(page).into_iter().map(|(_, block)| block).collect()
}

#[test]
fn only_shell_blocks_are_commands() {
    let page = "text\n```sh operator\none\ntwo\n```\ntext\n```\noutput\n```\n```sh host\nthree\n```\n";
    assert_eq!(blocks(page), [("operator", "one\ntwo\n".to_owned()), ("host", "three\n".to_owned())]);
}
