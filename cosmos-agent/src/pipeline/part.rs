//! What a run plans for: the whole host, or the part of it in which a release differs from what is applied.

use cosmos_model::managed::ManagedSet;
use cosmos_model::planner;
use cosmos_model::snapshot::Observed;
use cosmos_model::staged::StagedModel;
use cosmos_model::trust::VerifiedRevision;

use super::Pipeline;
use crate::allocator;
use crate::exit::Failure;
use crate::managed::View;
use crate::report::progress::Watched;
use crate::stage;

/// A model, and what is managed in the same part of the host.
pub(super) struct Staged {
    pub model: StagedModel,
    pub managed: ManagedSet,
}

impl Pipeline<'_> {
    /// Gives back what the stage needed that has just ended: while a run plans, it has no room for packs or a judge.
    pub(super) fn rest(&mut self) {
        self.store.rest();
        allocator::give_back();
    }

    /// Stages the whole model.
    pub(super) fn whole(&mut self, revision: &VerifiedRevision, managed: &View<'_>) -> Result<Staged, Failure> {
        let model = self.model(revision, managed)?;
        self.rest();
        Ok(Staged { model, managed: managed.set() })
    }

    /// Stages the folders in which `revision` differs from what is applied.
    ///
    /// Returns `None` where only the whole tells: contents are to be verified, layers, facts or rules differ, something
    /// is wrong or too much would go, or a symlinked directory gives files second names (A38).
    pub(super) fn part(&mut self, revision: &VerifiedRevision, managed: &View<'_>) -> Result<Option<Staged>, Failure> {
        let waiting = self.record.state.packages.as_ref().is_some_and(|known| known.seen.is_none());
        if waiting {
            return Ok(None);
        }
        let applied = self.record.state.trust.applied().filter(|applied| managed.is_settled_at(applied.commit()));
        let whole = self.agent.settings.verify_content || self.has_exceptions() || !self.rests_as_applied();
        let Some(applied) = applied.filter(|_| !whole) else { return Ok(None) };
        let objects = Watched::new(self.agent, &self.store, "staging");
        let model = stage::stage_since(self.agent, applied, revision, &objects, managed, self.facts());
        drop(objects);
        let Some(model) = model else { return Ok(None) };
        self.rest();
        let managed = managed.set_without(model.left_out());
        let snapshot = self.observe(&model, &managed)?;
        let is_link = |found: &Observed| matches!(found, Observed::Symlink { to_directory: true, .. });
        let plan = planner::plan(&model, &snapshot, &managed, self.agent.plan_settings());
        let goes = plan.is_ok_and(|plan| plan.brake().is_none()) && !snapshot.paths.values().any(is_link);
        Ok(goes.then_some(Staged { model, managed }))
    }

    /// Returns what the files stage works on, now that pre-tasks ran: a part will do while the rest is as it was left.
    pub(super) fn staged_for_files(
        &mut self,
        staged: Option<Staged>,
        revision: &VerifiedRevision,
        managed: &View<'_>,
    ) -> Result<Staged, Failure> {
        match staged {
            Some(whole) if whole.model.left_out().is_empty() => Ok(whole),
            Some(part) if managed.looks_plainly_untouched(&self.agent.site.root)? => Ok(part),
            _ => self.whole(revision, managed),
        }
    }
}
