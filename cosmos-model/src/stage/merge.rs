//! Folders of several layers merged into one list of paths, walking all of them side by side.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::repository::{Repository, below_bytes};
use crate::object::ObjectKind;
use crate::object::tree::{self, EntryKind, NameRules, TreeEntry};
use crate::object_id::ObjectId;
use crate::path::RelPath;
use crate::staged::LayerIndex;

/// The longest path the kernel takes.
const LONGEST_PATH: usize = 4095;

/// More paths than any host has: trees that contain each other can name billions with a few objects.
const MOST_PATHS: usize = 2_000_000;

/// One path of the merge and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Merged {
    pub path: RelPath,
    pub kind: EntryKind,
    pub id: ObjectId,
    pub layer: LayerIndex,
    /// Whether it lies in `templates/`.
    pub template: bool,
}

/// A layer's tree at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source {
    pub layer: LayerIndex,
    pub tree: ObjectId,
    /// Whether it is that of `templates/`.
    pub template: bool,
}

/// An entry of one layer, as a candidate for its path.
pub(super) struct Candidate<'t> {
    pub layer: LayerIndex,
    pub entry: TreeEntry<'t>,
    pub template: bool,
}

/// A merge under way.
pub(super) struct Merge<'r, 'a> {
    pub repository: &'r mut Repository<'a>,
    /// For each layer, the folder that is being merged, and the one with templates for it, for messages.
    pub places: &'r [(String, String)],
    pub merged: Vec<Merged>,
    /// Folders that every layer has as it had them before: merged as such, and not entered.
    pub left_out: Vec<RelPath>,
}

impl<'r, 'a> Merge<'r, 'a> {
    /// Starts a merge of folders that lie at `places`.
    pub const fn new(repository: &'r mut Repository<'a>, places: &'r [(String, String)]) -> Self {
        Self { repository, places, merged: Vec::new(), left_out: Vec::new() }
    }

    /// Merges the folders `sources`, which lie at `path` (`None` for the top), as far as they differ from `before`.
    pub fn folders(&mut self, path: Option<&RelPath>, sources: &[Source], before: &[Source]) {
        let (trees, trees_before) = (self.trees(path, sources), self.trees(path, before));
        let candidates = self.candidates(path, &trees);
        let candidates_before = self.candidates(path, &trees_before);
        self.level(path, candidates, candidates_before);
    }

    fn trees(&mut self, path: Option<&RelPath>, sources: &[Source]) -> Vec<(Source, Vec<u8>)> {
        let mut trees = Vec::with_capacity(sources.len());
        for source in sources {
            let place = self.place(source.layer, source.template, path.map_or(&[], RelPath::as_bytes));
            if let Some(bytes) = self.repository.bytes(&place, source.tree, ObjectKind::Tree) {
                trees.push((*source, bytes));
            }
        }
        trees
    }

