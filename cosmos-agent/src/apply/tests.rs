//! Applying plans to temporary roots: what is done, what is refused, and faults at every change.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use cosmos_model::content::ContentSource;
use cosmos_model::layer::{FilePolicy, Owner};
use cosmos_model::managed::ManagedEntry;
use cosmos_model::object::{ObjectKind, ObjectSource, RawObject};
use cosmos_model::object_id::ObjectId;
use cosmos_model::planner::{self, PlanSettings};
use cosmos_model::snapshot::HostSnapshot;
use cosmos_model::stage::{Inputs, KnownContent, Layers, stage};
use cosmos_model::staged::{LayerIndex, StagedEntry, StagedKind, StagedModel};
use cosmos_model::trust::{TrustState, VerifiedRevision};
use nix::errno::Errno;

use super::managed_file::ManagedFile;
use super::*;
use crate::fs::faults;
use crate::host::{Host as _, ObserveRequest, RealHost};

mod attributes;
mod rsync;

/// The id of the empty tree, which every git knows.
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

struct EmptyTree;

impl ObjectSource for EmptyTree {
    fn object(&self, id: ObjectId) -> Result<Option<RawObject>, String> {
        let is_it = id.to_string() == EMPTY_TREE;
        Ok(is_it.then(|| RawObject { kind: ObjectKind::Tree, bytes: Vec::new() }))
    }
}

impl KnownContent for EmptyTree {
    fn content_of(&self, _: ObjectId) -> Option<(u64, cosmos_model::content::ContentHash)> {
        None
    }
}

