//! Putting back what was at a path before us: a plan of one step, made without the model.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::desired::must_keep;
use crate::content::{Content, ContentSource};
use crate::escape;
use crate::managed::{ManagedEntry, ManagedSet};
use crate::object_id::ObjectId;
use crate::path::RelPath;
use crate::plan::{Action, Cause, Plan, Step};
use crate::record::{Described, Kind};
use crate::snapshot::{Attributes, Observed};

/// Returns the plan that makes `path` what was `found` there once; none when it is so already.
///
/// With `stays_managed` the path is known further on and left alone, since the model has it and somebody holds it;
/// otherwise it is the host's own again.
///
/// # Errors
/// Returns what is in the way, as a sentence.
pub fn restore(
    path: &RelPath,
    found: &Described,
    observed: &Observed,
    managed: &ManagedSet,
    stays_managed: bool,
) -> Result<Option<Plan>, String> {
    let Some(action) = action(found, observed)? else { return Ok(None) };
    let previous = managed.entries.get(path);
    let layer = previous.and_then(|entry| managed.layers.get(usize::from(entry.layer))).cloned().unwrap_or_default();
    let keep = must_keep(previous, observed);
    let secret = previous.is_some_and(|entry| entry.secret);
    let (path, expects) = (path.clone(), observed.clone());
    let others = managed.entries.iter().filter(|(other, _)| stays_managed || **other != path);
    let entries: Vec<(RelPath, ManagedEntry)> = others
        .map(|(other, entry)| {
            let left_alone = entry.left_alone || *other == path;
            (other.clone(), ManagedEntry { left_alone, ..entry.clone() })
        })
        .collect();
    Ok(Some(Plan {
        commit: managed.commit.unwrap_or(ObjectId::new([0; 20])),
        steps: [Step { path, expects, action, cause: Cause::Restore, layer, task: None, keep, secret }].into(),
        notes: Vec::new(),
        brake: None,
        after: ManagedSet {
            commit: managed.commit,
            layers: managed.layers.clone(),
            entries: entries.into(),
            left_out: managed.left_out.clone(),
        },
    }))
}

fn action(found: &Described, observed: &Observed) -> Result<Option<Action>, String> {
    let attributes = Attributes { mode: found.mode_bits(), uid: found.uid, gid: found.gid };
    let in_the_way = |what: &str| Err(format!("{what} is in the way"));
    match (found.kind, observed) {
        (_, Observed::Blocked(why)) => Err(why.clone()),
        (_, Observed::Other) => in_the_way("a device, pipe or socket"),
        (Kind::Directory, Observed::Directory(now)) => {
            Ok((*now != attributes).then_some(Action::SetAttributes { attributes }))
        }
        (Kind::Directory, _) => Err(String::from("the directory is not there any more")),
        (_, Observed::Directory(_)) => in_the_way("a directory"),
        (Kind::File, _) => {
            let (Some(hash), Some(size)) = (found.sha256, found.size) else {
                return Err(String::from("nobody wrote down what it held"));
            };
            let content = Content { hash, size, source: ContentSource::Model };
            Ok(match observed {
                Observed::File { hash: there, attributes: now, .. } if *there == hash => {
                    (*now != attributes).then_some(Action::SetAttributes { attributes })
                }
                _ => Some(Action::WriteFile { content, attributes }),
            })
        }
        (Kind::Symlink, _) => {
            let target = found.target.as_deref().and_then(escape::undo);
            let target = target.ok_or_else(|| String::from("nobody wrote down where it led"))?;
            let same = matches!(observed, Observed::Symlink { target: there, .. } if *there == target);
            Ok((!same).then_some(Action::MakeSymlink { target, attributes }))
        }
        (Kind::Other, _) => Err(String::from("it was no file, symlink or directory")),
    }
}
