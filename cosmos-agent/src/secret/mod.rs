//! Secrets: the key by which this host reads them (docs/formats.md §28, §29).

#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod host_key;
mod open;
mod recipient;

use std::cell::OnceCell;
use std::fmt;

use cosmos_model::secret::{Keyholder, Plaintext, SecretError};

use crate::exit::with_causes;
use crate::site::Site;

pub use host_key::{HostKey, HostKeyError};
pub use open::open;
pub use recipient::{can_receive, receiving_keys, seal};

/// This host's secrets, opened by its key, which is read when the first of them is.
pub struct HostSecrets {
    site: Site,
    key: OnceCell<Result<HostKey, SecretError>>,
}

impl HostSecrets {
    /// Uses the key of `site`.
    #[must_use]
    pub fn of(site: &Site) -> Self {
        Self { site: site.clone(), key: OnceCell::new() }
    }

    fn key(&self) -> Result<&HostKey, SecretError> {
        let read = || match HostKey::read(&self.site) {
            Ok(key) => key.ok_or(SecretError::NoKey),
            Err(error) => Err(SecretError::BadKey(with_causes(&error))),
        };
        self.key.get_or_init(read).as_ref().map_err(Clone::clone)
    }
}

impl Keyholder for HostSecrets {
    fn open(&self, message: &[u8]) -> Result<Plaintext, SecretError> {
        open(self.key()?.cert(), message)
    }
}

impl fmt::Debug for HostSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostSecrets")
    }
}
