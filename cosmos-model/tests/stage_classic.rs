//! Classic layers: the outcome of rsync with several sources (C3), compared with rsync itself where it is installed.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use cosmos_model::stage::StageError;
use cosmos_model::staged::{StagedKind, StagedModel};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use support::{Node, Tree, classic, overlay, stage_tree};

fn model(files: &[(&str, &str)], folders: &[&str]) -> StagedModel {
    stage_tree(&Tree::new(files), &classic(folders)).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn c3_files_by_the_first_folders_by_any_and_tasks_switched_off() {
    let model = model(
        &[
            ("host/overlay/etc/a", "host"),
            ("host/overlay/etc/b", "a file"),
            ("host/overlay/etc/root_key", "as git has it"),
            ("host/pre-tasks.d/010one", "off"),
            ("common/overlay/etc/a", "common"),
            ("common/overlay/etc/b/c", "in a folder"),
            ("common/pre-tasks.d/010one", "#!/bin/sh"),
            ("common/pre-tasks.d/020two", "#!/bin/sh"),
            ("common/README", "carried along"),
            ("nested/overlay/x", "nested"),
        ],
        &["host/", "/common/", "nested"],
    );
    assert_eq!(
        overlay(&model),
        "etc folder - host\netc/a file 4 0644 host\netc/b folder - common\netc/b/c file 11 0644 common\n\
         etc/root_key file 13 0644 host\n"
    );
    let tasks: Vec<String> = model.runnable(model.pre_tasks()).map(|task| task.path.to_string()).collect();
    assert_eq!(tasks, ["020two"]);
    let others: Vec<String> = model.others().keys().map(ToString::to_string).collect();
    assert_eq!(others, ["README", "nested", "nested/overlay", "nested/overlay/x"]);
}

#[test]
fn c3_a_missing_layer_is_refused() {
    let error = stage_tree(&Tree::new(&[("global/overlay/a", "")]), &classic(&["host/", "global/"]))
        .expect_err("this is refused");
    assert_eq!(error.to_string(), "COSMOS_REPO_MODELS: the layer 'host' does not exist in the repository");
    assert!(matches!(error, StageError::Mistakes(_)));
}

#[test]
fn a35_classic_names_keep_their_bytes_and_twins() {
    let mut tree = Tree::new(&[("global/overlay/-rf", ""), ("global/overlay/a b", ""), ("global/overlay/A B", "")]);
    tree.0.insert(b"global/overlay/caf\xe9".to_vec(), Node::File(Vec::new()));
    let model = stage_tree(&tree, &classic(&["global/"])).unwrap_or_else(|error| panic!("{error}"));
    let names: Vec<String> = model.entries().keys().map(ToString::to_string).collect();
    assert_eq!(names, ["-rf", "A B", "a b", "caf\\xe9"]);
}

/// What a model folder holds: `None` for a folder, else the bytes or target and what git would say of the mode.
type Listing = BTreeMap<Vec<u8>, Option<Node>>;

fn staged_listing(tree: &Tree, folders: &[&str]) -> Listing {
    let blobs: BTreeMap<cosmos_model::content::ContentHash, Vec<u8>> = tree
        .0
        .values()
        .map(|node| match node {
            Node::File(bytes) | Node::Executable(bytes) | Node::Link(bytes) => bytes,
        })
        .map(|bytes| (cosmos_model::content::ContentHash::of(bytes), bytes.clone()))
        .collect();
    let model = stage_tree(tree, &classic(folders)).unwrap_or_else(|error| panic!("{error}"));
    let node = |kind: &StagedKind, executable: bool| match kind {
        StagedKind::Directory => None,
        StagedKind::Symlink(target) => Some(Node::Link(target.clone())),
        StagedKind::File(content) if executable => Some(Node::Executable(blobs[&content.hash].clone())),
        StagedKind::File(content) => Some(Node::File(blobs[&content.hash].clone())),
    };
    let mut listing = Listing::new();
    for (path, entry) in model.entries() {
        listing.insert([b"overlay/", path.as_bytes()].concat(), node(&entry.kind, entry.mode == Some(0o755)));
    }
    for (path, (kind, executable)) in model.others() {
        listing.insert(path.as_bytes().to_vec(), node(kind, *executable));
    }
    if listing.keys().any(|path| path.starts_with(b"overlay/")) {
        listing.insert(b"overlay".to_vec(), None);
    }
    listing
}

fn write(tree: &Tree, root: &Path) {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::PermissionsExt as _;
    for (path, node) in &tree.0 {
        let place = root.join(std::ffi::OsStr::from_bytes(path));
        std::fs::create_dir_all(place.parent().expect("below the root")).expect("a folder");
        match node {
            Node::Link(target) => {
                std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(target), &place).expect("a symlink");
            }
            Node::File(bytes) | Node::Executable(bytes) => {
                std::fs::write(&place, bytes).expect("a file");
                let mode = if matches!(node, Node::Executable(_)) { 0o755 } else { 0o644 };
                std::fs::set_permissions(&place, std::fs::Permissions::from_mode(mode)).expect("a mode");
            }
        }
    }
}