/// What a test wants at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    File(&'static str),
    Mode(&'static str, u32),
    Link(&'static str),
    Folder,
}

/// A root, its state, and the contents of the models that were applied to it.
struct Machine {
    folder: tempfile::TempDir,
    host: RealHost,
    contents: BTreeMap<cosmos_model::content::ContentHash, Vec<u8>>,
}

impl Contents for BTreeMap<cosmos_model::content::ContentHash, Vec<u8>> {
    fn read(&self, _: &RelPath, content: &Content) -> Result<Vec<u8>, ContentError> {
        self.get(&content.hash).cloned().ok_or_else(|| "no such content".into())
    }
}

fn path(text: &str) -> RelPath {
    RelPath::new(text.as_bytes()).unwrap()
}

fn revision(commit: u8) -> VerifiedRevision {
    let commit = ObjectId::new([commit; 20]).to_string();
    let state: TrustState = serde_json::from_value(serde_json::json!({ "accepted": {
        "commit": commit, "tree": EMPTY_TREE, "tag": null, "signers": [], "signed_at": "2026-01-10T03:15:00Z",
        "valid_until": null, "counter": null, "removals": 0
    } }))
    .unwrap();
    state.accepted().unwrap().clone()
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        let host = RealHost::new(root.clone(), StateFolder::new(root, path("var/lib/cosmos"), 1 << 20));
        Self { folder, host, contents: BTreeMap::new() }
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn model(&mut self, commit: u8, wanted: &[(&str, Want)]) -> StagedModel {
        let host = cosmos_model::host_name::HostName::new("ns1.example.org").unwrap();
        let layers = Layers::Native { host, agent: (0, 1, 0) };
        let mut model = stage(&revision(commit), &layers, &EmptyTree, &EmptyTree, &Inputs::default()).unwrap();
        let mut entries = BTreeMap::new();
        for (name, want) in wanted {
            for folder in path(name).ancestors() {
                entries.insert(folder, staged(StagedKind::Directory, None));
            }
            let (kind, mode) = match want {
                Want::File(text) => (self.content(text), Some(0o644)),
                Want::Mode(text, mode) => (self.content(text), Some(*mode)),
                Want::Link(target) => (StagedKind::Symlink(target.as_bytes().to_vec()), None),
                Want::Folder => (StagedKind::Directory, None),
            };
            entries.insert(path(name), staged(kind, mode));
        }
        model.amend(entries.into_iter().collect());
        model
    }

    fn content(&mut self, text: &str) -> StagedKind {
        let hash = cosmos_model::content::ContentHash::of(text.as_bytes());
        self.contents.insert(hash, text.as_bytes().to_vec());
        let mut blob = [0; 20];
        blob.copy_from_slice(&hash.as_bytes()[..20]);
        StagedKind::File(Content { hash, size: text.len() as u64, source: ContentSource::Blob(ObjectId::new(blob)) })
    }

    fn managed(&self) -> ManagedSet {
        let bytes = self.host.state().read_managed().unwrap();
        bytes.map(|bytes| ManagedFile::parse(&bytes).unwrap().to_set()).unwrap_or_default()
    }

    fn plan(&self, model: &StagedModel) -> Plan {
        let managed = self.managed();
        let snapshot: HostSnapshot = self.host.observe(&ObserveRequest::of(model, &managed, false)).unwrap();
        planner::plan(model, &snapshot, &managed, PlanSettings { remove_dropped: true, brake: false }).unwrap()
    }

    fn apply(&mut self, plan: &Plan) -> Result<Applied, ApplyError> {
        let before = self.managed();
        self.host.apply(&mut plan.clone(), &before, &self.contents, &mut |_| {})
    }

    /// Plans and applies, and asserts the law: the plan of what was applied is empty.
    fn converge(&mut self, model: &StagedModel) -> Applied {
        let applied = self.apply(&self.plan(model)).unwrap();
        assert_eq!(applied.refused, []);
        assert_eq!(self.plan(model).steps(), []);
        assert_eq!(self.difference(), None);
        assert_eq!(self.leftovers(), Vec::<String>::new());
        applied
    }

    fn difference(&self) -> Option<String> {
        let bytes = self.host.state().read_managed().unwrap().unwrap();
        let file = ManagedFile::parse(&bytes).unwrap();
        let found = crate::host::first_difference(self.host.root(), &file).unwrap();
        found.map(|path| String::from_utf8(path.to_vec()).unwrap())
    }

    /// Returns everything below the root but the state: files with mode and text, links with target.
    fn tree(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        list(self.folder.path(), self.folder.path(), &mut found);
        found.retain(|name, _| !name.starts_with("var/lib/cosmos"));
        found
    }

    /// Returns temporary files, and a journal that stayed.
    fn leftovers(&self) -> Vec<String> {
        let mut found = BTreeMap::new();
        list(self.folder.path(), self.folder.path(), &mut found);
        let is_left = |name: &String| name.contains(".cosmos-") || name.ends_with(".new") || name.ends_with("/journal");
        found.into_keys().filter(is_left).collect()
    }
}

fn staged(kind: StagedKind, mode: Option<u32>) -> StagedEntry {
    StagedEntry {
        kind,
        mode,
        owner: Owner::Default,
        group: Owner::Default,
        policy: FilePolicy::Enforce,
        layer: LayerIndex(0),
        changed_by: None,
    }
}

fn list(top: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let mode = metadata.permissions().mode() & 0o7777;
        if metadata.is_symlink() {
            found.insert(name, format!("-> {}", fs::read_link(&path).unwrap().display()));
        } else if metadata.is_dir() {
            found.insert(name, format!("folder {mode:o}"));
            list(top, &path, found);
        } else {
            found.insert(name, format!("{mode:o} {}", String::from_utf8_lossy(&fs::read(&path).unwrap())));
        }
    }
}

