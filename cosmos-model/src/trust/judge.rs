//! The judge: evidence in, a verified revision and refusals out. Pure; time is an argument (T16).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use openpgp::Cert;
use openpgp::policy::StandardPolicy;
use openpgp::serialize::SerializeInto as _;
use sequoia_openpgp as openpgp;

use super::clock;
use super::fitness::ForHost;
use super::judgement::Judgement;
use super::refusal::{Refusal, Refused};
use super::signers;
use super::source::Source;
use super::sources::Sources;
use super::state::{Expiring, TrustState};
use super::trusted::Trusted;
use super::validity::Validity;
use super::verified::{Signer, VerifiedRevision};
use super::walk::{Outcome, Pending, Standing, Walk};
use super::{Evidence, Introduction, Mode, TrustPolicy, certificate, commits, introduction, pattern, rejudge, tags};
use crate::object_id::ObjectId;
use crate::time::Time;

impl TrustPolicy {
    /// Judges everything new in `evidence` by what `state` accepted before, or by the introduction.
    #[must_use]
    pub fn judge(&self, state: &TrustState, evidence: &Evidence<'_>) -> Judgement {
        self.judge_on(None, state, evidence)
    }

    /// Judges as [`Self::judge`] does, for a `host` that must be able to hold the files of what is accepted (F5).
    #[must_use]
    pub fn judge_on(&self, host: Option<&ForHost<'_>>, state: &TrustState, evidence: &Evidence<'_>) -> Judgement {
        let mut walk = self.bench(state, evidence);
        let standing = match self.start(&mut walk, state) {
            Ok(standing) => standing,
            Err(refusal) => return self.refuse_to_start(walk, state, refusal),
        };
        let outcome = self.walk_vouched(&mut walk, &standing);
        let outcome = outcome.and_then(|outcome| self.may_act_now(&mut walk, host, state, outcome));
        let outcome = outcome.unwrap_or_else(|| Outcome::standing_on(standing));
        self.conclude(walk, state, outcome)
    }

