//! The first half of a run: what the remotes offer, and what the judge says to it.

use std::collections::{BTreeMap, BTreeSet};

use cosmos_model::content::ContentHash;
use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;
use cosmos_model::time::Time;
use cosmos_model::trust::{Evidence, ForHost, Judgement, TrustState, VerifiedRevision};

use super::Pipeline;
use crate::allocator;
use crate::built_in;
use crate::evidence::Look;
use crate::exit::{Failure, Status, with_causes};
use crate::fetch::{FetchError, Progress};
use crate::report::progress::Watched;
use crate::sandbox::Layer;

/// What a look at the remotes brought.
pub(super) struct Fetched {
    succeeded: bool,
    news: bool,
    refs: Vec<RemoteRef>,
    listings: BTreeMap<String, ContentHash>,
    offers: Vec<(String, Vec<RemoteRef>)>,
    failed: Vec<FetchError>,
}

/// More packs than this slow reading down; each fetch adds one.
const PACKS: usize = 50;

impl<'a> Pipeline<'a> {
    /// Looks at the remotes and brings what is news there into the store.
    pub(super) fn fetch(&mut self, progress: &mut dyn Progress) -> Result<Fetched, Failure> {
        self.agent.site.make_cache()?;
        let mut look = Look::at_remotes(self.agent)?;
        self.take_sandbox(look.sandbox());
        if !self.agent.once {
            self.record.answered(look.answered())?;
        }
        let news = self.is_news(&look);
        if news {
            look.transfer(&self.store, &self.haves(), progress);
        }
        let (succeeded, listings, refs) = (look.succeeded(), look.digests(), look.refs());
        let offers = if news { look.offers() } else { Vec::new() };
        let failed = look.end();
        if news {
            allocator::give_back();
        }
        self.report.remarks.extend(failed.iter().map(|error| with_causes(error)));
        Ok(Fetched { succeeded, news, refs, listings, offers, failed })
    }

    /// Judges what was fetched, if anything is news or time may have healed a refusal, and remembers the verdict.
    pub(super) fn authenticate(&mut self, fetched: Fetched) -> Result<Vec<FetchError>, Failure> {
        if !fetched.succeeded {
            self.out_of_reach()?;
            return Ok(fetched.failed);
        }
        self.record.state.look.failing_since = None;
        if self.agent.options.insecure_skip_verification {
            self.take_unverified(&fetched.refs);
        } else if fetched.news || self.record.state.trust.refused().iter().any(|refused| refused.heals) {
            let before = self.record.state.trust.accepted().map(VerifiedRevision::commit);
            self.judge_anew(&fetched.refs);
            self.take_source(before, &fetched.offers);
            self.record.state.look.listings = fetched.listings;
            self.record.remember_refs(&fetched.refs);
        }
        self.take_verdict();
        self.record.save()?;
        Ok(Vec::new())
    }

    /// Remembers who offered the revision that is accepted now; one that was accepted before keeps its source.
    fn take_source(&mut self, before: Option<ObjectId>, offers: &[(String, Vec<RemoteRef>)]) {
        let accepted = self.record.state.trust.accepted();
        let commit = accepted.map(VerifiedRevision::commit);
        if commit == before {
            return;
        }
        let tag = accepted.and_then(VerifiedRevision::tag).map(|tag| format!("refs/tags/{tag}").into_bytes());
        let is_it = |offer: &RemoteRef| Some(offer.id) == commit || tag.as_ref() == Some(&offer.name);
        let named = offers.iter().find(|(_, refs)| refs.iter().any(is_it));
        // An older commit below a refused tip is named by nobody: whoever answered first has it.
        self.record.state.look.source = named.or(offers.first()).map(|(remote, _)| remote.clone());
    }

    /// Remembers what the fetching child gave up, and says once what this kernel did not let it give up (F4).
    fn take_sandbox(&mut self, layers: &BTreeSet<Layer>) {
        let known = &mut self.record.state.look.sandbox;
        if known == layers || layers.is_empty() {
            return;
        }
        *known = layers.clone();
        let missing = [Layer::Files, Layer::Calls].into_iter().filter(|layer| !layers.contains(layer));
        self.report.remarks.extend(missing.map(|layer| {
            format!("this kernel cannot shut the fetching process off from other {}, ignoring", layer.name())
        }));
    }

    /// Tells whether any listing differs from the last look, or the objects behind it are gone.
    fn is_news(&self, look: &Look) -> bool {
        look.digests().iter().any(|(url, digest)| self.record.state.look.listings.get(url) != Some(digest))
            || !self.store.exists()
    }

    /// Judges what the store holds by the refs given, from where the judge stood `before`; remembers nothing.
    #[must_use]
    pub fn judge(&self, before: &TrustState, refs: &[RemoteRef]) -> Judgement {
        let objects = Watched::new(self.agent, &self.store, "verifying");
        let evidence = Evidence { refs, objects: &objects, now: self.now };
        let trust = &self.agent.trust;
        self.judged_for()
            .map_or_else(|| trust.judge(before, &evidence), |host| trust.judge_for(&host, before, &evidence))
    }

