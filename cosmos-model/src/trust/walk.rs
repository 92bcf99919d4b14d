//! What both modes share: the bench of evidence, the rules between one step and the next, and the verdict.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use openpgp::policy::StandardPolicy;
use openpgp::{Cert, Fingerprint};
use sequoia_openpgp as openpgp;

use super::history::History;
use super::judgement::JudgedStep;
use super::refusal::{Refusal, Refused, Right};
use super::signature::{self, Attested};
use super::signers::TrustSet;
use super::source::Source;
use super::sources::Sources;
use super::statement::Statement;
use super::trusted::Trusted;
use super::validity::Validity;
use super::verified::{Signer, VerifiedRevision};
use super::{Evidence, Mode, TrustPolicy, certificate};
use crate::object_id::ObjectId;
use crate::time::Time;

/// How much earlier than the step below a signature may be dated, in seconds: operators' clocks differ (T9).
const BEHIND: i64 = 24 * 3600;
/// How far the clock may be behind what was seen before it is called wrong, in seconds (T16).
const CLOCK_SLACK: i64 = 30 * 60;

/// Everything one walk works with.
pub struct Walk<'a> {
    pub policy: &'a TrustPolicy,
    pub evidence: &'a Evidence<'a>,
    pub openpgp: StandardPolicy<'static>,
    /// The latest time known: the clock, or what was seen before (T16).
    pub clock: Time,
    pub sources: Sources<'a>,
    pub refused: Vec<Pending>,
    pub steps: Vec<JudgedStep>,
    /// Commits that count as vouched for in this walk (goodlists), until it is known whether they may.
    pub vouched: BTreeSet<ObjectId>,
    /// Those of them that were needed.
    pub leaned_on: BTreeSet<ObjectId>,
    /// Those that were needed in an earlier attempt at this walk, and that nobody confirmed.
    pub denied: BTreeSet<ObjectId>,
    /// Who could vouch when the walk began, and how many of them it takes.
    pub auditors: (BTreeSet<String>, usize),
    /// Names by fingerprint, for those that were asked for.
    pub user_ids: BTreeMap<String, String>,
    /// When keys were found valid.
    pub validity: Validity,
    /// Since which commit each holder of the right holds it, by where that is said; for the proof only.
    pub held_since: BTreeMap<Source, BTreeMap<String, Option<ObjectId>>>,
}

/// A refusal before it is known whether history went past it.
pub struct Pending {
    pub refused: Refused,
    /// The commit it is about, when that could be read.
    pub target: Option<ObjectId>,
}

/// What the next step is judged by.
#[derive(Clone)]
pub struct Below {
    /// Who may sign.
    pub trusted: Rc<Trusted>,
    /// When the step below was signed; `None` where nobody signed it, or nothing is below.
    pub signed_at: Option<Time>,
}

/// The revision a walk stands on.
#[derive(Clone)]
pub struct Standing {
    /// The commit; `None` before the first, when a keyring introduces.
    pub commit: Option<ObjectId>,
    pub below: Below,
    /// The revision as it may act; `None` when the commit is only where trust begins.
    pub revision: Option<VerifiedRevision>,
    /// The signatures that count for it, with the certificates they were judged by.
    pub signatures: Vec<Attested>,
    pub set: Rc<TrustSet>,
}

/// A walk's end: where it stands, and the steps it took.
pub struct Outcome {
    /// Whether it began without any revision, on a keyring.
    pub from_nothing: bool,
    pub standing: Standing,
    /// Accepted steps from the root up.
    pub accepted: Vec<ObjectId>,
    /// Commits the standing one descends from, itself among them, as far as the walk saw.
    pub ancestors: BTreeSet<ObjectId>,
    /// What its goodlists vouch for, by people who already could when the walk began.
    pub confirmed: BTreeSet<ObjectId>,
}

impl Outcome {
    /// Begins at `standing`.
    pub fn standing_on(standing: Standing) -> Self {
        Self {
            from_nothing: standing.commit.is_none(),
            ancestors: standing.commit.into_iter().collect(),
            standing,
            accepted: Vec::new(),
            confirmed: BTreeSet::new(),
        }
    }
}

