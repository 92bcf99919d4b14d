//! What one host says of itself: `status --json` (docs/formats.md §13), as far as hosts are compared by it.
//!
//! Hosts run agents of different versions: what an older one does not say is unknown, what a newer one adds is ignored.

use cosmos_model::object_id::ObjectId;
use cosmos_model::time::Time;
use serde::{Deserialize, Serialize};

/// The highest version of the envelope that is read.
pub const FORMAT: u32 = 1;

/// The envelope.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Document {
    pub format: u32,
    pub host: String,
    pub status: HostStatus,
}

/// The member `status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct HostStatus {
    pub time: Option<Time>,
    pub follows: Follows,
    pub accepted: Option<Revision>,
    pub testing: Option<Revision>,
    pub applied: Option<Applied>,
    pub trusted: Option<Vec<KnownSigner>>,
    pub look: Look,
    pub refused: Vec<RefusedOne>,
    pub paused: Option<Paused>,
    pub failure: Option<Failing>,
    pub needs: Option<String>,
    pub mistakes: Option<String>,
    pub stale: bool,
    pub drift: Option<u64>,
    pub notes: Vec<KnownNote>,
    pub retired: Option<String>,
    pub cloned: bool,
    pub agent: String,
}

/// What a host takes for its releases; hosts that say the same are compared with each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Follows {
    pub mode: String,
    pub branch: Option<String>,
    pub pattern: Option<String>,
    pub fleet: Option<String>,
}

/// A revision as a host names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    pub commit: ObjectId,
    /// When it was signed.
    pub time: Time,
    #[serde(default)]
    pub tag: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Applied {
    pub commit: ObjectId,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct KnownSigner {
    pub fingerprint: String,
    #[serde(default)]
    pub user_id: String,
    #[serde(default)]
    pub expires: Option<Time>,
    #[serde(default)]
    pub expires_soon: bool,
    #[serde(default)]
    pub by_hand: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Look {
    pub failing_since: Option<Time>,
    pub last_good_run: Option<Time>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RefusedOne {
    pub object: ObjectId,
    pub reason: String,
    #[serde(default)]
    pub overtaken: bool,
}

/// What a program of a module has to say.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct KnownNote {
    pub of: String,
    pub about: String,
    pub text: String,
    #[serde(default)]
    pub time: Option<Time>,
    /// Whether somebody should look.
    #[serde(default)]
    pub is_due: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Paused {
    pub reason: String,
    #[serde(default)]
    pub until: Option<Time>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Failing {
    pub since: Time,
    pub message: String,
}
