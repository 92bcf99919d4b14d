//! Writes one pack: every object whole, without deltas, named by the hash computed here.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use cosmos_model::object::{self, ObjectKind};
use cosmos_model::object_id::ObjectId;
use flate2::{Compress, Compression, FlushCompress, Status};
use git2::Indexer;

use super::{Store, StoreError};
use crate::fs::{by_path, writeback};

/// libgit2 maps the file anew for each piece it is given: pieces of this size cost next to nothing.
pub(crate) const BUFFER: usize = 1 << 18;

/// A pack being written. Nothing of it is in the store until [`PackWriter::commit`].
pub struct PackWriter<'a> {
    store: &'a Store,
    indexer: BufWriter<Indexer<'static>>,
    /// One for all objects: making one takes a quarter of a megabyte.
    compressor: Compress,
    trailer: openssl::sha::Sha1,
    folder: PathBuf,
    announced: u32,
    given: u32,
}

impl<'a> PackWriter<'a> {
    pub(super) fn new(store: &'a Store, announced: u32) -> Result<Self, StoreError> {
        store.odb()?;
        let folder = store.objects().join("pack");
        remove_leftovers(&folder).map_err(|source| store.file(&folder, source))?;
        let indexer = Indexer::new(None, &folder, 0o600, false).map_err(|source| store.library("write to", source))?;
        let indexer = BufWriter::with_capacity(BUFFER, indexer);
        let mut writer = Self {
            store,
            indexer,
            compressor: Compress::new(Compression::fast(), true),
            trailer: openssl::sha::Sha1::new(),
            folder,
            announced,
            given: 0,
        };
        let mut header = *b"PACK\0\0\0\x02\0\0\0\0";
        header[8..].copy_from_slice(&announced.to_be_bytes());
        writer.append(&header)?;
        Ok(writer)
    }

    /// Adds one object and returns its name.
    ///
    /// # Errors
    /// Returns [`StoreError::Collision`] for bytes made to collide (A12), or what the disk says.
    pub fn add(&mut self, kind: ObjectKind, bytes: &[u8]) -> Result<ObjectId, StoreError> {
        let id = object::hash(kind, bytes).ok_or(StoreError::Collision { kind })?;
        let mut entry = entry_header(kind, bytes.len() as u64);
        deflate(&mut self.compressor, bytes, &mut entry);
        self.append(&entry)?;
        self.given += 1;
        Ok(id)
    }

