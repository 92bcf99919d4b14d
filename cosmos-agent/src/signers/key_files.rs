//! Classic keys folders: each `*.pub` in `overlay/etc/cosmos/keys/` of any layer; who is in it has every right.

use std::path::{Path, PathBuf};

use openpgp::Cert;
use sequoia_openpgp as openpgp;
use walkdir::WalkDir;

use super::signer::Signer;
use super::{Entry, SignersError, armored, certificates, merged};
use crate::cli::RIGHTS;
use crate::fs::by_path;

/// What the path of a keys folder ends with.
const FOLDER: &str = "overlay/etc/cosmos/keys";

/// One file, as read and as it shall be.
struct KeyFile {
    path: PathBuf,
    certs: Vec<Cert>,
    changed: bool,
}

/// All of them.
pub struct KeyFiles {
    files: Vec<KeyFile>,
    folder: PathBuf,
}

impl KeyFiles {
    /// Reads the files of every layer, in the order of their paths; links are not followed, `.git` is not entered.
    pub fn read(work: &Path) -> Result<Self, SignersError> {
        let mut files = Vec::new();
        let entries = WalkDir::new(work).sort_by_file_name().into_iter();
        for entry in entries.filter_entry(|entry| entry.file_name() != ".git").flatten() {
            let path = entry.path();
            let is_key = path.extension().is_some_and(|extension| extension == "pub")
                && path.parent().is_some_and(|folder| folder.ends_with(FOLDER));
            if !is_key || !entry.file_type().is_file() {
                continue;
            }
            let bytes = std::fs::read(path).map_err(|source| SignersError::File { path: path.to_owned(), source })?;
            let certs = certificates(&path.display().to_string(), &bytes)?;
            files.push(KeyFile { path: path.to_owned(), certs, changed: false });
        }
        let usual = work.join("global").join(FOLDER);
        let first = files.first().and_then(|file| file.path.parent()).map(Path::to_owned);
        Ok(Self { files, folder: first.unwrap_or(usual) })
    }

    /// Tells whether nobody is in them; an empty file adds nobody, as in the original.
    pub fn is_empty(&self) -> bool {
        self.files.iter().all(|file| file.certs.is_empty())
    }

    /// Returns everybody in them, called as the file is.
    pub fn entries(&self) -> Vec<Entry> {
        let rights = || RIGHTS.iter().map(ToString::to_string).collect();
        let of = |file: &KeyFile| {
            let name = file.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let entry = |cert: &Cert| Entry {
                name: name.clone(),
                rights: rights(),
                signer: Signer::of(cert.clone(), &file.path),
            };
            file.certs.iter().map(entry).collect::<Vec<_>>()
        };
        self.files.iter().flat_map(of).collect()
    }

    /// Merges `cert` into every file that holds the certificate.
    pub fn merge(&mut self, cert: &Cert) -> Result<bool, SignersError> {
        let mut found = false;
        for file in &mut self.files {
            for known in file.certs.iter_mut().filter(|known| known.fingerprint() == cert.fingerprint()) {
                let news = merged(&file.path.display().to_string(), known.clone(), cert)?;
                file.changed |= news != *known;
                *known = news;
                found = true;
            }
        }
        Ok(found)
    }

    /// Adds a file of its own for a certificate, named after the person and the key.
    pub fn add(&mut self, name: &str, signer: &Signer) {
        let fingerprint = signer.fingerprint();
        let path = self.folder.join(format!("{name}-{}.pub", &fingerprint[fingerprint.len() - 8..]));
        self.files.push(KeyFile { path, certs: vec![signer.cert().clone()], changed: true });
    }

    /// Takes the certificate out of every file.
    pub fn remove(&mut self, fingerprint: &str) {
        for file in &mut self.files {
            let before = file.certs.len();
            file.certs.retain(|cert| cert.fingerprint().to_hex() != fingerprint);
            file.changed |= file.certs.len() < before;
        }
    }

    /// Writes the files that changed; one that holds nobody any more goes.
    pub fn write(&self) -> Result<Vec<PathBuf>, SignersError> {
        let changed = self.files.iter().filter(|file| file.changed);
        let write = |file: &KeyFile| {
            let folder = file.path.parent().expect("a file has a folder");
            let written = match file.certs.is_empty() {
                true => by_path::remove(&file.path),
                false => by_path::make_directories(folder, 0o755)
                    .and_then(|()| by_path::replace_file(&file.path, armored(&file.certs).as_bytes(), 0o644)),
            };
            written.map_err(|source| SignersError::File { path: file.path.clone(), source })?;
            Ok(file.path.clone())
        };
        changed.map(write).collect()
    }
}
