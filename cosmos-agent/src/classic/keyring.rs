//! The keyring of a classic host, which is its introduction (C7): read here, left to those who keep it.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::{keybox, ownership};

/// Larger than any keyring of people: 43 keys over 13 years made 0.8 MB.
const LIMIT: u64 = 64 << 20;

/// Why a keyring cannot introduce anyone.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// No keyring, or one without a certificate.
    #[error("no certificate in the keyring '{}'", home.display())]
    Empty {
        /// The keyring's folder.
        home: PathBuf,
    },
    /// gpg keeps the certificates in a data base of its own.
    #[error("the keyring '{}' is kept by keyboxd, whose data base cannot be read here", home.display())]
    Keyboxd {
        /// The keyring's folder.
        home: PathBuf,
    },
    /// Others may write what a host trusts.
    #[error("'{}' can be changed by others than root", path.display())]
    Exposed {
        /// The folder or file.
        path: PathBuf,
    },
    /// A file is larger than a keyring can be.
    #[error("'{}' is larger than {} MiB", path.display(), LIMIT >> 20)]
    Large {
        /// The file.
        path: PathBuf,
    },
    /// A file is there and cannot be read.
    #[error("cannot read '{}'", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A keybox is damaged.
    #[error("'{}' is not a keybox that can be read", path.display())]
    Keybox {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: keybox::KeyboxError,
    },
}

impl KeyringError {
    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Empty { .. } => "import the operators' certificates with 'cosmos gpg --import FILE'".into(),
            Self::Keyboxd { home } => {
                let home = home.display();
                format!("export the certificates, remove 'use-keyboxd' from '{home}/common.conf', import them again")
            }
            Self::Exposed { path } => format!("chown root:root '{0}' && chmod go-w '{0}'", path.display()),
            Self::Large { .. } | Self::Keybox { .. } => "look at it with 'cosmos gpg --list-keys'".into(),
            Self::Unreadable { .. } => "run as root".into(),
        }
    }
}

/// Reads every certificate of the keyring in `home`, as OpenPGP packets, for `Introduction::Keyring`.
///
/// Follows gpg's own choice: its keybox when there is one, else `pubring.gpg`.
///
/// # Errors
/// Returns [`KeyringError`]; a missing keyring and an empty one are the same (T17: never trust, never verify less).
pub fn read(home: &Path) -> Result<Vec<u8>, KeyringError> {
    let empty = || KeyringError::Empty { home: home.to_owned() };
    check_owner(home)?.ok_or_else(empty)?;
    if let Some(options) = content(&home.join("common.conf"))?
        && options.split(|byte| *byte == b'\n').any(|line| line.trim_ascii() == b"use-keyboxd")
    {
        return Err(KeyringError::Keyboxd { home: home.to_owned() });
    }
    let path = home.join("pubring.kbx");
    let packets = match content(&path)?.filter(|bytes| keybox::is_for_openpgp(bytes) || !keybox::is_keybox(bytes)) {
        Some(bytes) => keybox::certificates(&bytes).map_err(|source| KeyringError::Keybox { path, source })?.concat(),
        None => content(&home.join("pubring.gpg"))?.unwrap_or_default(),
    };
    if packets.is_empty() { Err(empty()) } else { Ok(packets) }
}

/// Opens the folder and looks at who may change it; `None` when there is none.
fn check_owner(home: &Path) -> Result<Option<()>, KeyringError> {
    open(home)?.map(|folder| owned(&folder, home)).transpose()
}

fn content(path: &Path) -> Result<Option<Vec<u8>>, KeyringError> {
    let Some(file) = open(path)? else { return Ok(None) };
    owned(&file, path)?;
    let mut bytes = Vec::new();
    let unreadable = |source| KeyringError::Unreadable { path: path.to_owned(), source };
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LIMIT {
        return Err(KeyringError::Large { path: path.to_owned() });
    }
    Ok(Some(bytes))
}

fn open(path: &Path) -> Result<Option<File>, KeyringError> {
    // A pipe of this name must not make the run wait.
    let flags = nix::fcntl::OFlag::O_NONBLOCK.bits();
    match File::options().read(true).custom_flags(flags).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(KeyringError::Unreadable { path: path.to_owned(), source }),
    }
}

/// Refuses what root, or the caller in an unprivileged root, does not own alone; judged on the open descriptor.
fn owned(file: &File, path: &Path) -> Result<(), KeyringError> {
    let found = file.metadata().map_err(|source| KeyringError::Unreadable { path: path.to_owned(), source })?;
    if ownership::is_exclusive(&found) { Ok(()) } else { Err(KeyringError::Exposed { path: path.to_owned() }) }
}
