//! What the judge remembers between runs (docs/formats.md §9, member `trust`).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use super::verified::{Signer, VerifiedRevision};
use crate::object_id::ObjectId;
use crate::time::Time;

/// A signer whose certificate ends soon.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Expiring {
    /// Whose.
    pub signer: Signer,
    /// When.
    pub ends: Time,
}

/// The judge's memory: the accepted revision and what is known about certificates. Opaque to everybody else.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustState {
    #[serde(default, deserialize_with = "super::verified::read_back")]
    pub(crate) accepted: Option<VerifiedRevision>,
    /// The revision that was last applied to its end: what a host keeps to while it cannot apply a later one.
    #[serde(default, deserialize_with = "super::verified::read_back")]
    pub(crate) applied: Option<VerifiedRevision>,
    /// What this host tries on top of the accepted revision; never where a walk starts (T6).
    #[serde(default, deserialize_with = "super::verified::read_back", skip_serializing_if = "Option::is_none")]
    pub(crate) testing: Option<VerifiedRevision>,
    /// The latest time seen: clock or accepted signature (T16).
    #[serde(default)]
    pub(crate) latest: Option<Time>,
    /// Certificates of which more is known than the accepted tree says, armored, by fingerprint (T11).
    #[serde(default)]
    pub(crate) certificates: BTreeMap<String, String>,
    /// The classic keyring's fingerprints when the revision was accepted; later ones were added by hand (C7).
    #[serde(default)]
    pub(crate) keyring: BTreeSet<String>,
    /// The introduction that the accepted revision is known to descend from (T15).
    #[serde(default)]
    pub(crate) introduced_by: Option<ObjectId>,
    /// Signers whose certificates have an end (T12).
    #[serde(default)]
    pub(crate) ending: Vec<Expiring>,
    /// Signers who do not count until their certificates are repaired: broken hashes hold them together (T10).
    #[serde(default)]
    pub(crate) outdated: Vec<Signer>,
    /// What the last walk refused.
    #[serde(default)]
    pub(crate) refused: Vec<RecordedRefusal>,
}

/// A refusal as it is remembered, so that a run that finds nothing new repeats it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RecordedRefusal {
    /// The ref that led there, escaped.
    pub reference: String,
    /// The object refused.
    pub object: ObjectId,
    /// Why, with causes after colons.
    pub reason: String,
    /// The hint line.
    pub repair: String,
    /// Whether judging the stored objects again may end otherwise.
    pub heals: bool,
    /// Whether the accepted revision already descends from it.
    pub overtaken: bool,
}

/// How many refusals are remembered; the newest matter, and a hostile remote can cause any number.
const REMEMBERED: usize = 100;

/// How long before its end a certificate is announced, in seconds (T12).
const ANNOUNCED: i64 = 30 * 24 * 3600;

impl TrustState {
    /// Returns the revision that may act, if one was ever accepted.
    #[must_use]
    pub const fn accepted(&self) -> Option<&VerifiedRevision> {
        self.accepted.as_ref()
    }

    /// Returns the revision that was last applied to its end.
    #[must_use]
    pub const fn applied(&self) -> Option<&VerifiedRevision> {
        self.applied.as_ref()
    }

    /// Returns what this host tries on top of the accepted revision, if it has a test (T6).
    #[must_use]
    pub const fn testing(&self) -> Option<&VerifiedRevision> {
        self.testing.as_ref()
    }

    /// Returns the revision the host is to be like: the test, else the accepted one.
    #[must_use]
    pub fn in_force(&self) -> Option<&VerifiedRevision> {
        self.testing.as_ref().or(self.accepted.as_ref())
    }

    /// Remembers that the accepted revision is applied; tells whether that is news.
    pub fn accepted_is_applied(&mut self) -> bool {
        let news = self.applied != self.accepted;
        self.applied.clone_from(&self.accepted);
        news
    }

    /// Returns the removals that were allowed and may not have happened: those of an accepted revision never applied.
    pub(crate) fn removals_outstanding(&self) -> u64 {
        let outstanding = self.accepted.as_ref().filter(|_| self.applied != self.accepted);
        outstanding.map_or(0, VerifiedRevision::removals)
    }

    /// Returns what the last walk refused.
    #[must_use]
    pub fn refused(&self) -> &[RecordedRefusal] {
        &self.refused
    }

    /// Returns the latest time seen.
    #[must_use]
    pub const fn latest_time(&self) -> Option<Time> {
        self.latest
    }

    /// Returns the signers whose certificates end within 30 days of `now`, or have ended (T12).
    pub fn expiring(&self, now: Time) -> impl Iterator<Item = &Expiring> {
        self.ending.iter().filter(move |one| one.ends.since(now) < ANNOUNCED)
    }

    /// Returns the signers who do not count until they sign their own certificates again with today's hashes (T10).
    #[must_use]
    pub fn outdated(&self) -> &[Signer] {
        &self.outdated
    }

    pub(crate) fn remember(&mut self, refusals: &[super::Refused]) {
        // What only rests on another refusal stands first: the newest cause is what is said of a run.
        let (effects, causes): (Vec<_>, Vec<_>) =
            refusals.iter().partition(|one| matches!(one.reason, super::Refusal::RefusedParent { .. }));
        let first = refusals.len().saturating_sub(REMEMBERED);
        self.refused = effects.into_iter().chain(causes).skip(first).map(super::Refused::record).collect();
    }
}
