//! What a model rests on besides its revision: a model is settled only while that is as it was.
//!
//! A run without news gathers facts only where templates looked at some, and compares a hash: nothing is rendered or
//! read to find out that nothing changed.

use std::collections::BTreeSet;

use cosmos_model::content::ContentHash;
use cosmos_model::facts::Facts;
use cosmos_model::staged::{RestsOn, StagedModel};

use super::Pipeline;
use crate::exit::Failure;
use crate::state::Rested;
use crate::{built_in, facts};

impl Pipeline<'_> {
    /// Returns the facts of this host, gathered once a run.
    pub(super) fn facts(&self) -> &Facts {
        self.facts.get_or_init(|| facts::gather(&self.agent.site, self.agent.fqdn.as_ref()))
    }

    /// Tells whether what the applied model rests on is as it was.
    pub(super) fn rests_as_applied(&self) -> bool {
        let rested = self.record.state.rests_on.as_ref();
        rested.is_none_or(|rested| rested.identity == Some(self.identity_of(&rested.on)))
    }

    fn identity_of(&self, on: &RestsOn) -> ContentHash {
        let facts = if on.facts.is_empty() { None } else { Some(self.facts().identity(&on.facts)) };
        let modules = on.built_in.then_some(built_in::IDENTITY);
        ContentHash::of(format!("{facts:?} {modules:?}").as_bytes())
    }

    /// Says, before `model` is applied, that what is applied rests on nothing known: a run that is killed must not
    /// leave the other word. Returns what to remember when it is applied.
    pub(super) fn begin_to_rest(&mut self, model: &StagedModel) -> Result<Option<Rested>, Failure> {
        let mut on = model.rests_on().clone();
        if !model.left_out().is_empty() {
            // Templates in folders that are left out were not rendered: what they looked at still counts.
            let before = self.record.state.rests_on.as_ref().map_or(BTreeSet::new(), |rested| rested.on.facts.clone());
            on.facts.extend(before);
        }
        let next = (on != RestsOn::default()).then(|| Rested { identity: Some(self.identity_of(&on)), on });
        if next != self.record.state.rests_on {
            let known = self.record.state.rests_on.take().or(next.clone());
            self.record.state.rests_on = known.map(|known| Rested { identity: None, ..known });
            self.record.save()?;
        }
        Ok(next)
    }
}
