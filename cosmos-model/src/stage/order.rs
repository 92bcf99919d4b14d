//! The order of a host's layers: which are used, and who wins.
//!
//! A layer stands before every layer that it uses; otherwise layers stand in the order in which they were first named.
//! `global/` and the root come last.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::repository::{Named, Repository, below, find, folder};
use crate::layer::{self, LayerFile, LayerName};
use crate::object::tree::EntryKind;
use crate::object_id::ObjectId;
use crate::params::Assignment;

/// More layers than a fleet has; a chain of them is followed by recursion.
const MOST_LAYERS: usize = 500;

/// How reports name the folder of the modules that come with the agent. No layer of a repository is called so: a
/// layer's folder is `models/NAME`, `hosts/NAME`, or has no slash.
pub(super) const BUILT_IN: &str = "built-in";

/// Returns the module's name where `layer` is one that comes with the agent.
#[must_use]
pub fn built_in_module(layer: &str) -> Option<&str> {
    layer.strip_prefix(BUILT_IN)?.strip_prefix('/')
}

/// One layer of a host.
#[derive(Debug)]
pub(super) struct Layer {
    /// Its folder in the repository, empty for the root layer.
    pub folder: String,
    /// What lies in the folder.
    pub entries: Vec<Named>,
    /// What `layer.toml` says.
    pub file: LayerFile,
}

/// The layers of a host, first wins.
pub(super) struct Ordered {
    pub layers: Vec<Layer>,
    /// When and why the host was retired.
    pub retired: Option<String>,
    /// The folder of the host's own layer.
    pub host: Option<String>,
    /// What rules give to parameters, the winner first.
    pub by_rule: Vec<Assignment>,
    /// Names that are modules here, used or not.
    pub modules: BTreeSet<String>,
}

/// Layers as they are found, by folder.
pub(super) struct Graph<'g, 'a> {
    repository: &'g mut Repository<'a>,
    top: &'g [Named],
    root: ObjectId,
    models: Vec<Named>,
    /// The tree of the modules that come with the agent, and what it holds.
    built_in: Option<(ObjectId, Vec<Named>)>,
    found: BTreeMap<String, usize>,
    /// In the order in which they were first named; `None` while a layer is being read.
    layers: Vec<Option<Layer>>,
    /// For each layer, those it uses.
    uses: Vec<Vec<usize>>,
}

impl<'g, 'a> Graph<'g, 'a> {
    pub fn new(
        repository: &'g mut Repository<'a>,
        top: &'g [Named],
        root: ObjectId,
        built_in: Option<ObjectId>,
    ) -> Self {
        let models = folder(top, b"models").and_then(|id| repository.tree("models", id)).unwrap_or_default();
        let built_in = built_in.and_then(|id| Some((id, repository.tree(BUILT_IN, id)?)));
        Self { repository, top, root, models, built_in, found: BTreeMap::new(), layers: Vec::new(), uses: Vec::new() }
    }

    /// Returns the names by which layers can be used.
    pub fn names(&self) -> BTreeSet<String> {
        let built_in = self.built_in.iter().flat_map(|(_, entries)| entries);
        let folders = self.models.iter().chain(built_in).chain(self.top);
        let folders = folders.filter(|entry| entry.kind == EntryKind::Directory);
        folders.filter_map(|entry| String::from_utf8(entry.name.clone()).ok()).collect()
    }

