//! Against the original: what is installed over generated hosts looks as after `rsync --archive`, listed differences
//! apart.
//!
//! All trees lie side by side below one root, so that one plan and one rsync install all of them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Command;

use nix::sys::stat::Mode;

use super::*;

/// How many trees are tried; `LONG=1` takes twenty times as many.
const TREES: u64 = 150;

/// Names that shells, rsync and terminals have trouble with.
const NAMES: [&str; 6] = ["a", "b c", "-n", "grün", "*", "q'\"\\"];
const TEXTS: [&str; 4] = ["", "one\n", "two\n", "a longer text, without an end"];
const MODES: [u32; 7] = [0o644, 0o755, 0o600, 0o640, 0o4755, 0o2711, 0o444];
const TARGETS: [&str; 4] = ["a", "nowhere", "/absent/here", "../b c"];

/// What lies at a path of a release, or of a host before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    File(&'static str, u32),
    Link(&'static str),
    Folder,
    Pipe,
}

type Nodes = BTreeMap<String, Node>;

/// Sebastiano Vigna's splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Adds nodes below `top`; a path below a file or link is left out. Only hosts have pipes and empty folders.
    fn nodes(&mut self, top: &str, is_host: bool, nodes: &mut Nodes) {
        for _ in 0..self.below(7) {
            let depth = 1 + self.below(2);
            let path = (0..depth).fold(top.to_owned(), |path, _| path + "/" + self.pick(&NAMES));
            let node = match self.below(10) {
                0..6 => Node::File(self.pick(&TEXTS), self.pick(&MODES)),
                6..8 => Node::Link(self.pick(&TARGETS)),
                8 if is_host => Node::Folder,
                9 if is_host => Node::Pipe,
                _ => Node::File(self.pick(&TEXTS), 0o644),
            };
            let above = folders(&path).iter().any(|folder| nodes.get(folder).is_some_and(|node| *node != Node::Folder));
            let below = nodes.keys().any(|known| known.starts_with(&format!("{path}/")));
            if !above && !below {
                nodes.insert(path, node);
            }
        }
    }
}

fn folders(path: &str) -> Vec<String> {
    path.match_indices('/').map(|(at, _)| path[..at].to_owned()).collect()
}

/// Makes nodes below a folder, as old as `age` says: rsync compares times.
fn make(top: &Path, nodes: &Nodes, age: u64) {
    for (path, node) in nodes {
        let path = top.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match node {
            Node::File(text, mode) => {
                fs::write(&path, text).unwrap();
                let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(age);
                fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
            }
            Node::Link(target) => symlink(target, &path).unwrap(),
            Node::Folder => fs::create_dir_all(&path).unwrap(),
            Node::Pipe => nix::unistd::mkfifo(&path, Mode::from_bits_truncate(0o600)).unwrap(),
        }
    }
}

/// Lists a root; what is neither file, link nor folder is a pipe. Folders' modes are a listed difference.
fn listing(top: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let entries = walkdir::WalkDir::new(top).min_depth(1).into_iter();
    for entry in entries.filter_entry(|entry| entry.path() != top.join("var")) {
        let entry = entry.unwrap();
        let name = entry.path().strip_prefix(top).unwrap().to_str().unwrap().to_owned();
        let metadata = entry.path().symlink_metadata().unwrap();
        let look = match metadata.file_type() {
            kind if kind.is_dir() => "folder".to_owned(),
            kind if kind.is_symlink() => format!("link {}", fs::read_link(entry.path()).unwrap().display()),
            kind if kind.is_file() => {
                format!("{:o} {:?}", metadata.mode() & 0o7777, fs::read_to_string(entry.path()).unwrap())
            }
            _ => "pipe".to_owned(),
        };
        found.insert(name, look);
    }
    found
}

/// Names the paths at and below which the two differ on purpose, each with its reason (docs/formats.md §4).
fn differences(wanted: &Nodes, before: &BTreeMap<String, String>) -> BTreeMap<String, &'static str> {
    let mut listed = BTreeMap::new();
    for path in wanted.keys() {
        match before.get(path).map(String::as_str) {
            Some("pipe") => {
                listed.insert(path.clone(), "a pipe stays");
            }
            Some("folder") => {
                listed.insert(path.clone(), "a folder stays where a file is wanted, also an empty one");
            }
            _ => {}
        }
        for folder in folders(path) {
            match before.get(&folder).map(String::as_str) {
                Some("pipe") => {
                    listed.insert(folder, "a pipe stays");
                }
                // Behind it lies another path of the tree: none of them is compared.
                Some(link) if link.starts_with("link ") => {
                    listed.insert(
                        folder.split('/').next().unwrap().to_owned(),
                        "a symlinked folder is followed or stays",
                    );
                }
                _ => {}
            }
        }
    }
    listed
}

