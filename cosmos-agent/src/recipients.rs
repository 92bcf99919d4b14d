//! Who may read a secret, as the model says it: the hosts that use its layer, and the operators who may sign.

mod findings;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cosmos_model::host_name::HostName;
use cosmos_model::secret::{self, SecretError};
use cosmos_model::stage;
use openpgp::{Cert, KeyHandle};
use sequoia_openpgp as openpgp;
use walkdir::WalkDir;

use crate::operator::{AsItIs, OperatorError, WorkTree};
use crate::secret::{can_receive, receiving_keys};
use crate::signers::{Roster, only_certificate};
use crate::{agent, built_in};

pub use findings::findings;

/// The file of a host's layer with the public part of its key (docs/formats.md §28).
pub const KEY_FILE: &str = "host.pub";

/// The folder with the keys of hosts that have no layer, `FQDN.pub` each (docs/formats.md §28).
pub const KEYS: &str = "host-keys";

/// Somebody whom secrets can be encrypted to.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The host's name, or the operator's in the policy.
    pub name: String,
    /// The certificate.
    pub cert: Cert,
}

/// A host, what it uses, and its key.
struct Host {
    name: String,
    layers: Vec<String>,
    retired: bool,
    cert: Option<Cert>,
}

/// Everybody in a work tree who may read secrets, or could once.
pub struct Readers {
    hosts: Vec<Host>,
    operators: Vec<Reader>,
}

/// Who a secret is to be encrypted to.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Those who can read it.
    pub readers: Vec<Reader>,
    /// Hosts that should, and to which nothing can be encrypted.
    pub hosts_without_key: Vec<String>,
    /// The same of operators.
    pub operators_without_key: Vec<String>,
}

/// How the recipients of a secret differ from the model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Differing {
    /// Who should read it and cannot.
    pub missing: BTreeSet<String>,
    /// Who can read it and should not.
    pub left: BTreeSet<String>,
}

impl Differing {
    /// Tells whether all is as the model says.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.missing.is_empty() && self.left.is_empty()
    }
}

impl Readers {
    /// Reads the hosts, their keys and who may sign, as the files are now.
    #[must_use]
    pub fn read(work: &WorkTree, files: &AsItIs<'_>) -> Self {
        let host = |name: &HostName| {
            let found = stage::layers_of(files.tree(), name, agent::version(), Some(built_in::tree()), files);
            // What has mistakes is told by 'lint'; until they are mended, the host reads nothing new.
            let found = found.unwrap_or_default();
            let name = name.as_str().to_owned();
            let cert = host_key(work.folder(), &name).and_then(Result::ok);
            Host { name, layers: found.layers, retired: found.retired.is_some(), cert }
        };
        let hosts = hosts(work, files).iter().map(host).collect();
        let mut operators: BTreeMap<String, Reader> = BTreeMap::new();
        for entry in Roster::read(work.folder()).map(|roster| roster.entries()).unwrap_or_default() {
            if entry.rights.contains("sign_commit") || entry.rights.contains("sign_tag") {
                let reader = Reader { name: entry.name, cert: entry.signer.cert().clone() };
                operators.entry(entry.signer.fingerprint()).or_insert(reader);
            }
        }
        Self { hosts, operators: operators.into_values().collect() }
    }

    /// Returns who is to read the secrets of `layer`.
    #[must_use]
    pub fn of(&self, layer: &str) -> Wanted {
        let mut wanted = Wanted::default();
        let uses = |host: &&Host| !host.retired && host.layers.iter().any(|one| one == layer);
        for host in self.hosts.iter().filter(uses) {
            match host.cert.clone().filter(can_receive) {
                Some(cert) => wanted.readers.push(Reader { name: host.name.clone(), cert }),
                None => wanted.hosts_without_key.push(host.name.clone()),
            }
        }
        for operator in &self.operators {
            if can_receive(&operator.cert) {
                wanted.readers.push(operator.clone());
            } else {
                wanted.operators_without_key.push(operator.name.clone());
            }
        }
        wanted
    }

