//! A bundle on standard input, laid beside the store for as long as one command takes: what `cosmos push` carries to a
//! host.

use std::io::Read;
use std::path::PathBuf;

use crate::exit::{Failure, Status};
use crate::fs::by_path;
use crate::site::Site;

/// The file; it goes with this value.
pub struct GivenBundle(PathBuf);

impl GivenBundle {
    /// Reads `input` to its end, at most `limit` bytes.
    ///
    /// # Errors
    /// Returns a [`Failure`] when there is more, or it cannot be kept.
    pub fn read(input: &mut impl Read, site: &Site, limit: u64) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            let message = format!("cannot take the bundle from standard input: {error}");
            Failure::of(Status::Failed, message, "make room in the cache folder, or name a file: --bundle FILE")
        };
        let mut content = Vec::new();
        input.take(limit.saturating_add(1)).read_to_end(&mut content).map_err(failed)?;
        if content.len() as u64 > limit {
            let hint = "if that much is meant, raise 'transfer' in [limits] of trust.toml";
            let message = format!("the bundle on standard input is longer than the limit of {limit} bytes");
            return Err(Failure::of(Status::Failed, message, hint));
        }
        by_path::make_directories(&site.cache, 0o700).map_err(failed)?;
        // Not one name for all: the lock is taken later, and each command removes its own file.
        let given = Self(site.cache.join(format!("given-{}.bundle", std::process::id())));
        by_path::replace_cached_file(&given.0, &content, 0o600).map_err(failed)?;
        Ok(given)
    }

    /// Returns where the file is.
    #[must_use]
    pub fn path(&self) -> &PathBuf {
        &self.0
    }
}

impl Drop for GivenBundle {
    fn drop(&mut self) {
        // What stays behind is in a folder of our own and is replaced by the next command with this number.
        let _ = by_path::remove(&self.0);
    }
}
