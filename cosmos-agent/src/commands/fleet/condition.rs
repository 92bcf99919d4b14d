//! What there is to say about one host, worst first.

use std::collections::BTreeSet;

use cosmos_model::object_id::ObjectId;
use cosmos_model::time::Time;
use serde::Serialize;

use super::document::{HostStatus, KnownNote, KnownSigner, Revision};
use super::history::History;

/// How long after its last good run a host is called quiet, in seconds: a day, as runs call a remote stale.
const QUIET: i64 = 24 * 3600;

/// One thing about one host. The order is that of the report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "what", rename_all = "lowercase")]
pub enum Condition {
    /// Its revision is not in the operators' repository (A51).
    Unknown { commit: ObjectId },
    /// It believes a key that the newest policy does not (T18), or that was asked for.
    Trusts { fingerprint: String, user_id: String },
    /// An administrator added a certificate by hand (C7).
    Imported { fingerprint: String, user_id: String },
    /// It refused a revision.
    Refuses { object: ObjectId, reason: String },
    /// Its runs fail.
    Failing { since: Time, message: String },
    /// Its revision is past its time.
    Stale,
    /// It accepted nothing yet.
    New,
    /// A newer revision was accepted elsewhere.
    Behind { since: Time, commits: Option<usize> },
    /// It accepted a revision that it has not applied.
    Unapplied,
    /// It needs a newer agent.
    Outdated { needs: String },
    /// Its revision has mistakes that keep it from being applied there.
    Mistaken { why: String },
    /// No remote answers.
    Offline { since: Time },
    /// No run ended well for a day.
    Quiet { since: Option<Time> },
    /// Its files are not what was applied.
    Drifting { paths: u64 },
    /// A module wants somebody to look.
    Noted { of: String, about: String, text: String, time: Option<Time> },
    /// Unattended runs are off.
    Paused { reason: String, until: Option<Time> },
    /// It tries something of its own.
    Testing { commit: ObjectId },
    /// It runs from a copied disk.
    Cloned,
    /// It was retired.
    Retired { why: String },
}

impl Condition {
    /// Returns the word that stands for it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown",
            Self::Trusts { .. } => "trusts",
            Self::Imported { .. } => "imported",
            Self::Refuses { .. } => "refuses",
            Self::Failing { .. } => "failing",
            Self::Stale => "stale",
            Self::New => "new",
            Self::Behind { .. } => "behind",
            Self::Unapplied => "unapplied",
            Self::Outdated { .. } => "outdated",
            Self::Mistaken { .. } => "mistaken",
            Self::Offline { .. } => "offline",
            Self::Quiet { .. } => "quiet",
            Self::Drifting { .. } => "drifting",
            Self::Noted { .. } => "noted",
            Self::Paused { .. } => "paused",
            Self::Testing { .. } => "testing",
            Self::Cloned => "cloned",
            Self::Retired { .. } => "retired",
        }
    }

    /// Tells whether somebody should look; the others were wanted.
    pub const fn is_trouble(&self) -> bool {
        !matches!(self, Self::Paused { .. } | Self::Testing { .. } | Self::Retired { .. })
    }
}

/// Returns what a host says of itself, and how far it is behind `revisions`, which are sorted by their time.
pub fn of(status: &HostStatus, revisions: &[Revision], history: Option<&History>) -> Vec<Condition> {
    let mut all = Vec::new();
    let refused = status.refused.iter().filter(|refused| !refused.overtaken);
    all.extend(refused.map(|one| Condition::Refuses { object: one.object, reason: one.reason.clone() }));
    let failure = status.failure.as_ref();
    all.extend(failure.map(|one| Condition::Failing { since: one.since, message: one.message.clone() }));
    all.extend(status.stale.then_some(Condition::Stale));
    all.extend(progress(status, revisions, history));
    all.extend(status.needs.clone().map(|needs| Condition::Outdated { needs }));
    all.extend(status.mistakes.clone().map(|why| Condition::Mistaken { why }));
    all.extend(status.look.failing_since.map(|since| Condition::Offline { since }));
    all.extend(quiet(status));
    all.extend(status.drift.filter(|paths| *paths > 0).map(|paths| Condition::Drifting { paths }));
    all.extend(
        status
            .notes
            .iter()
            .filter(|note| note.is_due)
            .cloned()
            .map(|KnownNote { of, about, text, time, is_due: _ }| Condition::Noted { of, about, text, time }),
    );
    let paused = status.paused.as_ref();
    all.extend(paused.map(|one| Condition::Paused { reason: one.reason.clone(), until: one.until }));
    all.extend(status.testing.as_ref().map(|one| Condition::Testing { commit: one.commit }));
    all.extend(status.cloned.then_some(Condition::Cloned));
    all.extend(status.retired.clone().map(|why| Condition::Retired { why }));
    all
}

/// Says where the host stands among the revisions of its group.
fn progress(status: &HostStatus, revisions: &[Revision], history: Option<&History>) -> Vec<Condition> {
    let Some(accepted) = &status.accepted else { return vec![Condition::New] };
    let mut all = Vec::new();
    if history.is_some_and(|history| !history.knows(accepted.commit)) {
        all.push(Condition::Unknown { commit: accepted.commit });
    }
    // Behind since the first revision that it lacks was signed, not since the last.
    let missed = revisions.iter().find(|one| (one.time, one.commit) > (accepted.time, accepted.commit));
    if let (Some(missed), Some(newest)) = (missed, revisions.last()) {
        let commits = history.and_then(|history| history.commits_between(accepted.commit, newest.commit));
        all.push(Condition::Behind { since: missed.time, commits });
    }
    let in_force = status.testing.as_ref().unwrap_or(accepted);
    if status.applied.as_ref().is_none_or(|applied| applied.commit != in_force.commit) {
        all.push(Condition::Unapplied);
    }
    all
}

fn quiet(status: &HostStatus) -> Option<Condition> {
    let asked = status.time?;
    let since = status.look.last_good_run;
    since.is_none_or(|last| asked.since(last) > QUIET).then_some(Condition::Quiet { since })
}

/// Returns whom the host believes and should not: keys the newest policy lacks, and the one that was `asked` for.
pub fn trusts(status: &HostStatus, believed: Option<&BTreeSet<String>>, asked: Option<&str>) -> Vec<Condition> {
    let known = |one: &KnownSigner| believed.is_none_or(|believed| believed.contains(&one.fingerprint));
    let mut all = Vec::new();
    for signer in status.trusted.iter().flatten() {
        let (fingerprint, user_id) = (signer.fingerprint.clone(), signer.user_id.clone());
        if asked == Some(&*fingerprint) || (!signer.by_hand && !known(signer)) {
            all.push(Condition::Trusts { fingerprint, user_id });
        } else if signer.by_hand {
            all.push(Condition::Imported { fingerprint, user_id });
        }
    }
    all
}
