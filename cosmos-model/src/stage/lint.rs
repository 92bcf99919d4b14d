//! What is likely wrong with a repository though every host might apply it: for operators, before they sign.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::build::files;
use super::merge::{Merged, VALUES};
use super::order::BUILT_IN;
use super::repository::{Named, Repository, below, below_bytes, find, folder};
use super::survey::{hosts, modules};
use super::{FOLDERS, Inputs, KnownContent, StageError, native};
use crate::document::Mistake;
use crate::host_name::HostName;
use crate::layer::LEAVING;
use crate::object::tree::{EntryKind, NameRules};
use crate::object::{ObjectKind, ObjectSource};
use crate::object_id::ObjectId;
use crate::path::RelPath;

/// One thing that deserves a look.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What kind of thing: a word that stays the same from version to version.
    pub code: &'static str,
    /// Where, what, and what to try.
    pub mistake: Mistake,
}

/// A lint under way.
struct Lint<'a> {
    repository: Repository<'a>,
    root: ObjectId,
    found: BTreeSet<Finding>,
    /// For each layer in use, the paths that some host gets from it.
    won: BTreeMap<String, BTreeSet<Vec<u8>>>,
    /// Layers in `models/` that no host uses.
    unused: BTreeSet<String>,
}

/// Looks at every host and layer of the tree; where the repository has no hosts, at what `any` host would get.
pub fn lint(
    tree: ObjectId,
    any: &HostName,
    agent: (u64, u64, u64),
    objects: &dyn ObjectSource,
    known: &dyn KnownContent,
    built_in: Option<ObjectId>,
) -> Vec<Finding> {
    let repository = Repository::new(objects, known, NameRules::Native);
    let mut lint =
        Lint { repository, root: tree, found: BTreeSet::new(), won: BTreeMap::new(), unused: BTreeSet::new() };
    let named = hosts(tree, objects);
    let looked_at = if named.is_empty() { [any.clone()].into() } else { named.clone() };
    for host in &looked_at {
        lint.host(host, agent, &Inputs { built_in, ..Inputs::default() });
        let twice = super::rivals(tree, host, agent, built_in, objects);
        lint.found.extend(twice.into_iter().map(|mistake| Finding { code: "wanted-twice", mistake }));
    }
    lint.rules(&named);
    let top = lint.repository.tree("", tree).unwrap_or_default();
    let models = folder(&top, b"models").and_then(|id| lint.repository.tree("models", id)).unwrap_or_default();
    let folders = models.iter().filter(|entry| entry.kind == EntryKind::Directory);
    for name in folders.filter_map(|entry| core::str::from_utf8(&entry.name).ok()) {
        let layer = below("models", name);
        if !lint.won.contains_key(&layer) {
            lint.add("unused-layer", &layer, "no host uses this layer", "use it, or remove it");
            lint.unused.insert(layer);
        }
    }
    for layer in lint.layers() {
        lint.layer(&layer);
    }
    lint.host_folders();
    lint.parameters(built_in, objects);
    lint.found.into_iter().collect()
}