    /// Returns the layers in order, and when and why the host was retired.
    pub fn layers<'n>(
        &mut self,
        host: Option<&str>,
        by_rule: impl Iterator<Item = &'n LayerName>,
    ) -> (Vec<Layer>, Option<String>) {
        let host_layer = host.and_then(|host| self.read(host));
        let retired = host_layer.as_ref().and_then(|layer| layer.file.retired.clone());
        if retired.is_some() {
            let global = self.read("global");
            return (host_layer.into_iter().chain(global).collect(), retired);
        }
        if let (Some(host), Some(layer)) = (host, host_layer) {
            self.add(host, layer, &mut Vec::new());
        }
        for name in by_rule {
            self.add_named(name, &mut Vec::new());
        }
        let mut last = Vec::new();
        for folder in ["global", ""] {
            last.extend(self.add_folder(folder, &mut Vec::new()));
        }
        (self.in_order(&last), None)
    }

    /// Adds the layer called `name` at a place of a file.
    fn add_named(&mut self, LayerName { name, place }: &LayerName, trail: &mut Vec<String>) -> Option<usize> {
        let is_in = |entries: &[Named]| folder(entries, name.as_bytes()).is_some();
        let folder_name = if is_in(&self.models) {
            below("models", name)
        } else if is_in(self.top) {
            name.clone()
        } else if self.built_in.as_ref().is_some_and(|(_, entries)| is_in(entries)) {
            below(BUILT_IN, name)
        } else {
            let shown = crate::escape::for_terminal(name.as_bytes());
            let text = format!("uses the layer '{shown}', which does not exist");
            self.repository.mistake(place, text, format!("add 'models/{shown}', or correct the name"));
            return None;
        };
        if let Some(position) = trail.iter().position(|above| *above == folder_name) {
            let circle = format!("{} -> {folder_name}", trail[position..].join(" -> "));
            let text = format!("layers use each other in a circle: {circle}");
            self.repository.mistake(place, text, "take one 'use' out");
            return None;
        }
        self.add_folder(&folder_name, trail)
    }

    fn add_folder(&mut self, folder: &str, trail: &mut Vec<String>) -> Option<usize> {
        if let Some(index) = self.found.get(folder) {
            return Some(*index);
        }
        let layer = self.read(folder)?;
        if layer.file.retired.is_some() {
            let place = below(folder, "layer.toml");
            self.repository.mistake(place, "only a host's own layer can be 'retired'", "move it there");
        }
        self.add(folder, layer, trail)
    }

    /// Adds a layer that was read, then those it uses.
    fn add(&mut self, folder: &str, layer: Layer, trail: &mut Vec<String>) -> Option<usize> {
        let index = self.layers.len();
        if index >= MOST_LAYERS {
            self.repository.mistake(folder, format!("a host has at most {MOST_LAYERS} layers"), "merge some");
            return None;
        }
        let names = layer.file.uses.clone();
        self.found.insert(folder.to_string(), index);
        self.layers.push(Some(layer));
        self.uses.push(Vec::new());
        trail.push(folder.to_string());
        for name in &names {
            let used = self.add_named(name, trail);
            self.uses[index].extend(used);
        }
        trail.pop();
        Some(index)
    }

    /// Reads a layer's folder and its `layer.toml`.
    fn read(&mut self, path: &str) -> Option<Layer> {
        let built_in = built_in_module(path).zip(self.built_in.as_ref());
        let (mut id, inside) = built_in.map_or((self.root, path), |(rest, (id, _))| (*id, rest));
        for name in inside.split('/').filter(|name| !name.is_empty()) {
            let entries = self.repository.tree("", id)?;
            id = folder(&entries, name.as_bytes())?;
        }
        let entries = self.repository.tree(path, id)?;
        let mut file = LayerFile::default();
        if find(&entries, b"layer.toml").is_some() {
            let text = self.repository.text(path, &entries, "layer.toml")?;
            match layer::parse(&below(path, "layer.toml"), &text) {
                Ok(parsed) => file = parsed,
                Err(mistakes) => self.repository.mistakes.extend(mistakes),
            }
        }
        Some(Layer { folder: path.to_string(), entries, file })
    }

    /// Takes the layers out in order: always the first named of those whose users are all out.
    fn in_order(&mut self, last: &[usize]) -> Vec<Layer> {
        let mut waiting: Vec<usize> = (0..self.layers.len()).collect();
        waiting.sort_by_key(|index| last.iter().position(|one| one == index).map_or(0, |position| position + 1));
        let mut ordered = Vec::with_capacity(waiting.len());
        while !waiting.is_empty() {
            let is_free = |index: &usize| !waiting.iter().any(|user| self.uses[*user].contains(index));
            // A circle was reported when it was found; any order will do then.
            let next = waiting.iter().position(is_free).unwrap_or(0);
            let index = waiting.remove(next);
            ordered.extend(self.layers[index].take());
        }
        ordered
    }
}
