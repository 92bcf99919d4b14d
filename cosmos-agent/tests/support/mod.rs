//! A world for one test: operators with real gpg keys, a repository made by real git, and hosts that are folders.
//!
//! Nothing here needs root or a network; everything lies in one temporary folder that goes with the test.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

mod before;
mod operators;
pub mod port;

pub use before::Before;

/// Someone who may sign: a gpg home with one key.
pub struct Operator {
    pub name: String,
    pub home: PathBuf,
    pub fingerprint: String,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// One test's folder: `repo/` is the operators' clone, `hosts/` the machines.
pub struct World {
    folder: tempfile::TempDir,
    operators: std::cell::RefCell<Vec<PathBuf>>,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("cosmos-").tempdir().expect("a temporary folder");
        let world = Self { folder, operators: std::cell::RefCell::default() };
        world.git(&["init", "--quiet", "--initial-branch=main", "."]);
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn repo(&self) -> PathBuf {
        let repo = self.path("repo");
        fs::create_dir_all(&repo).expect("a folder for the repository");
        repo
    }

    /// Makes an operator with a real gpg key: `ed25519`, `rsa3072`, `nistp256`.
    pub fn operator(&self, name: &str, algorithm: &str) -> Operator {
        self.make_operator(name, algorithm, 0, "never")
    }

    /// Makes an operator whose key is some days old.
    pub fn operator_since(&self, name: &str, days: i64) -> Operator {
        self.make_operator(name, "ed25519", days, "never")
    }

    /// Sets the operator's clock back by some days.
    pub fn set_clock(&self, operator: &Operator, days: i64) {
        fs::write(operator.home.join("gpg.conf"), format!("faked-system-time {}!\n", days_ago(days)))
            .expect("settings");
    }

    fn make_operator(&self, name: &str, algorithm: &str, days: i64, lasts: &str) -> Operator {
        let home = self.gpg_home(name);
        let user = format!("{name} <{name}@example.org>");
        let generate = ["--batch", "--passphrase", "", "--quick-generate-key", &user, algorithm, "sign", lasts];
        let clock = ["--faked-system-time", &days_ago(days)];
        let clock = if days > 0 { &clock[..] } else { &[] };
        assert_success(gpg(&home).args(clock).args(generate).output(), "gpg --quick-generate-key");
        let listing = gpg(&home).args(["--with-colons", "--list-keys"]).output().expect("gpg runs");
        let listing = String::from_utf8(listing.stdout).expect("gpg prints text");
        let fingerprint = listing.lines().find_map(|line| line.strip_prefix("fpr:::::::::")).expect("a fingerprint");
        Operator { name: name.into(), home, fingerprint: fingerprint.trim_end_matches(':').into() }
    }

    /// Writes the operator's certificate to a file and returns its path.
    pub fn certificate(&self, operator: &Operator) -> PathBuf {
        let path = self.path(&format!("{}.asc", operator.name));
        let exported = gpg(&operator.home).args(["--armor", "--export"]).output().expect("gpg runs");
        fs::write(&path, exported.stdout).expect("a certificate file");
        path
    }