fn listing(root: &Path, folder: &Path, found: &mut Listing) {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::PermissionsExt as _;
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let path = entry.path();
        let name = path.strip_prefix(root).expect("below the root").as_os_str().as_bytes().to_vec();
        let kind = entry.metadata().expect("metadata");
        if kind.is_dir() {
            found.insert(name, None);
            listing(root, &path, found);
        } else if kind.is_symlink() {
            let target = std::fs::read_link(&path).expect("a target").as_os_str().as_bytes().to_vec();
            found.insert(name, Some(Node::Link(target)));
        } else {
            let bytes = std::fs::read(&path).expect("a file");
            let executable = kind.permissions().mode() & 0o100 != 0;
            found.insert(name, Some(if executable { Node::Executable(bytes) } else { Node::File(bytes) }));
        }
    }
}

fn layers() -> impl Strategy<Value = Tree> {
    let path = prop::sample::select(vec!["a", "a/b", "a/b/c", "a.b", "a/d", "e", "e/f", "-x", "ü b"]);
    let top = prop::sample::select(vec!["overlay", "overlay", "overlay", "other", "a"]);
    let layer = prop::sample::select(vec!["l1", "l2", "l3"]);
    let node = prop_oneof![
        3 => "[0-3]".prop_map(|text| Node::File(text.into_bytes())),
        1 => "[0-3]".prop_map(|text| Node::Executable(text.into_bytes())),
        1 => prop::sample::select(vec!["e", "a/b", "nowhere"]).prop_map(|target| Node::Link(target.into())),
    ];
    prop::collection::vec((layer, top, path, node), 1..14).prop_map(|list| {
        let mut tree = Tree::new(&[("l1/overlay/z", "1"), ("l2/overlay/z", "2"), ("l3/overlay/z", "3")]);
        for (layer, top, path, node) in list {
            let new = format!("{layer}/{top}/{path}").into_bytes();
            let inside = |long: &[u8], short: &[u8]| long.starts_with(&[short, b"/"].concat());
            if !tree.0.keys().any(|old| inside(old, &new) || inside(&new, old)) {
                tree.0.insert(new, node);
            }
        }
        tree
    })
}

#[test]
fn c3_the_merge_is_what_rsync_makes() {
    if Command::new("rsync").arg("--version").output().is_err() {
        eprintln!("rsync is not installed: nothing to compare with");
        return;
    }
    let law = ProptestConfig::default();
    let config = ProptestConfig { cases: law.cases.div_ceil(20), failure_persistence: None, ..law };
    // Not the macro: it takes PROPTEST_CASES for the number of cases, whatever the configuration says.
    TestRunner::new(config)
        .run(&(layers(), any::<[bool; 3]>()), |(tree, slashes)| merged_as_rsync_does(&tree, slashes))
        .unwrap_or_else(|error| panic!("{error}"));
}

fn merged_as_rsync_does(tree: &Tree, slashes: [bool; 3]) -> Result<(), TestCaseError> {
    let place = tempfile::tempdir().expect("a folder");
    write(tree, place.path());
    let folders: Vec<String> = ["l1", "l2", "l3"]
        .iter()
        .zip(slashes)
        .map(|(name, slash)| format!("{name}{}", if slash { "/" } else { "" }))
        .collect();
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    let status = Command::new("rsync")
        .current_dir(place.path())
        .args(["--archive", "--delete"])
        .args(&folders)
        .arg("model")
        .status()
        .expect("rsync runs");
    prop_assert!(status.success());
    let mut found = Listing::new();
    listing(&place.path().join("model"), &place.path().join("model"), &mut found);
    prop_assert_eq!(staged_listing(tree, &folders), found);
    Ok(())
}