impl Walk<'_> {
    /// Returns the right a signature needs in this mode.
    pub const fn right(&self) -> Right {
        match self.policy.mode {
            Mode::Commits { .. } => Right::SignCommit,
            Mode::Tags { .. } => Right::SignTag,
        }
    }

    /// Judges one signature against `set`: sound, of its time, from somebody who may, not compromised.
    pub fn judge_signature(
        &mut self,
        set: &TrustSet,
        (block, payload): (&[u8], &[u8]),
        (below, commit): (&Below, ObjectId),
    ) -> Result<Attested, Refusal> {
        let attested = signature::attest(set, (&self.openpgp, &mut self.validity), block, payload)?;
        signature::check_date(&attested, self.clock)?;
        if let Some(previous) = below.signed_at.filter(|previous| previous.since(attested.signed_at) > BEHIND) {
            return Err(Refusal::BackDated { signed_at: attested.signed_at, previous });
        }
        let right = self.right();
        if !set.rights(&attested.fingerprint).contains(&right) {
            return Err(Refusal::NoRight { signer: attested.fingerprint, right });
        }
        if attested.compromised || self.sources.compromised.condemns(&attested.fingerprint, &attested.key) {
            if !self.vouched.contains(&commit) {
                return Err(Refusal::Compromised { signer: attested.fingerprint });
            }
            self.leaned_on.insert(commit);
        }
        Ok(attested)
    }

    /// Notes since when people hold the right by what `commit` says, on top of `parent`; for the proof.
    pub fn note_holders(&mut self, parent: Option<&Source>, child: &Source, commit: Option<ObjectId>) {
        if self.held_since.contains_key(child) {
            return;
        }
        let Ok(set) = self.sources.set(child) else { return };
        let before = parent.and_then(|parent| self.held_since.get(parent));
        let since = |holder: &String| before.and_then(|before| before.get(holder)).copied().unwrap_or(commit);
        let holders = set.holding(self.right()).into_iter().map(|holder| (since(&holder), holder));
        let holders = holders.map(|(since, holder)| (holder, since)).collect();
        self.held_since.insert(child.clone(), holders);
    }

    /// Returns one line of the proof: `judged` by `set`, which is what `below` and the candidate say.
    pub fn proof_line(
        &mut self,
        (object, commit, reference): (ObjectId, ObjectId, Option<String>),
        judged: &Result<Attested, Refusal>,
        (set, below, judged_by): (&TrustSet, &Below, Option<ObjectId>),
    ) -> JudgedStep {
        let good = judged.as_ref().ok();
        let fingerprint = good.map(|good| good.fingerprint.as_str());
        let since = self.held_since.get(&below.trusted.source);
        let since = fingerprint.and_then(|name| since?.get(name).copied().flatten());
        let plain = self.sources.judging(&below.trusted, None);
        let refreshed = fingerprint.is_some_and(|name| {
            let (with, without) = (set.certificates().get(name), plain.certificates().get(name));
            with.zip(without).is_some_and(|(with, without)| !Rc::ptr_eq(with, without) && with != without)
        });
        JudgedStep {
            object,
            commit,
            reference,
            signer: fingerprint.map(|name| self.signer(set, name)),
            right: self.right(),
            policy: below.trusted.source.policy(),
            judged_by,
            signed_at: good.map(|good| good.signed_at),
            since,
            refreshed,
            refusal: judged.as_ref().err().cloned(),
        }
    }

    /// Learns of compromised keys, and of what is vouched for, from all trees before the first signature is judged
    /// (T9).
    pub fn look_ahead(&mut self, history: &History) {
        for node in history.nodes.values() {
            if let Ok(Some(source)) = self.sources.of_tree(node.tree) {
                self.look_at(&source);
            }
        }
        self.hear_goodlists();
    }

    /// Believes every goodlist read so far, but for what nobody confirmed; tells whether that is news.
    pub fn hear_goodlists(&mut self) -> bool {
        let before = self.vouched.len();
        let heard = self.sources.goodlists();
        self.vouched.extend(heard.difference(&self.denied));
        self.vouched.len() > before
    }

    /// Learns of compromised keys, and of commits a candidate vouches for.
    pub fn look_at(&mut self, source: &Source) {
        self.sources.look_for_revocations(source, &self.openpgp);
    }

    /// Returns whose goodlist an accepted commit confirms, when enough of those who could vouch from the start signed
    /// it.
    pub fn vouched_by(&mut self, commit: ObjectId, signatures: &[Attested], source: &Source) -> Option<Rc<TrustSet>> {
        let (auditors, need) = &self.auditors;
        let condemned = |one: &Attested| self.sources.compromised.condemns(&one.fingerprint, &one.key);
        let sound = signatures.iter().filter(|one| auditors.contains(&one.fingerprint) && !condemned(one));
        let enough = sound.map(|one| &one.fingerprint).collect::<BTreeSet<_>>().len() >= *need;
        if !enough || self.leaned_on.contains(&commit) {
            return None;
        }
        self.sources.set(source).ok()
    }

    /// Tells whether some sound key of the certificate could sign at `at`; and until when, if it ends.
    pub fn usable_until(&self, found: &Cert, at: Time) -> Option<Option<Time>> {
        let signer = found.fingerprint().to_hex();
        let sound = |key: &Fingerprint| !self.sources.compromised.condemns(&signer, key);
        certificate::usable_until(found, &self.openpgp, at, sound)
    }

    /// Checks a `cosmos:` line, or its absence, against the host's settings (T7).
    pub fn check_statement(&self, statement: Option<&Statement>, last: Option<u64>) -> Result<(), Refusal> {
        let Some(statement) = statement else {
            return if self.policy.require_statement { Err(Refusal::NoStatement) } else { Ok(()) };
        };
        let branch = match &self.policy.mode {
            Mode::Commits { branch } => Some(branch),
            Mode::Tags { .. } => None,
        };
        let bound = [("fleet", &statement.fleet, self.policy.fleet.as_ref()), ("branch", &statement.branch, branch)];
        for (what, found, expected) in bound {
            if let (Some(found), Some(expected)) = (found, expected)
                && found != expected
            {
                return Err(Refusal::Elsewhere { what, found: found.clone(), expected: expected.clone() });
            }
        }
        match (statement.counter, last) {
            (Some(found), Some(accepted)) if found <= accepted => Err(Refusal::Counter { found, accepted }),
            _ => Ok(()),
        }
    }

    /// Checks that the newest step's signers could sign today (T9); returns everybody who could not.
    pub fn dead_now(&self, standing: &Standing, need: usize) -> Vec<Refusal> {
        let checks: Vec<(String, Result<(), Refusal>)> = standing
            .signatures
            .iter()
            .map(|one| (one.fingerprint.clone(), signature::check_now(&standing.set, &self.openpgp, one, self.clock)))
            .collect();
        let vouched = standing.commit.is_some_and(|commit| self.vouched.contains(&commit));
        let alive: BTreeSet<&String> =
            checks.iter().filter(|(_, check)| check.is_ok()).map(|(fingerprint, _)| fingerprint).collect();
        if vouched || alive.len() >= need {
            return Vec::new();
        }
        checks.into_iter().filter_map(|(_, check)| check.err()).map(|refusal| self.by_clock(refusal)).collect()
    }

    /// Says "clock" where a clock that went back is the likelier reason (T16).
    pub fn by_clock(&self, refusal: Refusal) -> Refusal {
        let about_time =
            matches!(refusal, Refusal::FutureDated { .. } | Refusal::Expired { .. } | Refusal::ExpiredNow { .. });
        if about_time && self.clock.since(self.evidence.now) > CLOCK_SLACK {
            return Refusal::Clock { now: self.evidence.now, latest: self.clock, cause: refusal.into() };
        }
        refusal
    }

    /// Notes a refusal.
    pub fn refuse(&mut self, reference: String, object: ObjectId, target: Option<ObjectId>, reason: Refusal) {
        let reason = self.by_clock(reason);
        self.refused.push(Pending { refused: Refused { reference, object, reason, overtaken: false }, target });
    }

    /// Names whoever stands behind a certificate.
    pub fn signer(&mut self, set: &TrustSet, fingerprint: &str) -> Signer {
        if !self.user_ids.contains_key(fingerprint) {
            let found = set.certificates().get(fingerprint);
            let user_id = found.map(|one| certificate::user_id(one, &self.openpgp, self.clock));
            self.user_ids.insert(fingerprint.to_string(), user_id.unwrap_or_default());
        }
        Signer { fingerprint: fingerprint.to_string(), user_id: self.user_ids[fingerprint].clone() }
    }
}

