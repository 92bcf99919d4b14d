//! Freshness: until when an accepted revision may be taken for the newest (T14).

use core::fmt;

use super::TrustPolicy;
use super::verified::VerifiedRevision;
use crate::time::Time;

/// Why a revision is past its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staleness {
    /// Its signed line ended it.
    ValidUntil(Time),
    /// The host's `max-age` did.
    MaxAge {
        /// When it was signed.
        signed_at: Time,
        /// The limit in seconds.
        limit: i64,
    },
}

impl fmt::Display for Staleness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ValidUntil(end) => write!(f, "it was signed to be valid until {end}"),
            Self::MaxAge { signed_at, limit } => {
                write!(f, "it was signed at {signed_at}, and this host allows {} hours", limit / 3600)
            }
        }
    }
}

impl TrustPolicy {
    /// Returns why the revision is older than its signed line or the host's settings allow; `None` while it is fresh.
    #[must_use]
    pub fn staleness(&self, revision: &VerifiedRevision, now: Time) -> Option<Staleness> {
        let ended = revision.valid_until().filter(|end| now > *end).map(Staleness::ValidUntil);
        let signed_at = revision.signed_at();
        let too_old = self.max_age.filter(|limit| now.since(signed_at) > *limit);
        ended.or(too_old.map(|limit| Staleness::MaxAge { signed_at, limit }))
    }

    /// Tells whether the revision is past its time.
    #[must_use]
    pub fn is_stale(&self, revision: &VerifiedRevision, now: Time) -> bool {
        self.staleness(revision, now).is_some()
    }
}
