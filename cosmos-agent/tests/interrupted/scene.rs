//! A host between two revisions whose plan has steps of every kind.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::calls::{self, Call};
use crate::support::{Settled, put};

/// Path, and how it looks: type, owner, mode, content or target.
pub type Tree = BTreeMap<String, String>;

/// How often a fault is tried before its call counts as out of reach.
const TRIES: usize = 8;

/// What a run came to that a fault was injected into.
pub struct Hit {
    pub root: PathBuf,
    pub status: Option<i32>,
    pub said: String,
    /// The call that was hit.
    pub call: Call,
}

/// A host that has one revision, knows nothing yet of the next, and what it looks like before and after that.
pub struct Scene {
    settled: Settled,
    /// The command that is disturbed.
    words: &'static [&'static str],
    /// What the file system cannot do, as strace injects it.
    lacks: &'static [&'static str],
    pub old: Tree,
    pub new: Tree,
    /// The plan's steps.
    pub steps: Vec<Value>,
    /// How many paths are managed afterwards.
    managed: Value,
}

impl Scene {
    /// A host whose run has steps of every kind.
    pub fn new() -> Self {
        Self::running(two_revisions())
    }

    /// A host that has one revision and knows nothing yet of the next: a run is disturbed.
    pub fn running(settled: Settled) -> Self {
        let mut scene = Self::before(settled, &["run"]);
        let done = scene.copy();
        assert_eq!(scene.say(&done, &["update"]), (0, String::new()));
        let plan = scene.settled.world.on(&done, &["plan", "--json"]);
        let plan: Value = serde_json::from_str(&plan.stdout).expect("a document");
        scene.steps = plan["plan"]["steps"].as_array().expect("steps").clone();
        let applied = scene.settled.world.on(&done, &["apply"]);
        assert_eq!((applied.status, applied.stderr.as_str()), (0, ""), "{applied:?}");
        scene.new = tree(&done);
        scene.managed = scene.managed(&done);
        scene
    }

