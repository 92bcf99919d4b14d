//! A fleet with a bare repository as its remote, operators with settings of their own, and hosts.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{NAME, Operator, Ran, World};

/// What is signed in a fleet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    Tags,
    Commits,
}

/// A world whose repository has a remote.
pub struct Fleet {
    pub world: World,
    pub signed: Signed,
    /// The introduction: the first commit.
    pub trust: String,
    pub founder: String,
}

impl Fleet {
    /// Starts a fleet of these operators, with one file for every host, pushed; in `tags` mode `release-1` is its
    /// first.
    pub fn new(world: World, signed: Signed, operators: &[&Operator]) -> Self {
        operators.iter().for_each(|operator| settings(&world, operator));
        let trust = world.found(operators);
        world.write("global/overlay/etc/motd", "hello\n");
        fs::create_dir(world.path("remote.git")).expect("a folder for the remote");
        let remote = world.path("remote.git").display().to_string();
        world.git(&["init", "--quiet", "--bare", "--initial-branch=main", &remote]);
        world.git(&["remote", "add", "origin", &remote]);
        match signed {
            Signed::Commits => drop(world.commit(operators[0], "Say hello")),
            Signed::Tags => {
                world.commit_unsigned("Say hello");
                world.tag(operators[0], "release-1");
            }
        }
        world.git(&["push", "--quiet", "origin", "main", "--tags"]);
        Self { world, signed, trust, founder: operators[0].fingerprint.clone() }
    }

    /// Runs the agent in the clone, as an operator would: with their own settings, gpg home and path.
    pub fn by(&self, operator: &Operator, words: &[&str]) -> Ran {
        self.world.run(self.command(operator).args(words))
    }

    /// Returns the agent as an operator starts it.
    pub fn command(&self, operator: &Operator) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cosmos"));
        self.as_started_by(operator, &mut command);
        command
    }

    /// Gives a program the folder and environment in which an operator starts it.
    pub fn as_started_by<'c>(&self, operator: &Operator, command: &'c mut Command) -> &'c mut Command {
        command.current_dir(self.world.repo()).env("TZ", "UTC").env("LANG", "C.UTF-8").env_remove("COLUMNS");
        command.env("GNUPGHOME", &operator.home).env("HOME", self.world.path("")).env_remove("GPG_TTY");
        command.env("GIT_CONFIG_GLOBAL", config(&self.world, operator)).env("GIT_CONFIG_SYSTEM", "/dev/null")
    }

    /// Releases without questions and expects success.
    #[track_caller]
    pub fn release(&self, operator: &Operator, words: &[&str]) -> Ran {
        let ran = self.by(operator, &[&["release", "--yes"], words].concat());
        assert_eq!(ran.status, 0, "{ran:?}");
        ran
    }

    /// Tells the clone whom to believe, without releasing anything.
    #[track_caller]
    pub fn believe(&self, operator: &Operator, more: &[&str]) {
        let introduction = format!("{}:{}", self.trust, self.founder);
        let mut words = vec!["release", "--dry-run", "--trust", &introduction];
        if self.signed == Signed::Tags {
            words.extend(["--tags", "release-*"]);
        }
        words.extend(more);
        let ran = self.by(operator, &words);
        assert!(self.world.repo().join(".git/cosmos/trust.toml").exists(), "{ran:?}");
    }

    /// Introduces a host to the remote and expects that nothing is refused there.
    pub fn host(&self, more: &[&str]) -> PathBuf {
        self.introduce(more, 0)
    }

    /// Introduces a host to the remote.
    #[track_caller]
    pub fn introduce(&self, more: &[&str], status: i32) -> PathBuf {
        let root = self.world.host(NAME);
        let introduction = format!("{}:{}", self.trust, self.founder);
        let remote = self.world.path("remote.git").display().to_string();
        let mut words = vec!["clone", &remote, "--trust", &introduction, "--fqdn", NAME];
        if self.signed == Signed::Tags {
            words.extend(["--tags", "release-*"]);
        }
        words.extend(more);
        let cloned = self.world.on(&root, &words);
        assert_eq!(cloned.status, status, "{cloned:?}");
        root
    }

    /// Returns what the remote's refs point at, one line each.
    pub fn remote_refs(&self) -> String {
        self.world.git(&["ls-remote", "origin"])
    }

    /// Returns the first line of a tag's message on the remote.
    pub fn statement(&self, tag: &str) -> String {
        let remote = self.world.path("remote.git").display().to_string();
        let text = self.world.git(&[
            "--git-dir",
            &remote,
            "for-each-ref",
            "--format=%(contents)",
            &format!("refs/tags/{tag}"),
        ]);
        text.lines().next().unwrap_or_default().to_owned()
    }
}

fn config(world: &World, operator: &Operator) -> PathBuf {
    world.path(&format!("gitconfig-{}", operator.name))
}

/// Writes an operator's own git settings.
fn settings(world: &World, operator: &Operator) {
    let (name, key) = (&operator.name, &operator.fingerprint);
    let text = format!("[user]\n\tname = {name}\n\temail = {name}@example.org\n\tsigningKey = {key}\n");
    fs::write(config(world, operator), text).expect("git settings");
}
