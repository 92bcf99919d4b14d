//! Classic layers: a list of folders merged as `rsync --archive L1/ L2/ … MODEL` merges them (C3).

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::merge::{Candidate, Folder, Merge, Merged};
use super::repository::{Named, Repository, folder};
use super::{FOLDERS, Parts};
use crate::escape::for_terminal;
use crate::object::tree::{EntryKind, TreeEntry};
use crate::object_id::ObjectId;
use crate::path::RelPath;
use crate::staged::LayerIndex;

/// Finds the folders, merges them, and sorts what came out by the layer folder it lies in.
pub(super) fn layers(repository: &mut Repository<'_>, root: ObjectId, folders: &[Vec<u8>]) -> Parts {
    let mut parts = Parts::default();
    let mut listings = Vec::with_capacity(folders.len());
    for path in folders {
        parts.names.push(for_terminal(trimmed(path)));
        parts.rules.push(Vec::new());
        listings.push(listing(repository, root, path));
    }
    if folders.is_empty() {
        repository.mistake("COSMOS_REPO_MODELS", "no layers are configured", "set COSMOS_REPO_MODELS in cosmos.conf");
    }
    let places: Vec<_> = parts.names.iter().map(|name| [name.clone(), name.clone(), name.clone()]).collect();
    let mut merge = Merge::new(repository, &places);
    let mut candidates = Vec::new();
    for (position, entries) in listings.iter().enumerate() {
        let layer = LayerIndex(u16::try_from(position).unwrap_or(u16::MAX));
        candidates.extend(entries.iter().flatten().map(|Named { name, kind, id }| Candidate {
            layer,
            entry: TreeEntry { name, kind: *kind, id: *id },
            from: Folder::Plain,
        }));
    }
    merge.level(None, candidates, Vec::new());
    for merged in merge.merged {
        sort_into(&mut parts, merged);
    }
    parts
}

/// Returns what one source of the list puts at the top of the model.
fn listing(repository: &mut Repository<'_>, root: ObjectId, path: &[u8]) -> Option<Vec<Named>> {
    let nests = !path.is_empty() && !path.ends_with(b"/");
    let place = for_terminal(trimmed(path));
    let mut id = root;
    for name in trimmed(path).split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b".")) {
        let entries = repository.tree("", id)?;
        let Some(next) = folder(&entries, name) else {
            let text = format!("the layer '{place}' does not exist in the repository");
            repository.mistake("COSMOS_REPO_MODELS", text, "correct the list in cosmos.conf, or add the folder");
            return None;
        };
        id = next;
    }
    if !nests {
        return repository.tree(&place, id);
    }
    let name = trimmed(path).rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_vec();
    Some(vec![Named { name, kind: EntryKind::Directory, id }])
}

fn trimmed(path: &[u8]) -> &[u8] {
    let start = path.iter().position(|byte| *byte != b'/').unwrap_or(path.len());
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(start, |last| last + 1);
    &path[start..end]
}

/// Puts a path of the merged model where the four folders are kept; anything else is carried along.
fn sort_into(parts: &mut Parts, merged: Merged) {
    let bytes = merged.path.as_bytes();
    for (position, name) in FOLDERS.iter().enumerate() {
        if bytes == *name && merged.kind == EntryKind::Directory {
            return;
        }
        let Some(inner) = bytes.strip_prefix(*name).and_then(|rest| rest.strip_prefix(b"/")) else { continue };
        let path = RelPath::new(inner).expect("what follows a folder's name is a path");
        let list = match position {
            0 => &mut parts.overlay,
            1 => &mut parts.delete,
            2 => &mut parts.pre_tasks,
            _ => &mut parts.post_tasks,
        };
        list.push(Merged { path, ..merged });
        return;
    }
    parts.others.push(merged);
}