    /// As [`Scene::new`], on a file system that lacks something.
    pub fn lacking(what: &'static [&'static str]) -> Self {
        Self { lacks: what, ..Self::new() }
    }

    /// A host that an administrator's command is given to.
    pub fn of(settled: Settled, words: &'static [&'static str]) -> Self {
        let mut scene = Self::before(settled, words);
        let done = scene.copy();
        let ran = scene.settled.world.on(&done, &[words, &["--json"]].concat());
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
        let did: Value = serde_json::from_str(&ran.stdout).expect("a document");
        scene.steps = did[words[0]]["changed"].as_array().expect("steps").clone();
        scene.new = tree(&done);
        scene
    }

    fn before(settled: Settled, words: &'static [&'static str]) -> Self {
        let old = tree(&settled.host);
        Self { settled, words, lacks: &[], old, new: Tree::new(), steps: Vec::new(), managed: Value::Null }
    }

    /// Returns a fresh copy of the host between the revisions.
    pub fn copy(&self) -> PathBuf {
        let root = self.settled.world.path("hosts").join("copy");
        let _ = fs::remove_dir_all(&root);
        let copied = Command::new("cp").arg("-a").arg(&self.settled.host).arg(&root).status();
        assert!(copied.expect("cp runs").success());
        root
    }

    /// Runs a copy of the host with `fault`, as strace has it, injected at `call`.
    ///
    /// strace counts all calls of a name, and how many come before the wanted one differs from run to run by a few: by
    /// what the clock and the fetching process have to say, and by which of two packs of one second the store looks
    /// into first. The calls that change something are the same ones each time, so a run whose fault hit elsewhere
    /// tells by them whether it came too early or too late, and is done again with the next number.
    pub fn hit(&self, call: &Call, kind: &str, fault: &str) -> Hit {
        let mut number = call.number;
        for _ in 0..TRIES {
            let root = self.copy();
            let injection = format!("{}:{fault}:when={number}", call.name);
            let (status, said) = calls::traced(&root, self.words, &self.log(), &[self.lacks, &[&injection]].concat());
            let mut made = calls::read(&self.log(), &root);
            made.retain(|made| made.name == call.name && made.number <= number);
            let before = made.len();
            let hit = made.pop().filter(|last| last.number == number);
            match hit {
                Some(hit) if self.kind(&hit) == kind => return Hit { root, status, said, call: hit },
                Some(_) if before > call.change => number -= 1,
                None if before >= call.change => number -= 1,
                _ => number += 1,
            }
        }
        panic!("{} {} of '{}' ({kind}): {fault} hit elsewhere, {TRIES} times", call.name, call.number, call.path);
    }

    /// Returns the place for strace's log.
    pub fn log(&self) -> PathBuf {
        self.settled.world.path("log")
    }

    /// Runs a command on a host; returns its status and all it printed.
    pub fn say(&self, root: &Path, words: &[&str]) -> (i32, String) {
        let ran = self.settled.world.on(root, words);
        (ran.status, ran.stdout + &ran.stderr)
    }

    /// Records one whole run: its calls, each with the kind of its object.
    pub fn recorded(&self) -> Vec<(Call, String)> {
        let root = self.copy();
        assert_eq!(calls::traced(&root, self.words, &self.log(), self.lacks), (Some(0), String::new()));
        assert_eq!(tree(&root), self.new);
        calls::read(&self.log(), &root).into_iter().map(|call| (self.kind(&call), call)).map(|(k, c)| (c, k)).collect()
    }

    /// Says what kind of object a call was about.
    pub fn kind(&self, call: &Call) -> String {
        let own = [
            ("var/lib/cosmos/journal", "journal"),
            ("var/lib/cosmos/.journal.new", "journal"),
            ("var/lib/cosmos/managed", "managed set"),
            ("var/lib/cosmos/.managed.new", "managed set"),
            ("var/lib/cosmos/log.jsonl", "log"),
            ("var/lib/cosmos/backup", "backup"),
            ("var/lib/cosmos/rendered", "what templates became"),
            ("var/lib/cosmos/model", "model folder"),
            ("var/lib/cosmos/changed-files", "list of changed files"),
            ("var/lib/cosmos/.changed-files.new", "list of changed files"),
            ("var/lib/cosmos", "state"),
            ("var/cache/cosmos", "store"),
            ("run/cosmos", "lock and stamp"),
        ];
        if let Some((_, kind)) = own.iter().find(|(start, _)| call.path.starts_with(start)) {
            return (*kind).to_owned();
        }
        // Folders are synced by their numbers on disk, in an order that differs from copy to copy.
        if call.name == "fsync" && !call.path.contains("/.cosmos-") {
            return "folder".to_owned();
        }
        let step =
            [&call.from, &Some(call.path.clone())].into_iter().flatten().find_map(|path| self.step_of(call, path));
        step.map_or_else(|| "folder".to_owned(), label)
    }

    /// Returns the step that works on `path`, which may be its temporary file.
    pub fn step_of(&self, call: &Call, path: &str) -> Option<&Value> {
        let name = path.rsplit('/').next().unwrap_or(path);
        match name.strip_prefix(".cosmos-").and_then(|name| name.rsplit_once('-')) {
            Some((_, number)) => self.steps.get(number.parse::<usize>().ok()?),
            None => {
                // A path that becomes another type has two steps, of which the call is about the one that makes it.
                let removes = call.name == "unlinkat";
                self.steps.iter().find(|step| step["path"] == path && (step["action"] == "remove") == removes)
            }
        }
    }

    /// Asserts that every path of the host is as before or as after, also one that changes its type.
    #[track_caller]
    pub fn assert_old_or_new(&self, root: &Path, what: &str) {
        let now = tree(root);
        for path in self.old.keys().chain(self.new.keys()).chain(now.keys()) {
            let (old, new, now) = (self.old.get(path), self.new.get(path), now.get(path));
            let temporary = path.rsplit('/').next().is_some_and(|name| name.starts_with(".cosmos-"));
            assert!(temporary || now == old || now == new, "{what}: '{path}' is {now:?}, was {old:?}, wants {new:?}");
        }
    }

    /// Lets the next run finish, and asserts that nothing tells the host from one whose run was not disturbed.
    #[track_caller]
    pub fn assert_converges(&self, root: &Path, what: &str) {
        let (status, said) = self.say(root, &["run", "--retry"]);
        assert_eq!(status, 0, "{what}: the next run: {said}");
        assert_eq!(tree(root), self.new, "{what}: the next run: {said}");
        assert_eq!(self.say(root, &["drift"]), (0, String::new()), "{what}: drift");
        let (_, plan) = self.say(root, &["plan", "--json"]);
        let plan: Value = serde_json::from_str(&plan).unwrap_or_else(|error| panic!("{what}: {error}: {plan}"));
        assert_eq!(plan["plan"]["steps"], Value::Array(Vec::new()), "{what}: plan");
        assert_eq!(self.managed(root), self.managed, "{what}: managed set");
        assert_eq!(leftovers(root), Vec::<String>::new(), "{what}: leftovers");
    }

    /// Returns what the next run makes of a host where the command did nothing, and of one where it did all.
    pub fn ends(&self) -> [Tree; 2] {
        [false, true].map(|done| {
            let root = self.copy();
            assert!(!done || self.say(&root, self.words).0 == 0);
            assert_eq!(self.say(&root, &["run"]).0, 0);
            tree(&root)
        })
    }

    /// Lets the next run finish, and asserts that the command was all done or not at all; given again it is done, or
    /// says that it was.
    #[track_caller]
    pub fn assert_done_or_not(&self, root: &Path, ends: &[Tree; 2], what: &str) {
        let (status, said) = self.say(root, &["run"]);
        assert_eq!(status, 0, "{what}: the next run: {said}");
        assert!(ends.contains(&tree(root)), "{what}: the next run: {said}");
        assert_eq!(self.say(root, &["drift"]).0, 0, "{what}: drift");
        // A state file that was being written keeps its fixed temporary name until it is written next.
        let left: Vec<String> = leftovers(root).into_iter().filter(|path| !path.ends_with(".new")).collect();
        assert_eq!(left, Vec::<String>::new(), "{what}: leftovers");
        let (status, said) = self.say(root, self.words);
        assert!([0, 2].contains(&status), "{what}: again: {said}");
        assert_eq!(self.say(root, &["run"]).0, 0, "{what}: the run after that");
        assert_eq!(tree(root), ends[1], "{what}: again: {said}");
        assert_eq!(leftovers(root), Vec::<String>::new(), "{what}: leftovers at last");
    }

    fn managed(&self, root: &Path) -> Value {
        let (_, status) = self.say(root, &["status", "--json"]);
        let status: Value = serde_json::from_str(&status).expect("a document");
        let status = &status["status"];
        serde_json::json!([status["managed"], status["drift"], status["applied"]["commit"], status["failure"]])
    }
}

