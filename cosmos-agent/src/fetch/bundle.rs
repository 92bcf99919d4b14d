//! A bundle file: a listing and a pack, for hosts without a network.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;

use super::Limits;
use super::pack::open_bases;
use super::transport::{Transport, TransportError};
use super::v2::Listing;
use crate::store::oid;

/// A bundle; its pack may rest on objects of the agent's own store, which is read for that.
pub(super) struct Bundle {
    path: PathBuf,
    store: PathBuf,
    limits: Limits,
}

impl Bundle {
    pub(super) const fn new(path: PathBuf, store: PathBuf, limits: Limits) -> Self {
        Self { path, store, limits }
    }

    fn open(&self) -> Result<BufReader<io::Take<File>>, TransportError> {
        let file = File::open(&self.path).map_err(|source| file_error(&self.path, source))?;
        Ok(BufReader::new(file.take(self.limits.transfer)))
    }
}

fn file_error(path: &Path, source: io::Error) -> TransportError {
    TransportError::File { path: path.display().to_string(), source }
}

/// What stands before the pack.
pub(super) struct Header {
    pub(super) prerequisites: Vec<ObjectId>,
    pub(super) refs: Vec<RemoteRef>,
}

/// The longest line of a header.
const LONGEST_LINE: u64 = 2048;

/// Reads the header and leaves `input` at the first byte of the pack.
pub(super) fn read_header(
    input: &mut impl BufRead,
    prefixes: &[Vec<u8>],
    limit: u32,
) -> Result<Header, TransportError> {
    let mut listing = Listing::new(prefixes, limit);
    let mut prerequisites = Vec::new();
    let signature = read_line(input)?;
    if !matches!(&signature[..], b"# v2 git bundle" | b"# v3 git bundle") {
        return Err(TransportError::malformed("bundle header", &signature));
    }
    loop {
        let line = read_line(input)?;
        match &line[..] {
            b"" => return Ok(Header { prerequisites, refs: listing.refs }),
            b"@object-format=sha1" => {}
            b"@object-format=sha256" => return Err(TransportError::Sha256),
            [b'@', ..] => return Err(TransportError::Incomplete),
            [b'-', rest @ ..] => {
                let id = rest.get(..40).and_then(|id| ObjectId::from_hex(id).ok());
                prerequisites.push(id.ok_or_else(|| TransportError::malformed("bundle prerequisite", rest))?);
                if prerequisites.len() > limit as usize {
                    return Err(TransportError::Refs(limit));
                }
            }
            reference => listing.add(reference)?,
        }
    }
}

fn read_line(input: &mut impl BufRead) -> Result<Vec<u8>, TransportError> {
    let mut line = Vec::new();
    input.take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(TransportError::Broken)?;
    match line.pop() {
        Some(b'\n') => Ok(line),
        _ => Err(TransportError::malformed("bundle header", &line)),
    }
}

impl Transport for Bundle {
    fn look(&mut self, prefixes: &[Vec<u8>]) -> Result<Vec<RemoteRef>, TransportError> {
        Ok(read_header(&mut self.open()?, prefixes, self.limits.refs)?.refs)
    }

    /// Wants and haves do not matter: the pack is what it is.
    fn fetch(&mut self, _: &[ObjectId], _: &[ObjectId], sink: &mut dyn Write) -> Result<(), TransportError> {
        let mut input = self.open()?;
        let header = read_header(&mut input, &[], self.limits.refs)?;
        if !header.prerequisites.is_empty() {
            let bases = self.bases().map(|objects| open_bases(&objects)).transpose()?;
            let there = |id| bases.as_ref().is_some_and(|bases| bases.exists(oid(id)));
            if let Some(id) = header.prerequisites.into_iter().find(|id| !there(*id)) {
                return Err(TransportError::Prerequisite(id));
            }
        }
        let mut buffer = vec![0; 1 << 16];
        loop {
            match input.read(&mut buffer).map_err(|source| file_error(&self.path, source))? {
                0 => return Ok(()),
                count => sink.write_all(&buffer[..count]).map_err(|error| super::pack::sink_error(&error))?,
            }
        }
    }

    fn bases(&self) -> Option<PathBuf> {
        Some(self.store.join("objects")).filter(|objects| objects.is_dir())
    }
}