/// Returns who signed, once each, and the key each used; a compromised one only where there is no other.
pub fn signers_of(walk: &mut Walk<'_>, set: &TrustSet, signatures: &[Attested]) -> (Vec<Signer>, Vec<String>) {
    let mut keys: BTreeMap<&String, (bool, String)> = BTreeMap::new();
    for one in signatures {
        let condemned = one.compromised || walk.sources.compromised.condemns(&one.fingerprint, &one.key);
        let key = keys.entry(&one.fingerprint).or_insert_with(|| (condemned, one.key.to_hex()));
        if key.0 && !condemned {
            *key = (condemned, one.key.to_hex());
        }
    }
    keys.into_iter().map(|(fingerprint, (_, key))| (walk.signer(set, fingerprint), key)).unzip()
}

/// Returns who signed, once each (T4), in the order of fingerprints.
pub fn distinct(signatures: &[Attested]) -> Vec<String> {
    let set: BTreeSet<&String> = signatures.iter().map(|one| &one.fingerprint).collect();
    set.into_iter().cloned().collect()
}

/// Returns `commit` and everything it descends from, among `parents`.
pub fn ancestors(commit: Option<ObjectId>, nodes: &BTreeMap<ObjectId, super::history::Node>) -> BTreeSet<ObjectId> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<ObjectId> = commit.into_iter().collect();
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            open.extend(nodes.get(&id).into_iter().flat_map(|node| node.parents.iter().copied()));
        }
    }
    seen
}
