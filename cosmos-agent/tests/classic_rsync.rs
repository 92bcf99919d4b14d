//! The merge of classic layers has the outcome of `rsync --archive --delete` (C3): compared on generated layers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod classic_support;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use classic_support::objects::Objects;
use classic_support::{installed, tree};
use cosmos_agent::model_folder::listing;
use cosmos_model::content::ContentHash;
use cosmos_model::object_id::ObjectId;
use cosmos_model::stage::{Inputs, KnownContent, Layers, StageError, stage};
use cosmos_model::staged::StagedModel;
use cosmos_model::trust::{TrustState, VerifiedRevision};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// What lies at a path of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    File(String),
    Executable(String),
    Link(String),
}

/// The files of one layer, by path.
type Layer = BTreeMap<String, Node>;

struct NothingKnown;

impl KnownContent for NothingKnown {
    fn content_of(&self, _: ObjectId) -> Option<(u64, ContentHash)> {
        None
    }
}

fn revision(tree: ObjectId) -> VerifiedRevision {
    let time = "2026-01-01T00:00:00Z";
    let state = serde_json::json!({ "accepted": {
        "commit": ObjectId::new([1; 20]), "tree": tree, "tag": null, "signers": [], "signed_at": time,
        "valid_until": null, "counter": null, "removals": 0
    }});
    // The judge's state is the only way back to a verified revision.
    let state: TrustState = serde_json::from_str(&state.to_string()).unwrap();
    state.accepted().unwrap().clone()
}

/// Merges layers named `0`, `1`, …; a layer whose flag is set is given without a slash, and so is nested.
fn merged(layers: &[(Layer, bool)], objects: &mut Objects) -> Result<StagedModel, StageError> {
    let nodes = layers.iter().enumerate().flat_map(|(number, (layer, _))| {
        layer.iter().map(move |(path, node)| (format!("{number}/{path}"), node.clone()))
    });
    let root = objects.tree(&nodes.map(|(path, node)| (path, written(node))).collect::<Vec<_>>());
    let folders = layers.iter().enumerate().map(|(number, (_, nested))| folder(number, *nested).into_bytes()).collect();
    stage(&revision(root), &Layers::Classic { folders }, objects, &NothingKnown, &Inputs::default())
}

fn folder(number: usize, nested: bool) -> String {
    format!("{number}{}", if nested { "" } else { "/" })
}

fn written(node: Node) -> (&'static str, Vec<u8>) {
    match node {
        Node::File(text) => ("100644", text.into_bytes()),
        Node::Executable(text) => ("100755", text.into_bytes()),
        Node::Link(target) => ("120000", target.into_bytes()),
    }
}

