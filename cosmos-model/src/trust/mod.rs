//! Trust: evidence in, a verified revision or refusals out. Rules T1–T18 are in docs/trust.md.

use alloc::string::String;
use alloc::vec::Vec;

mod agreed;
mod armor;
mod by_hand;
mod certificate;
mod clock;
mod commits;
mod compromise;
mod fitness;
mod freshness;
mod history;
mod introduction;
mod judge;
mod judgement;
mod may_sign;
mod pattern;
mod refusal;
mod rejudge;
mod renewal;
mod rights;
mod rule;
mod signature;
mod signers;
mod source;
mod source_tree;
mod sources;
mod state;
mod statement;
mod survey;
mod tag_refs;
mod tags;
mod testing;
mod tips;
mod transition;
mod trusted;
mod unverified;
mod validity;
mod verified;
mod walk;
mod wanted;

pub use fitness::ForHost;
pub use freshness::Staleness;
pub use judgement::{JudgedStep, Judgement};
pub use may_sign::MaySign;
pub use pattern::{InvalidPattern, TagPattern, co_signed_name, compare_names};
pub use refusal::{Refusal, Refused, Right, repair_outdated};
pub use signers::{Authorization, Rights, TrustSet, certificates};
pub use state::{Expiring, RecordedRefusal, TrustState};
pub use statement::{Statement, StatementError};
pub use survey::Survey;
pub(crate) use verified::read_revision;
pub use verified::{Signer, VerifiedRevision};

use crate::object::ObjectSource;
use crate::object_id::ObjectId;
use crate::path::RelPath;
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
    /// The folders that carry classic `*.pub` keys in this host's layers, first layer first (C7).
    pub key_folders: Vec<RelPath>,
}

impl TrustPolicy {
    /// Returns what holds where the host says nothing else: one signer, every parent, no limit of age, classic keys in
    /// [`DEFAULT_KEY_FOLDER`].
    ///
    /// # Panics
    /// Never: the constant is a plain path.
    #[must_use]
    pub fn new(mode: Mode, introduction: Introduction) -> Self {
        Self {
            mode,
            introduction,
            fleet: None,
            threshold: 1,
            policy_threshold: None,
            merge_rule: MergeRule::All,
            require_statement: false,
            max_age: None,
            key_folders: alloc::vec![DEFAULT_KEY_FOLDER.parse().expect("the constant is a plain path")],
        }
    }
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

/// The keys folder of a repository that has only the `global/` layer.
pub const DEFAULT_KEY_FOLDER: &str = "global/overlay/etc/cosmos/keys";