/// Names a kind of step.
pub fn label(step: &Value) -> String {
    let text = |key: &str| step[key].as_str().unwrap_or_default();
    let cause = match text("cause") {
        "delete" => ", delete/",
        "drift" => ", drift",
        _ => "",
    };
    let kept = if step["kept"] == true { ", backup" } else { "" };
    format!("{} {}{cause}{kept}", text("action"), text("kind"))
}

/// Names what a run must not leave behind. The second name of a finished pack takes no room, and goes with a fetch.
pub fn leftovers(root: &Path) -> Vec<String> {
    let entries = walkdir::WalkDir::new(root).into_iter().map(|entry| entry.expect("a readable tree"));
    let is_left = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        name.starts_with(".cosmos-")
            || name.starts_with('.') && name.ends_with(".new")
            || name.starts_with("pack_git2_") && entry.metadata().expect("metadata").nlink() == 1
            || name == "journal"
    };
    entries.filter(is_left).map(|entry| entry.path().display().to_string()).collect()
}

/// Returns what is on a host but the agent's own state.
pub fn tree(root: &Path) -> Tree {
    let own = ["var/lib/cosmos", "var/cache/cosmos", "run"].map(|path| root.join(path));
    let entries = walkdir::WalkDir::new(root).min_depth(1).into_iter();
    let entries = entries.filter_entry(|entry| !own.iter().any(|own| own == entry.path()));
    entries
        .map(|entry| {
            let entry = entry.expect("a readable tree");
            let found = entry.path().symlink_metadata().expect("metadata");
            let mode = format!("{}:{} {:o}", found.uid(), found.gid(), found.permissions().mode() & 0o7777);
            let look = match found {
                m if m.is_dir() => format!("folder {mode}"),
                m if m.is_symlink() => format!("link {}", fs::read_link(entry.path()).expect("a link").display()),
                _ => format!("file {mode} {}", fs::read_to_string(entry.path()).expect("a file")),
            };
            (entry.path().strip_prefix(root).expect("below").display().to_string(), look)
        })
        .collect()
}

