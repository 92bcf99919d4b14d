//! Symlinked directories on the host: two paths of one file must not be mistaken for two files (A38).
//!
//! On a host where `/lib` is a symlink to `usr/lib`, a file that moves in the model from `lib/x` to `usr/lib/x` has
//! not left.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::desired::is_ours;
use crate::managed::ManagedSet;
use crate::path::RelPath;
use crate::snapshot::{HostSnapshot, Observed};
use crate::staged::{StagedKind, StagedModel};

/// More links than the kernel follows.
const MOST_LINKS: usize = 40;

/// The symlinked directories that were observed, and where paths really lie.
#[derive(Default)]
pub(super) struct Links {
    targets: BTreeMap<RelPath, Vec<u8>>,
    /// The model's paths by where they lie; a path that lies where it says comes before its other names.
    wanted: BTreeMap<RelPath, RelPath>,
    /// What we wrote under names that the model does not use any more, by where it lies; own names come first too.
    former: BTreeMap<RelPath, RelPath>,
}

impl Links {
    /// Collects them; without any symlinked directory this costs nothing more.
    pub(super) fn new(model: &StagedModel, snapshot: &HostSnapshot, managed: &ManagedSet) -> Self {
        let mut links = Self::default();
        for (path, observed) in &snapshot.paths {
            let Observed::Symlink { target, to_directory: true, .. } = observed else { continue };
            let ours = is_ours(managed.entries.get(path), observed);
            let stays = model.entries().get(path).is_none_or(|entry| entry.kind != StagedKind::Directory) || !ours;
            if stays {
                links.targets.insert(path.clone(), target.clone());
            }
        }
        if !links.targets.is_empty() {
            links.collect(model, managed);
        }
        links
    }

    fn collect(&mut self, model: &StagedModel, managed: &ManagedSet) {
        for path in model.entries().keys() {
            match self.real_path(path) {
                Some(real) if real == *path => drop(self.wanted.insert(real, path.clone())),
                Some(real) => drop(self.wanted.entry(real).or_insert_with(|| path.clone())),
                None => (),
            }
        }
        for path in managed.entries.keys().filter(|path| !model.entries().contains_key(path)) {
            match self.real_path(path) {
                Some(real) if real == *path => drop(self.former.insert(real, path.clone())),
                Some(real) => drop(self.former.entry(real).or_insert_with(|| path.clone())),
                None => (),
            }
        }
    }

    /// Tells whether `path` is, under its own or another name, one that the model wants.
    pub(super) fn is_wanted(&self, path: &RelPath) -> bool {
        !self.wanted.is_empty() && self.real_path(path).is_some_and(|real| self.wanted.contains_key(&real))
    }

    /// Tells whether `path`, which left the model, is now another name of something else that we wrote and that left.
    pub(super) fn is_second_name(&self, path: &RelPath) -> bool {
        self.former_name(path).is_some_and(|first| first != path)
    }

    /// Tells whether a path of the model lies in `directory` under another name.
    pub(super) fn hold(&self, directory: &RelPath) -> bool {
        self.wanted.iter().any(|(real, path)| real.is_below(directory) && !path.is_below(directory))
    }

    /// Returns the other path of the model that is the same one on this host and comes first, unless both are folders.
    pub(super) fn shadow_of(&self, path: &RelPath, model: &StagedModel) -> Option<&RelPath> {
        if self.wanted.is_empty() {
            return None;
        }
        let is_folder = |path| model.entries().get(path).is_some_and(|entry| entry.kind == StagedKind::Directory);
        let other = self.wanted.get(&self.real_path(path)?).filter(|wanted| *wanted != path)?;
        (!is_folder(path) || !is_folder(other)).then_some(other)
    }

    /// Returns the name under which we wrote what now is `path`.
    pub(super) fn former_name(&self, path: &RelPath) -> Option<&RelPath> {
        if self.former.is_empty() { None } else { self.former.get(&self.real_path(path)?) }
    }

    /// Returns where `path` lies once the directories above it are followed; `None` when that leads in circles.
    fn real_path(&self, path: &RelPath) -> Option<RelPath> {
        let mut real = path.clone();
        for _ in 0..MOST_LINKS {
            let Some((link, target)) = self.first_link_above(&real) else { return Some(real) };
            let rest = &real.as_bytes()[link.as_bytes().len() + 1..];
            let folder = if target.starts_with(b"/") { None } else { link.parent() };
            let start = folder.as_ref().map_or(&b""[..], RelPath::as_bytes);
            real = joined(&[start, target, rest])?;
        }
        None
    }

    fn first_link_above(&self, path: &RelPath) -> Option<(RelPath, &Vec<u8>)> {
        path.ancestors().find_map(|above| self.targets.get(&above).map(|target| (above.clone(), target)))
    }
}

/// Joins parts and takes `.` and `..` out; a `..` at the root stays there.
fn joined(parts: &[&[u8]]) -> Option<RelPath> {
    let mut components: Vec<&[u8]> = Vec::new();
    for component in parts.iter().flat_map(|part| part.split(|byte| *byte == b'/')) {
        match component {
            b"" | b"." => (),
            b".." => drop(components.pop()),
            name => components.push(name),
        }
    }
    RelPath::new(&components.join(&b'/')).ok()
}
