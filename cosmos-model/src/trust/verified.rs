//! A revision that passed every rule.

use alloc::string::String;
use alloc::vec::Vec;

use crate::object_id::ObjectId;
use crate::time::Time;

/// Someone whose signature counted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Signer {
    /// The certificate's full fingerprint, upper-case hexadecimal.
    pub fingerprint: String,
    /// The certificate's primary user id, escaped; empty when it has none.
    pub user_id: String,
}

/// A revision that passed every rule. Only [`TrustPolicy::judge`] and the state it wrote make one.
///
/// It can be written as JSON by anybody, and read back only as part of a [`TrustState`](super::TrustState).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct VerifiedRevision {
    pub(super) commit: ObjectId,
    pub(super) tree: ObjectId,
    pub(super) tag: Option<String>,
    pub(super) signers: Vec<Signer>,
    /// The key that each of them signed with, by full fingerprint: a subkey may be compromised on its own (T15).
    pub(super) keys: Vec<String>,
    pub(super) signed_at: Time,
    pub(super) valid_until: Option<Time>,
    pub(super) counter: Option<u64>,
    pub(super) removals: u64,
}

impl VerifiedRevision {
    /// Returns the commit.
    #[must_use]
    pub const fn commit(&self) -> ObjectId {
        self.commit
    }

    /// Returns the commit's tree.
    #[must_use]
    pub const fn tree(&self) -> ObjectId {
        self.tree
    }

    /// Returns the name of the release tag, in `tags` mode.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Returns who signed it.
    #[must_use]
    pub fn signers(&self) -> &[Signer] {
        &self.signers
    }

    /// Returns the signature's own time.
    #[must_use]
    pub const fn signed_at(&self) -> Time {
        self.signed_at
    }

    /// Returns until when it is fresh, if the signed line says (T14).
    #[must_use]
    pub const fn valid_until(&self) -> Option<Time> {
        self.valid_until
    }

    /// Returns how many removals the steps since the last applied revision allow, summed.
    #[must_use]
    pub const fn removals(&self) -> u64 {
        self.removals
    }

    /// Returns the counter of the signed line.
    #[must_use]
    pub const fn counter(&self) -> Option<u64> {
        self.counter
    }
}

/// The written form, which only the state may turn into a revision again.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    commit: ObjectId,
    tree: ObjectId,
    tag: Option<String>,
    signers: Vec<Signer>,
    #[serde(default)]
    keys: Vec<String>,
    signed_at: Time,
    valid_until: Option<Time>,
    counter: Option<u64>,
    removals: u64,
}

/// Reads the revision of a generation that was kept beside the state.
pub(crate) fn read_revision<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<VerifiedRevision, D::Error> {
    read_back(reader)?.ok_or_else(|| serde::de::Error::custom("a generation without a revision"))
}

/// Reads the accepted revision of a stored state.
pub(super) fn read_back<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Option<VerifiedRevision>, D::Error> {
    let written: Option<Written> = serde::Deserialize::deserialize(reader)?;
    Ok(written.map(|written| VerifiedRevision {
        commit: written.commit,
        tree: written.tree,
        tag: written.tag,
        signers: written.signers,
        keys: written.keys,
        signed_at: written.signed_at,
        valid_until: written.valid_until,
        counter: written.counter,
        removals: written.removals,
    }))
}
