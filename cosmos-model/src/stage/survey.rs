//! What the hosts of a tree would have, for an operator who is about to sign it. Nobody can stage from this.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::{FOLDERS, NothingKnown, StageError, native};
use crate::host_name::HostName;
use crate::object::ObjectSource;
use crate::object::tree::{EntryKind, NameRules};
use crate::object_id::ObjectId;
use crate::params::{Module, Settings};
use crate::path::RelPath;

use super::order::{BUILT_IN, Ordered};
use super::repository::{Repository, below, find, folder};

/// What one host would have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostPaths {
    /// Files and symlinks that its layers install.
    pub installed: BTreeSet<RelPath>,
    /// Paths that its layers delete.
    pub deleted: BTreeSet<RelPath>,
}

impl HostPaths {
    /// Returns what a host loses when `next` follows: what is no longer installed, and what is newly deleted.
    #[must_use]
    pub fn lost_in(&self, next: &Self) -> BTreeSet<RelPath> {
        let dropped = self.installed.difference(&next.installed).cloned();
        dropped.chain(next.deleted.difference(&self.deleted).cloned()).collect()
    }
}

/// Returns the hosts that have a layer of their own in `tree`, sorted.
#[must_use]
pub fn hosts(tree: ObjectId, objects: &dyn ObjectSource) -> Vec<HostName> {
    let mut repository = Repository::new(objects, &NothingKnown, NameRules::Native);
    let top = repository.tree("", tree).unwrap_or_default();
    let below = folder(&top, b"hosts").and_then(|id| repository.tree("hosts", id)).unwrap_or_default();
    let named = |name: &[u8]| core::str::from_utf8(name).ok().and_then(|name| HostName::new(name).ok());
    let is_folder = |kind: EntryKind| kind == EntryKind::Directory;
    let mut found: Vec<HostName> =
        below.iter().filter(|entry| is_folder(entry.kind)).filter_map(|entry| named(&entry.name)).collect();
    for entry in top.iter().filter(|entry| is_folder(entry.kind)) {
        let name = named(&entry.name).filter(|name| name.as_str().contains('.') && !name.as_str().ends_with(".d"));
        let inside = repository.tree("", entry.id).unwrap_or_default();
        let is_layer =
            find(&inside, b"layer.toml").is_some() || FOLDERS.iter().any(|one| folder(&inside, one).is_some());
        found.extend(name.filter(|_| is_layer));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Returns the paths of the host's model, contents unread.
///
/// # Errors
/// Returns [`StageError`] as staging would, but for what only contents and attributes show.
pub fn paths(
    tree: ObjectId,
    host: &HostName,
    agent: (u64, u64, u64),
    built_in: Option<ObjectId>,
    objects: &dyn ObjectSource,
) -> Result<HostPaths, StageError> {
    let mut repository = Repository::new(objects, &NothingKnown, NameRules::Native);
    let parts = native::layers(&mut repository, tree, host, agent, built_in)?;
    if !repository.mistakes.is_empty() {
        return Err(StageError::mistakes(repository.mistakes));
    }
    let installed = parts.overlay.into_iter().filter(|merged| merged.kind != EntryKind::Directory);
    let deleted = parts.delete.into_iter().filter(|merged| matches!(merged.kind, EntryKind::File { .. }));
    let installed: BTreeSet<RelPath> = installed.map(|merged| merged.path).collect();
    let deleted = deleted.map(|merged| merged.path).filter(|path| !installed.contains(path)).collect();
    Ok(HostPaths { installed, deleted })
}

/// Returns the parameters of the host's modules, in the order of its layers.
///
/// # Errors
/// Returns [`StageError`] as staging would, but for what only contents show.
pub fn params(
    tree: ObjectId,
    host: &HostName,
    agent: (u64, u64, u64),
    built_in: Option<ObjectId>,
    objects: &dyn ObjectSource,
) -> Result<Vec<Settings>, StageError> {
    let mut repository = Repository::new(objects, &NothingKnown, NameRules::Native);
    let parts = native::layers(&mut repository, tree, host, agent, built_in)?;
    if repository.mistakes.is_empty() {
        Ok(parts.told.settings)
    } else {
        Err(StageError::mistakes(repository.mistakes))
    }
}

/// The layers of one host, as their names tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostLayers {
    /// Their names, first wins; the root is called `.`.
    pub layers: Vec<String>,
    /// When and why the host was retired.
    pub retired: Option<String>,
}

/// Returns the layers of a host, files unread.
///
/// # Errors
/// Returns [`StageError`] for what is wrong with `fleet.toml` and the layers' settings.
pub fn layers_of(
    tree: ObjectId,
    host: &HostName,
    agent: (u64, u64, u64),
    built_in: Option<ObjectId>,
    objects: &dyn ObjectSource,
) -> Result<HostLayers, StageError> {
    let mut repository = Repository::new(objects, &NothingKnown, NameRules::Native);
    let Ordered { layers, retired, .. } = native::order(&mut repository, tree, host, agent, built_in)?;
    if !repository.mistakes.is_empty() {
        return Err(StageError::mistakes(repository.mistakes));
    }
    let name = |folder: String| if folder.is_empty() { String::from(".") } else { folder };
    Ok(HostLayers { layers: layers.into_iter().map(|layer| name(layer.folder)).collect(), retired })
}

/// A module that hosts can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundModule {
    /// Its name.
    pub name: String,
    /// Its layer.
    pub layer: String,
    /// What it declares.
    pub module: Module,
    /// Names of what is asked before it leaves a host.
    pub leaving: Vec<String>,
    /// Whether it hides a module that comes with the agent.
    pub hides_built_in: bool,
}

