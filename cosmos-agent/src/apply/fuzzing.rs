//! Opens the reader of the journal to the fuzz targets; in no other build.

use super::journal;

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
