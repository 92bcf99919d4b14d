//! The generations of one host, beside its state (docs/formats.md §24).

use cosmos_model::generation::{FORMAT, Generations};
use cosmos_model::path::RelPath;

use crate::exit::{Failure, Status};
use crate::fs::FsError;
use crate::site::Site;

/// No list is longer, in bytes: a thousand generations with all their signers.
const LARGEST: u64 = 16 << 20;

/// Why the generations cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GenerationsError {
    /// The file could not be read.
    #[error("cannot read the generations of this host")]
    Read(#[from] FsError),
    /// The file is not what this version writes.
    #[error("'{path}' is no list of generations that this version can read")]
    Damaged {
        /// The file.
        path: RelPath,
        /// The cause.
        source: serde_json::Error,
    },
    /// Written by a later agent.
    #[error("'{path}' has format {found}, this agent knows format {FORMAT}")]
    Later {
        /// The file.
        path: RelPath,
        /// Its version.
        found: u64,
    },
}

impl From<GenerationsError> for Failure {
    fn from(error: GenerationsError) -> Self {
        let hint = match &error {
            GenerationsError::Later { .. } => "install the version of cosmos that wrote it, or a later one",
            _ => "remove the file: generations are kept anew from the next revision on",
        };
        Self::new(Status::Failed, &error, hint)
    }
}

/// Reads the generations up to the one that the state calls its newest.
///
/// # Errors
/// Returns a [`GenerationsError`] that names the file.
pub fn read(site: &Site, newest: u64) -> Result<Generations, GenerationsError> {
    let path = site.generations_file();
    let Some(text) = site.home.read(&path, LARGEST)? else { return Ok(Generations::default()) };
    parse(&text).map(|list| list.up_to(newest)).map_err(|error| match error {
        ParseError::Later(found) => GenerationsError::Later { path, found },
        ParseError::Damaged(source) => GenerationsError::Damaged { path, source },
    })
}

/// Why a text is no list of generations.
#[derive(Debug)]
pub enum ParseError {
    /// Of a later format.
    Later(u64),
    /// Not what any version writes.
    Damaged(serde_json::Error),
}

/// Reads a list from its text.
///
/// # Errors
/// Returns a [`ParseError`]; the version is looked at before anything else.
pub fn parse(text: &[u8]) -> Result<Generations, ParseError> {
    #[derive(serde::Deserialize)]
    struct Version {
        format: u64,
    }
    let version: Version = serde_json::from_slice(text).map_err(ParseError::Damaged)?;
    if version.format != u64::from(FORMAT) {
        return Err(ParseError::Later(version.format));
    }
    serde_json::from_slice(text).map_err(ParseError::Damaged)
}

/// Returns the text that [`parse`] reads the same from.
#[must_use]
pub fn to_text(list: &Generations) -> Vec<u8> {
    serde_json::to_vec_pretty(list).expect("a list has string keys only")
}
