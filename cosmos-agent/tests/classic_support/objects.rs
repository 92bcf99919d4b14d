//! Git objects for tests: kept in memory, or those of a real repository.

use std::cell::RefCell;
use std::collections::BTreeMap;

use cosmos_model::object::{ObjectKind, ObjectSource, RawObject, hash};
use cosmos_model::object_id::ObjectId;

/// A file of a tree: its path, mode and content.
pub type TreeFile<'a> = (String, (&'a str, Vec<u8>));

/// Objects in memory. Counts how often one is read.
#[derive(Default)]
pub struct Objects {
    objects: BTreeMap<ObjectId, RawObject>,
    /// How many objects were read.
    pub reads: RefCell<usize>,
}

impl Objects {
    /// Adds a blob.
    pub fn blob(&mut self, bytes: &[u8]) -> ObjectId {
        self.add(ObjectKind::Blob, bytes)
    }

    /// Adds a tree of blobs, each with its path, mode and content.
    pub fn tree(&mut self, files: &[TreeFile<'_>]) -> ObjectId {
        let mut entries: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut folders: BTreeMap<&str, Vec<TreeFile<'_>>> = BTreeMap::new();
        for (path, (mode, content)) in files {
            match path.split_once('/') {
                Some((folder, rest)) => {
                    folders.entry(folder).or_default().push((rest.to_owned(), (*mode, content.clone())));
                }
                None => entries.push(entry(path, mode, "", self.blob(content))),
            }
        }
        for (name, files) in folders {
            entries.push(entry(name, "40000", "/", self.tree(&files)));
        }
        entries.sort();
        let bytes: Vec<Vec<u8>> = entries.into_iter().map(|(_, bytes)| bytes).collect();
        self.add(ObjectKind::Tree, &bytes.concat())
    }

    fn add(&mut self, kind: ObjectKind, bytes: &[u8]) -> ObjectId {
        let id = hash(kind, bytes).unwrap();
        self.objects.insert(id, RawObject { kind, bytes: bytes.to_vec() });
        id
    }
}

/// Returns what git sorts a tree entry by, and its bytes.
fn entry(name: &str, mode: &str, slash: &str, id: ObjectId) -> (Vec<u8>, Vec<u8>) {
    let bytes = [mode.as_bytes(), b" ", name.as_bytes(), b"\0", id.as_bytes()].concat();
    (format!("{name}{slash}").into_bytes(), bytes)
}

impl ObjectSource for Objects {
    fn object(&self, id: ObjectId) -> Result<Option<RawObject>, String> {
        *self.reads.borrow_mut() += 1;
        Ok(self.objects.get(&id).cloned())
    }
}

/// The objects of a repository that git made.
pub struct Repository(pub git2::Repository);

impl ObjectSource for Repository {
    fn object(&self, id: ObjectId) -> Result<Option<RawObject>, String> {
        let odb = self.0.odb().unwrap();
        let Ok(object) = odb.read(git2::Oid::from_bytes(id.as_bytes()).unwrap()) else { return Ok(None) };
        let kind = match object.kind() {
            git2::ObjectType::Commit => ObjectKind::Commit,
            git2::ObjectType::Tree => ObjectKind::Tree,
            git2::ObjectType::Tag => ObjectKind::Tag,
            _ => ObjectKind::Blob,
        };
        Ok(Some(RawObject { kind, bytes: object.data().to_vec() }))
    }
}
