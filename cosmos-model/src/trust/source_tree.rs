//! Reading who may sign out of a tree: `openpgp-policy.toml`, else a keys folder (docs/trust.md §6).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::refusal::Refusal;
use super::signers::{POLICY_LIMIT, Parsed, TrustSet};
use super::source::Source;
use crate::object::{self, ObjectKind, ObjectSource};
use crate::object_id::ObjectId;
use crate::path::RelPath;

/// Returns where `tree` says who may sign; `None` when it does not.
pub fn find_source(
    objects: &dyn ObjectSource,
    tree: ObjectId,
    key_folders: &[RelPath],
) -> Result<Option<Source>, Refusal> {
    let root = object::read(objects, tree, ObjectKind::Tree)?;
    if let Some(policy) = find(&root, b"openpgp-policy.toml")? {
        return Ok(Some(Source::Policy(policy.id)));
    }
    let mut keys = BTreeMap::new();
    for folder in key_folders {
        let Some(bytes) = descend(objects, &root, folder)? else { continue };
        for entry in entries(&bytes) {
            let entry = entry?;
            if entry.name.ends_with(b".pub") && entry.is_file() {
                // The first layer that has the name wins, also with an empty file.
                keys.entry(entry.name.to_vec()).or_insert(entry.id);
            }
        }
    }
    Ok((!keys.is_empty()).then_some(Source::Keys(keys)))
}

/// Reads the signers of a source.
pub fn read_set(objects: &dyn ObjectSource, source: &Source, parsed: &mut Parsed) -> Result<TrustSet, Refusal> {
    match source {
        Source::Policy(id) => {
            let bytes = object::read(objects, *id, ObjectKind::Blob)?;
            TrustSet::from_policy_with(&bytes, parsed).map_err(|reason| Refusal::Policy { reason })
        }
        Source::Keys(files) => {
            let mut contents = Vec::new();
            for id in files.values() {
                let bytes = object::read(objects, *id, ObjectKind::Blob)?;
                if bytes.len() > POLICY_LIMIT {
                    let reason = format!("a key file has {} bytes, more than {POLICY_LIMIT}", bytes.len());
                    return Err(Refusal::Policy { reason });
                }
                contents.push(bytes);
            }
            Ok(TrustSet::from_keys(contents.iter().map(Vec::as_slice), parsed))
        }
        Source::Keyring => Ok(TrustSet::default()),
    }
}

/// Follows `path` down from the tree `root`; `None` when a component is missing or no folder.
fn descend(objects: &dyn ObjectSource, root: &[u8], path: &RelPath) -> Result<Option<Vec<u8>>, Refusal> {
    let mut bytes = root.to_vec();
    for component in path.components() {
        match find(&bytes, component)? {
            Some(entry) if entry.mode == b"40000" => bytes = object::read(objects, entry.id, ObjectKind::Tree)?,
            _ => return Ok(None),
        }
    }
    Ok(Some(bytes))
}

/// One entry of a raw tree.
struct Entry<'a> {
    mode: &'a [u8],
    name: &'a [u8],
    id: ObjectId,
}

impl Entry<'_> {
    fn is_file(&self) -> bool {
        self.mode == b"100644" || self.mode == b"100755"
    }
}

/// Finds the one entry called `name`; two of them are refused, since programs differ in which they take.
fn find<'a>(tree: &'a [u8], name: &[u8]) -> Result<Option<Entry<'a>>, Refusal> {
    let mut found = None;
    for entry in entries(tree) {
        let entry = entry?;
        if entry.name == name && found.replace(entry).is_some() {
            let shown = crate::escape::for_terminal(name);
            return Err(Refusal::Policy { reason: format!("the tree has '{shown}' twice") });
        }
    }
    Ok(found)
}

fn entries(mut rest: &[u8]) -> impl Iterator<Item = Result<Entry<'_>, Refusal>> {
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let cut = cut_entry(rest);
        rest = cut.as_ref().map_or(&[], |(_, tail)| *tail);
        Some(cut.map(|(entry, _)| entry).ok_or_else(|| Refusal::Policy { reason: "the tree is damaged".to_string() }))
    })
}

fn cut_entry(bytes: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let blank = bytes.iter().position(|byte| *byte == b' ')?;
    let (mode, rest) = (&bytes[..blank], &bytes[blank + 1..]);
    let end = rest.iter().position(|byte| *byte == 0)?;
    let (name, rest) = (&rest[..end], &rest[end + 1..]);
    let id: [u8; 20] = rest.get(..20)?.try_into().ok()?;
    Some((Entry { mode, name, id: ObjectId::new(id) }, &rest[20..]))
}
