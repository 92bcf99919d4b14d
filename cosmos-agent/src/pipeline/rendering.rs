//! What templates became, and modules that come with the agent: kept with each generation, so that going back brings
//! the bytes that were there, whatever the facts, the template engine or the modules are by then (docs/formats.md §24).

use std::collections::BTreeMap;

use cosmos_model::built_in::BuiltIn;
use cosmos_model::content::ContentHash;
use cosmos_model::escape::for_terminal;
use cosmos_model::generation::{Generation, Generations, ModuleFile, RenderedFile, Rendering};
use cosmos_model::staged::StagedModel;
use cosmos_model::trust::VerifiedRevision;

use super::Pipeline;
use crate::apply::RenderedFolder;
use crate::built_in;
use crate::exit::{Failure, Status, with_causes};
use crate::managed::View;
use crate::stage;
use crate::state::Rested;

impl Pipeline<'_> {
    /// Keeps what the templates of `model` became, and the modules of this agent that it uses, before anything is
    /// changed; `rests_on` is what the model rests on, as [`Pipeline::begin_to_rest`] says.
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
        let (mut modules, mut contents) = (BTreeMap::new(), BTreeMap::new());
        for (path, executable, bytes) in built_in::files(&model.built_in_modules()) {
            let hash = ContentHash::of(bytes);
            modules.insert(path.to_owned(), ModuleFile { hash, size: bytes.len() as u64, executable });
            contents.insert(hash, bytes);
        }
        let rendering = Rendering { facts: names.map(|names| self.facts().only(names)), modules, files };
        if rendering != Rendering::default() {
            let contents =
                |hash| model.rendered().get(&hash).map(Vec::as_slice).or_else(|| contents.get(&hash).copied());
            self.rendering = Some(RenderedFolder(&self.state).keep(&rendering, &contents)?);
        }
        Ok(())
    }

    /// Numbers what was just applied; with templates or modules of the agent also where only they are others.
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

    /// Stages a generation from the store and what is kept of its templates and modules alone.
    pub(super) fn earlier_model(&mut self, number: u64, managed: &View<'_>) -> Result<StagedModel, Failure> {
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
        let rendering = rendering.transpose()?.unwrap_or_default();
        let modules = earlier_modules(&rendering, folder).map_err(|error| lost(&error))?;
        let tree = modules.tree();
        self.store.lend(modules);
        let facts = rendering.facts.as_ref().unwrap_or_else(|| self.facts());
        let staged = stage::stage(self.agent, generation.revision(), &self.store, managed, facts, tree);
        let mut model = staged.map_err(|error| lost(&error))?;
        if rendering != Rendering::default() {
            let read = |file: &RenderedFile| folder.bytes(file.hash, file.size);
            model.as_rendered(&rendering.files, &read).map_err(|error| lost(&error))?;
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

/// Returns the modules as the agent had them that made a generation.
fn earlier_modules(rendering: &Rendering, folder: RenderedFolder<'_>) -> Result<BuiltIn, String> {
    let read = |(path, file): (&String, &ModuleFile)| {
        let bytes = folder.bytes(file.hash, file.size);
        let bytes =
            bytes.ok_or_else(|| format!("'{}' of its modules is not kept any more", for_terminal(path.as_bytes())));
        bytes.map(|bytes| (path.clone(), file.executable, bytes))
    };
    let files = rendering.modules.iter().map(read).collect::<Result<Vec<_>, String>>()?;
    let files = files.iter().map(|(path, executable, bytes)| (path.as_str(), *executable, bytes.as_slice()));
    Ok(built_in::with(&files.collect::<Vec<_>>()))
}
