//! What changed between two revisions, by layer. For people: nothing is decided by it.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::escape::for_terminal;
use crate::object::tree::{self, EntryKind, NameRules, TreeError};
use crate::object::{self, ObjectError, ObjectKind, ObjectSource};
use crate::object_id::ObjectId;

/// How a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It is new.
    Added,
    /// Its content, kind or executable bit is another.
    Changed,
    /// It is gone.
    Removed,
}

impl Change {
    /// Returns the sign of docs/formats.md §18.
    #[must_use]
    pub const fn sign(self) -> char {
        match self {
            Self::Added => '+',
            Self::Changed => '~',
            Self::Removed => '-',
        }
    }
}

/// One file that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Changed {
    /// Its path in the repository, escaped.
    pub path: String,
    /// How.
    pub change: Change,
}

/// What differs, by layer: a layer's folder, `.` for the root layer, or empty for files that belong to none.
pub type Difference = BTreeMap<String, Vec<Changed>>;

/// Why two trees could not be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DifferenceError {
    /// A tree cannot be read.
    #[error("cannot read a folder of the repository")]
    Object(#[from] ObjectError),
    /// A tree holds what no host accepts (F5).
    #[error("a folder of the repository is not accepted by hosts: '{path}'")]
    Tree {
        /// The folder, escaped.
        path: String,
        /// What is wrong in it.
        #[source]
        source: TreeError,
    },
}

type Entries = BTreeMap<Vec<u8>, (EntryKind, ObjectId)>;

/// Compares two trees; `None` as the old one is an empty one.
///
/// # Errors
/// Returns [`DifferenceError`] for a tree that cannot be read or that hosts would refuse.
pub fn difference(
    objects: &dyn ObjectSource,
    rules: NameRules,
    old: Option<ObjectId>,
    new: ObjectId,
) -> Result<Difference, DifferenceError> {
    let mut difference = Difference::new();
    let mut open = alloc::vec![(Vec::new(), old, Some(new))];
    while let Some((folder, old, new)) = open.pop() {
        let before = entries(objects, rules, &folder, old)?;
        let after = entries(objects, rules, &folder, new)?;
        let mut names: Vec<&Vec<u8>> = before.keys().chain(after.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let (one, other) = (before.get(name), after.get(name));
            if one == other {
                continue;
            }
            let path = if folder.is_empty() { name.clone() } else { [&folder, name.as_slice()].join(&b'/') };
            let tree = |entry: Option<&(EntryKind, ObjectId)>| {
                entry.filter(|(kind, _)| *kind == EntryKind::Directory).map(|(_, id)| *id)
            };
            let change = match (one.filter(|_| tree(one).is_none()), other.filter(|_| tree(other).is_none())) {
                (Some(_), Some(_)) => Some(Change::Changed),
                (Some(_), None) => Some(Change::Removed),
                (None, Some(_)) => Some(Change::Added),
                (None, None) => None,
            };
            if let Some(change) = change {
                let changed = Changed { path: for_terminal(&path), change };
                difference.entry(layer_of(&path)).or_default().push(changed);
            }
            if tree(one).is_some() || tree(other).is_some() {
                open.push((path, tree(one), tree(other)));
            }
        }
    }
    difference.values_mut().for_each(|changed| changed.sort_unstable());
    Ok(difference)
}

fn entries(
    objects: &dyn ObjectSource,
    rules: NameRules,
    folder: &[u8],
    tree: Option<ObjectId>,
) -> Result<Entries, DifferenceError> {
    let Some(tree) = tree else { return Ok(Entries::new()) };
    let bytes = object::read(objects, tree, ObjectKind::Tree)?;
    let parsed = tree::parse(&bytes, rules);
    let parsed = parsed.map_err(|source| DifferenceError::Tree { path: for_terminal(folder), source })?;
    Ok(parsed.into_iter().map(|entry| (entry.name.to_vec(), (entry.kind, entry.id))).collect())
}

/// Returns the layer a path belongs to: what stands before the first folder or file that makes a layer.
fn layer_of(path: &[u8]) -> String {
    const OF_A_LAYER: [&[u8]; 7] =
        [b"overlay", b"delete", b"pre-tasks.d", b"post-tasks.d", b"templates", b"secrets", b"layer.toml"];
    let components: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    match components.iter().position(|component| OF_A_LAYER.contains(component)) {
        Some(0) => String::from("."),
        Some(depth) => for_terminal(&components[..depth].join(&b'/')),
        None => String::new(),
    }
}
