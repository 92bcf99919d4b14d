//! The part of a model that is planned for: without layers that wait for a package, or below one folder only.

use alloc::format;

use super::{Planning, managed_layer};
use crate::managed::ManagedEntry;
use crate::path::RelPath;
use crate::plan::NoteKind;
use crate::snapshot::Observed;
use crate::staged::{LayerIndex, StagedEntry, StagedKind, StagedModel, Waiting};

/// What a plan covers; by default the whole model.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extent<'a> {
    /// Only this folder, what is in it, and the folders above it.
    pub only: Option<&'a RelPath>,
    /// Layers whose paths stay as they are.
    pub waiting: Option<&'a Waiting>,
}

impl Extent<'_> {
    fn waits_for(&self, layer: LayerIndex) -> Option<&str> {
        self.waiting?.get(&layer).map(|packages| packages.as_str())
    }

    fn is_inside(&self, path: &RelPath) -> bool {
        self.only.is_none_or(|only| path == only || path.is_below(only))
    }

    /// Tells whether a path of this layer is planned for as the model has it.
    pub(super) fn has(&self, path: &RelPath, layer: LayerIndex) -> bool {
        self.is_inside(path) && self.waits_for(layer).is_none()
    }

    /// Tells whether something that is planned for lies in `folder`.
    pub(super) fn needs(&self, folder: &RelPath, model: &StagedModel) -> bool {
        let after = model.entries().starting_at(folder).skip(1);
        let mut inside = after.take_while(|(path, _)| path.as_bytes().starts_with(folder.as_bytes()));
        inside.any(|(path, entry)| path.is_below(folder) && self.has(path, entry.layer))
    }
}

impl Planning<'_> {
    /// Leaves a path of the model as it is, and says what it waits for where it is not what its layer wants.
    pub(super) fn leave_out(&mut self, path: &RelPath, entry: &StagedEntry) {
        self.carry(path, false);
        let Some(packages) = self.extent.waits_for(entry.layer) else { return };
        let differs = match (&entry.kind, self.observed(path)) {
            (StagedKind::File(content), Observed::File { hash, .. }) => hash != content.hash,
            (StagedKind::Symlink(wanted), Observed::Symlink { target, .. }) => *wanted != target,
            (StagedKind::Directory, _) => false,
            _ => true,
        };
        if differs {
            self.note(path, NoteKind::Waiting, format!("its layer waits for {packages}"));
        }
    }

    /// Tells whether a path that left the model may go now: not while the layer it came from waits.
    pub(super) fn may_drop(&self, path: &RelPath, entry: &ManagedEntry) -> bool {
        let name = managed_layer(self.managed, entry);
        let waits =
            |layer: &LayerIndex| self.model.layers().get(usize::from(layer.0)).is_some_and(|one| **one == *name);
        self.extent.is_inside(path) && !self.extent.waiting.is_some_and(|waiting| waiting.keys().any(waits))
    }
}
