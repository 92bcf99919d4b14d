//! What makes a tree unfit for a host, before it is accepted (F5): by its folders alone, no file's content is read.

use alloc::vec::Vec;

use super::build::refuse_own_paths;
use super::repository::Repository;
use super::{Layers, NothingKnown, Parts, classic, native};
use crate::document::Mistake;
use crate::object::ObjectSource;
use crate::object::tree::NameRules;
use crate::object_id::ObjectId;

/// Merges the folders of a host's layers and returns what nobody may release: entries that no folder can hold or that
/// mean another path to some file system, a file below another layer's symlink, and what belongs to the agent itself.
///
/// Folders that are as in the tree `since`, which was fit, are not entered. Other mistakes are left to [`super::stage`].
pub(crate) fn unfit(
    tree: ObjectId,
    since: Option<ObjectId>,
    layers: &Layers,
    built_in: Option<ObjectId>,
    objects: &dyn ObjectSource,
) -> Vec<Mistake> {
    let rules = match layers {
        Layers::Native { .. } => NameRules::Native,
        Layers::Classic { .. } => NameRules::Classic,
    };
    let mut repository = Repository::new(objects, &NothingKnown, rules);
    let parts = match layers {
        Layers::Native { host, agent } => {
            let since = since.and_then(|since| native::order(&mut repository, since, host, *agent, built_in).ok());
            let changed =
                since.and_then(|since| native::changes(&mut repository, tree, host, *agent, built_in, &since));
            changed.or_else(|| native::layers(&mut repository, tree, host, *agent, built_in).ok())
        }
        Layers::Classic { folders } => Some(classic::layers(&mut repository, tree, folders)),
    };
    refuse_own_paths(&mut repository, &parts.unwrap_or_else(Parts::default));
    let mut unfit = repository.unfit;
    unfit.sort();
    unfit.dedup();
    unfit
}
