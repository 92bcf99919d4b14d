//! Who may sign, as a work tree says it: `openpgp-policy.toml`, or every file of the classic keys folders (T18).
//!
//! Commands change these files and nothing else; hosts judge what is committed and signed afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use openpgp::Cert;
use openpgp::cert::CertParser;
use openpgp::parse::Parse as _;
use sequoia_openpgp as openpgp;

use crate::exit::{Failure, Status};

mod key_files;
mod policy_file;
pub(crate) mod signer;

use key_files::KeyFiles;
use policy_file::PolicyFile;
use signer::Signer;

/// The policy file's name at the top of a repository.
pub const POLICY: &str = "openpgp-policy.toml";

/// Why the signers of a work tree cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum SignersError {
    /// There is neither a policy nor a key.
    #[error("'{}' says nowhere who may sign", folder.display())]
    Nobody {
        /// The work tree.
        folder: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("cannot use '{}'", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// The policy is no TOML of its format.
    #[error("'{}' is no signing policy: {reason}", path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A keyring or key file holds something else.
    #[error("'{place}' holds no certificates: {reason}")]
    Certificates {
        /// The file, or the table of the policy.
        place: String,
        /// The library's words.
        reason: String,
    },
}

impl From<SignersError> for Failure {
    fn from(error: SignersError) -> Self {
        let (status, hint) = match &error {
            SignersError::Nobody { .. } => (Status::Usage, "go into your clone, or start one with 'cosmos init'"),
            SignersError::File { .. } => (Status::Failed, "look at its owner and mode, and at the room on the disk"),
            _ => (Status::Usage, "mend the file first; 'git diff' shows what changed in it"),
        };
        Self::new(status, &error, hint)
    }
}

/// One certificate at one place.
pub struct Entry {
    /// What they are called: the policy's name, or the key file's.
    pub name: String,
    /// What they may do there; classic keys may do everything.
    pub rights: BTreeSet<String>,
    /// The certificate.
    pub signer: Signer,
}

/// Everything in a work tree that says who may sign.
pub struct Roster {
    folder: PathBuf,
    policy: Option<PolicyFile>,
    keys: KeyFiles,
}

impl Roster {
    /// Reads the policy file and every classic keys folder of any layer.
    ///
    /// # Errors
    /// Returns [`SignersError`] when there is neither, or one cannot be read.
    pub fn read(folder: &Path) -> Result<Self, SignersError> {
        let policy = PolicyFile::read(&folder.join(POLICY))?;
        let keys = KeyFiles::read(folder)?;
        if policy.is_none() && keys.is_empty() {
            return Err(SignersError::Nobody { folder: folder.to_owned() });
        }
        Ok(Self { folder: folder.to_owned(), policy, keys })
    }

    /// Tells whether only classic keys folders say who may sign.
    #[must_use]
    pub const fn is_classic(&self) -> bool {
        self.policy.is_none()
    }

    /// Returns every certificate at every place: those of the policy, or of the keys folders where there is none.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        match &self.policy {
            Some(policy) => policy.entries(),
            None => self.keys.entries(),
        }
    }

    /// Returns the certificates called `who`: by name, or by a whole fingerprint.
    #[must_use]
    pub fn named(&self, who: &str) -> BTreeMap<String, Cert> {
        let all = self.policy.iter().flat_map(PolicyFile::entries).chain(self.keys.entries());
        let meant = all.filter(|entry| entry.name == who || entry.signer.fingerprint().eq_ignore_ascii_case(who));
        meant.map(|entry| (entry.signer.fingerprint(), entry.signer.cert().clone())).collect()
    }

    /// Brings what `cert` says into every place that holds the certificate; returns whether there was one.
    ///
    /// # Errors
    /// Returns [`SignersError`] when the copies cannot be merged.
    pub fn merge(&mut self, cert: &Cert) -> Result<bool, SignersError> {
        let in_policy = self.policy.as_mut().map(|policy| policy.merge(cert)).transpose()?.unwrap_or(false);
        Ok(self.keys.merge(cert)? || in_policy)
    }

    /// Adds somebody: to the policy under `name` with `rights`, or as a file of the first keys folder.
    ///
    /// # Errors
    /// Returns [`SignersError`] when the policy has something else of that name.
    pub fn add(&mut self, name: &str, rights: &BTreeSet<String>, signer: &Signer) -> Result<(), SignersError> {
        match &mut self.policy {
            Some(policy) => policy.add(name, rights, signer),
            None => {
                self.keys.add(name, signer);
                Ok(())
            }
        }
    }

    /// Takes a certificate out of every place that holds it (T18).
    ///
    /// # Errors
    /// Returns [`SignersError`] when a keyring cannot be written.
    pub fn remove(&mut self, fingerprint: &str) -> Result<(), SignersError> {
        if let Some(policy) = &mut self.policy {
            policy.remove(fingerprint)?;
        }
        self.keys.remove(fingerprint);
        Ok(())
    }

    /// Vouches for commits; returns how many were not vouched for before.
    ///
    /// # Errors
    /// Returns [`SignersError`] where there is no policy to say so.
    pub fn vouch(&mut self, commits: &BTreeSet<String>) -> Result<usize, SignersError> {
        match &mut self.policy {
            Some(policy) => policy.vouch(commits),
            None => Err(SignersError::Nobody { folder: self.folder.clone() }),
        }
    }

    /// Writes what changed, and returns the paths relative to the work tree.
    ///
    /// # Errors
    /// Returns [`SignersError::File`].
    pub fn write(&self) -> Result<Vec<PathBuf>, SignersError> {
        let mut written: Vec<PathBuf> =
            self.policy.as_ref().map(PolicyFile::write).transpose()?.flatten().into_iter().collect();
        written.extend(self.keys.write()?);
        let relative = |path: PathBuf| path.strip_prefix(&self.folder).map(Path::to_owned).unwrap_or(path);
        Ok(written.into_iter().map(relative).collect())
    }
}

/// Reads every certificate of a text.
fn certificates(place: &str, bytes: &[u8]) -> Result<Vec<Cert>, SignersError> {
    let wrong = |reason: String| SignersError::Certificates { place: place.to_owned(), reason };
    cosmos_model::trust::certificates(bytes).map_err(wrong)
}

/// Merges what is known twice about one certificate.
fn merged(place: &str, known: Cert, news: &Cert) -> Result<Cert, SignersError> {
    known.merge_public(news.clone()).map_err(|error| SignersError::Certificates {
        place: place.to_owned(),
        reason: cosmos_model::escape::for_terminal(error.to_string().as_bytes()),
    })
}

/// Returns certificates as text: one armored block after the other.
fn armored(certs: &[Cert]) -> String {
    let blocks = certs.iter().map(|cert| Signer::of(cert.clone(), Path::new("")).armored());
    blocks.map(|block| format!("{}\n", block.trim_end())).collect()
}

/// Reads one certificate of a file, secret parts left behind.
///
/// # Errors
/// Returns a sentence when the file holds none, or several.
pub fn only_certificate(bytes: &[u8]) -> Result<Cert, String> {
    let parsed: openpgp::Result<Vec<Cert>> = CertParser::from_bytes(bytes).and_then(Iterator::collect);
    match parsed.map_err(|error| error.to_string())?.as_slice() {
        [only] => Ok(only.clone().strip_secret_key_material()),
        several => Err(format!("it holds {} certificates, and one is meant", several.len())),
    }
}
