//! The pack on its way into the child's scratch folder: the side band, and counting what comes.

use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use git2::{Indexer, Odb};

use super::pkt_line::{Packet, PacketReader};
use super::transport::TransportError;
use crate::fs::by_path;
use crate::store::BUFFER;

/// Reads side-band packets up to the flush and writes band 1 to `sink`; band 3 is the server's failure.
pub(super) fn read_side_band<R: Read>(input: &mut PacketReader<R>, sink: &mut dyn Write) -> Result<(), TransportError> {
    loop {
        match input.read_raw()? {
            Packet::Line([1, bytes @ ..]) => sink.write_all(bytes).map_err(|source| sink_error(&source))?,
            Packet::Line([2, ..]) => {}
            Packet::Line([3, reason @ ..]) => return Err(TransportError::refused(reason)),
            Packet::Line(other) => return Err(TransportError::malformed("side band", other)),
            Packet::Flush => return Ok(()),
            Packet::Delimiter | Packet::End => return Err(TransportError::malformed("side band", b"")),
        }
    }
}

/// The sink's failures are the indexer's, whose words have to travel as text.
pub(super) fn sink_error(error: &io::Error) -> TransportError {
    TransportError::malformed("pack", error.to_string().as_bytes())
}

/// Opens the folder of objects that thin packs rest on. Whose it is does not matter here: the parent hashes what comes.
pub(super) fn open_bases(objects: &Path) -> Result<Odb<'static>, TransportError> {
    let failed = TransportError::library("open the object store");
    let odb = Odb::new().map_err(&failed)?;
    odb.add_disk_alternate(&objects.to_string_lossy()).map_err(&failed)?;
    Ok(odb)
}

/// Indexes a pack in a folder of the child's own.
pub(super) struct Scratch<'a> {
    folder: PathBuf,
    indexer: BufWriter<Indexer<'a>>,
    seen: u64,
    told: u64,
    tell: Box<dyn FnMut(u64) -> io::Result<()> + 'a>,
}

/// Bytes between two reports of progress.
const STRIDE: u64 = 256 << 10;

impl<'a> Scratch<'a> {
    /// Starts a pack in `folder`, which is made; `tell` hears the bytes so far.
    pub(super) fn new(
        folder: &Path,
        bases: Option<&Odb<'a>>,
        tell: impl FnMut(u64) -> io::Result<()> + 'a,
    ) -> Result<Self, TransportError> {
        let packs = folder.join("pack");
        by_path::make_directories(&packs, 0o700)
            .map_err(|source| TransportError::File { path: packs.display().to_string(), source })?;
        let indexer = Indexer::new(bases, &packs, 0o600, false).map_err(TransportError::library("start a pack"))?;
        let indexer = BufWriter::with_capacity(BUFFER, indexer);
        Ok(Self { folder: folder.to_owned(), indexer, seen: 0, told: 0, tell: Box::new(tell) })
    }

    /// Ends the pack and opens it, unless nothing came.
    pub(super) fn finish(self) -> Result<Option<Odb<'static>>, TransportError> {
        if self.seen == 0 {
            return Ok(None);
        }
        let indexer = self.indexer.into_inner().map_err(|error| sink_error(error.error()))?;
        indexer.commit().map_err(TransportError::library("index the pack"))?;
        let odb = Odb::new().map_err(TransportError::library("open the pack"))?;
        odb.add_disk_alternate(&self.folder.to_string_lossy()).map_err(TransportError::library("open the pack"))?;
        Ok(Some(odb))
    }
}

impl Write for Scratch<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.seen += bytes.len() as u64;
        if self.seen - self.told >= STRIDE {
            self.told = self.seen;
            (self.tell)(self.seen)?;
        }
        self.indexer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.indexer.flush()
    }
}
