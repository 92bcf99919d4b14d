//! What makes a tree unfit for a host, before it is accepted (F5): by its folders alone, no file's content is read.

use alloc::vec::Vec;

use super::build::refuse_own_paths;
use super::repository::Repository;
use super::{Layers, NothingKnown, classic, native};
use crate::document::Mistake;
use crate::object::ObjectSource;
use crate::object_id::ObjectId;

/// Merges the folders of a host's layers and returns what nobody may release: entries that no folder can hold or that
/// mean another path to some file system, a file below another layer's symlink, and what belongs to the agent itself.
///
/// Folders that are as in the tree `since`, which was fit, are not entered. Other mistakes are left to
/// [`super::stage`].
pub(crate) fn unfit(
    tree: ObjectId,
    since: Option<ObjectId>,
    layers: &Layers,
    built_in: Option<ObjectId>,
    objects: &dyn ObjectSource,
) -> Vec<Mistake> {
    if since.is_some_and(|since| is_fit_since(since, tree, layers, built_in, objects)) {
        return Vec::new();
    }
    let mut repository = Repository::new(objects, &NothingKnown, layers.rules());
    let parts = match layers {
        Layers::Native { host, agent } => native::layers(&mut repository, tree, host, *agent, built_in).ok(),
        Layers::Classic { folders } => Some(classic::layers(&mut repository, tree, folders)),
    };
    refuse_own_paths(&mut repository, &parts.unwrap_or_default());
    let mut unfit = repository.unfit;
    unfit.sort();
    unfit.dedup();
    unfit
}

/// Tells whether nothing unfit is in what differs between two trees. Only the whole tells where it is in the tree
/// `since` already, as in one that was taken without being judged: what mends it must not be refused for it.
fn is_fit_since(
    since: ObjectId,
    tree: ObjectId,
    layers: &Layers,
    built_in: Option<ObjectId>,
    objects: &dyn ObjectSource,
) -> bool {
    let Layers::Native { host, agent } = layers else { return false };
    let mut repository = Repository::new(objects, &NothingKnown, layers.rules());
    let Ok(before) = native::order(&mut repository, since, host, *agent, built_in) else { return false };
    let Some(parts) = native::changes(&mut repository, tree, host, *agent, built_in, &before) else { return false };
    refuse_own_paths(&mut repository, &parts);
    repository.unfit.is_empty()
}
