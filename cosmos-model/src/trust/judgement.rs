//! What the judge says, and the proof it gives.

use alloc::string::String;
use alloc::vec::Vec;

use super::refusal::{Refusal, Refused, Right};
use super::state::{Expiring, TrustState};
use super::verified::{Signer, VerifiedRevision};
use crate::object_id::ObjectId;
use crate::time::Time;

/// The outcome of [`TrustPolicy::judge`](super::TrustPolicy::judge).
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// What may act now: newly accepted, or accepted before and still in force.
    pub revision: Option<VerifiedRevision>,
    /// Whether that is another one than before.
    pub advanced: bool,
    /// What was refused. Those that are not overtaken make the run's verdict (exit 3).
    pub refusals: Vec<Refused>,
    /// What to remember for the next run, also when nothing advanced.
    pub state: TrustState,
    /// Every signature that was judged, in the order of the walk.
    pub steps: Vec<JudgedStep>,
    /// Whether the revision in force is older than its signed line or the host allows (T14).
    pub stale: bool,
    /// Signers whose certificates end within 30 days (T12).
    pub expiring: Vec<Expiring>,
}

/// One line of the proof.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedStep {
    /// The object judged: a tag, or a commit.
    pub object: ObjectId,
    /// The commit it is about.
    pub commit: ObjectId,
    /// The ref that led here, escaped; `None` for a commit inside the history.
    pub reference: Option<String>,
    /// Whose signature it carries, when that could be told.
    pub signer: Option<Signer>,
    /// The right that was needed.
    pub right: Right,
    /// The policy file it was judged by; `None` for a keys folder or keyring.
    pub policy: Option<ObjectId>,
    /// The commit whose tree says so (T3); `None` for a keyring given out of band.
    pub judged_by: Option<ObjectId>,
    /// When it says it was signed; `None` when no signature could be attributed.
    pub signed_at: Option<Time>,
    /// The first commit of this walk from which on the signer held the right; the walk's own start for those who came
    /// with it.
    pub since: Option<ObjectId>,
    /// Whether the candidate's own tree told something new about the signer's certificate (T3).
    pub refreshed: bool,
    /// Why it was refused; `None` when it counted.
    pub refusal: Option<Refusal>,
}
