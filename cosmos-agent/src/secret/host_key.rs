//! The key by which this host reads its secrets: made on the host, and never leaving it.

use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime};

use cosmos_model::host_name::HostName;
use openpgp::Cert;
use openpgp::cert::{CertBuilder, CipherSuite};
use openpgp::parse::Parse as _;
use openpgp::serialize::SerializeInto as _;
use openpgp::types::Features;
use sequoia_openpgp as openpgp;

use crate::exit::{Failure, Status};
use crate::fs::{self, FsError};
use crate::site::Site;

/// A key of ours has about 1 KiB.
const LARGEST: u64 = 64 << 10;

/// How old a key says it is when it is made: operators' clocks may be behind, and nobody encrypts to a key of tomorrow.
const BACK_DATED: Duration = Duration::from_secs(24 * 60 * 60);

/// A certificate with secret parts that need no passphrase.
pub struct HostKey(Cert);

/// Why a host has no key that can be used.
#[derive(Debug, thiserror::Error)]
pub enum HostKeyError {
    /// The file system refused.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The file is not the agent's alone.
    #[error("'/{path}' is not its owner's alone: mode {mode:o}, owner {owner}")]
    Open {
        /// The file.
        path: String,
        /// Its permission bits.
        mode: u32,
        /// Who owns it.
        owner: u32,
    },
    /// The file holds something else.
    #[error("'/{path}' holds no OpenPGP key that decrypts: {reason}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong, in the library's words, escaped.
        reason: String,
    },
    /// The library could not make one.
    #[error("cannot make a key for this host: {0}")]
    Make(String),
}

impl From<HostKeyError> for Failure {
    fn from(error: HostKeyError) -> Self {
        let hint = match &error {
            HostKeyError::Fs(cause) => return Self::from(cause),
            HostKeyError::Open { .. } => {
                "chmod 600 it, or remove it if others may have read it: the next run makes a new one"
            }
            HostKeyError::Damaged { .. } => {
                "remove it; the next run makes a new one, for 'cosmos host add' in the repository"
            }
            HostKeyError::Make(_) => "see whether the system has random numbers",
        };
        Self::new(Status::Failed, &error, hint)
    }
}

impl HostKey {
    /// Makes a key for the host `name` where there is none; tells whether it did.
    ///
    /// # Errors
    /// Returns why it could not be made or written.
    pub fn make_where_missing(site: &Site, name: &HostName) -> Result<bool, HostKeyError> {
        let path = site.host_key_file();
        if site.home.open_file(&path)?.is_some() {
            return Ok(false);
        }
        let key = make(name).map_err(|error| HostKeyError::Make(shown(&error)))?;
        if let Some(folder) = path.parent() {
            fs::make_directories(&site.home, &folder, 0o700)?;
        }
        fs::replace(&site.home, &path, &key, 0o600)?;
        Ok(true)
    }

    /// Reads this host's key; `None` where it has none.
    ///
    /// # Errors
    /// Returns why the file is not to be relied on.
    pub fn read(site: &Site) -> Result<Option<Self>, HostKeyError> {
        let path = site.host_key_file();
        let Some(file) = site.home.open_file(&path)? else { return Ok(None) };
        let shown_path = path.to_string();
        let damaged = |reason: String| HostKeyError::Damaged { path: shown_path.clone(), reason };
        let found = file.metadata().map_err(|error| damaged(error.to_string()))?;
        let (mode, owner) = (found.mode() & 0o7777, found.uid());
        if mode & 0o077 != 0 || owner != nix::unistd::geteuid().as_raw() {
            return Err(HostKeyError::Open { path: path.to_string(), mode, owner });
        }
        let bytes = site.home.read(&path, LARGEST)?.unwrap_or_default();
        let key = Cert::from_bytes(&bytes).map_err(|error| damaged(shown(&error)))?;
        if !key.keys().unencrypted_secret().any(|_| true) {
            return Err(damaged("it has no secret part without passphrase".to_owned()));
        }
        Ok(Some(Self(key)))
    }

    /// Returns the key with its secret parts.
    #[must_use]
    pub const fn cert(&self) -> &Cert {
        &self.0
    }

    /// Returns the key's fingerprint, upper-case hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint().to_hex()
    }

    /// Returns the public part, armored, as `cosmos host add` takes it.
    ///
    /// # Panics
    /// Never: writing to memory does not fail.
    #[must_use]
    pub fn certificate(&self) -> String {
        let armored = self.0.armored().to_vec().expect("a certificate in memory can be written there");
        String::from_utf8_lossy(&armored).into_owned()
    }
}

fn shown(error: &openpgp::anyhow::Error) -> String {
    cosmos_model::escape::for_terminal(error.to_string().as_bytes())
}

/// Makes a key that encrypts, bound to one that certifies and does nothing else, as armored text.
fn make(name: &HostName) -> openpgp::Result<Vec<u8>> {
    let (cert, _) = CertBuilder::new()
        .set_cipher_suite(CipherSuite::Cv25519)
        .set_creation_time(SystemTime::now() - BACK_DATED)
        .add_userid(name.as_str())
        .add_subkey(openpgp::types::KeyFlags::empty().set_storage_encryption().set_transport_encryption(), None, None)
        // Operators read the same messages with gpg, which knows no later form.
        .set_features(Features::empty().set_seipdv1())?
        .generate()?;
    cert.as_tsk().armored().to_vec()
}