    /// Starts the repository: fleet and policy for these operators, and one signed commit by the first.
    pub fn found(&self, operators: &[&Operator]) -> String {
        let repo = self.repo();
        let mut words = vec!["init".to_owned(), repo.display().to_string(), "--fleet".into(), "test".into()];
        for operator in operators {
            words.extend(["--signer".into(), self.certificate(operator).display().to_string()]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(self.cosmos(&words).status, 0, "cosmos init");
        self.commit(operators[0], "Start the fleet")
    }

    /// Writes a file of the repository, executable when it is a task.
    pub fn write(&self, path: &str, content: &str) {
        let path = self.repo().join(path);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("folders");
        fs::write(&path, content).expect("a file");
        if content.starts_with("#!") {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("an executable file");
        }
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.repo().join(path)).expect("a file to remove");
    }

    /// Commits everything, signed by `operator`, and returns the id.
    pub fn commit(&self, operator: &Operator, message: &str) -> String {
        self.git(&["add", "--all"]);
        let sign = format!("-S{}", operator.fingerprint);
        self.git_as(operator, &["commit", "--quiet", "--allow-empty", &sign, "-m", message]);
        self.head()
    }

    /// Commits everything without a signature.
    pub fn commit_unsigned(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.head()
    }

    /// Makes a signed annotated tag on HEAD.
    pub fn tag(&self, operator: &Operator, name: &str) {
        self.git_as(operator, &["tag", "-u", &operator.fingerprint, "-m", name, name]);
    }

    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    pub fn git(&self, words: &[&str]) -> String {
        let output = git_command(&self.repo()).args(words).output();
        assert_success(output, &format!("git {words:?}"))
    }

    pub fn git_as(&self, operator: &Operator, words: &[&str]) -> String {
        let output = git_command(&self.repo()).env("GNUPGHOME", &operator.home).args(words).output();
        assert_success(output, &format!("git {words:?}"))
    }

    /// Returns the root folder of a host.
    pub fn host(&self, name: &str) -> PathBuf {
        let root = self.path("hosts").join(name);
        fs::create_dir_all(&root).expect("a host's root");
        root
    }

    /// Introduces a host to the repository by path and expects success.
    pub fn clone_host(&self, name: &str, trust: &str, operator: &Operator) -> PathBuf {
        let root = self.host(name);
        let ran =
            self.on(&root, &self.clone_words(name, trust, operator).iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(ran.status, 0, "cosmos clone: {ran:?}");
        root
    }

    /// Returns the words of the clone command, for tests that change one of them.
    pub fn clone_words(&self, name: &str, trust: &str, operator: &Operator) -> Vec<String> {
        let introduction = format!("{trust}:{}", operator.fingerprint);
        ["clone", &self.repo().display().to_string(), "--trust", &introduction, "--fqdn", name]
            .map(str::to_owned)
            .into()
    }

    /// Runs the agent on the host below `root`.
    pub fn on(&self, root: &Path, words: &[&str]) -> Ran {
        let root = root.display().to_string();
        let mut all = vec!["--root", &root];
        all.extend_from_slice(words);
        self.cosmos(&all)
    }

    /// Runs the agent.
    pub fn cosmos(&self, words: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cosmos"));
        self.run(command.args(words).env("TZ", "UTC").env_remove("COLUMNS").env("LANG", "C.UTF-8"))
    }

    /// Runs a program.
    pub fn run(&self, command: &mut Command) -> Ran {
        let output = command.stdin(std::process::Stdio::null()).output().expect("the program runs");
        Ran {
            status: output.status.code().unwrap_or(-1),
            stdout: self.neutral(&output.stdout),
            stderr: self.neutral(&output.stderr),
        }
    }

    /// Replaces what differs from test to test: the folder's name.
    fn neutral(&self, bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).replace(&self.folder.path().display().to_string(), "[world]")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // gpg starts an agent for each home; it ends when it is told to.
        for home in self.operators.borrow().iter() {
            let _ = Command::new("gpgconf").arg("--homedir").arg(home).args(["--kill", "all"]).status();
        }
    }
}

fn git_command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Operator").env(format!("GIT_{role}_EMAIL"), "operator@example.org");
    }
    command
}

/// Returns a time as gpg reads it.
fn days_ago(days: i64) -> String {
    let then = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
    then.strftime("%Y%m%dT%H%M%S").to_string()
}

fn gpg(home: &Path) -> Command {
    let mut command = Command::new("gpg");
    command.arg("--homedir").arg(home).arg("--quiet");
    command
}

