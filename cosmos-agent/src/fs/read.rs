//! Reading contents.

use std::fs::File;
use std::io::Read as _;

use cosmos_model::path::RelPath;
use nix::errno::Errno;

use super::error::{FsError, OnPath};
use super::kind::{Kind, kind_of};
use super::walk::{Obstacle, Root};

impl Root {
    /// Opens the regular file `path` for reading; `None` when it is not there.
    ///
    /// # Errors
    /// Returns an [`FsError`] when the walk is blocked, or the path is no regular file.
    pub fn open_file(&self, path: &RelPath) -> Result<Option<File>, FsError> {
        let folder = path.parent();
        let directory = match self.directory(folder.as_ref().map_or(&[], RelPath::as_bytes)) {
            Ok(directory) => directory,
            Err(Obstacle::Missing) => return Ok(None),
            Err(obstacle) => return Err(obstacle.into_error(path.as_bytes())),
        };
        let file = match directory.open_file(path.name()) {
            Ok(file) => file,
            Err(Errno::ENOENT) => return Ok(None),
            Err(errno) => return Err(errno).on("open", path.as_bytes()),
        };
        let stat = nix::sys::stat::fstat(&file).on("look at", path.as_bytes())?;
        if kind_of(&stat) != Kind::File {
            return Err(Errno::EINVAL).on("read as a regular file", path.as_bytes());
        }
        Ok(Some(file))
    }

    /// Reads the regular file `path` whole; `None` when it is not there.
    ///
    /// # Errors
    /// As [`Root::open_file`], and when the file is longer than `limit` bytes.
    pub fn read(&self, path: &RelPath, limit: u64) -> Result<Option<Vec<u8>>, FsError> {
        let Some(file) = self.open_file(path)? else { return Ok(None) };
        // One read and no growing for a file that keeps its size; one more byte shows that it ended.
        let size = file.metadata().on("look at", path.as_bytes())?.len().min(limit);
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).on("read", path.as_bytes())?;
        if bytes.len() as u64 > limit {
            return Err(Errno::EFBIG).on("read", path.as_bytes());
        }
        Ok(Some(bytes))
    }
}
