//! Dry adoption: how the commits of a branch would have fared if a keyring could sign from the beginning.
//!
//! A repository that is to be adopted says nowhere who may sign, so there is nothing to walk by. Each commit is judged
//! by itself, by the rules for a signature (T8–T10) and with every right; what only a walk can say is left to the walk.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use super::history::History;
use super::refusal::{Refusal, Refused};
use super::signers::TrustSet;
use super::source::Source;
use super::state::TrustState;
use super::walk::{Below, Walk};
use super::{Evidence, Mode, TrustPolicy};
use crate::object::commit::Commit;
use crate::object::{self, ObjectKind};
use crate::object_id::ObjectId;

/// What a survey found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Survey {
    /// How many commits were judged.
    pub judged: usize,
    /// How many of them stand after the last one that is refused, parents first: how long the habit is a good one.
    pub good_since: usize,
    /// Those whose own signature would refuse them, parents first.
    pub refused: Vec<Refused>,
}

impl TrustPolicy {
    /// Judges every commit below the followed branch's tip by the keyring of the introduction; nothing in `tags` mode.
    #[must_use]
    pub fn survey(&self, evidence: &Evidence<'_>) -> Survey {
        let Mode::Commits { branch } = &self.mode else { return Survey::default() };
        let reference = format!("refs/heads/{branch}");
        let tips: Vec<ObjectId> =
            evidence.refs.iter().filter(|one| one.name == reference.as_bytes()).map(|one| one.id).collect();
        let mut walk = self.bench(&TrustState::default(), evidence);
        let Ok(trusted) = walk.sources.begin(&Source::Keyring, false) else { return Survey::default() };
        walk.look_at(&Source::Keyring);
        let (set, below) = (trusted.set.clone(), Below { trusted, signed_at: None });
        let history = History::explore(evidence.objects, &tips, None);
        let mut survey = Survey { judged: history.nodes.len() + history.broken.len(), ..Survey::default() };
        let mut good_since = 0;
        let mut refuse = |object, reason| {
            let reference = crate::escape::for_terminal(reference.as_bytes());
            survey.refused.push(Refused { reference, object, reason, overtaken: false });
        };
        for id in history.order(&BTreeMap::new()) {
            match own_signature(&mut walk, &set, &below, id) {
                Ok(()) => good_since += 1,
                Err(refusal) => {
                    good_since = 0;
                    refuse(id, refusal);
                }
            }
        }
        history.broken.into_iter().for_each(|(id, refusal)| refuse(id, refusal));
        survey.good_since = good_since;
        survey
    }
}

fn own_signature(walk: &mut Walk<'_>, set: &TrustSet, below: &Below, id: ObjectId) -> Result<(), Refusal> {
    let bytes = object::read(walk.evidence.objects, id, ObjectKind::Commit)?;
    let commit = Commit::parse(&bytes)?;
    let block = commit.signature()?.ok_or(Refusal::Unsigned)?;
    walk.judge_signature(set, (&block, &commit.payload()), (below, id)).map(|_| ())
}
