//! Single files of a commit, and the commit a tag is about, read as the judge reads them: by id, hashed, never checked
//! out.

use cosmos_model::object::commit::Commit;
use cosmos_model::object::tag::Tag;
use cosmos_model::object::tree::{self, EntryKind, NameRules};
use cosmos_model::object::{self, ObjectKind};
use cosmos_model::object_id::ObjectId;

use crate::operator::WorkTree;

/// Returns the file at `path`, a name or names with slashes between; `None` where the commit has none.
pub fn file(clone: &WorkTree, commit: ObjectId, path: &str) -> Option<Vec<u8>> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let (_, id) = entries(clone, commit, folder)?.into_iter().find(|(found, _)| found == name)?;
    object::read(clone, id, ObjectKind::Blob).ok()
}

/// Returns the files directly in a folder, with their names; none where the commit has no such folder.
pub fn files_in(clone: &WorkTree, commit: ObjectId, folder: &str) -> Vec<(String, Vec<u8>)> {
    let read = |(name, id)| Some((name, object::read(clone, id, ObjectKind::Blob).ok()?));
    entries(clone, commit, folder).into_iter().flatten().filter_map(read).collect()
}

/// Returns the commit that an annotated or plain tag is about.
pub fn target(clone: &WorkTree, id: ObjectId) -> Option<ObjectId> {
    match object::read(clone, id, ObjectKind::Tag) {
        Ok(text) => Tag::parse(&text).ok().filter(|tag| tag.kind == ObjectKind::Commit).map(|tag| tag.target),
        Err(_) => object::read(clone, id, ObjectKind::Commit).is_ok().then_some(id),
    }
}

/// Returns what lies in a folder, names and ids.
fn entries(clone: &WorkTree, commit: ObjectId, folder: &str) -> Option<Vec<(String, ObjectId)>> {
    let bytes = object::read(clone, commit, ObjectKind::Commit).ok()?;
    let mut id = Commit::parse(&bytes).ok()?.tree;
    for component in folder.split('/').filter(|component| !component.is_empty()) {
        let found = list(clone, id)?.into_iter().find(|(name, _, is_folder)| *is_folder && name == component)?;
        id = found.1;
    }
    let files = list(clone, id)?.into_iter().filter(|(_, _, is_folder)| !is_folder);
    Some(files.map(|(name, id, _)| (name, id)).collect())
}

fn list(clone: &WorkTree, tree: ObjectId) -> Option<Vec<(String, ObjectId, bool)>> {
    let bytes = object::read(clone, tree, ObjectKind::Tree).ok()?;
    let entries = tree::parse(&bytes, NameRules::Classic).ok()?;
    let plain = |entry: &tree::TreeEntry<'_>| {
        let name = String::from_utf8(entry.name.to_vec()).ok()?;
        Some((name, entry.id, entry.kind == EntryKind::Directory))
    };
    Some(entries.iter().filter_map(plain).collect())
}
