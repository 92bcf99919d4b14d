//! Opens the readers of the journal and of what was found to the fuzz targets; in no other build.

use super::{found, journal};

/// Reads a journal and writes it again.
///
/// # Errors
/// Returns the refusal's words.
pub fn journal(text: &[u8]) -> Result<Vec<u8>, String> {
    let found = journal::parse(text).map_err(|error| error.to_string())?;
    let mut text = Vec::new();
    journal::lines(&found.run, found.commit, found.steps.into_iter(), &mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

/// Reads the list of what was found before us, and writes it again.
#[must_use]
pub fn found(text: &[u8]) -> Vec<u8> {
    found::text(found::parse(text))
}
