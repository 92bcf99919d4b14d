//! Laws of staging: the order of layers, what is read, and what it costs.

mod support;

use std::collections::BTreeMap;

use cosmos_model::content::ContentHash;
use cosmos_model::object::ObjectKind;
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;
use cosmos_model::stage::{Inputs, KnownContent, stage, stage_since};
use cosmos_model::staged::StagedEntry;
use proptest::prelude::*;
use support::{Objects, Tree, native, revision, staged};

const HOST: &str = "ns1.example.org";

/// Everything is known, as after a first run.
struct Known(BTreeMap<ObjectId, (u64, ContentHash)>);

impl KnownContent for Known {
    fn content_of(&self, id: ObjectId) -> Option<(u64, ContentHash)> {
        self.0.get(&id).copied()
    }
}

impl Known {
    fn all_of(objects: &Objects) -> Self {
        let blobs = objects.stored.iter().filter(|(_, object)| object.kind == ObjectKind::Blob);
        Self(blobs.map(|(id, object)| (*id, (object.bytes.len() as u64, ContentHash::of(&object.bytes)))).collect())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_layer_stands_before_what_it_uses_and_global_and_root_come_last(
        uses in prop::collection::vec(prop::collection::vec(0usize..6, 0..3), 6),
        of_host in prop::collection::vec(0usize..6, 0..4),
        by_rule in prop::collection::vec(0usize..6, 0..3),
    ) {
        let list = |layers: Vec<usize>| layers.iter().map(|layer| format!("'m{layer}'")).collect::<Vec<_>>().join(", ");
        // A layer uses later ones only, so that there is no circle.
        let later = |layer: usize| uses[layer].iter().copied().filter(|used| *used > layer).collect::<Vec<_>>();
        let mut files: Vec<(String, String)> = vec![
            ("fleet.toml".into(), format!("[[rule]]\nhosts = ['**']\nuse = [{}]", list(by_rule.clone()))),
            (format!("hosts/{HOST}/layer.toml"), format!("use = [{}]", list(of_host.clone()))),
            ("global/overlay/etc/g".into(), String::new()),
        ];
        for layer in 0..6 {
            files.push((format!("models/m{layer}/layer.toml"), format!("use = [{}]", list(later(layer)))));
        }
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let model = staged(&files, HOST);
        let layers: Vec<&str> = model.layers().iter().map(|name| &**name).collect();
        let at = |layer: usize| layers.iter().position(|name| *name == format!("models/m{layer}"));
        prop_assert_eq!(layers[0], format!("hosts/{HOST}"));
        prop_assert_eq!(&layers[layers.len() - 2..], ["global", "."]);
        for layer in of_host.iter().chain(&by_rule) {
            prop_assert!(at(*layer).is_some());
        }
        for layer in (0..6).filter(|layer| at(*layer).is_some()) {
            for used in later(layer) {
                prop_assert!(at(layer) < at(used), "m{layer} uses m{used}: {layers:?}");
            }
        }
        if let [first, second, ..] = of_host[..] {
            let free = (0..6).all(|layer| !later(layer).contains(&first));
            prop_assert!(first == second || !free || at(first) < at(second), "as written: {layers:?}");
        }
    }
}

#[test]
fn shadowed_and_known_files_are_not_read_and_a_tree_is_read_once() {
    let mut objects = Objects::default();
    let tree = Tree::new(&[
        ("hosts/ns1.example.org/overlay/etc/a", "wins"),
        ("overlay/etc/a", "shadowed"),
        ("overlay/etc/b", "known"),
    ]);
    let root = tree.write(&mut objects);
    let id = |text: &str| cosmos_model::object::hash(ObjectKind::Blob, text.as_bytes()).expect("no collision");
    let known = Known([(id("known"), (5, ContentHash::of(b"known")))].into());
    stage(&revision(root, 0), &native(HOST), &objects, &known, &Inputs::default())
        .unwrap_or_else(|error| panic!("{error}"));
    let read = objects.read.borrow();
    assert_eq!([id("wins"), id("shadowed"), id("known")].map(|id| read.contains(&id)), [true, false, false]);
}

#[test]
fn of_a_changed_release_only_changed_folders_are_read_and_other_layers_or_rules_are_staged_anew() {
    let files = |changed: &'static str, rule: &'static str| {
        Tree::new(&[
            ("hosts/ns1.example.org/layer.toml", rule),
            ("hosts/ns1.example.org/overlay/etc/a/x", "x"),
            ("hosts/ns1.example.org/overlay/etc/b/y", changed),
            ("overlay/etc/a/z", "z"),
            ("overlay/etc/c/w", "w"),
        ])
    };
    let mut objects = Objects::default();
    let mut write = |tree: Tree| revision(tree.write(&mut objects), 0);
    let since = write(files("old", ""));
    let next = write(files("new", ""));
    let ruled = write(files("new", "[files.'etc/a/x']\nmode = '0600'"));
    let more = write(Tree::new(&[("hosts/ns1.example.org/overlay/etc/b/y", "y"), ("global/overlay/g", "g")]));
    let deleting = write(Tree::new(&[
        ("hosts/ns1.example.org/layer.toml", ""),
        ("hosts/ns1.example.org/overlay/etc/a/x", "x"),
        ("hosts/ns1.example.org/overlay/etc/b/y", "new"),
        ("overlay/etc/a/z", "z"),
        ("overlay/etc/c/w", "w"),
        ("delete/etc/c/w", ""),
    ]));
    let part = |next| stage_since(&since, next, &native(HOST), &objects, &Known(BTreeMap::new()), &Inputs::default());
    let staged = part(&next).expect("only a file differs");
    assert_eq!(
        support::overlay(&staged),
        "etc folder - hosts/ns1.example.org\netc/a folder - hosts/ns1.example.org\n\
         etc/b folder - hosts/ns1.example.org\netc/b/y file 3 0644 hosts/ns1.example.org\netc/c folder - .\n"
    );
    assert_eq!(staged.left_out(), ["etc/a", "etc/c"].map(|folder| folder.parse().expect("a path")));
    let id = |text: &str| cosmos_model::object::hash(ObjectKind::Blob, text.as_bytes()).expect("no collision");
    assert!(
        !["x", "z", "w"].iter().any(|text| objects.read.borrow().contains(&id(text))),
        "an unchanged file was read"
    );
    assert_eq!([part(&ruled), part(&more), part(&deleting)], [None, None, None]);
}

#[test]
fn ten_thousand_files_are_staged_from_trees_alone_in_little_memory() {
    let names: Vec<String> = (0..10_000).map(|n| format!("overlay/srv/data/{:02}/{n:05}.conf", n % 100)).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
    let mut objects = Objects::default();
    let root = Tree::new(&files).write(&mut objects);
    let known = Known::all_of(&objects);
    let start = std::time::Instant::now();
    let model = stage(&revision(root, 0), &native(HOST), &objects, &known, &Inputs::default())
        .unwrap_or_else(|error| panic!("{error}"));
    println!("staged in {:?}", start.elapsed());
    assert_eq!(model.entries().len(), 10_102);
    // The root, `overlay` and 102 folders below it; the root is read again as the root layer and for global/.
    assert!(objects.read.borrow().len() <= 110, "{} objects read", objects.read.borrow().len());
    let per_file = size_of::<RelPath>() + size_of::<StagedEntry>() + names[0].len() - "overlay/".len();
    assert!(per_file < 230, "{per_file} bytes a file before the map's own share");
}