    /// Returns the host that is to take what is accepted; an operator's clone takes nothing.
    #[must_use]
    pub fn judged_for(&self) -> Option<ForHost<'a>> {
        let applies = !self.agent.never_applies();
        applies.then(|| ForHost { layers: &self.agent.layers, built_in: Some(built_in::tree()) })
    }

    /// Judges from where the last walk ended, remembers the verdict, and drops what a refused revision left behind.
    fn judge_anew(&mut self, refs: &[RemoteRef]) {
        let before = std::mem::take(&mut self.record.state.trust);
        let judgement = self.judge(&before, refs);
        let keep = keep(&judgement, refs);
        let litter = judgement.advanced && !before.refused().is_empty();
        self.record.state.trust = judgement.state;
        self.report.judged = true;
        self.report.advanced = judgement.advanced;
        self.tidy(litter, &keep);
        self.rest();
    }

    /// Drops what refused revisions left in the store, and makes one pack of many.
    ///
    /// A store that cannot be tidied works on as it is: the next accepted run tries again.
    fn tidy(&mut self, litter: bool, keep: &[ObjectId]) {
        let many = self.store.packs().is_ok_and(|packs| packs > PACKS);
        if (litter || many)
            && !keep.is_empty()
            && let Err(error) = self.store.compact(&self.with_generations(keep))
        {
            self.report.remarks.push(format!("cannot tidy the object store, ignoring: {}", with_causes(&error)));
        }
    }

    /// Adds the generations that the store can still make a host: they must stay reachable.
    fn with_generations(&self, keep: &[ObjectId]) -> Vec<ObjectId> {
        let list = self.record.generations().unwrap_or_default();
        let commits = list.kept().iter().map(|generation| generation.revision().commit());
        keep.iter().copied().chain(commits.filter(|id| self.store.has(*id).unwrap_or(false))).collect()
    }

    /// Takes what is newest without asking who signed it, and says so (T17).
    fn take_unverified(&mut self, refs: &[RemoteRef]) {
        let evidence = Evidence { refs, objects: &self.store, now: self.now };
        if let Some(trust) = self.agent.trust.take_unverified(&self.record.state.trust, &evidence) {
            self.record.state.trust = trust;
        }
        self.report.judged = true;
        self.report.unverified = true;
        self.report.remarks.push("verification is off: --insecure-skip-verification".to_owned());
    }

    /// Says in the report what the judge remembers: who signed, what is refused, what is past its time.
    fn take_verdict(&mut self) {
        let trust = &self.record.state.trust;
        self.report.refused = trust.refused().iter().filter(|refused| !refused.overtaken).cloned().collect();
        if !self.report.refused.is_empty() {
            self.report.raise(Status::Refused);
        }
        if let Some(revision) = trust.in_force() {
            self.report.is_about(revision);
        }
        if let Some(revision) = trust.accepted() {
            if let Some(staleness) = self.agent.trust.staleness(revision, self.now) {
                self.report.raise(Status::Stale);
                self.report.remarks.push(format!("revision {} is past its time: {staleness}", revision.commit()));
            }
            // A run that judged nothing is silent about them; `status` always tells.
            if self.report.judged {
                self.report.remarks.extend(prospects(trust, self.now));
            }
        }
    }

    /// A fetch that fails is not a failed run until it has failed for too long (docs/formats.md §14).
    fn out_of_reach(&mut self) -> Result<(), Failure> {
        let since = *self.record.state.look.failing_since.get_or_insert(self.now);
        self.take_verdict();
        if self.now.since(since) > i64::try_from(self.agent.settings.stale_after.as_secs()).unwrap_or(i64::MAX) {
            self.report.raise(Status::Stale);
        }
        Ok(self.record.save()?)
    }

    /// Returns objects whose whole history the store has: what was accepted.
    fn haves(&self) -> Vec<ObjectId> {
        let accepted = self.record.state.trust.accepted().filter(|_| self.store.exists());
        accepted.map(VerifiedRevision::commit).into_iter().collect()
    }
}

/// Returns what operators should repair about signers before it stops releases, a sentence each (T10, T12).
#[must_use]
pub fn prospects(trust: &TrustState, now: Time) -> Vec<String> {
    let ending = trust.expiring(now).map(|one| {
        let (signer, ends) = (&one.signer, one.ends);
        let verb = if ends > now { "ends" } else { "ended" };
        format!("the certificate of {} {verb} at {ends}: extend {}", signer.user_id, signer.fingerprint)
    });
    let outdated = trust.outdated().iter().map(|signer| {
        let repair = cosmos_model::trust::repair_outdated(&signer.fingerprint);
        format!("signatures of {} do not count, its certificate rests on broken hashes: {repair}", signer.user_id)
    });
    ending.chain(outdated).collect()
}

/// Returns what the store must keep: the accepted revision and the refs that were not refused; before the first
/// acceptance what is offered now, so that refusals without end leave no more than one offer does.
fn keep(judgement: &Judgement, refs: &[RemoteRef]) -> Vec<ObjectId> {
    let Some(revision) = &judgement.revision else { return refs.iter().map(|reference| reference.id).collect() };
    let refused = |id: ObjectId| judgement.refusals.iter().any(|refused| refused.object == id);
    let kept = refs.iter().map(|reference| reference.id).filter(|id| !refused(*id));
    kept.chain([revision.commit()]).collect()
}