fn entries(machine: &mut Machine, wanted: &Nodes) -> BTreeMap<RelPath, StagedEntry> {
    let mut entries = BTreeMap::new();
    for (name, node) in wanted {
        entries.extend(path(name).ancestors().map(|folder| (folder, staged(StagedKind::Directory, None))));
        let (kind, mode) = match node {
            Node::File(text, mode) => (machine.content(text), Some(*mode)),
            Node::Link(target) => (StagedKind::Symlink(target.as_bytes().to_vec()), None),
            Node::Folder | Node::Pipe => unreachable!("releases have neither"),
        };
        entries.insert(path(name), staged(kind, mode));
    }
    entries
}

fn install(machine: &mut Machine, commit: u8, wanted: &Nodes) {
    let mut model = machine.model(commit, &[]);
    model.amend(entries(machine, wanted).into_iter().collect());
    let managed = machine.managed();
    let snapshot = machine.host.observe(&ObserveRequest::of(&model, &managed, false)).unwrap();
    // The original removes nothing that left the overlay.
    let settings = PlanSettings { remove_dropped: false, brake: false };
    let plan = planner::plan(&model, &snapshot, &managed, settings).unwrap();
    assert_eq!(machine.apply(&plan).unwrap().refused, []);
}

#[test]
fn generated_trees_are_installed_as_rsync_does_but_for_what_is_listed() {
    if Command::new("rsync").arg("--version").output().is_err() {
        return eprintln!("skipped: rsync is not installed");
    }
    let seed = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let trees = if std::env::var_os("LONG").is_some() { 20 * TREES } else { TREES };
    let (mut random, mut machine) = (Random(seed), Machine::new());
    let theirs = tempfile::tempdir().unwrap();
    let (mut host, mut releases) = (Nodes::new(), [Nodes::new(), Nodes::new()]);
    for number in 0..trees {
        random.nodes(&number.to_string(), true, &mut host);
        releases.iter_mut().for_each(|release| random.nodes(&number.to_string(), false, release));
    }
    make(machine.folder.path(), &host, 1_000_000_000);
    make(theirs.path(), &host, 1_000_000_000);

    let mut coverage = BTreeMap::<String, usize>::new();
    let mut listed = BTreeMap::new();
    for (commit, wanted) in (1..).zip(&releases) {
        let before = listing(machine.folder.path());
        listed.extend(differences(wanted, &before));
        for (path, node) in wanted {
            let to = if matches!(node, Node::File(..)) { "file" } else { "link" };
            let from = before.get(path).map_or("nothing", |look| look.split(' ').next().unwrap());
            let from = if from.starts_with(|c: char| c.is_ascii_digit()) { "file" } else { from };
            *coverage.entry(format!("{to} over {from}")).or_default() += 1;
        }
        let source = tempfile::tempdir().unwrap();
        make(source.path(), wanted, 1_000_000_000 + u64::from(commit));
        install(&mut machine, commit, wanted);
        let from = format!("{}/", source.path().display());
        let ran =
            Command::new("rsync").args(["--archive", "--omit-dir-times", &from]).arg(theirs.path()).output().unwrap();
        // 23: it could not put a file where a folder is, as we do not.
        assert!([Some(0), Some(23)].contains(&ran.status.code()), "{}", String::from_utf8_lossy(&ran.stderr));
        let is_listed =
            |path: &str| listed.contains_key(path) || folders(path).iter().any(|folder| listed.contains_key(folder));
        let [mut ours, mut their] = [machine.folder.path(), theirs.path()].map(listing);
        ours.retain(|path, _| !is_listed(path));
        their.retain(|path, _| !is_listed(path));
        let paths: BTreeSet<&String> = ours.keys().chain(their.keys()).collect();
        let mut differ = String::new();
        for path in paths.into_iter().filter(|path| ours.get(*path) != their.get(*path)) {
            writeln!(
                differ,
                "'{path}': {:?}, rsync: {:?}, before: {:?}",
                ours.get(path),
                their.get(path),
                before.get(path)
            )
            .unwrap();
        }
        assert_eq!(differ, "", "seed {seed}, release {commit}");
        *coverage.entry("paths compared".to_owned()).or_default() += ours.len();
    }
    for reason in listed.values() {
        *coverage.entry(format!("left out: {reason}")).or_default() += 1;
    }
    println!("seed {seed}, {trees} trees, two releases each");
    coverage.iter().for_each(|(what, count)| println!("  {count:7} {what}"));
    for needed in [
        "file over nothing",
        "file over file",
        "file over link",
        "link over nothing",
        "link over file",
        "link over link",
    ] {
        assert!(coverage.get(needed).is_some_and(|count| *count >= 3), "{needed}: {coverage:?}");
    }
}
