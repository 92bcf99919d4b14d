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

/// The folders of a layer whose files become files of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Folder {
    /// `overlay/`, or whichever other folder is merged by itself.
    Plain,
    /// `templates/`.
    Templates,
    /// `secrets/`.
    Secrets,
}

impl Folder {
    /// Returns the folder's name, where what is merged is the overlay.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "overlay",
            Self::Templates => "templates",
            Self::Secrets => "secrets",
        }
    }
}

/// Where the folders of one layer lie, for messages.
pub(super) type Places = [String; 3];

/// What lies below this in `secrets/` is for templates only, and no path of the host.
pub(super) const VALUES: &[u8] = b"values";

/// One path of the merge and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Merged {
    pub path: RelPath,
    pub kind: EntryKind,
    pub id: ObjectId,
    pub layer: LayerIndex,
    /// In which of the layer's folders it lies.
    pub from: Folder,
}

/// A layer's tree at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source {
    pub layer: LayerIndex,
    pub tree: ObjectId,
    /// Of which of the layer's folders it is.
    pub from: Folder,
}

/// An entry of one layer, as a candidate for its path.
pub(super) struct Candidate<'t> {
    pub layer: LayerIndex,
    pub entry: TreeEntry<'t>,
    pub from: Folder,
}

/// A merge under way.
pub(super) struct Merge<'r, 'a> {
    pub repository: &'r mut Repository<'a>,
    /// For each layer, the folder that is being merged, and those with templates and secrets for it.
    pub places: &'r [Places],
    pub merged: Vec<Merged>,
    /// Folders that every layer has as it had them before: merged as such, and not entered.
    pub left_out: Vec<RelPath>,
}

impl<'r, 'a> Merge<'r, 'a> {
    /// Starts a merge of folders that lie at `places`.
    pub const fn new(repository: &'r mut Repository<'a>, places: &'r [Places]) -> Self {
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
            let place = self.place(source.layer, source.from, path.map_or(&[], RelPath::as_bytes));
            if let Some(bytes) = self.repository.bytes(&place, source.tree, ObjectKind::Tree) {
                trees.push((*source, bytes));
            }
        }
        trees
    }

    /// Returns the entries of all `trees`, by name, the first layer's first.
    fn candidates<'t>(&mut self, path: Option<&RelPath>, trees: &'t [(Source, Vec<u8>)]) -> Vec<Candidate<'t>> {
        let mut candidates = Vec::new();
        for (Source { layer, from, .. }, bytes) in trees {
            let candidate = |entry| Candidate { layer: *layer, entry, from: *from };
            let is_value = |entry: &TreeEntry<'_>| path.is_none() && *from == Folder::Secrets && entry.name == VALUES;
            match tree::parse(bytes, self.repository.rules) {
                Ok(entries) => candidates.extend(entries.into_iter().filter(|one| !is_value(one)).map(candidate)),
                Err(error) => {
                    let place = self.place(*layer, *from, path.map_or(&[], RelPath::as_bytes));
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
            (left.entry.name, left.layer, left.from).cmp(&(right.entry.name, right.layer, right.from))
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
                let place = self.place(group[0].layer, group[0].from, child.as_bytes());
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
            if let Some([file, second]) = twice {
                let other = self.place(file.layer, file.from, path.as_bytes());
                let place = self.place(second.layer, second.from, path.as_bytes());
                self.repository.mistake(place, format!("this layer has '{other}', too"), "remove one of the two");
            }
            return self.push(path, &group[0]);
        };
        if let (NameRules::Native, Some(other)) = (self.repository.rules, group.iter().find(|one| !is_folder(one))) {
            return self.conflict(&path, first_folder, other);
        }
        // rsync keeps a folder whichever layer has it, since the list may hold what is in it (C3).
        let sources = |group: &[Candidate<'_>]| -> Vec<Source> {
            let source = |one: &Candidate<'_>| Source { layer: one.layer, tree: one.entry.id, from: one.from };
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
        self.merged.push(Merged { path, kind, id, layer: winner.layer, from: winner.from });
    }

    fn conflict(&mut self, path: &RelPath, folder: &Candidate<'_>, other: &Candidate<'_>) {
        let what = if other.entry.kind == EntryKind::Symlink { "a symlink" } else { "a file" };
        let at = self.place(other.layer, other.from, path.as_bytes());
        let against = self.place(folder.layer, folder.from, path.as_bytes());
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
            let (layer, from) = holder.map_or((LayerIndex(0), Folder::Plain), |one| (one.layer, one.from));
            let folder = self.place(layer, from, path.map_or(&[], RelPath::as_bytes));
            let text =
                format!("differs from '{}' in case or Unicode normalisation only", crate::escape::for_terminal(one));
            self.repository.is_unfit(below_bytes(&folder, other), text, "rename one of them");
        }
    }

    fn place(&self, layer: LayerIndex, from: Folder, path: &[u8]) -> String {
        let [plain, templates, secrets] = &self.places[usize::from(layer.0)];
        let folder = match from {
            Folder::Plain => plain,
            Folder::Templates => templates,
            Folder::Secrets => secrets,
        };
        if path.is_empty() { folder.clone() } else { below_bytes(folder, path) }
    }
}