    /// Lays out the evidence and what is known about certificates.
    pub(super) fn bench<'a>(&'a self, state: &TrustState, evidence: &'a Evidence<'a>) -> Walk<'a> {
        let clock = state.latest.map_or(evidence.now, |latest| latest.max(evidence.now));
        let openpgp = StandardPolicy::at(clock::stamp(clock));
        let keyring = match &self.introduction {
            Introduction::Keyring(bytes) => bytes.as_slice(),
            Introduction::Commit { .. } => &[],
        };
        let stored = state.certificates.values().filter_map(|text| signers::certificates(text.as_bytes()).ok());
        let stored = stored.flatten().map(Rc::new).collect();
        let sources = Sources::new(evidence.objects, &self.key_folders, keyring, stored, &openpgp);
        Walk {
            policy: self,
            evidence,
            openpgp,
            clock,
            sources,
            refused: Vec::new(),
            steps: Vec::new(),
            vouched: BTreeSet::new(),
            denied: BTreeSet::new(),
            leaned_on: BTreeSet::new(),
            auditors: (BTreeSet::new(), usize::MAX),
            user_ids: BTreeMap::new(),
            validity: Validity::default(),
            held_since: BTreeMap::new(),
        }
    }

    /// Finds where the walk starts: the accepted revision (T2), else the introduction (T1).
    pub(super) fn start(&self, walk: &mut Walk<'_>, state: &TrustState) -> Result<Standing, Refusal> {
        let standing = match &state.accepted {
            Some(accepted) => introduction::resume(walk, accepted, &state.keyring)?,
            None => introduction::begin(walk)?,
        };
        let source = standing.below.trusted.source.clone();
        let set = walk.sources.set(&source)?;
        let need = walk.change_threshold(&source, &set);
        walk.auditors = (set.holding(super::Right::Audit), need);
        walk.look_at(&source);
        Ok(standing)
    }

    /// Walks with every goodlist believed, and again without those nobody confirmed, until all are confirmed.
    fn walk_vouched(&self, walk: &mut Walk<'_>, standing: &Standing) -> Option<Outcome> {
        let own = walk.sources.set(&standing.below.trusted.source).map(|set| set.goodlist.clone()).unwrap_or_default();
        loop {
            walk.refused.clear();
            walk.steps.clear();
            walk.leaned_on.clear();
            walk.held_since.clear();
            walk.note_holders(None, &standing.below.trusted.source, standing.commit);
            walk.vouched.clone_from(&own);
            walk.hear_goodlists();
            let outcome = match &self.mode {
                Mode::Commits { branch } => commits::walk(walk, branch, standing.clone()),
                Mode::Tags { pattern, classic } => match self::pattern::TagPattern::parse(pattern, *classic) {
                    Ok(pattern) => tags::walk(walk, &pattern, standing.clone()),
                    Err(error) => {
                        let reason = Refusal::Settings { reason: error.to_string() };
                        walk.refuse(String::new(), ObjectId::new([0; 20]), None, reason);
                        return None;
                    }
                },
            };
            // Most of it was read before the walk; what a parent below the root vouches for, only now.
            let news = walk.hear_goodlists();
            let believed = |commit: &&ObjectId| own.contains(*commit) || outcome.confirmed.contains(*commit);
            let lies: Vec<ObjectId> = walk.leaned_on.iter().filter(|commit| !believed(commit)).copied().collect();
            if lies.is_empty() && !news {
                return Some(outcome);
            }
            walk.denied.extend(lies);
        }
    }

    /// Lets the newest step stand only when its signers could sign today (T9), and the host may hold its files (F5);
    /// else nothing changes. Steps below it need neither: whoever comes late goes past them, as whoever refused them
    /// does.
    fn may_act_now(
        &self,
        walk: &mut Walk<'_>,
        host: Option<&ForHost<'_>>,
        state: &TrustState,
        outcome: Outcome,
    ) -> Option<Outcome> {
        let revision = outcome.standing.revision.as_ref()?;
        if outcome.accepted.is_empty() && state.accepted.as_ref() == Some(revision) {
            return Some(outcome);
        }
        let dead = walk.dead_now(&outcome.standing, self.threshold.max(1));
        let retired = introduction::retired(walk, state, &outcome.standing);
        let mut reasons: Vec<Refusal> = dead.into_iter().chain(retired).collect();
        if reasons.is_empty() {
            let before = state.accepted.as_ref().map(VerifiedRevision::tree);
            reasons.extend(host.and_then(|host| host.unfit(revision.tree(), before, walk.evidence.objects)));
        }
        if reasons.is_empty() {
            return Some(outcome);
        }
        let reference = match revision.tag() {
            Some(tag) => alloc::format!("refs/tags/{}", crate::escape::for_terminal(tag.as_bytes())),
            None => self.branch_reference(),
        };
        let commit = revision.commit();
        for reason in reasons {
            walk.refuse(reference.clone(), commit, None, reason);
        }
        None
    }

    /// Returns the full name of the branch followed, escaped; empty in `tags` mode.
    pub(super) fn branch_reference(&self) -> String {
        match &self.mode {
            Mode::Commits { branch } => {
                alloc::format!("refs/heads/{}", crate::escape::for_terminal(branch.as_bytes()))
            }
            Mode::Tags { .. } => String::new(),
        }
    }

    /// Refuses because the walk has nowhere to start; the host stays as it is.
    fn refuse_to_start(&self, mut walk: Walk<'_>, state: &TrustState, refusal: Refusal) -> Judgement {
        let object = match (&state.accepted, &self.introduction) {
            (Some(accepted), _) => accepted.commit(),
            (None, Introduction::Commit { id, .. }) => *id,
            (None, Introduction::Keyring(_)) => ObjectId::new([0; 20]),
        };
        walk.refuse(self.branch_reference(), object, None, refusal);
        let refusals: Vec<Refused> = walk.refused.into_iter().map(|pending| pending.refused).collect();
        let mut state = state.clone();
        state.latest = Some(walk.clock);
        state.remember(&refusals);
        let revision = state.accepted.clone();
        let stale = revision.as_ref().is_some_and(|revision| self.is_stale(revision, walk.clock));
        Judgement { revision, advanced: false, refusals, state, steps: walk.steps, stale, expiring: Vec::new() }
    }

    /// Sums up what the walk came to, and what to remember.
    fn conclude(&self, mut walk: Walk<'_>, state: &TrustState, outcome: Outcome) -> Judgement {
        let mut revision = outcome.standing.revision.clone();
        let advanced = revision != state.accepted;
        if let Some(revision) = revision.as_mut().filter(|_| advanced) {
            revision.removals = revision.removals.saturating_add(state.removals_outstanding());
        }
        let rooted = rejudge::is_rooted(&walk, state);
        rejudge::judge_again(&mut walk, state, &outcome, rooted);
        let refusals = settle(&mut walk, &outcome);
        let latest = revision.as_ref().map_or(walk.clock, |revision| revision.signed_at().max(walk.clock));
        let mut next = TrustState {
            accepted: revision.clone(),
            applied: state.applied.clone(),
            testing: None,
            latest: Some(latest),
            certificates: worth_keeping(&mut walk, &outcome),
            keyring: self.keyring_seen(&mut walk, state, advanced),
            introduced_by: self.introduced_by(state, rooted && revision.is_some()),
            ending: Vec::new(),
            outdated: Vec::new(),
            refused: Vec::new(),
        };
        next.remember(&refusals);
        if let Some(revision) = &revision {
            (next.ending, next.outdated) = prospects(&mut walk, &outcome.standing.below.trusted, revision.signed_at());
        }
        let stale = revision.as_ref().is_some_and(|revision| self.is_stale(revision, walk.clock));
        let expiring = next.expiring(walk.clock).cloned().collect();
        Judgement { revision, advanced, refusals, state: next, steps: walk.steps, stale, expiring }
    }

    /// Returns the introduction that the revision in force descends from.
    fn introduced_by(&self, state: &TrustState, rooted: bool) -> Option<ObjectId> {
        match &self.introduction {
            Introduction::Commit { id, .. } if rooted => Some(*id),
            Introduction::Commit { .. } | Introduction::Keyring(_) => state.introduced_by,
        }
    }

    /// Returns the keyring's fingerprints as of the last acceptance, less those that left it since (C7).
    fn keyring_seen(&self, walk: &mut Walk<'_>, state: &TrustState, advanced: bool) -> BTreeSet<String> {
        let keyring = walk.sources.set(&Source::Keyring);
        let now: BTreeSet<String> = keyring.map(|set| set.certificates().keys().cloned().collect()).unwrap_or_default();
        if advanced { now } else { state.keyring.intersection(&now).cloned().collect() }
    }
}

