//! The files of an operator's clone as they are now, committed or not, as one tree: what `lint` and `plan` look at.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use cosmos_model::object::{self, ObjectKind, ObjectSource, RawObject};
use cosmos_model::object_id::ObjectId;

use super::{OperatorError, WorkTree};

/// Longer files are none that hosts take (F2's default).
const LARGEST: u64 = 100 << 20;

/// The work tree without what git ignores. Nothing of it is written, and no filter runs.
pub struct AsItIs<'a> {
    clone: &'a WorkTree,
    made: BTreeMap<ObjectId, RawObject>,
    tree: ObjectId,
}

impl<'a> AsItIs<'a> {
    /// Reads every file.
    ///
    /// # Errors
    /// Returns [`OperatorError::File`] that names what cannot be read.
    pub fn read(clone: &'a WorkTree) -> Result<Self, OperatorError> {
        let mut made = BTreeMap::new();
        let tree = folder(clone, &mut made, clone.folder())?;
        Ok(Self { clone, tree: tree.unwrap_or_else(|| add(&mut made, ObjectKind::Tree, Vec::new())), made })
    }

    /// Returns the tree.
    #[must_use]
    pub const fn tree(&self) -> ObjectId {
        self.tree
    }
}

impl ObjectSource for AsItIs<'_> {
    fn object(&self, id: ObjectId) -> Result<Option<RawObject>, String> {
        match self.made.get(&id) {
            Some(made) => Ok(Some(made.clone())),
            None => self.clone.object(id),
        }
    }
}

fn add(made: &mut BTreeMap<ObjectId, RawObject>, kind: ObjectKind, bytes: Vec<u8>) -> ObjectId {
    let id = object::hash(kind, &bytes).expect("files that somebody wrote are no collision attack");
    made.insert(id, RawObject { kind, bytes });
    id
}

/// Returns the tree of a folder; none for one that holds nothing, as in git.
fn folder(
    clone: &WorkTree,
    made: &mut BTreeMap<ObjectId, RawObject>,
    path: &Path,
) -> Result<Option<ObjectId>, OperatorError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| OperatorError::File { path, source }
    };
    let mut entries: BTreeMap<Vec<u8>, (&str, Vec<u8>, ObjectId)> = BTreeMap::new();
    for entry in std::fs::read_dir(path).map_err(failed(path))? {
        let path = entry.map_err(failed(path))?.path();
        let name = path.file_name().map(OsStr::as_bytes).unwrap_or_default().to_vec();
        if name == b".git" || clone.ignores(&path) {
            continue;
        }
        let found = path.symlink_metadata().map_err(failed(&path))?;
        let kind = found.file_type();
        let (mode, id) = if kind.is_symlink() {
            let target = std::fs::read_link(&path).map_err(failed(&path))?;
            ("120000", add(made, ObjectKind::Blob, target.as_os_str().as_bytes().to_vec()))
        } else if kind.is_dir() {
            let Some(id) = folder(clone, made, &path)? else { continue };
            ("40000", id)
        } else if kind.is_file() && found.len() <= LARGEST {
            let bytes = std::fs::read(&path).map_err(failed(&path))?;
            (
                if found.permissions().mode() & 0o100 != 0 { "100755" } else { "100644" },
                add(made, ObjectKind::Blob, bytes),
            )
        } else {
            continue;
        };
        // Git sorts a folder as if its name ended in a slash.
        let end: &[u8] = if kind.is_dir() { b"/" } else { b"" };
        entries.insert([&name, end].concat(), (mode, name, id));
    }
    let mut bytes = Vec::new();
    for (mode, name, id) in entries.values() {
        bytes.extend([mode.as_bytes(), b" ", name, b"\0", id.as_bytes()].concat());
    }
    Ok((!entries.is_empty()).then(|| add(made, ObjectKind::Tree, bytes)))
}