    /// Compares who can read a message with who should.
    ///
    /// # Errors
    /// Returns why the message is none.
    pub fn compare(&self, layer: &str, message: &[u8]) -> Result<Differing, SecretError> {
        let found = secret::recipients(message)?;
        let wanted = self.of(layer);
        let has = |handles: &[KeyHandle]| found.keys.iter().any(|key| handles.iter().any(|one| one.aliases(key)));
        let lacks = |reader: &&Reader| !has(&receiving_keys(&reader.cert));
        let missing = wanted.readers.iter().filter(lacks).map(|reader| reader.name.clone()).collect();
        let is_of = |key: &KeyHandle, cert: &Cert| cert.keys().any(|one| one.key().key_handle().aliases(key));
        let stranger = |key: &&KeyHandle| !wanted.readers.iter().any(|reader| is_of(key, &reader.cert));
        let name = |key: &KeyHandle| {
            let host = self.hosts.iter().find(|host| host.cert.as_ref().is_some_and(|cert| is_of(key, cert)));
            let operator = || self.operators.iter().find(|one| is_of(key, &one.cert)).map(|one| one.name.clone());
            host.map(|host| host.name.clone()).or_else(operator).unwrap_or_else(|| format!("key {key:X}"))
        };
        let mut left: BTreeSet<String> = found.keys.iter().filter(stranger).map(name).collect();
        if found.unnamed > 0 {
            left.insert("somebody whom it does not name".to_owned());
        }
        Ok(Differing { missing, left })
    }
}

/// Tells whether a message is encrypted to a key of `cert`, whatever became of the key.
#[must_use]
pub fn reads(cert: &Cert, message: &[u8]) -> bool {
    let found = secret::recipients(message).unwrap_or_default();
    cert.keys().any(|key| found.keys.iter().any(|one| one.aliases(key.key().key_handle())))
}

/// Returns the hosts that have a layer or a key.
#[must_use]
pub fn hosts(work: &WorkTree, files: &AsItIs<'_>) -> Vec<HostName> {
    let mut hosts = stage::hosts(files.tree(), files);
    let keys = std::fs::read_dir(work.folder().join(KEYS)).into_iter().flatten().flatten();
    let named = keys.filter_map(|key| HostName::new(key.file_name().to_str()?.strip_suffix(".pub")?).ok());
    hosts.extend(named);
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

/// Returns where the key of a host lies that has no layer, relative to the work tree.
#[must_use]
pub fn lone_key(host: &str) -> PathBuf {
    Path::new(KEYS).join(format!("{host}.pub"))
}

/// Reads the key of a host; `None` where there is no file, or why it cannot be used.
pub fn host_key(folder: &Path, host: &str) -> Option<Result<Cert, String>> {
    let in_layer = ["hosts", ""].map(|above| Path::new(above).join(host).join(KEY_FILE));
    let mut files = in_layer.into_iter().chain([lone_key(host)]);
    files.find_map(|file| std::fs::read(folder.join(file)).ok()).map(|bytes| only_certificate(&bytes))
}

/// A secret of a work tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretFile {
    /// The layer, as hosts call it.
    pub layer: String,
    /// The path in the layer's `secrets/`.
    pub inner: PathBuf,
    /// The path in the work tree.
    pub path: PathBuf,
}

impl SecretFile {
    /// Reads a path of the work tree as one of a secret; `None` for any other.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        let words: Vec<&str> = path.to_str()?.split('/').collect();
        let at = words.iter().position(|word| *word == "secrets")?;
        let layer = match &words[..at] {
            [] => ".".to_owned(),
            [top] if !matches!(*top, "models" | "hosts") => (*top).to_owned(),
            [above @ ("models" | "hosts"), name] => format!("{above}/{name}"),
            _ => return None,
        };
        let plain = |word: &&str| !matches!(*word, "" | "." | "..");
        let inner = words.get(at + 1..).filter(|inner| !inner.is_empty() && words.iter().all(plain))?;
        Some(Self { layer, inner: inner.iter().collect(), path: path.to_owned() })
    }

    /// Returns every secret of a work tree, sorted.
    #[must_use]
    pub fn all(work: &WorkTree) -> Vec<Self> {
        let entries = WalkDir::new(work.folder()).sort_by_file_name().into_iter();
        let entries = entries.filter_entry(|entry| entry.file_name() != ".git").flatten();
        let files = entries.filter(|entry| entry.file_type().is_file());
        files.filter_map(|entry| Self::at(entry.path().strip_prefix(work.folder()).ok()?)).collect()
    }

    /// Reads the message.
    ///
    /// # Errors
    /// Returns [`OperatorError::File`].
    pub fn read(&self, work: &WorkTree) -> Result<Vec<u8>, OperatorError> {
        let path = work.folder().join(&self.path);
        std::fs::read(&path).map_err(|source| OperatorError::File { path, source })
    }
}