impl Lint<'_> {
    fn add(&mut self, code: &'static str, place: &str, text: impl Into<String>, hint: &str) {
        self.found.insert(Finding { code, mistake: Mistake::at(place, text, hint) });
    }

    /// Returns the layers of the repository, used or not.
    fn layers(&self) -> Vec<String> {
        let used = self.won.keys().filter(|layer| !layer.starts_with(BUILT_IN));
        used.chain(&self.unused).cloned().collect()
    }

    /// Notes what hinders one host, and what it gets from which layer.
    fn host(&mut self, host: &HostName, agent: (u64, u64, u64), inputs: &Inputs<'_>) {
        let parts = native::layers(&mut self.repository, self.root, host, agent, inputs.built_in);
        let mistakes = match parts {
            Ok(mut parts) => {
                for name in &parts.names {
                    self.won.entry(if name == "." { String::new() } else { name.clone() }).or_default();
                }
                let folders = [&parts.pre_tasks, &parts.post_tasks].into_iter().zip([FOLDERS[2], FOLDERS[3]]);
                let installed: BTreeSet<&RelPath> = parts.overlay.iter().map(|one| &one.path).collect();
                let deleted = parts.delete.iter().filter(|one| !installed.contains(&one.path));
                let mut got: Vec<(usize, Vec<u8>)> = deleted.map(|one| taken(one, FOLDERS[1])).collect();
                got.extend(parts.overlay.iter().map(|one| taken(one, one.from.name().as_bytes())));
                got.extend(folders.flat_map(|(list, name)| list.iter().map(move |one| taken(one, name))));
                for (layer, path) in got {
                    let name = parts.names.get(layer).map_or("", |name| if name == "." { "" } else { name });
                    self.won.entry(name.to_string()).or_default().insert(path);
                }
                files(&mut self.repository, Some(host), &mut parts, inputs);
                core::mem::take(&mut self.repository.mistakes)
            }
            Err(StageError::Mistakes(mistakes)) => mistakes,
            Err(other) => [Mistake::at("fleet.toml", other.to_string(), "install a newer agent")].into(),
        };
        self.found.extend(mistakes.into_iter().map(|mistake| Finding { code: "mistake", mistake }));
    }

    /// Looks at patterns that mean nobody.
    fn rules(&mut self, named: &[HostName]) {
        let top = self.repository.tree("", self.root).unwrap_or_default();
        let any_agent = (u64::MAX, u64::MAX, u64::MAX);
        let Ok(fleet) = native::read_fleet(&mut self.repository, &top, any_agent) else { return };
        let nobody = fleet.rules.iter().filter(|rule| !named.iter().any(|host| rule.hosts.matches(host)));
        for place in nobody.map(|rule| rule.place.clone()).filter(|_| !named.is_empty()) {
            self.add("rule-without-hosts", &place, "no host of this repository matches", "correct or remove the rule");
        }
    }

    /// Looks at folders among those of hosts that are none's.
    fn host_folders(&mut self) {
        let folders = self.at("hosts").unwrap_or_default();
        for entry in folders.iter().filter(|entry| entry.kind == EntryKind::Directory) {
            let name = core::str::from_utf8(&entry.name).ok();
            let host = name.and_then(|name| HostName::new(name).ok());
            if host.as_ref().map(HostName::as_str) != name {
                let place = below_bytes("hosts", &entry.name);
                self.add("unread-folder", &place, "this is no host's name in small letters", "rename it");
            }
        }
    }

    /// Looks at the files of one layer of the repository.
    fn layer(&mut self, layer: &str) {
        let Some(entries) = self.at(layer) else { return };
        let is_used = !self.unused.contains(layer);
        for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Directory) {
            self.misspelt(layer, &entry.name);
        }
        for name in FOLDERS.into_iter().chain([b"templates" as &[u8], b"secrets"]) {
            let Some(id) = folder(&entries, name) else { continue };
            self.folder(layer, name, id, is_used);
        }
        for name in ["layer.toml", "fleet.toml"] {
            if let Some(entry) = find(&entries, name.as_bytes()).cloned() {
                self.line_ends(&below(layer, name), entry.id);
            }
        }
    }

    /// Looks at a folder that is called nearly as one that is read, so that nothing in it reaches a host.
    fn misspelt(&mut self, layer: &str, name: &[u8]) {
        let top: &[&[u8]] = if layer.is_empty() { &[b"global", b"hosts", b"models"] } else { &[] };
        let read = FOLDERS.iter().chain(&[b"templates" as &[u8], b"secrets"]).chain(top);
        let is_layer = layer.is_empty() && core::str::from_utf8(name).is_ok_and(|name| self.won.contains_key(name));
        let Some(meant) = read.copied().min_by_key(|known| edits(known, name)) else { return };
        if !is_layer && (1..=2).contains(&edits(meant, name)) {
            let hint = format!("is '{}' meant?", crate::escape::for_terminal(meant));
            self.add("unread-folder", &below_bytes(layer, name), "nothing in this folder reaches a host", &hint);
        }
    }

    fn folder(&mut self, layer: &str, path: &[u8], id: ObjectId, is_used: bool) {
        let entries = self.repository.tree("", id).unwrap_or_default();
        for entry in entries {
            if path == b"secrets" && entry.name == VALUES {
                continue;
            }
            let inner = [path, b"/", entry.name.as_slice()].concat();
            let place = below_bytes(layer, &inner);
            if entry.kind == EntryKind::Directory {
                self.folder(layer, &inner, entry.id, is_used);
                continue;
            }
            if is_used && !self.won.get(layer).is_some_and(|won| won.contains(&inner)) {
                let text = match path.starts_with(FOLDERS[1]) {
                    true => "another layer installs or deletes this path on every host",
                    false => "another layer wins this path on every host",
                };
                self.add("never-wins", &place, text, "remove one of them");
            }
            let is_task = [FOLDERS[2], FOLDERS[3]].contains(&path);
            if is_task {
                self.task(&place, &entry);
            }
            if is_task || path.starts_with(b"templates") || self.is_script(&place, &entry) {
                self.line_ends(&place, entry.id);
            }
        }
    }

    /// Looks at a file that is named like a task.
    fn task(&mut self, place: &str, entry: &Named) {
        let EntryKind::File { executable } = entry.kind else { return };
        let named = entry.name.first().is_some_and(u8::is_ascii_digit) && !entry.name.ends_with(b"~");
        let bytes = self.repository.bytes(place, entry.id, ObjectKind::Blob).unwrap_or_default();
        let has_interpreter = bytes.starts_with(b"#!") || bytes.starts_with(b"\x7fELF");
        match (named, executable) {
            // An empty one switches another layer's task off.
            (true, false) if !bytes.is_empty() => {
                self.add("task-not-executable", place, "this task is not executable, and never runs", "chmod +x it");
            }
            (true, true) if !has_interpreter => {
                self.add("task-without-interpreter", place, "this task has no '#!' line", "begin it with #!/bin/sh");
            }
            (false, true) => {
                self.add(
                    "task-without-number",
                    place,
                    "this is executable, but not named like a task",
                    "begin with a digit",
                );
            }
            _ => (),
        }
    }

    /// Tells whether a program is named in the first line of a file, with the CR that there may be.
    fn is_script(&mut self, place: &str, entry: &Named) -> bool {
        matches!(entry.kind, EntryKind::File { executable: true })
            && self.repository.bytes(place, entry.id, ObjectKind::Blob).is_some_and(|bytes| bytes.starts_with(b"#!"))
    }

    fn line_ends(&mut self, place: &str, id: ObjectId) {
        let bytes = self.repository.bytes(place, id, ObjectKind::Blob).unwrap_or_default();
        if let Some(at) = bytes.windows(2).position(|pair| pair == b"\r\n") {
            let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            self.add("cr-line-ends", &format!("{place}:{line}"), "lines end in CR and LF", "end them in LF alone");
        }
    }

    /// Looks at values that no host of today takes, at modules that hide ours, and at layers that may leave unasked.
    fn parameters(&mut self, built_in: Option<ObjectId>, objects: &dyn ObjectSource) {
        let known = modules(Some(self.root), built_in, objects);
        for hidden in known.iter().filter(|module| module.hides_built_in) {
            let text = "this hides the module of the same name that comes with cosmos";
            self.add("hides-built-in", &hidden.layer, text, "rename it, if that is not meant");
        }
        let mut given: Vec<crate::params::Assignment> = Vec::new();
        for layer in self.layers() {
            let Some(entries) = self.at(&layer) else { continue };
            let Some(text) = self.repository.text(&layer, &entries, "layer.toml") else { continue };
            let file = crate::layer::parse(&below(&layer, "layer.toml"), &text).unwrap_or_default();
            for leaves in file.no_check.iter().filter_map(|off| off.strip_prefix(LEAVING)) {
                let text =
                    format!("hosts leave '{}' without being asked", crate::escape::for_terminal(leaves.as_bytes()));
                self.add("leaves-unasked", &below(&layer, "layer.toml"), text, "remove it when they have left");
            }
            given.extend(file.params);
        }
        for one in &given {
            let Some(module) = known.iter().find(|module| module.name == one.module) else { continue };
            let names: Vec<&str> = module.module.params.iter().map(|param| param.name.as_str()).collect();
            for (key, value) in one.values.iter().filter(|(key, _)| !names.contains(&key.as_str())) {
                let key = crate::escape::for_terminal(key.as_bytes());
                let text = format!("the module '{}' has no parameter '{key}'", module.name);
                self.add("mistake", &value.place, text, &format!("it has: {}", names.join(", ")));
            }
        }
    }

    /// Returns what lies in a folder of the repository.
    fn at(&mut self, path: &str) -> Option<Vec<Named>> {
        let mut entries = self.repository.tree("", self.root)?;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let id = folder(&entries, name.as_bytes())?;
            entries = self.repository.tree(path, id)?;
        }
        Some(entries)
    }
}

/// Returns how many bytes have to be put in, taken out or replaced to make `one` the other.
fn edits(one: &[u8], other: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, byte) in one.iter().enumerate() {
        let mut corner = core::mem::replace(&mut row[0], above + 1);
        for (column, found) in other.iter().enumerate() {
            let replaced = corner + usize::from(byte != found);
            corner = row[column + 1];
            row[column + 1] = replaced.min(corner + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

/// Returns from which layer something is taken, and its path in there.
fn taken(merged: &Merged, folder: &[u8]) -> (usize, Vec<u8>) {
    (usize::from(merged.layer.0), [folder, b"/", merged.path.as_bytes()].concat())
}