/// Writes the layers as a checkout of a release would, each with its own time: rsync compares times, not contents.
fn check_out(layers: &[(Layer, bool)], release: u64, folder: &Path) {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000 + release);
    for (number, (layer, _)) in layers.iter().enumerate() {
        for (path, node) in layer {
            let full = folder.join(number.to_string()).join(path);
            std::fs::create_dir_all(full.parent().unwrap()).unwrap();
            match node {
                Node::Link(target) => std::os::unix::fs::symlink(target, &full).unwrap(),
                Node::File(text) | Node::Executable(text) => {
                    std::fs::write(&full, text).unwrap();
                    let mode = if matches!(node, Node::File(_)) { 0o644 } else { 0o755 };
                    std::fs::set_permissions(&full, std::fs::Permissions::from_mode(mode)).unwrap();
                    std::fs::File::open(&full).unwrap().set_modified(time).unwrap();
                }
            }
        }
    }
    for entry in
        walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_dir())
    {
        std::fs::set_permissions(entry.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Returns what rsync makes of the layers, starting from what `model` holds.
fn rsync(layers: &[(Layer, bool)], folder: &Path, model: &Path) -> Vec<String> {
    let sources = layers.iter().enumerate().map(|(number, (_, nested))| {
        let mut source = folder.join(number.to_string()).into_os_string();
        source.push(if *nested { "" } else { "/" });
        source
    });
    let mut command = Command::new("rsync");
    command.env("LC_ALL", "C").args(["--archive", "--delete"]).args(sources).arg(model);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    tree(model)
}

fn nodes() -> impl Strategy<Value = Node> {
    let text = prop_oneof![Just(String::new()), "[a-c]{1,3}"];
    prop_oneof![
        3 => text.clone().prop_map(Node::File),
        2 => text.prop_map(Node::Executable),
        2 => prop_oneof![Just("a"), Just("../overlay/b c"), Just("/etc"), Just("nowhere ü")]
            .prop_map(|target| Node::Link(target.to_owned())),
    ]
}

fn paths() -> impl Strategy<Value = String> {
    let top =
        prop_oneof![4 => Just("overlay"), 2 => Just("pre-tasks.d"), 1 => Just("post-tasks.d"), 1 => Just("extra")];
    let name = prop_oneof![Just("a"), Just("b c"), Just("-grün"), Just("010t")];
    (top, proptest::collection::vec(name, 0..4)).prop_map(|(top, names)| [&[top], &names[..]].concat().join("/"))
}

fn layers() -> impl Strategy<Value = Vec<(Layer, bool)>> {
    let layer = proptest::collection::vec((paths(), nodes()), 1..10).prop_map(|entries| {
        let mut layer = Layer::new();
        for (path, node) in entries {
            let below = |one: &str, other: &str| one.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'));
            if !layer.keys().any(|known| *known == path || below(known, &path) || below(&path, known)) {
                layer.insert(path, node);
            }
        }
        layer
    });
    // Where every layer is nested, rsync deletes nothing at the top of the model; we do (docs/classic.md).
    let one_is_not_nested = |mut layers: Vec<(Layer, bool)>| {
        layers[0].1 &= layers.iter().any(|(_, nested)| !nested);
        layers
    };
    proptest::collection::vec((layer, proptest::bool::weighted(0.15)), 1..4).prop_map(one_is_not_nested)
}

#[test]
fn the_model_folder_is_what_rsync_makes_of_the_same_layers_before_and_after_a_release() {
    if !installed("rsync") {
        return;
    }
    let law = ProptestConfig::default();
    let config =
        ProptestConfig { cases: law.cases.div_ceil(8), max_shrink_iters: 400, failure_persistence: None, ..law };
    // Not the macro: it takes PROPTEST_CASES for the number of cases, whatever the configuration says.
    TestRunner::new(config)
        .run(&(layers(), layers()), |(first, second)| same_model([first, second]))
        .unwrap_or_else(|error| panic!("{error}"));
}

fn same_model(releases: [Vec<(Layer, bool)>; 2]) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
    std::fs::create_dir(&theirs).unwrap();
    for (number, layers) in (0..).zip(releases.iter()) {
        let checkout = folder.path().join(format!("checkout{number}"));
        check_out(layers, number, &checkout);
        let expected = rsync(layers, &checkout, &theirs);
        let mut objects = Objects::default();
        let staged = merged(layers, &mut objects).unwrap();
        listing::write(&ours, &folder.path().join("index"), &staged, &objects).unwrap();
        prop_assert_eq!(tree(&ours), expected);
    }
    Ok(())
}

#[test]
fn a_missing_layer_is_refused_with_the_model_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let mut objects = Objects::default();
    let layer = Layer::from([("overlay/a".to_owned(), Node::File("one".into()))]);
    let (model, index) = (folder.path().join("model"), folder.path().join("index"));
    let staged = merged(&[(layer, false)], &mut objects).unwrap();
    listing::write(&model, &index, &staged, &objects).unwrap();
    let folders = vec![b"0/".to_vec(), b"gone/".to_vec()];
    let refused = stage(staged.revision(), &Layers::Classic { folders }, &objects, &NothingKnown, &Inputs::default())
        .unwrap_err();
    assert!(refused.to_string().contains("the layer 'gone' does not exist in the repository"), "{refused}");
    assert_eq!(tree(&model), ["overlay/ 755", "overlay/a 644 \"one\""]);
}
