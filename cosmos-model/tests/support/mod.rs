//! A repository in memory, and a host that carries out plans.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::cell::RefCell;
use std::collections::BTreeMap;

use cosmos_model::content::ContentHash;
use cosmos_model::object::{self, ObjectKind, ObjectSource, RawObject};
use cosmos_model::object_id::ObjectId;
use cosmos_model::stage::{Inputs, KnownContent, Layers, StageError, stage};
use cosmos_model::staged::StagedModel;
use cosmos_model::trust::{TrustState, VerifiedRevision};

pub mod host;

/// Objects in memory; remembers what was read.
#[derive(Default)]
pub struct Objects {
    pub stored: BTreeMap<ObjectId, RawObject>,
    pub read: RefCell<Vec<ObjectId>>,
}

impl ObjectSource for Objects {
    fn object(&self, id: ObjectId) -> Result<Option<RawObject>, String> {
        self.read.borrow_mut().push(id);
        Ok(self.stored.get(&id).cloned())
    }
}

impl Objects {
    pub fn add(&mut self, kind: ObjectKind, bytes: &[u8]) -> ObjectId {
        let id = object::hash(kind, bytes).expect("not made for a collision");
        self.stored.insert(id, RawObject { kind, bytes: bytes.to_vec() });
        id
    }

    /// Adds a tree from entries in any order.
    pub fn tree(&mut self, entries: &[(&str, &[u8], ObjectId)]) -> ObjectId {
        let mut sorted = entries.to_vec();
        sorted.sort_by_key(|(mode, name, _)| {
            let mut key = name.to_vec();
            key.extend((*mode == "40000").then_some(b'/'));
            key
        });
        let mut bytes = Vec::new();
        for (mode, name, id) in sorted {
            bytes.extend_from_slice(mode.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend_from_slice(id.as_bytes());
        }
        self.add(ObjectKind::Tree, &bytes)
    }
}

/// What lies at a path of a made repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    File(Vec<u8>),
    Executable(Vec<u8>),
    Link(Vec<u8>),
}

/// A repository that is written as a list of paths.
#[derive(Clone, Default)]
pub struct Tree(pub BTreeMap<Vec<u8>, Node>);

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |node: &Node| match node {
            Node::File(bytes) => format!("file {}", bytes.escape_ascii()),
            Node::Executable(bytes) => format!("program {}", bytes.escape_ascii()),
            Node::Link(target) => format!("-> {}", target.escape_ascii()),
        };
        f.debug_map().entries(self.0.iter().map(|(path, node)| (path.escape_ascii().to_string(), shown(node)))).finish()
    }
}

impl Tree {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            let node = match text.strip_prefix("-> ") {
                Some(target) => Node::Link(target.as_bytes().to_vec()),
                None if text.starts_with("#!") => Node::Executable(text.as_bytes().to_vec()),
                None => Node::File(text.as_bytes().to_vec()),
            };
            tree.0.insert(path.as_bytes().to_vec(), node);
        }
        tree
    }

    /// Writes the objects and returns the root tree.
    pub fn write(&self, objects: &mut Objects) -> ObjectId {
        let paths: Vec<(&[u8], &Node)> = self.0.iter().map(|(path, node)| (path.as_slice(), node)).collect();
        write_folder(objects, &paths)
    }
}

fn write_folder(objects: &mut Objects, paths: &[(&[u8], &Node)]) -> ObjectId {
    let mut entries: Vec<(&str, &[u8], ObjectId)> = Vec::new();
    let mut folders: BTreeMap<&[u8], Vec<(&[u8], &Node)>> = BTreeMap::new();
    for (path, node) in paths {
        match path.iter().position(|byte| *byte == b'/') {
            Some(slash) => folders.entry(&path[..slash]).or_default().push((&path[slash + 1..], node)),
            None => {
                let (mode, bytes) = match node {
                    Node::File(bytes) => ("100644", bytes),
                    Node::Executable(bytes) => ("100755", bytes),
                    Node::Link(target) => ("120000", target),
                };
                entries.push((mode, path, objects.add(ObjectKind::Blob, bytes)));
            }
        }
    }
    for (name, inner) in &folders {
        entries.push(("40000", name, write_folder(objects, inner)));
    }
    objects.tree(&entries)
}

/// Nothing is known.
pub struct Nothing;

impl KnownContent for Nothing {
    fn content_of(&self, _: ObjectId) -> Option<(u64, ContentHash)> {
        None
    }
}

/// Reads a verified revision back as the state file has it; its commit is the tree's id.
pub fn revision(tree: ObjectId, removals: u64) -> VerifiedRevision {
    let text = format!(
        r#"{{"accepted":{{"commit":"{tree}","tree":"{tree}","tag":null,"signers":[],
        "signed_at":"2026-01-10T00:00:00Z","valid_until":null,"counter":null,"removals":{removals}}}}}"#
    );
    let state: TrustState = serde_json::from_str(&text).expect("the state file's form");
    state.accepted().expect("it was just written").clone()
}

pub fn native(host: &str) -> Layers {
    Layers::Native { host: host.parse_name(), agent: (0, 1, 0) }
}

trait ParseName {
    fn parse_name(&self) -> cosmos_model::host_name::HostName;
}

impl ParseName for str {
    fn parse_name(&self) -> cosmos_model::host_name::HostName {
        cosmos_model::host_name::HostName::new(self).expect("a host name")
    }
}

pub fn classic(folders: &[&str]) -> Layers {
    Layers::Classic { folders: folders.iter().map(|folder| folder.as_bytes().to_vec()).collect() }
}

pub fn stage_tree(tree: &Tree, layers: &Layers) -> Result<StagedModel, StageError> {
    stage_with(tree, layers, 0)
}

pub fn stage_with(tree: &Tree, layers: &Layers, removals: u64) -> Result<StagedModel, StageError> {
    let mut objects = Objects::default();
    let root = tree.write(&mut objects);
    stage(&revision(root, removals), layers, &objects, &Nothing, &Inputs::default())
}

/// Stages a native repository for `host`.
pub fn staged(files: &[(&str, &str)], host: &str) -> StagedModel {
    stage_tree(&Tree::new(files), &native(host)).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the mistakes of a native repository, a line each.
pub fn mistakes(files: &[(&str, &str)], host: &str) -> String {
    stage_tree(&Tree::new(files), &native(host)).expect_err("this repository has mistakes").to_string()
}

/// Shows a model's overlay, a line each.
pub fn overlay(model: &StagedModel) -> String {
    use std::fmt::Write as _;
    let mut shown = String::new();
    for (path, entry) in model.entries() {
        let kind = match &entry.kind {
            cosmos_model::staged::StagedKind::File(content) => format!("file {}", content.size),
            cosmos_model::staged::StagedKind::Symlink(target) => format!("link {}", target.escape_ascii()),
            cosmos_model::staged::StagedKind::Directory => String::from("folder"),
        };
        let mode = entry.mode.map_or(String::from("-"), |mode| format!("{mode:04o}"));
        writeln!(shown, "{path} {kind} {mode} {}", model.layers()[usize::from(entry.layer.0)]).expect("a string");
    }
    shown
}
