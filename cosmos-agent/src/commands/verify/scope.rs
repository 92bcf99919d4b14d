//! Which part of the history a proof is about: all of it, up to a revision, or between two.

use std::collections::BTreeSet;

use cosmos_model::object::tag::Tag;
use cosmos_model::object::{self, ObjectKind, ObjectSource};
use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;
use cosmos_model::time::Time;
use cosmos_model::trust::{Evidence, ForHost, JudgedStep, Judgement, Mode, Refused, TrustPolicy, TrustState};

use crate::commands::release::ancestors;
use crate::exit::{Failure, Status};

/// What a proof rests on.
pub struct Grounds<'a> {
    pub policy: &'a TrustPolicy,
    /// The host that is to take what is accepted; none in an operator's clone.
    pub host: Option<ForHost<'a>>,
    pub refs: &'a [RemoteRef],
    pub objects: &'a dyn ObjectSource,
    pub now: Time,
}

/// What was judged, as far as it was asked about.
pub struct Examined {
    /// The lines of the proof, in the order of the walk.
    pub steps: Vec<JudgedStep>,
    /// What stands in the way.
    pub refusals: Vec<Refused>,
    /// The revision asked about, or the one a new host would have.
    pub commit: Option<ObjectId>,
    /// Whether hosts take it, and nothing stands in the way.
    pub accepted: bool,
    /// Whether a revision was asked about.
    pub asked: bool,
}

impl Grounds<'_> {
    /// Judges everything; with a revision or `FROM..TO` shows that part and says whether hosts take its end.
    ///
    /// # Errors
    /// Returns a [`Failure`] for a name that nothing here has.
    pub fn examine(&self, revision: Option<&str>) -> Result<Examined, Failure> {
        let all = self.judge(self.refs);
        let Some(text) = revision else { return Ok(whole(all)) };
        if let Some(refused) = self.unreadable(text, &all) {
            return Ok(refused);
        }
        let (from, to) = text.split_once("..").map_or((None, text), |(from, to)| (Some(from), to));
        let newest = all.revision.as_ref().map(|revision| revision.commit());
        let tip = if to.is_empty() { newest.ok_or_else(|| self.unknown("HEAD"))? } else { self.resolve(to)? };
        let below = match from.filter(|from| !from.is_empty()) {
            Some(from) => ancestors(self.objects, self.resolve(from)?, &BTreeSet::new()),
            None => BTreeSet::new(),
        };
        let inside = ancestors(self.objects, tip, &below);
        // What hosts went past is judged as they did, with all that was known then; T9 asks the newest only to be
        // alive.
        let is_past = newest.is_some_and(|newest| ancestors(self.objects, newest, &BTreeSet::new()).contains(&tip));
        let judgement = if is_past { all } else { self.judge(&self.up_to(tip)) };
        let accepted = if is_past {
            self.was_accepted(&judgement, tip)
        } else {
            judgement.revision.as_ref().is_some_and(|revision| revision.commit() == tip)
        };
        let about = |object: ObjectId| {
            let step = judgement.steps.iter().find(|step| step.object == object);
            inside.contains(&step.map_or(object, |step| step.commit))
        };
        let refusals = judgement.refusals.iter().filter(|refused| !is_past || about(refused.object)).cloned().collect();
        let steps = judgement.steps.iter().filter(|step| inside.contains(&step.commit)).cloned().collect();
        Ok(Examined { steps, refusals, commit: Some(tip), accepted, asked: true })
    }

    /// Returns why a tag is refused that does not even say which commit it is about.
    fn unreadable(&self, text: &str, all: &Judgement) -> Option<Examined> {
        let id = self.named(text).filter(|id| self.target(*id).is_none())?;
        let refusals: Vec<Refused> = all.refusals.iter().filter(|refused| refused.object == id).cloned().collect();
        let is_tag = !refusals.is_empty() && object::read(self.objects, id, ObjectKind::Tag).is_ok();
        is_tag.then(|| Examined { steps: Vec::new(), refusals, commit: None, accepted: false, asked: true })
    }

    fn named(&self, text: &str) -> Option<ObjectId> {
        let names = ["", "refs/tags/", "refs/heads/"].map(|kind| format!("{kind}{text}").into_bytes());
        self.refs.iter().find(|one| names.contains(&one.name)).map(|one| one.id)
    }

    /// From the introduction: the proof must not rest on what was believed before.
    fn judge(&self, refs: &[RemoteRef]) -> Judgement {
        let evidence = Evidence { refs, objects: self.objects, now: self.now };
        self.policy.judge_on(self.host.as_ref(), &TrustState::default(), &evidence)
    }

    /// Returns the refs as they were when `tip` was the newest.
    fn up_to(&self, tip: ObjectId) -> Vec<RemoteRef> {
        let below = ancestors(self.objects, tip, &BTreeSet::new());
        let stays = |one: &&RemoteRef| match one.tag_name() {
            Some(_) => self.target(one.id).is_some_and(|target| below.contains(&target)),
            None => false,
        };
        let mut refs: Vec<RemoteRef> = self.refs.iter().filter(stays).cloned().collect();
        if let Mode::Commits { branch } = &self.policy.mode {
            refs.push(RemoteRef { name: format!("refs/heads/{branch}").into_bytes(), id: tip });
        }
        refs
    }

    fn was_accepted(&self, judgement: &Judgement, tip: ObjectId) -> bool {
        let refused = |object: ObjectId| judgement.refusals.iter().any(|refused| refused.object == object);
        let mut own = judgement.steps.iter().filter(|step| step.commit == tip);
        match self.policy.mode {
            Mode::Tags { .. } => own.any(|step| step.refusal.is_none() && !refused(step.object)),
            // What hosts stand on descends from nothing that is refused; below the introduction nothing was judged.
            Mode::Commits { .. } => own.next().is_some() && !refused(tip),
        }
    }

    fn resolve(&self, text: &str) -> Result<ObjectId, Failure> {
        let id = self.named(text).or_else(|| text.parse().ok()).ok_or_else(|| self.unknown(text))?;
        let is_commit = |id: ObjectId| object::read(self.objects, id, ObjectKind::Commit).is_ok();
        self.target(id).or_else(|| is_commit(id).then_some(id)).ok_or_else(|| self.unknown(text))
    }

    /// Returns what a tag object is about.
    fn target(&self, id: ObjectId) -> Option<ObjectId> {
        let bytes = object::read(self.objects, id, ObjectKind::Tag).ok()?;
        Tag::parse(&bytes).ok().map(|tag| tag.target)
    }

    fn unknown(&self, text: &str) -> Failure {
        let shown = cosmos_model::escape::for_terminal(text.as_bytes());
        let hint = "name a release, the branch, a commit by its 40 digits as 'git rev-parse' prints it, or FROM..TO";
        Failure::of(Status::Usage, format!("'{shown}' is nothing that was fetched here"), hint)
    }
}

fn whole(judgement: Judgement) -> Examined {
    let refused = judgement.refusals.iter().any(|refused| !refused.overtaken);
    let commit = judgement.revision.as_ref().map(|revision| revision.commit());
    let accepted = commit.is_some() && !refused;
    Examined { steps: judgement.steps, refusals: judgement.refusals, commit, accepted, asked: false }
}
