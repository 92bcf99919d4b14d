//! The part of the state folder that apply owns: `managed`, `journal`, `backup/` (docs/formats.md §10, §11).

use std::io::{self, Write};

use cosmos_model::managed::ManagedSet;
use cosmos_model::path::RelPath;

use super::managed_file::{self, ManagedFile};
use crate::fs::{self, FsError, Root};

/// Largest managed set that is read, in bytes: a million paths.
const MANAGED_LIMIT: u64 = 512 << 20;

/// Where the agent keeps its state: `var/lib/cosmos` below its home, which is the managed root but for a classic root
/// elsewhere.
#[derive(Debug, Clone)]
pub struct StateFolder {
    home: Root,
    folder: RelPath,
    backup_size: u64,
}

impl StateFolder {
    /// Names the folder below `home`, and how many bytes of backups it may hold.
    #[must_use]
    pub const fn new(home: Root, folder: RelPath, backup_size: u64) -> Self {
        Self { home, folder, backup_size }
    }

    /// Returns the bound of the backups, in bytes.
    #[must_use]
    pub const fn backup_size(&self) -> u64 {
        self.backup_size
    }

    /// Returns the handle below which the folder lies.
    pub const fn home(&self) -> &Root {
        &self.home
    }

    /// Returns the path of `name` in the folder.
    pub(super) fn path(&self, name: &str) -> RelPath {
        self.folder.join(name.as_bytes()).expect("the names are fixed or hexadecimal")
    }

    /// Makes the folder, 0700 where it is missing: it remembers what was found on a host.
    pub(crate) fn make(&self) -> Result<(), FsError> {
        fs::make_directories(&self.home, &self.folder, 0o700).map(|_| ())
    }

    /// Reads the bytes of the managed set, for [`managed_file::ManagedFile::parse`]; `None` before the first run.
    ///
    /// # Errors
    /// Returns an [`FsError`] when they cannot be read.
    pub fn read_managed(&self) -> Result<Option<Vec<u8>>, FsError> {
        self.home.read(&self.path("managed"), MANAGED_LIMIT)
    }

    /// Writes the managed set, unless those are its bytes already; what it leaves out stays as it is. `meanwhile` is
    /// done in any case, while the set is on its way to the disk.
    ///
    /// # Errors
    /// Returns an [`FsError`] when it cannot be written, or what `meanwhile` returns; the old one then stays.
    pub fn write_managed(
        &self,
        managed: &ManagedSet,
        meanwhile: &mut dyn FnMut() -> Result<(), FsError>,
    ) -> Result<(), FsError> {
        let old = self.read_managed()?;
        let file = old.as_deref().and_then(|old| ManagedFile::parse(old).ok());
        let kept = file.as_ref().filter(|_| !managed.left_out.folders.is_empty());
        if old.as_deref().is_some_and(|old| managed_file::encode(managed, kept, &mut Expected(old)).is_ok()) {
            return meanwhile();
        }
        let mut write = |to: &mut dyn Write| managed_file::encode(managed, kept, to);
        fs::replace_in_pieces(&self.home, &self.path("managed"), &mut write, 0o600, meanwhile)
    }
}

/// Takes the bytes it expects, and no others. What is written to it is as long as they are, or ends in another
/// checksum.
struct Expected<'b>(&'b [u8]);

impl Write for Expected<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.strip_prefix(bytes).ok_or(io::ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
