//! Writes one pack: every object whole, without deltas, named by the hash computed here.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use cosmos_model::object::{self, ObjectKind};
use cosmos_model::object_id::ObjectId;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use git2::Indexer;

use super::{Store, StoreError};

/// A pack being written. Nothing of it is in the store until [`PackWriter::commit`].
pub struct PackWriter<'a> {
    store: &'a Store,
    indexer: Indexer<'static>,
    trailer: openssl::sha::Sha1,
    folder: PathBuf,
    announced: u32,
    given: u32,
}

impl<'a> PackWriter<'a> {
    pub(super) fn new(store: &'a Store, announced: u32) -> Result<Self, StoreError> {
        store.odb()?;
        let folder = store.objects().join("pack");
        let indexer = Indexer::new(None, &folder, 0o600, false).map_err(|source| store.library("write to", source))?;
        let mut writer = Self { store, indexer, trailer: openssl::sha::Sha1::new(), folder, announced, given: 0 };
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
        let mut encoder = ZlibEncoder::new(entry_header(kind, bytes.len() as u64), Compression::fast());
        let packed = encoder.write_all(bytes).and_then(|()| encoder.finish());
        let packed = packed.expect("compression into memory does not fail");
        self.append(&packed)?;
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
        let name = indexer.commit().map_err(|source| store.library("index a pack in", source))?;
        let files = ["pack", "idx"].map(|suffix| folder.join(format!("pack-{name}.{suffix}")));
        for path in files.iter().chain([&folder]) {
            File::open(path).and_then(|file| file.sync_all()).map_err(|source| store.file(path, source))?;
        }
        store.odb()?.refresh().map_err(|source| store.library("read again", source))?;
        Ok(name)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.trailer.update(bytes);
        self.write(bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.indexer.write_all(bytes).map_err(|source: io::Error| self.store.file(&self.folder, source))
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
