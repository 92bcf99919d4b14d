//! Where it is said who may sign (docs/trust.md §1).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::object_id::ObjectId;

/// Where a set of signers comes from; equal sources hold equal signers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// `openpgp-policy.toml`, by blob.
    Policy(ObjectId),
    /// A classic keys folder: its files' names and blobs.
    Keys(BTreeMap<Vec<u8>, ObjectId>),
    /// The keyring given out of band.
    Keyring,
}

impl Source {
    /// Returns the blob of the policy file, for the proof.
    #[must_use]
    pub const fn policy(&self) -> Option<ObjectId> {
        match self {
            Self::Policy(id) => Some(*id),
            Self::Keys(_) | Self::Keyring => None,
        }
    }
}