fn expected(lines: &[(&str, &str)]) -> BTreeMap<String, String> {
    lines.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn files_links_and_folders_arrive_change_and_leave() {
    let mut machine = Machine::new();
    let first = machine.model(
        1,
        &[
            ("etc/motd", Want::File("hello\n")),
            ("etc/secret", Want::Mode("key\n", 0o600)),
            ("etc/link", Want::Link("motd")),
            ("srv/empty", Want::Folder),
        ],
    );
    machine.converge(&first);
    let base = [("var", "folder 755"), ("var/lib", "folder 755")];
    let mut wanted = expected(&base);
    wanted.extend(expected(&[
        ("etc", "folder 755"),
        ("etc/link", "-> motd"),
        ("etc/motd", "644 hello\n"),
        ("etc/secret", "600 key\n"),
        ("srv", "folder 755"),
        ("srv/empty", "folder 755"),
    ]));
    assert_eq!(machine.tree(), wanted);
    assert_eq!(machine.managed().commit, Some(ObjectId::new([1; 20])));

    // A file becomes a link, a link a folder with a file, a folder a file.
    let second = machine.model(
        2,
        &[("etc/motd", Want::Link("secret")), ("etc/link/deep", Want::File("d")), ("srv/empty", Want::File("e"))],
    );
    machine.converge(&second);
    let mut wanted = expected(&base);
    wanted.extend(expected(&[
        ("etc", "folder 755"),
        ("etc/link", "folder 755"),
        ("etc/link/deep", "644 d"),
        ("etc/motd", "-> secret"),
        ("srv", "folder 755"),
        ("srv/empty", "644 e"),
    ]));
    assert_eq!(machine.tree(), wanted);

    let third = machine.model(3, &[]);
    machine.converge(&third);
    assert_eq!(machine.tree(), expected(&base));
}

#[test]
fn drift_is_repaired_and_the_foreign_version_kept() {
    let mut machine = Machine::new();
    let model = machine.model(1, &[("etc/motd", Want::File("ours\n"))]);
    machine.converge(&model);
    fs::write(machine.at("etc/motd"), "theirs\n").unwrap();
    assert_eq!(machine.difference().as_deref(), Some("etc/motd"));
    machine.converge(&model);
    assert_eq!(fs::read_to_string(machine.at("etc/motd")).unwrap(), "ours\n");
    let hash = cosmos_model::content::ContentHash::of(b"theirs\n");
    let backup = machine.at(&format!("var/lib/cosmos/backup/{hash}"));
    assert_eq!(fs::read_to_string(&backup).unwrap(), "theirs\n");
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn backups_are_bounded_and_the_oldest_go_first() {
    let mut machine = Machine::new();
    let root = machine.host.root().clone();
    machine.host = RealHost::new(root.clone(), StateFolder::new(root, path("var/lib/cosmos"), 45));
    let model = machine.model(1, &[("etc/motd", Want::File("ours\n"))]);
    machine.converge(&model);
    for version in ["foreign 1\n", "foreign 2\n", "foreign 3\n", "foreign 4\n", "foreign 5\n"] {
        fs::write(machine.at("etc/motd"), version).unwrap();
        machine.converge(&model);
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let mut kept: Vec<String> = fs::read_dir(machine.at("var/lib/cosmos/backup"))
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    kept.sort();
    assert_eq!(kept, ["foreign 2\n", "foreign 3\n", "foreign 4\n", "foreign 5\n"]);
}

#[test]
fn a_large_backup_pushes_no_other_out_and_is_the_first_to_go() {
    let mut machine = Machine::new();
    let root = machine.host.root().clone();
    machine.host = RealHost::new(root, StateFolder::new(machine.host.root().clone(), path("var/lib/cosmos"), 40));
    let model = machine.model(1, &[("etc/motd", Want::File("ours\n"))]);
    machine.converge(&model);
    let large = "large ".repeat(20);
    let mut edit = |version: &str| {
        fs::write(machine.at("etc/motd"), version).unwrap();
        machine.converge(&model);
        std::thread::sleep(std::time::Duration::from_millis(100));
        let folder = fs::read_dir(machine.at("var/lib/cosmos/backup")).unwrap();
        let mut kept: Vec<String> = folder.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
        kept.sort();
        kept
    };
    edit("foreign 1\n");
    edit("foreign 2\n");
    assert_eq!(edit(&large), ["foreign 1\n", "foreign 2\n", &large], "also beyond the bound, for this run");
    assert_eq!(edit("foreign 3\n"), ["foreign 1\n", "foreign 2\n", "foreign 3\n"]);
}

#[test]
fn a_step_whose_path_moved_after_planning_is_refused_and_the_rest_done() {
    let mut machine = Machine::new();
    let model = machine.model(1, &[("etc/a", Want::File("a")), ("etc/b", Want::File("b")), ("x/c", Want::File("c"))]);
    fs::create_dir_all(machine.at("etc")).unwrap();
    fs::write(machine.at("etc/b"), "before").unwrap();
    let plan = machine.plan(&model);
    fs::write(machine.at("etc/a"), "somebody was faster").unwrap();
    fs::write(machine.at("etc/b"), "changed").unwrap();
    let applied = machine.apply(&plan).unwrap();
    let refused: Vec<String> = applied.refused.iter().map(ToString::to_string).collect();
    assert_eq!(
        refused,
        [
            "did not change 'etc/b': its content changed after it was looked at",
            "did not change 'etc/a': it changed after it was looked at"
        ]
    );
    assert_eq!(fs::read_to_string(machine.at("etc/a")).unwrap(), "somebody was faster");
    assert_eq!(fs::read_to_string(machine.at("etc/b")).unwrap(), "changed");
    assert_eq!(fs::read_to_string(machine.at("x/c")).unwrap(), "c");
    assert_eq!(machine.managed().commit, None);
    assert!(machine.leftovers().is_empty());
    machine.converge(&model);
}

#[test]
fn a_folder_of_ours_gives_way_to_a_file_once_nothing_foreign_is_in_it() {
    let mut machine = Machine::new();
    let folder = machine.model(1, &[("etc/x/y/ours", Want::File("1"))]);
    machine.converge(&folder);
    fs::write(machine.at("etc/x/y/foreign"), "by hand").unwrap();
    let model = machine.model(2, &[("etc/x", Want::File("2"))]);
    for _ in 0..2 {
        let plan = machine.plan(&model);
        let notes: Vec<&str> = plan.notes().iter().map(|note| note.text.as_str()).collect();
        assert_eq!(notes, ["a directory is in the way, and 'etc/x/y/foreign' in it stays"]);
        assert_eq!(machine.apply(&plan).unwrap().refused, []);
        assert_eq!(machine.difference().as_deref(), Some("etc/x"), "the next run looks again");
    }
    assert_eq!(fs::read_to_string(machine.at("etc/x/y/foreign")).unwrap(), "by hand");
    fs::remove_file(machine.at("etc/x/y/foreign")).unwrap();
    machine.converge(&model);
    assert_eq!(fs::read_to_string(machine.at("etc/x")).unwrap(), "2");
}

#[test]
fn what_came_into_a_folder_after_the_plan_keeps_it_also_from_a_run_that_is_killed_meanwhile() {
    for killed in [false, true] {
        let mut machine = Machine::new();
        let folder = machine.model(1, &[("etc/x/ours", Want::File("1"))]);
        machine.converge(&folder);
        let model = machine.model(2, &[("etc/x", Want::File("2"))]);
        let plan = machine.plan(&model);
        fs::write(machine.at("etc/x/foreign"), "by hand").unwrap();
        if killed {
            // At each change, until it is right after the two changed places.
            let exchanged = (0..200).any(|fault| {
                faults::arm(fault, Errno::EIO, true);
                let _ = machine.apply(&plan);
                faults::disarm();
                let is_file = machine.at("etc/x").is_file();
                machine.host.recover().unwrap();
                is_file
            });
            assert!(exchanged, "it never was a file");
        } else {
            let refused = machine.apply(&plan).unwrap().refused;
            let refused: Vec<String> = refused.iter().map(ToString::to_string).collect();
            assert_eq!(refused, ["did not change 'etc/x': it changed after it was looked at"]);
        }
        assert_eq!(fs::read_to_string(machine.at("etc/x/foreign")).unwrap(), "by hand");
        assert_eq!(machine.leftovers(), Vec::<String>::new());
        fs::remove_file(machine.at("etc/x/foreign")).unwrap();
        machine.converge(&model);
        assert_eq!(fs::read_to_string(machine.at("etc/x")).unwrap(), "2");
    }
}

#[test]
fn a38_a_symlinked_directory_is_written_into_and_stays() {
    let mut machine = Machine::new();
    fs::create_dir_all(machine.at("usr/lib")).unwrap();
    symlink("usr/lib", machine.at("lib")).unwrap();
    let model = machine.model(1, &[("lib/systemd/system/a.service", Want::File("unit"))]);
    machine.converge(&model);
    assert_eq!(fs::read_link(machine.at("lib")).unwrap(), Path::new("usr/lib"));
    assert_eq!(fs::read_to_string(machine.at("usr/lib/systemd/system/a.service")).unwrap(), "unit");
}

#[test]
fn a39_a_hard_link_is_broken_and_its_other_name_untouched() {
    let mut machine = Machine::new();
    fs::create_dir_all(machine.at("etc")).unwrap();
    fs::write(machine.at("victim"), "same").unwrap();
    fs::set_permissions(machine.at("victim"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::hard_link(machine.at("victim"), machine.at("etc/mode")).unwrap();
    fs::hard_link(machine.at("victim"), machine.at("etc/text")).unwrap();
    let model = machine.model(1, &[("etc/mode", Want::Mode("same", 0o666)), ("etc/text", Want::File("other"))]);
    machine.converge(&model);
    let victim = fs::metadata(machine.at("victim")).unwrap();
    assert_eq!((victim.permissions().mode() & 0o7777, victim.nlink()), (0o600, 1));
    assert_eq!(fs::read_to_string(machine.at("victim")).unwrap(), "same");
}

#[test]
fn a39_a_link_planted_as_the_last_component_is_replaced_not_followed() {
    let mut machine = Machine::new();
    fs::create_dir_all(machine.at("etc")).unwrap();
    fs::write(machine.at("victim"), "victim").unwrap();
    symlink("../victim", machine.at("etc/motd")).unwrap();
    let model = machine.model(1, &[("etc/motd", Want::File("ours"))]);
    machine.converge(&model);
    assert!(fs::symlink_metadata(machine.at("etc/motd")).unwrap().is_file());
    assert_eq!(fs::read_to_string(machine.at("victim")).unwrap(), "victim");
}

#[test]
fn a40_modes_of_existing_directories_stay() {
    let mut machine = Machine::new();
    for (name, mode) in [("root", 0o700), ("tmp", 0o1777), ("private", 0o710)] {
        fs::create_dir_all(machine.at(name)).unwrap();
        fs::set_permissions(machine.at(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let model =
        machine.model(1, &[("root/x", Want::File("x")), ("tmp/x", Want::File("x")), ("private/x", Want::File("x"))]);
    machine.converge(&model);
    for (name, mode) in [("root", 0o700), ("tmp", 0o1777), ("private", 0o710)] {
        assert_eq!(fs::metadata(machine.at(name)).unwrap().permissions().mode() & 0o7777, mode, "{name}");
    }
}

#[test]
fn what_a_task_changed_is_taken_over_and_not_planned_against() {
    let mut machine = Machine::new();
    let model = machine.model(1, &[("etc/motd", Want::File("ours\n")), ("etc/other", Want::File("o"))]);
    let mut managed = machine.converge(&model).managed;
    fs::write(machine.at("etc/motd"), "a task's\n").unwrap();
    assert_eq!(machine.host.take_over(&mut managed).unwrap(), [path("etc/motd")]);
    assert!(machine.managed().entries.get(&path("etc/motd")).unwrap().task_made);
    assert_eq!(machine.plan(&model).steps(), []);
    assert_eq!(machine.difference(), None);

    // A file that was only touched is not changed, and recognised from then on.
    fs::write(machine.at("etc/other"), "o").unwrap();
    assert_eq!(machine.difference().as_deref(), Some("etc/other"));
    assert!(machine.host.take_over(&mut managed).unwrap().is_empty());
    assert_eq!(machine.difference(), None);
}

/// The states between which the fault tests go: every action, two of them on one path, and a batch past `syncfs`.
fn two_states() -> [Vec<(&'static str, Want)>; 2] {
    let many = ["m/01", "m/02", "m/03", "m/04", "m/05", "m/06", "m/07", "m/08", "m/09", "m/10", "m/11", "m/12"];
    let first = vec![
        ("etc/a", Want::File("one")),
        ("etc/gone", Want::File("gone")),
        ("etc/mode", Want::File("mode")),
        ("etc/turn", Want::Link("a")),
        ("etc/swap/deep", Want::File("deep")),
        ("old/sub/file", Want::File("old")),
    ];
    let mut second = vec![
        ("etc/a", Want::File("two")),
        ("etc/mode", Want::Mode("mode", 0o600)),
        ("etc/turn/deep", Want::File("deep")),
        ("etc/swap", Want::File("swap")),
        ("etc/link", Want::Link("a")),
        ("new/sub/file", Want::File("new")),
    ];
    second.extend(many.map(|name| (name, Want::File("many"))));
    [first, second]
}

/// Lets the change number `fault` fail while going from the first state to the second.
///
/// Returns the machine, the second model and whether the fault was reached.
fn go_with_fault(fault: usize, for_ever: bool) -> (Machine, StagedModel, bool) {
    let [first, second] = two_states();
    let mut machine = Machine::new();
    let first = machine.model(1, &first);
    machine.converge(&first);
    fs::write(machine.at("etc/a"), "foreign").unwrap();
    let before = machine.tree();
    let second = machine.model(2, &second);
    let plan = machine.plan(&second);
    faults::arm(fault, Errno::ENOSPC, for_ever);
    let result = machine.apply(&plan);
    let reached = faults::disarm() > fault;
    assert!(for_ever || !reached || result.is_err() || machine.plan(&second).is_empty());
    if let Err(error) = result {
        let hint = error.hint().unwrap();
        assert!(hint.starts_with("free space or inodes on the file system of '"), "{hint}");
    }
    for name in ["etc/turn", "etc/swap"] {
        assert!(machine.tree().contains_key(name), "fault {fault}: '{name}' is neither of its two types");
    }
    for (name, found) in machine.tree() {
        let new = match name.as_str() {
            "etc/a" => Some("644 two"),
            "etc/mode" => Some("600 mode"),
            "etc/turn/deep" => Some("644 deep"),
            "etc/swap" => Some("644 swap"),
            "etc/link" => Some("-> a"),
            "new/sub/file" => Some("644 new"),
            name if name.starts_with("m/") => Some("644 many"),
            _ => None,
        };
        let is_folder = found.starts_with("folder");
        let is_temporary = for_ever && name.contains(".cosmos-");
        assert!(
            is_folder || is_temporary || before.get(&name) == Some(&found) || new == Some(found.as_str()),
            "fault {fault}: '{name}' is neither old nor new: {found}"
        );
    }
    (machine, second, reached)
}

#[test]
fn a_fault_at_any_change_leaves_old_or_new_files_no_temporary_one_and_the_rerun_converges() {
    for fault in 0.. {
        let (mut machine, model, reached) = go_with_fault(fault, false);
        if !reached {
            assert!(fault > 60, "only {fault} changes were tried");
            break;
        }
        let temporary: Vec<_> = machine.tree().into_keys().filter(|name| name.contains(".cosmos-")).collect();
        assert_eq!(temporary, Vec::<String>::new(), "fault {fault}");
        machine.host.recover().unwrap();
        machine.converge(&model);
    }
}

#[test]
fn a48_killed_at_any_change_the_next_run_recovers_and_forgets_nothing_it_made() {
    for fault in 0.. {
        let (mut machine, model, reached) = go_with_fault(fault, true);
        if !reached {
            break;
        }
        machine.host.recover().unwrap();
        // A state file that was being written keeps its fixed temporary name until it is written next.
        let left: Vec<_> = machine.leftovers().into_iter().filter(|name| !name.ends_with(".new")).collect();
        assert_eq!(left, Vec::<String>::new(), "killed at {fault}");
        if fault % 2 == 0 {
            machine.converge(&model);
            continue;
        }
        // What the killed run made is ours, so that it goes when the next release does not want it.
        let empty = machine.model(3, &[]);
        machine.apply(&machine.plan(&empty)).unwrap();
        let left: Vec<_> = machine.tree().into_iter().filter(|(_, text)| !text.starts_with("folder")).collect();
        let foreign = left.iter().all(|(name, text)| name == "etc/a" && text == "644 foreign");
        assert!(foreign, "killed at {fault}: {left:?}");
    }
}

#[test]
fn a_killed_recovery_recovers() {
    let (mut machine, model, _) = go_with_fault(60, true);
    for fault in 0.. {
        faults::arm(fault, Errno::EIO, true);
        let result = machine.host.recover();
        if faults::disarm() <= fault {
            result.unwrap();
            break;
        }
    }
    machine.converge(&model);
}

#[test]
fn a_journal_that_a_power_cut_brings_back_changes_nothing() {
    let [first, second] = two_states();
    let mut machine = Machine::new();
    let model = machine.model(1, &first);
    machine.converge(&model);
    let model = machine.model(2, &second);
    let plan = machine.plan(&model);
    machine.apply(&plan).unwrap();
    let (files, before) = (machine.tree(), machine.managed());
    journal::write(machine.host.state(), &plan, &journal::run_id()).unwrap();
    machine.host.recover().unwrap().unwrap();
    assert_eq!(machine.tree(), files);
    assert_eq!(machine.plan(&model).steps(), []);
    let paths = |managed: &ManagedSet| managed.entries.keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(&machine.managed()), paths(&before));
    machine.converge(&model);
}

#[test]
fn a_journal_of_a_later_agent_is_left_and_a_damaged_one_removed() {
    let mut machine = Machine::new();
    fs::create_dir_all(machine.at("var/lib/cosmos")).unwrap();
    let journal = machine.at("var/lib/cosmos/journal");
    fs::write(&journal, "{\"format\":2,\"something\":\"else\"}\n").unwrap();
    let error = machine.host.recover().unwrap_err();
    assert_eq!(error.to_string(), "a later agent was killed here: the journal has format 2, this agent knows format 1");
    fs::write(&journal, "{\"format\":1,\"run\":").unwrap();
    assert_eq!(machine.host.recover().unwrap(), None);
    assert!(!journal.exists());
}

/// It is written under its own name, so that a kill may leave any part of it: nothing was changed then.
#[test]
fn a_torn_journal_is_removed_wherever_it_is_torn() {
    let mut machine = Machine::new();
    let model = machine.model(1, &[("etc/motd", Want::File("one")), ("etc/link", Want::Link("motd"))]);
    let plan = machine.plan(&model);
    fs::create_dir_all(machine.at("var/lib/cosmos")).unwrap();
    let journal = machine.at("var/lib/cosmos/journal");
    journal::write(machine.host.state(), &plan, &journal::run_id()).unwrap();
    let whole = fs::read(&journal).unwrap();
    // Without its last byte, the end of its last line, it says all.
    for length in 0..whole.len() - 1 {
        fs::write(&journal, &whole[..length]).unwrap();
        assert_eq!(machine.host.recover().unwrap(), None, "{length} of {}", whole.len());
        assert!(!journal.exists());
    }
    fs::write(&journal, whole).unwrap();
    assert_eq!(machine.host.recover().unwrap().unwrap().open, plan.steps().len());
}

#[test]
fn wrong_bytes_are_never_installed() {
    let mut machine = Machine::new();
    let model = machine.model(1, &[("etc/motd", Want::File("signed"))]);
    let plan = machine.plan(&model);
    for bytes in machine.contents.values_mut() {
        *bytes = b"forged".to_vec();
    }
    let error = machine.apply(&plan).unwrap_err();
    let ApplyError::Stopped { source, .. } = error else { panic!("{error}") };
    assert_eq!(source.to_string(), "the content read for 'etc/motd' is not the content planned");
    assert!(!machine.at("etc/motd").exists() && machine.leftovers().is_empty());
}

/// Compares the fast path's law with the planner's: an entry that a policy leaves alone is no difference.
#[test]
fn an_entry_left_alone_only_has_to_be_there() {
    let mut machine = Machine::new();
    let mut model = machine.model(1, &[("etc/motd", Want::File("ours"))]);
    let mut entries = model.entries().clone();
    entries.get_mut(&path("etc/motd")).unwrap().policy = FilePolicy::CreateOnly;
    model.amend(entries);
    machine.converge(&model);
    fs::write(machine.at("etc/motd"), "the host's").unwrap();
    assert_eq!(machine.difference(), None);
    assert_eq!(machine.plan(&model).steps(), []);
    let managed = machine.managed();
    let entry: &ManagedEntry = managed.entries.get(&path("etc/motd")).unwrap();
    assert!(entry.left_alone);
}

#[test]
#[ignore = "needs root: gives files to another user"]
fn owners_are_given_and_drift_of_owners_is_repaired() {
    let mut machine = Machine::new();
    let mut model = machine.model(1, &[("etc/motd", Want::File("ours")), ("etc/link", Want::Link("motd"))]);
    let mut entries = model.entries().clone();
    for (_, entry) in &mut entries {
        (entry.owner, entry.group) = (Owner::Id(33), Owner::Id(34));
    }
    model.amend(entries);
    machine.converge(&model);
    std::os::unix::fs::lchown(machine.at("etc/link"), Some(0), Some(0)).unwrap();
    std::os::unix::fs::chown(machine.at("etc/motd"), Some(1), Some(1)).unwrap();
    machine.converge(&model);
    for name in ["etc", "etc/motd", "etc/link"] {
        let found = fs::symlink_metadata(machine.at(name)).unwrap();
        assert_eq!((found.uid(), found.gid()), (33, 34), "{name}");
    }
}
