//! What templates became: kept with each generation, so that going back brings the bytes that were there, whatever the
//! facts, the template engine or the modules that come with the agent are by then (docs/formats.md §24).

use cosmos_model::generation::{Generation, Generations, Rendering};
use cosmos_model::staged::StagedModel;
use cosmos_model::trust::VerifiedRevision;

use super::Pipeline;
use crate::apply::RenderedFolder;
use crate::exit::{Failure, Status, with_causes};
use crate::managed::View;
use crate::stage;
use crate::state::Rested;

impl Pipeline<'_> {
    /// Keeps what the templates of `model` became, before anything is changed; `rests_on` is what the model rests on,
    /// as [`Pipeline::begin_to_rest`] says.
    pub(super) fn keep_rendering(&mut self, model: &StagedModel, rests_on: Option<&Rested>) -> Result<(), Failure> {
        self.rendering = None;
        if !self.record.is_kept() || self.is_back_as_a_whole() {
            return Ok(());
        }
        let mut files = model.rendered_files();
        if !model.left_out().is_empty() {
            // Templates in folders that are left out were not rendered: they became what they were.
            let before = self.newest_rendering().unwrap_or_default().files.into_iter();
            files.extend(before.filter(|(path, _)| model.left_out().iter().any(|folder| path.is_below(folder))));
        }
        let names = rests_on.map(|rested| &rested.on.facts).filter(|names| !names.is_empty());
        let rendering = Rendering { facts: names.map(|names| self.facts().only(names)), files };
        if rendering != Rendering::default() {
            self.rendering = Some(RenderedFolder(&self.state).keep(&rendering, model.rendered())?);
        }
        Ok(())
    }

    /// Numbers what was just applied; with templates also where only what they became is another.
    pub(super) fn add_generation(&mut self, revision: &VerifiedRevision, is_news: bool) {
        let (state, most) = (&self.state, self.agent.settings.generations);
        let known = self.rendering.filter(|_| !is_news && self.record.state.rollback.is_none());
        let is_other = known.is_some_and(|known| {
            self.newest().is_some_and(|newest| {
                newest.revision().commit() == revision.commit() && newest.rendering.is_some_and(|was| was != known)
            })
        });
        if !is_news && !is_other {
            return;
        }
        let failed = self.record.state.triggers.failed.clone();
        let keep = |list: &mut Generations, generation| {
            list.add(generation, most, &failed);
            RenderedFolder(state).bound(list, &failed);
        };
        let lost = self.record.add_generation(revision.clone(), self.rendering, keep, self.now);
        self.report.remarks.extend(lost.map(|error| format!("generations are kept anew: {}", with_causes(&error))));
    }

    /// Stages a generation from the store and what is kept of its templates alone.
    pub(super) fn earlier_model(&self, number: u64, managed: &View<'_>) -> Result<StagedModel, Failure> {
        let generation = self.generation(number)?;
        let lost = |error: &dyn std::fmt::Display| {
            let message = format!("generation {number} cannot be had any more: {error}");
            Failure::of(Status::Failed, message, "go back to another one: see 'cosmos rollback --list'")
        };
        self.store.open()?;
        let folder = RenderedFolder(&self.state);
        let rendering = generation
            .rendering
            .map(|hash| folder.rendering(hash).ok_or_else(|| lost(&"what its templates became is not kept any more")));
        let rendering = rendering.transpose()?;
        let facts = rendering.as_ref().and_then(|rendering| rendering.facts.as_ref()).unwrap_or_else(|| self.facts());
        let staged = stage::stage(self.agent, generation.revision(), &self.store, managed, facts);
        let mut model = staged.map_err(|error| lost(&error))?;
        if let Some(rendering) = rendering {
            model.as_rendered(&rendering.files, &|file| folder.read(file)).map_err(|error| lost(&error))?;
        }
        Ok(model)
    }

    fn newest(&self) -> Option<Generation> {
        self.record.generations().ok()?.get(self.record.state.generation).cloned()
    }

    fn newest_rendering(&self) -> Option<Rendering> {
        RenderedFolder(&self.state).rendering(self.newest()?.rendering?)
    }
}
