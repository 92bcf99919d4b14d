//! Trust: evidence in, a verified revision or refusals out. Rules T1–T18 are in docs/trust.md.

use alloc::string::String;
use alloc::vec::Vec;

use crate::object::ObjectSource;
use crate::object_id::ObjectId;
use crate::refs::RemoteRef;
use crate::time::Time;

/// What is signed in this repository (docs/trust.md §1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Every commit of a branch.
    Commits {
        /// The branch followed, without `refs/heads/`.
        branch: String,
    },
    /// Annotated tags matching a pattern.
    Tags {
        /// The pattern (docs/formats.md §6).
        pattern: String,
        /// Whether the pattern is a classic shell glob.
        classic: bool,
    },
}

/// Where a host's trust begins (T1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Introduction {
    /// A commit and its signer's fingerprint, given out of band.
    Commit {
        /// The commit.
        id: ObjectId,
        /// The signer's fingerprint, upper-case hexadecimal.
        signer: String,
    },
    /// Certificates given out of band: the classic keyring, as bytes (C7).
    Keyring(Vec<u8>),
}

/// How merges are judged in `commits` mode (T5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MergeRule {
    /// By each of the parents.
    #[default]
    All,
    /// By any of them, as sq-git does.
    Any,
}

/// The host's own word about trust; a repository may only narrow it (T13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustPolicy {
    /// What is signed.
    pub mode: Mode,
    /// Where trust begins.
    pub introduction: Introduction,
    /// The fleet a `cosmos:` line must name.
    pub fleet: Option<String>,
    /// Signatures needed.
    pub threshold: usize,
    /// Signatures needed to change the policy file; `None` is the default of T13.
    pub policy_threshold: Option<usize>,
    /// How merges are judged.
    pub merge_rule: MergeRule,
    /// Whether a missing `cosmos:` line refuses.
    pub require_statement: bool,
    /// Age in seconds after which the accepted revision counts as stale (T14).
    pub max_age: Option<i64>,
}

/// Everything a judgement rests on: bytes and a time, never a verdict.
pub struct Evidence<'a> {
    /// The refs that were fetched.
    pub refs: &'a [RemoteRef],
    /// Where objects are read from; each is hashed again.
    pub objects: &'a dyn ObjectSource,
    /// The clock (T16).
    pub now: Time,
}

/// Someone whose signature counted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Signer {
    /// The certificate's full fingerprint, upper-case hexadecimal.
    pub fingerprint: String,
    /// The certificate's primary user id, escaped; empty when it has none.
    pub user_id: String,
}

/// A revision that passed every rule. Only [`TrustPolicy::judge`] and the state it wrote make one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct VerifiedRevision {
    commit: ObjectId,
    tree: ObjectId,
    tag: Option<String>,
    signers: Vec<Signer>,
    signed_at: Time,
    valid_until: Option<Time>,
    counter: Option<u64>,
    removals: u64,
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

    /// Returns how many removals the steps since the last accepted revision allow, summed.
    #[must_use]
    pub const fn removals(&self) -> u64 {
        self.removals
    }
}
