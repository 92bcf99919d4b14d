//! Reading what was collected: files, folders of files, or standard input, each with any number of documents.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use cosmos_model::escape::for_terminal;
use serde::Serialize;

use super::document::{Document, FORMAT};
use crate::exit::{Failure, Status};

/// Everything that could be read, and what could not.
#[derive(Debug, Default)]
pub struct Collected {
    pub documents: Vec<Document>,
    pub unreadable: Vec<Unreadable>,
}

/// A file that holds no status, or not only.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unreadable {
    /// Its name, escaped.
    pub file: String,
    pub reason: String,
}

/// Reads every source; `-` is standard input, and of a folder every file in it that ends in `.json`.
///
/// A host that could not be asked leaves an empty file behind: that is reported, and the others are compared.
///
/// # Errors
/// Returns a [`Failure`] when a source itself does not exist or cannot be opened.
pub fn all(sources: &[PathBuf]) -> Result<Collected, Failure> {
    let mut collected = Collected::default();
    for source in sources {
        if source.as_os_str() == "-" {
            let mut text = Vec::new();
            std::io::stdin().read_to_end(&mut text).map_err(|error| unusable(source, &error))?;
            collected.take("standard input", &text);
        } else if source.is_dir() {
            collected.take_folder(source)?;
        } else {
            let text = std::fs::read(source).map_err(|error| unusable(source, &error))?;
            collected.take(&shown(source), &text);
        }
    }
    collected.documents.sort_by(|left, right| (&left.host, left.status.time).cmp(&(&right.host, right.status.time)));
    // Of a host that was asked twice the later answer counts.
    collected.documents.reverse();
    collected.documents.dedup_by(|later, earlier| later.host == earlier.host);
    collected.documents.reverse();
    collected.unreadable.sort();
    Ok(collected)
}

impl Collected {
    fn take_folder(&mut self, folder: &Path) -> Result<(), Failure> {
        let entries = std::fs::read_dir(folder).map_err(|error| unusable(folder, &error))?;
        for entry in entries {
            let path = entry.map_err(|error| unusable(folder, &error))?.path();
            if path.extension().is_none_or(|extension| extension != "json") || !path.is_file() {
                continue;
            }
            match std::fs::read(&path) {
                Ok(text) => self.take(&shown(&path), &text),
                Err(error) => self.unreadable.push(Unreadable { file: shown(&path), reason: error.to_string() }),
            }
        }
        Ok(())
    }

    /// Reads documents that stand one after the other.
    fn take(&mut self, file: &str, text: &[u8]) {
        let before = self.documents.len();
        let mut reason = None;
        for read in serde_json::Deserializer::from_slice(text).into_iter::<Document>() {
            match read {
                Ok(document) if document.format > FORMAT => {
                    reason = Some(format!("it is of version {}, and this cosmos knows {FORMAT}", document.format));
                }
                Ok(document) => self.documents.push(document),
                Err(error) => reason = Some(for_terminal(error.to_string().as_bytes())),
            }
        }
        if self.documents.len() == before && reason.is_none() {
            reason = Some("it is empty".to_owned());
        }
        self.unreadable.extend(reason.map(|reason| Unreadable { file: file.to_owned(), reason }));
    }
}

fn shown(path: &Path) -> String {
    for_terminal(path.as_os_str().as_encoded_bytes())
}

fn unusable(source: &Path, error: &std::io::Error) -> Failure {
    let hint = "name files, or folders of files, that 'cosmos status --json' wrote on each host; '-' reads them here";
    Failure::of(Status::Usage, format!("cannot read '{}': {error}", shown(source)), hint)
}