/// Marks the refusals that history went past.
fn settle(walk: &mut Walk<'_>, outcome: &Outcome) -> Vec<Refused> {
    let accepted = outcome.standing.revision.as_ref().and_then(VerifiedRevision::tag).unwrap_or_default();
    let mut refusals = Vec::new();
    for Pending { mut refused, target } in walk.refused.drain(..) {
        let name = refused.reference.strip_prefix("refs/tags/").unwrap_or_default();
        // A name that does not fit is an attempt to come after what is accepted, whatever it points at (A2).
        let later =
            matches!(refused.reason, Refusal::NameMismatch { .. }) && pattern::compare_names(name, accepted).is_gt();
        refused.overtaken = !later && target.is_some_and(|target| outcome.ancestors.contains(&target));
        refusals.push(refused);
    }
    refusals
}

/// Returns the certificates of which more is known than the accepted tree says, and the compromised (T11).
fn worth_keeping(walk: &mut Walk<'_>, outcome: &Outcome) -> BTreeMap<String, String> {
    let trusted = &outcome.standing.below.trusted;
    let in_tree = walk.sources.set(&trusted.source).unwrap_or_default();
    let mut known = trusted.set.certificates().clone();
    for (fingerprint, proof) in walk.sources.compromised.proofs() {
        let merged = known.get(fingerprint).map_or_else(|| Rc::clone(proof), |known| signers::merge(known, proof));
        known.insert(fingerprint.clone(), merged);
    }
    let says_more = |(fingerprint, certificate): &(String, Rc<Cert>)| {
        in_tree.certificates().get(fingerprint).is_none_or(|in_tree| in_tree != certificate)
    };
    let armored = |certificate: &Cert| String::from_utf8(certificate.armored().to_vec().ok()?).ok();
    let kept = known.into_iter().filter(says_more);
    kept.filter_map(|(fingerprint, certificate)| Some((fingerprint, armored(&certificate)?))).collect()
}

/// Returns whose certificates have an end, and whose do not count since only broken hashes hold them together (T10,
/// T12).
fn prospects(walk: &mut Walk<'_>, trusted: &Trusted, then: Time) -> (Vec<Expiring>, Vec<Signer>) {
    let (mut ending, mut outdated) = (Vec::new(), Vec::new());
    for fingerprint in trusted.set.holding(walk.right()) {
        let Some(found) = trusted.set.certificates().get(&fingerprint) else { continue };
        // One that ended since is still told of.
        let until = [walk.clock, then].into_iter().find_map(|at| walk.usable_until(found, at));
        match until {
            Some(None) => {}
            Some(Some(ends)) => ending.push(Expiring { signer: walk.signer(&trusted.set, &fingerprint), ends }),
            None if certificate::outdated_hash(found, None).is_some() => {
                outdated.push(walk.signer(&trusted.set, &fingerprint));
            }
            None => {}
        }
    }
    (ending, outdated)
}