/// Returns a host that has the first of two revisions, between which there is every kind of step.
pub fn two_revisions() -> Settled {
    let settled = Settled::new();
    first_revision(&settled);
    settled.commit();
    assert_eq!(settled.run().status, 0);
    second_revision(&settled);
    settled.world.commit(&settled.ada, "cosmos: 1 removals=20\n\nAll kinds of steps");
    settled
}

fn first_revision(settled: &Settled) {
    let repo = settled.world.repo().join("global/overlay");
    for (path, text) in [
        ("etc/mode", "keeps its content\n"),
        ("etc/drifted", "as released\n"),
        ("srv/gone/below/file", "leaves\n"),
        ("srv/to-folder", "a file\n"),
        ("srv/to-file/inside", "a folder\n"),
        ("srv/to-link", "a file\n"),
    ] {
        settled.world.write(&format!("global/overlay/{path}"), text);
    }
    symlink("motd", repo.join("etc/link")).expect("a link");
    symlink("motd", repo.join("srv/from-link")).expect("a link");
    symlink("motd", repo.join("srv/link-gone")).expect("a link");
}

const LAYER: &str = "[files.\"etc/mode\"]\nmode = \"0600\"\n[files.\"srv/made\"]\nmode = \"0750\"\n\
    [tasks.\"020changed\"]\nwhen-changed = [\"etc/motd\"]\n";

fn second_revision(settled: &Settled) {
    let repo = settled.world.repo().join("global/overlay");
    for gone in [
        "srv/gone/below/file",
        "srv/to-folder",
        "srv/to-file/inside",
        "srv/to-link",
        "etc/link",
        "srv/from-link",
        "srv/link-gone",
    ] {
        fs::remove_file(repo.join(gone)).expect("a file");
    }
    fs::remove_dir(repo.join("srv/to-file")).expect("a folder");
    for (path, text) in [
        ("overlay/etc/motd", "replaced\n"),
        ("overlay/etc/new", "created\n"),
        ("overlay/etc/theirs", "ours\n"),
        ("overlay/srv/made/below/file", "created\n"),
        ("overlay/srv/to-folder/inside", "a folder\n"),
        ("overlay/srv/to-file", "a file\n"),
        ("overlay/srv/from-link", "a file\n"),
        ("delete/etc/foreign", ""),
        ("templates/etc/rendered", "{{ host.name }}\n"),
        ("layer.toml", LAYER),
        // A path with a check, and a task that is owed until it ran once with what changed.
        ("overlay/etc/cron.d/backup", "1 2 * * * root true\n"),
        ("post-tasks.d/020changed", "#!/bin/sh\necho changed > \"$COSMOS_ROOT/said-changed\"\n"),
        ("pre-tasks.d/010before", "#!/bin/sh\necho before > \"$COSMOS_ROOT/said-before\"\n"),
        ("post-tasks.d/010after", "#!/bin/sh\necho after > \"$COSMOS_ROOT/said-after\"\n"),
    ] {
        settled.world.write(&format!("global/{path}"), text);
    }
    symlink("new", repo.join("etc/link")).expect("a link");
    symlink("new", repo.join("etc/new-link")).expect("a link");
    symlink("new", repo.join("srv/to-link")).expect("a link");
    for (path, text) in [("etc/theirs", "of others\n"), ("etc/foreign", "of others\n"), ("etc/drifted", "an edit\n")] {
        put(&settled.host, path, text);
    }
}