    /// Returns the entries of all `trees`, by name, the first layer's first.
    fn candidates<'t>(&mut self, path: Option<&RelPath>, trees: &'t [(Source, Vec<u8>)]) -> Vec<Candidate<'t>> {
        let mut candidates = Vec::new();
        for (Source { layer, template, .. }, bytes) in trees {
            let candidate = |entry| Candidate { layer: *layer, entry, template: *template };
            match tree::parse(bytes, self.repository.rules) {
                Ok(entries) => candidates.extend(entries.into_iter().map(candidate)),
                Err(error) => {
                    let place = self.place(*layer, *template, path.map_or(&[], RelPath::as_bytes));
                    self.repository.bad_tree(&place, &error);
                }
            }
        }
        candidates
    }

    /// Merges the entries that all layers have in one folder, and had `before`.
    pub fn level(
        &mut self,
        path: Option<&RelPath>,
        mut candidates: Vec<Candidate<'_>>,
        mut before: Vec<Candidate<'_>>,
    ) {
        let by_name = |left: &Candidate<'_>, right: &Candidate<'_>| {
            (left.entry.name, left.layer, left.template).cmp(&(right.entry.name, right.layer, right.template))
        };
        candidates.sort_by(by_name);
        before.sort_by(by_name);
        self.refuse_twins(path, &candidates);
        for group in candidates.chunk_by(|left, right| left.entry.name == right.entry.name) {
            let child = match path {
                Some(parent) => parent.join(group[0].entry.name),
                None => RelPath::new(group[0].entry.name),
            };
            let child = child.expect("a tree's names are single components");
            if child.as_bytes().len() > LONGEST_PATH || self.merged.len() >= MOST_PATHS {
                let place = self.place(group[0].layer, group[0].template, child.as_bytes());
                self.repository.is_unfit(place, "this path is too long, or one too many", "make the tree smaller");
                return;
            }
            let start = before.partition_point(|one| one.entry.name < group[0].entry.name);
            let end = before.partition_point(|one| one.entry.name <= group[0].entry.name);
            self.path(child, group, &before[start..end]);
        }
    }

    /// Decides who has one path, and merges what lies below it.
    fn path(&mut self, path: RelPath, group: &[Candidate<'_>], before: &[Candidate<'_>]) {
        let is_folder = |candidate: &&Candidate<'_>| candidate.entry.kind == EntryKind::Directory;
        let Some(first_folder) = group.iter().find(is_folder) else {
            let twice = group.windows(2).find(|pair| pair[0].layer == pair[1].layer);
            if let Some([file, template]) = twice {
                let other = self.place(file.layer, file.template, path.as_bytes());
                let place = self.place(template.layer, template.template, path.as_bytes());
                self.repository.mistake(place, format!("this layer has '{other}', too"), "remove one of the two");
            }
            return self.push(path, &group[0]);
        };
        if let (NameRules::Native, Some(other)) = (self.repository.rules, group.iter().find(|one| !is_folder(one))) {
            return self.conflict(&path, first_folder, other);
        }
        // rsync keeps a folder whichever layer has it, since the list may hold what is in it (C3).
        let sources = |group: &[Candidate<'_>]| -> Vec<Source> {
            let source = |one: &Candidate<'_>| Source { layer: one.layer, tree: one.entry.id, template: one.template };
            group.iter().filter(is_folder).map(source).collect()
        };
        let (folders, before) = (sources(group), sources(before));
        self.push(path.clone(), first_folder);
        if folders == before {
            self.left_out.push(path);
        } else {
            self.folders(Some(&path), &folders, &before);
        }
    }

    fn push(&mut self, path: RelPath, winner: &Candidate<'_>) {
        let TreeEntry { kind, id, .. } = winner.entry;
        self.merged.push(Merged { path, kind, id, layer: winner.layer, template: winner.template });
    }

    fn conflict(&mut self, path: &RelPath, folder: &Candidate<'_>, other: &Candidate<'_>) {
        let what = if other.entry.kind == EntryKind::Symlink { "a symlink" } else { "a file" };
        let at = self.place(other.layer, other.template, path.as_bytes());
        let against = self.place(folder.layer, folder.template, path.as_bytes());
        let text = format!("this is {what}, but '{against}' is a folder");
        self.repository.is_unfit(at, text, "rename one of them, or make both the same kind");
    }

    fn refuse_twins(&mut self, path: Option<&RelPath>, candidates: &[Candidate<'_>]) {
        if self.repository.rules == NameRules::Classic {
            return;
        }
        let mut names: Vec<&[u8]> = candidates.iter().map(|candidate| candidate.entry.name).collect();
        names.dedup();
        if let Some((one, other)) = tree::twins(names.into_iter()) {
            let holder = candidates.iter().find(|candidate| candidate.entry.name == other);
            let (layer, template) = holder.map_or((LayerIndex(0), false), |one| (one.layer, one.template));
            let folder = self.place(layer, template, path.map_or(&[], RelPath::as_bytes));
            let text =
                format!("differs from '{}' in case or Unicode normalisation only", crate::escape::for_terminal(one));
            self.repository.is_unfit(below_bytes(&folder, other), text, "rename one of them");
        }
    }

    fn place(&self, layer: LayerIndex, template: bool, path: &[u8]) -> String {
        let (overlay, templates) = &self.places[usize::from(layer.0)];
        let folder = if template { templates } else { overlay };
        if path.is_empty() { folder.clone() } else { below_bytes(folder, path) }
    }
}