    /// Ends the pack, makes it durable, and returns its name.
    ///
    /// # Errors
    /// Returns [`StoreError`] when fewer or more objects came than announced, or what the disk says.
    pub fn commit(mut self) -> Result<String, StoreError> {
        if self.given != self.announced {
            return Err(StoreError::Count { announced: self.announced, given: self.given });
        }
        let trailer = std::mem::replace(&mut self.trailer, openssl::sha::Sha1::new()).finish();
        self.write(&trailer)?;
        let Self { store, indexer, folder, .. } = self;
        let indexer = indexer.into_inner().map_err(|error| store.file(&folder, error.into_error()))?;
        let name = indexer.commit().map_err(|source| store.library("index a pack in", source))?;
        let files = ["pack", "idx"].map(|suffix| folder.join(format!("pack-{name}.{suffix}")));
        // The folder goes last: it names what is on disk then.
        let opened = files.iter().chain([&folder]).map(|path| {
            let file = File::open(path).map_err(|source| store.file(path, source))?;
            writeback::begin(&file);
            Ok((path, file))
        });
        for (path, file) in opened.collect::<Result<Vec<_>, StoreError>>()? {
            file.sync_all().map_err(|source| store.file(path, source))?;
        }
        store.odb()?.refresh().map_err(|source| store.library("read again", source))?;
        Ok(name)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.trailer.update(bytes);
        self.write(bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.indexer.write_all(bytes).map_err(|source| self.store.file(&self.folder, source))
    }
}

/// What libgit2 calls a pack that it has not finished.
const UNFINISHED: &[u8] = b"pack_git2_";

/// Removes what runs left that were killed during a fetch; whoever writes packs holds the run's lock.
fn remove_leftovers(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().as_bytes().starts_with(UNFINISHED) {
            by_path::remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Appends `bytes` to `packed`, compressed.
fn deflate(compressor: &mut Compress, bytes: &[u8], packed: &mut Vec<u8>) {
    compressor.reset();
    loop {
        // Incompressible bytes grow by five in 16 KiB and a few at the ends; more room only where that is not enough.
        packed.reserve(bytes.len() + bytes.len() / 1000 + 64);
        let rest = bytes.get(usize::try_from(compressor.total_in()).unwrap_or(usize::MAX)..).unwrap_or_default();
        let status = compressor.compress_vec(rest, packed, FlushCompress::Finish);
        if status.expect("the stream was just reset") == Status::StreamEnd {
            return;
        }
    }
}

/// The type and size in front of a pack entry: three bits of type, then the size in groups of 4, 7, 7 … bits.
fn entry_header(kind: ObjectKind, size: u64) -> Vec<u8> {
    let number = match kind {
        ObjectKind::Commit => 1_u8,
        ObjectKind::Tree => 2,
        ObjectKind::Blob => 3,
        ObjectKind::Tag => 4,
    };
    let mut header = Vec::with_capacity(10);
    let mut byte = number << 4 | (size & 0xf) as u8;
    let mut rest = size >> 4;
    while rest > 0 {
        header.push(byte | 0x80);
        byte = (rest & 0x7f) as u8;
        rest >>= 7;
    }
    header.push(byte);
    header
}

#[cfg(test)]
mod tests {
    use cosmos_model::object::{ObjectSource, RawObject};
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    use super::*;

    const KINDS: [ObjectKind; 4] = [ObjectKind::Commit, ObjectKind::Tree, ObjectKind::Blob, ObjectKind::Tag];

    #[test]
    fn what_a_pack_was_given_the_store_gives_back() {
        let law = ProptestConfig::default();
        let config = ProptestConfig { cases: law.cases.div_ceil(16), failure_persistence: None, ..law };
        let given = proptest::collection::vec((0..4_usize, proptest::collection::vec(any::<u8>(), 0..70_000)), 1..5);
        // Not the macro: it takes PROPTEST_CASES for the number of cases, whatever the configuration says.
        TestRunner::new(config).run(&given, gives_back).unwrap_or_else(|error| panic!("{error}"));
    }

    fn gives_back(given: Vec<(usize, Vec<u8>)>) -> Result<(), TestCaseError> {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path().join("store.git"));
        let mut pack = store.pack(given.len() as u32).unwrap();
        let ids: Vec<_> = given.iter().map(|(kind, bytes)| pack.add(KINDS[*kind], bytes).unwrap()).collect();
        pack.commit().unwrap();
        for ((kind, bytes), id) in given.into_iter().zip(ids) {
            prop_assert_eq!(store.object(id), Ok(Some(RawObject { kind: KINDS[kind], bytes })));
        }
        Ok(())
    }

    #[test]
    fn what_a_killed_fetch_left_goes_with_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path().join("store.git"));
        let pack = store.pack(0).unwrap();
        std::mem::forget(pack);
        let names = || std::fs::read_dir(store.path().join("objects/pack")).unwrap().count();
        assert_eq!(names(), 1);
        store.pack(0).unwrap().commit().unwrap();
        assert_eq!(names(), 2, "the pack and its index");
    }

    #[test]
    fn a_pack_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path().join("store.git"));
        let mut pack = store.pack(2).unwrap();
        pack.add(ObjectKind::Blob, &[7; 1 << 20]).unwrap();
        assert_eq!(pack.commit().unwrap_err().to_string(), "a pack of 2 objects was given 1");
        assert_eq!(std::fs::read_dir(store.path().join("objects/pack")).unwrap().count(), 0);
    }
}
