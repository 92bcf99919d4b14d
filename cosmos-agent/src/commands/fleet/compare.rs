//! Hosts that follow the same releases, compared: who is behind, who is unwell, who believes whom, and who disagrees.

use std::collections::{BTreeMap, BTreeSet};

use cosmos_model::time::Time;
use serde::Serialize;

use super::condition::{self, Condition};
use super::document::{Document, Follows, KnownSigner, Revision};
use super::history::History;

/// Hosts that should all run the same.
#[derive(Debug, Serialize)]
pub struct Group {
    pub follows: Follows,
    /// The newest revision that any of them accepted.
    pub newest: Option<Revision>,
    pub hosts: Vec<Host>,
    /// Pairs of hosts whose revisions cannot both come from one history (A51).
    pub forks: Vec<Fork>,
    /// Keys that end soon, with the hosts that believe them.
    pub expiring: Vec<Expiring>,
}

/// One host and what there is to say of it; nothing when all is well.
#[derive(Debug, Serialize)]
pub struct Host {
    pub host: String,
    pub accepted: Option<Revision>,
    pub conditions: Vec<Condition>,
}

/// Two revisions, neither of which the other rests on, with a host each.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Fork {
    pub hosts: [String; 2],
    pub revisions: [Revision; 2],
}

/// A key that ends within 30 days.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Expiring {
    pub fingerprint: String,
    pub user_id: String,
    pub expires: Option<Time>,
    pub hosts: usize,
}

/// Groups hosts by what they follow, and compares them within each group.
///
/// `asked` is a key whose believers are to be named, whatever the newest revision says of it.
pub fn groups(documents: &[Document], history: Option<&History>, asked: Option<&str>) -> Vec<Group> {
    let mut by_follows: BTreeMap<&Follows, Vec<&Document>> = BTreeMap::new();
    for document in documents {
        by_follows.entry(&document.status.follows).or_default().push(document);
    }
    by_follows.into_iter().map(|(follows, members)| group(follows, &members, history, asked)).collect()
}

fn group(follows: &Follows, members: &[&Document], history: Option<&History>, asked: Option<&str>) -> Group {
    let accepted = |document: &&&Document| document.status.accepted.clone();
    let mut revisions: Vec<Revision> = members.iter().filter_map(|one| accepted(&one)).collect();
    revisions.sort_by_key(|revision| (revision.time, revision.commit));
    revisions.dedup_by(|left, right| left.commit == right.commit);
    let newest = revisions.last().cloned();
    let believed = believed(members, newest.as_ref(), history, follows);
    let hosts = members.iter().map(|document| {
        let mut conditions = condition::of(&document.status, &revisions, history);
        conditions.extend(condition::trusts(&document.status, believed.as_ref(), asked));
        Host { host: document.host.clone(), accepted: document.status.accepted.clone(), conditions }
    });
    Group {
        follows: follows.clone(),
        hosts: hosts.collect(),
        forks: forks(members, history),
        expiring: expiring(members),
        newest,
    }
}

/// Returns the keys that the newest policy knows: the repository's when it is there, else that of a host which has it.
fn believed(
    members: &[&Document],
    newest: Option<&Revision>,
    history: Option<&History>,
    follows: &Follows,
) -> Option<BTreeSet<String>> {
    if let Some(holders) = history.and_then(|history| history.who_may_sign(&follows.mode)) {
        return Some(holders);
    }
    let newest = newest?.commit;
    let knows = |one: &&&Document| one.status.accepted.as_ref().is_some_and(|accepted| accepted.commit == newest);
    let signers = members.iter().filter(knows).find_map(|one| one.status.trusted.as_ref())?;
    // What was imported by hand is one administrator's word, not the repository's.
    Some(signers.iter().filter(|one| !one.by_hand).map(|one| one.fingerprint.clone()).collect())
}

/// Finds revisions that cannot both come from one history: one pair for each two that disagree.
fn forks(members: &[&Document], history: Option<&History>) -> Vec<Fork> {
    let mut seen: BTreeMap<_, (&Document, &Revision)> = BTreeMap::new();
    for document in members {
        if let Some(accepted) = &document.status.accepted {
            seen.entry(accepted.commit).or_insert((document, accepted));
        }
    }
    let all: Vec<(&Document, &Revision)> = seen.into_values().collect();
    let mut forks = Vec::new();
    for (index, (one, ours)) in all.iter().enumerate() {
        for (other, theirs) in &all[index + 1..] {
            // A name is given once: the same one on two commits is a fork whatever the history says.
            let renamed = ours.tag.is_some() && ours.tag == theirs.tag;
            if renamed || history.is_some_and(|history| history.disagree(ours.commit, theirs.commit)) {
                let mut pair = [(*one, *ours), (*other, *theirs)];
                pair.sort_by(|left, right| left.0.host.cmp(&right.0.host));
                let [(one, ours), (other, theirs)] = pair;
                forks.push(Fork {
                    hosts: [one.host.clone(), other.host.clone()],
                    revisions: [ours.clone(), theirs.clone()],
                });
            }
        }
    }
    forks
}

fn expiring(members: &[&Document]) -> Vec<Expiring> {
    let mut by_key: BTreeMap<&str, Vec<&KnownSigner>> = BTreeMap::new();
    for signer in members.iter().flat_map(|one| one.status.trusted.iter().flatten()) {
        if signer.expires_soon {
            by_key.entry(&signer.fingerprint).or_default().push(signer);
        }
    }
    let summed = by_key.into_iter().map(|(fingerprint, known)| Expiring {
        fingerprint: fingerprint.to_owned(),
        user_id: known[0].user_id.clone(),
        expires: known.iter().filter_map(|one| one.expires).min(),
        hosts: known.len(),
    });
    summed.collect()
}