fn assert_success(output: std::io::Result<Output>, what: &str) -> String {
    let output = output.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Returns every path below `root` with its type, mode and content or target, to compare trees.
pub fn tree(root: &Path) -> Vec<String> {
    let mut lines: Vec<String> = walkdir::WalkDir::new(root)
        .min_depth(1)
        .into_iter()
        .map(|entry| {
            let entry = entry.expect("a readable tree");
            let metadata = entry.path().symlink_metadata().expect("metadata");
            let name = entry.path().strip_prefix(root).expect("below the root").display().to_string();
            let mode = metadata.permissions().mode() & 0o7777;
            match metadata {
                m if m.is_dir() => format!("{name}/ {mode:o}"),
                m if m.is_symlink() => format!("{name} -> {}", fs::read_link(entry.path()).expect("a link").display()),
                _ => format!("{name} {mode:o} {:?}", String::from_utf8_lossy(&fs::read(entry.path()).expect("a file"))),
            }
        })
        .collect();
    lines.sort();
    lines
}

/// Returns the tree without what any run may write: state, log, refs, lock and stamp, and the object store.
pub fn kept(root: &Path) -> Vec<String> {
    let changing = ["var/cache", "var/lib/cosmos/state.json", "var/lib/cosmos/log.jsonl", "var/lib/cosmos/refs", "run"];
    tree(root).into_iter().filter(|line| !changing.iter().any(|start| line.starts_with(start))).collect()
}

/// Writes a file below a host's root.
pub fn put(root: &Path, path: &str, content: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a file has a folder")).expect("folders");
    fs::write(path, content).expect("a file");
}

/// Reads a file below a host's root.
pub fn read(root: &Path, path: &str) -> String {
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

impl Ran {
    /// Asserts status and standard error as a whole.
    #[track_caller]
    pub fn complains(&self, status: i32, stderr: &str) {
        assert_eq!((self.status, self.stderr.as_str()), (status, stderr), "{self:?}");
    }

    /// Asserts that all went well, and what was printed.
    #[track_caller]
    pub fn prints(&self, stdout: &str) {
        assert_eq!((self.status, self.stdout.as_str(), self.stderr.as_str()), (0, stdout, ""), "{self:?}");
    }
}

/// A fleet of one operator who signs every commit, and a host that converged: `etc/motd` says hello.
pub struct Settled {
    pub world: World,
    pub ada: Operator,
    pub trust: String,
    pub host: PathBuf,
}

impl Settled {
    pub fn new() -> Self {
        let world = World::new();
        let ada = world.operator("ada", "ed25519");
        Self::with(world, ada)
    }

    /// As [`Settled::new`], with an operator made already.
    pub fn with(world: World, ada: Operator) -> Self {
        Self::with_others(world, ada, &[])
    }

    /// As [`Settled::with`], and others who may sign, too.
    pub fn with_others(world: World, ada: Operator, others: &[&Operator]) -> Self {
        let signers: Vec<&Operator> = [&ada].into_iter().chain(others.iter().copied()).collect();
        let trust = world.found(&signers);
        world.write("global/overlay/etc/motd", "hello\n");
        world.commit(&ada, "Say hello");
        let host = world.clone_host(NAME, &trust, &ada);
        world.on(&host, &["run"]).prints("+ etc/motd\n");
        Self { world, ada, trust, host }
    }

    /// As [`Settled::new`], for a fleet that signs release tags; `release-1` is applied.
    pub fn by_tags() -> Self {
        let world = World::new();
        let ada = world.operator("ada", "ed25519");
        Self::by_tags_with(world, ada, &[])
    }

    /// As [`Settled::by_tags`], with an operator made already, and others who may sign, too.
    pub fn by_tags_with(world: World, ada: Operator, others: &[&Operator]) -> Self {
        let signers: Vec<&Operator> = [&ada].into_iter().chain(others.iter().copied()).collect();
        let trust = world.found(&signers);
        world.write("global/overlay/etc/motd", "hello\n");
        world.commit_unsigned("Say hello");
        world.tag(&ada, "release-1");
        let host = world.host(NAME);
        let mut words = world.clone_words(NAME, &trust, &ada);
        words.extend(["--tags".to_owned(), "release-*".to_owned()]);
        let cloned = world.on(&host, &words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(cloned.status, 0, "{cloned:?}");
        world.on(&host, &["run"]).prints("+ etc/motd\n");
        Self { world, ada, trust, host }
    }

    pub fn run(&self) -> Ran {
        self.world.on(&self.host, &["run"])
    }

    /// Commits without a signature, then signs a release.
    pub fn release(&self, name: &str, message: &str) -> String {
        let commit = self.world.commit_unsigned("A change");
        let sign = ["tag", "-u", &self.ada.fingerprint, "-m", message, name];
        self.world.git_as(&self.ada, &sign);
        commit
    }

    /// Commits what was written, signed.
    pub fn commit(&self) -> String {
        self.world.commit(&self.ada, "A change")
    }

    /// Lets the host run and asserts that it complains so and stays as it was; returns what it printed.
    #[track_caller]
    pub fn stays(&self, status: i32, stderr: &str) -> Ran {
        let before = kept(&self.host);
        let ran = self.run();
        ran.complains(status, stderr);
        assert_eq!(kept(&self.host), before, "nothing else was touched");
        ran
    }

    /// Lets the host run on what an attacker offers: refused, and no trace of it but the refusal itself (A27).
    #[track_caller]
    pub fn refuses(&self, reason: &str) -> Ran {
        let ran = self.refuses_saying(reason);
        assert!(ran.stderr.lines().next().is_some_and(|error| error.ends_with(reason)), "{ran:?}");
        ran
    }

    /// As [`Settled::refuses`], when the reason goes on with what differs from run to run.
    #[track_caller]
    pub fn refuses_saying(&self, reason: &str) -> Ran {
        let before = Before::of(&self.host);
        let ran = self.run();
        assert_eq!((ran.status, ran.stdout.as_str()), (3, ""), "{ran:?}");
        let (error, hint) = ran.stderr.split_once('\n').expect("two lines");
        assert!(error.starts_with("error: revision ") && error.contains(reason), "{ran:?}");
        assert!(hint.starts_with("hint: ") && hint.matches('\n').count() == 1, "{ran:?}");
        before.assert_kept(&self.host);
        let again = self.run();
        let repeated = (again.status, without_the_clock(&again.stderr));
        assert_eq!(repeated, (3, without_the_clock(&ran.stderr)), "the verdict is repeated");
        before.assert_kept(&self.host);
        ran
    }

    /// Returns the document of `status --json`.
    pub fn status(&self) -> serde_json::Value {
        let ran = self.world.on(&self.host, &["status", "--json"]);
        let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one JSON document");
        document["status"].clone()
    }
}

/// Returns what is said, less the time that a clock was at: the second may be over before it is said again.
fn without_the_clock(said: &str) -> String {
    ["the clock says ", "ahead of the clock, "].iter().fold(said.to_owned(), |said, mark| match said.split_once(mark) {
        Some((before, after)) => format!("{before}{mark}{}", &after["2026-01-10T03:15:00Z".len()..]),
        None => said,
    })
}

/// The name of the hosts above.
pub const NAME: &str = "ns1.example.org";

/// Lets a file be executed.
pub fn executable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("an executable file");
}
