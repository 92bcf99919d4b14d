//! Modules that come with the agent, as objects: staged like any layer of a repository.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::object::{self, ObjectKind, ObjectSource, RawObject};
use crate::object_id::ObjectId;

/// A file of a module: its path below the folder of modules, whether it is executable, its bytes.
pub type File<'f> = (&'f str, bool, &'f [u8]);

/// Files as git objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltIn {
    objects: BTreeMap<ObjectId, RawObject>,
    tree: ObjectId,
}

impl BuiltIn {
    /// Makes objects of `files`.
    ///
    /// # Panics
    /// Panics for bytes made to collide, which nobody compiles in by accident.
    #[must_use]
    pub fn of(files: &[File<'_>]) -> Self {
        let mut objects = BTreeMap::new();
        let paths: Vec<File<'_>> = files.to_vec();
        let tree = folder(&mut objects, &paths);
        Self { objects, tree }
    }

    /// Returns the tree that holds a folder for each module.
    #[must_use]
    pub const fn tree(&self) -> ObjectId {
        self.tree
    }
}

impl ObjectSource for BuiltIn {
    fn object(&self, id: ObjectId) -> Result<Option<RawObject>, String> {
        Ok(self.objects.get(&id).cloned())
    }
}

fn add(objects: &mut BTreeMap<ObjectId, RawObject>, kind: ObjectKind, bytes: Vec<u8>) -> ObjectId {
    let id = object::hash(kind, &bytes).expect("what is compiled in is no collision attack");
    objects.insert(id, RawObject { kind, bytes });
    id
}

fn folder(objects: &mut BTreeMap<ObjectId, RawObject>, files: &[File<'_>]) -> ObjectId {
    let mut below: BTreeMap<&str, Vec<File<'_>>> = BTreeMap::new();
    // Git sorts a folder as if its name ended in a slash.
    let mut entries: BTreeMap<Vec<u8>, (&str, &str, ObjectId)> = BTreeMap::new();
    for (path, executable, bytes) in files {
        match path.split_once('/') {
            Some((name, rest)) => below.entry(name).or_default().push((rest, *executable, bytes)),
            None => {
                let mode = if *executable { "100755" } else { "100644" };
                let id = add(objects, ObjectKind::Blob, bytes.to_vec());
                entries.insert(path.as_bytes().to_vec(), (mode, path, id));
            }
        }
    }
    for (name, files) in below {
        let id = folder(objects, &files);
        entries.insert([name.as_bytes(), b"/"].concat(), ("40000", name, id));
    }
    let mut bytes = Vec::new();
    for (mode, name, id) in entries.values() {
        bytes.extend_from_slice(alloc::format!("{mode} {name}\0").as_bytes());
        bytes.extend_from_slice(id.as_bytes());
    }
    add(objects, ObjectKind::Tree, bytes)
}