/// Returns the modules of a tree and those that come with the agent, by name; what cannot be read is left out.
#[must_use]
pub fn modules(tree: Option<ObjectId>, built_in: Option<ObjectId>, objects: &dyn ObjectSource) -> Vec<FoundModule> {
    let mut repository = Repository::new(objects, &NothingKnown, NameRules::Native);
    let top = tree.and_then(|id| repository.tree("", id)).unwrap_or_default();
    let own = folder(&top, b"models").and_then(|id| repository.tree("models", id)).unwrap_or_default();
    let ours = built_in.and_then(|id| repository.tree(BUILT_IN, id)).unwrap_or_default();
    let mut found: Vec<FoundModule> = Vec::new();
    for (place, entries) in [("models", &own), (BUILT_IN, &ours)] {
        for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Directory) {
            let Ok(name) = core::str::from_utf8(&entry.name) else { continue };
            if let Some(hiding) = found.iter_mut().find(|one| one.name == name) {
                hiding.hides_built_in = true;
                continue;
            }
            let layer = below(place, name);
            let inside = repository.tree(&layer, entry.id).unwrap_or_default();
            let text = repository.text(&layer, &inside, "layer.toml").unwrap_or_default();
            let file = crate::layer::parse(&below(&layer, "layer.toml"), &text).unwrap_or_default();
            let leaving = file.checks.leaving.into_iter().map(|check| check.name).collect();
            // What comes with the agent has a name, whether it wants to be told anything or not.
            let module = file.module.or_else(|| folder(&ours, &entry.name).map(|_| Module::default()));
            let module = module.map(|module| FoundModule {
                name: String::from(name),
                layer,
                module,
                leaving,
                hides_built_in: false,
            });
            found.extend(module);
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

/// Tells whether the repository says by itself which layers a host has; a classic one leaves that to its hosts (C12).
#[must_use]
pub fn is_native(tree: ObjectId, objects: &dyn ObjectSource) -> bool {
    let mut repository = Repository::new(objects, &NothingKnown, NameRules::Classic);
    let top = repository.tree("", tree).unwrap_or_default();
    find(&top, b"fleet.toml").is_some()
}
