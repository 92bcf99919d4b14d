//! What changed paths set off in a run: remembered before the first change, forgotten when it has happened.

use std::collections::BTreeSet;
use std::path::Path;

use cosmos_model::path::RelPath;
use cosmos_model::plan::Plan;
use cosmos_model::staged::{StagedModel, Waiting};
use cosmos_model::triggers::{self, Changed, Due, Work};

use super::Pipeline;
use crate::exit::Failure;

impl Pipeline<'_> {
    /// Tells whether an earlier run left something undone, which needs the model's tables.
    pub(super) fn has_pending(&self) -> bool {
        !self.record.state.triggers.pending.is_empty()
    }

    /// Works out what the steps of `plan` set off, and what is to happen since earlier runs did not come to it.
    pub(super) fn work(&self, model: &StagedModel, plan: &Plan) -> Work {
        let mut work = triggers::decide(model, &Changed::by(plan), &self.record.state.triggers);
        // What a layer needs is not there while it waits for its package: its services come when its files do.
        work.due.retain(|pending| !self.is_waiting(model, &pending.due));
        if self.is_own_root() { work } else { work.below_another_root() }
    }

    fn is_waiting(&self, model: &StagedModel, due: &Due) -> bool {
        let services = model.triggers().services.iter();
        services.filter(|said| due.is_about(&said.table.name)).any(|said| waits(&self.waiting, model, &said.layer))
    }

    /// Remembers what is to happen, on disk before the first change: a run that dies leaves it to the next.
    ///
    /// With it goes what the layers are to be asked when they leave.
    pub(super) fn expect(&mut self, model: &StagedModel, work: &Work) -> Result<(), Failure> {
        self.owed.retain(|owed| work.due.iter().any(|pending| pending.due == owed.due));
        let kept = &mut self.record.state.triggers;
        kept.pending.clone_from(&work.due);
        kept.take_leaving(model, &|layer| waits(&self.waiting, model, layer));
        // A state that is as it was is not written.
        self.record.save()?;
        Ok(())
    }

    /// Reports what earlier runs had left to happen and has happened now: the log is to say why, where no path changed.
    pub fn tell_what_was_owed(&mut self) {
        let triggers = &self.record.state.triggers;
        self.report.caught_up = self.owed.extract_if(.., |owed| !triggers.awaits(&owed.due)).collect();
    }

    /// Remembers the rules of the tasks that are laid ready, for runs that stage nothing.
    pub(super) fn take_task_rules(&mut self, model: &StagedModel) -> Result<(), Failure> {
        let rules = triggers::tasks_as_said(model.triggers());
        let kept = &mut self.record.state.triggers.tasks;
        if *kept != rules {
            *kept = rules;
            self.record.save()?;
        }
        Ok(())
    }

    /// Returns what tasks are told: the paths of this run, and those that a task still waits to hear of.
    pub(super) fn changed_for_tasks(&self) -> Vec<RelPath> {
        let mut changed: Vec<RelPath> = self.report.steps.iter().map(|step| step.path().clone()).collect();
        let now: BTreeSet<RelPath> = changed.iter().cloned().collect();
        let pending = self.record.state.triggers.pending.iter();
        let missed = pending.filter(|pending| matches!(pending.due, Due::Task(_))).flat_map(|pending| &pending.paths);
        let missed: BTreeSet<&RelPath> = missed.filter(|path| !now.contains(path)).collect();
        changed.extend(missed.into_iter().cloned());
        changed
    }

    /// Tells whether the root is the one whose services run here.
    pub(super) fn is_own_root(&self) -> bool {
        self.agent.site.root_path == Path::new("/")
    }
}

/// Tells whether a layer of `model` waits for a package.
fn waits(waiting: &Waiting, model: &StagedModel, layer: &str) -> bool {
    waiting.keys().any(|at| model.layers().get(usize::from(at.0)).is_some_and(|name| **name == *layer))
}
