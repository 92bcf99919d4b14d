//! A model in which some paths are what an earlier model said: what a host is while only a part of it went back.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{FilePolicy, LayerIndex, Owner, StagedEntry, StagedKind, StagedModel};
use crate::path::RelPath;

/// What a model says about a path, whichever layer it is from.
type Said<'a> = (Option<(&'a StagedKind, Option<u32>, &'a Owner, &'a Owner, FilePolicy)>, bool);

impl StagedModel {
    /// Returns the paths about which the two models differ and that `chosen` takes, asked with the path and the name of
    /// the layer that owns it: here, or in `earlier` where only that has it.
    #[must_use]
    pub fn differing(&self, earlier: &Self, chosen: &dyn Fn(&RelPath, &str) -> bool) -> BTreeSet<RelPath> {
        let named = |model: &'_ Self| model.entries.keys().chain(model.deletions.keys()).cloned().collect::<Vec<_>>();
        let paths: BTreeSet<RelPath> = named(self).into_iter().chain(named(earlier)).collect();
        let is_chosen = |path: &RelPath| {
            let layer = self.layer_of(path).or_else(|| earlier.layer_of(path)).unwrap_or_default();
            self.said(path) != earlier.said(path) && chosen(path, layer)
        };
        paths.into_iter().filter(is_chosen).collect()
    }

    /// Makes `paths` what `earlier` says, also that they are not there.
    ///
    /// Folders above a path come with it, and what lies below a file that comes back goes; a folder in which something
    /// else of this model lies stays.
    pub fn take_back(&mut self, earlier: &Self, paths: &BTreeSet<RelPath>) {
        self.rests_on.facts.extend(earlier.rests_on.facts.iter().cloned());
        self.rests_on.built_in |= earlier.rests_on.built_in;
        // What lies deeper is later in the order: a folder is looked at when what was in it is decided.
        for path in paths.iter().rev() {
            self.deletions.remove(path);
            match (earlier.entries.get(path), earlier.deletions.get(path)) {
                (Some(entry), _) => self.bring(earlier, path, entry),
                (None, Some(layer)) => {
                    let layer = self.layer_named(earlier, *layer);
                    self.entries.remove(path);
                    self.named.insert(path.clone(), layer);
                    self.deletions.insert(path.clone(), layer);
                }
                (None, None) if self.holds_something(path) => {}
                (None, None) => drop(self.entries.remove(path)),
            }
        }
        let is_solid = |path: &RelPath| self.entries.get(path).is_some_and(|entry| entry.kind != StagedKind::Directory);
        let solid: BTreeSet<&RelPath> = paths.iter().filter(|path| is_solid(path)).collect();
        let below: Vec<RelPath> =
            self.entries.keys().filter(|path| path.ancestors().any(|above| solid.contains(&above))).cloned().collect();
        below.iter().for_each(|path| drop(self.entries.remove(path)));
    }

    fn bring(&mut self, earlier: &Self, path: &RelPath, entry: &StagedEntry) {
        for above in path.ancestors() {
            let stands = self.entries.get(&above).is_some_and(|folder| folder.kind == StagedKind::Directory);
            if let (false, Some(folder)) = (stands, earlier.entries.get(&above)) {
                let layer = self.layer_named(earlier, folder.layer);
                self.entries.insert(above, StagedEntry { layer, ..folder.clone() });
            }
        }
        if let StagedKind::File(content) = &entry.kind
            && let Some(bytes) = earlier.rendered.get(&content.hash)
        {
            self.rendered.insert(content.hash, bytes.clone());
        }
        if let StagedKind::File(content) = &entry.kind
            && let Some(pieces) = earlier.sealed.get(&content.hash)
        {
            self.sealed.insert(content.hash, pieces.clone());
        }
        let layer = self.layer_named(earlier, entry.layer);
        self.entries.insert(path.clone(), StagedEntry { layer, ..entry.clone() });
    }

    fn holds_something(&self, folder: &RelPath) -> bool {
        let is_directory = self.entries.get(folder).is_some_and(|entry| entry.kind == StagedKind::Directory);
        let mut inside = self.entries.starting_at(folder).skip(1);
        is_directory
            && inside
                .by_ref()
                .take_while(|(path, _)| path.as_bytes().starts_with(folder.as_bytes()))
                .any(|(path, _)| path.is_below(folder))
    }

    /// Returns the name of the layer that has the last word about `path`.
    #[must_use]
    pub fn layer_of(&self, path: &RelPath) -> Option<&str> {
        let layer = self.entries.get(path).map(|entry| entry.layer).or_else(|| self.deletions.get(path).copied())?;
        self.layers.get(usize::from(layer.0)).map(|name| &**name)
    }

    fn said(&self, path: &RelPath) -> Said<'_> {
        let entry = self.entries.get(path);
        let entry = entry.map(|entry| (&entry.kind, entry.mode, &entry.owner, &entry.group, entry.policy));
        (entry, self.deletions.contains_key(path))
    }

    /// Returns the position here of a layer of `earlier`, which is added after all others where it is missing.
    fn layer_named(&mut self, earlier: &Self, layer: LayerIndex) -> LayerIndex {
        let name = earlier.layers.get(usize::from(layer.0)).map_or("", |name| name);
        let position = self.layers.iter().position(|one| **one == *name).unwrap_or_else(|| {
            self.layers.push(Arc::from(name));
            self.layers.len() - 1
        });
        LayerIndex(u16::try_from(position).unwrap_or(u16::MAX))
    }
}
