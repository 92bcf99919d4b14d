//! What a host's own test changes about a run: which revision is in force, and what may go when the test ends (T6).

use cosmos_model::managed::ManagedSet;
use cosmos_model::plan::{Brake, NoteKind, Plan};
use cosmos_model::planner::{self, Extent, PlanError, PlanSettings};
use cosmos_model::snapshot::HostSnapshot;
use cosmos_model::staged::StagedModel;
use cosmos_model::trust::VerifiedRevision;

use super::Pipeline;
use crate::built_in;
use crate::managed::Managed;
use crate::stage;

impl Pipeline<'_> {
    /// Returns the revision to enforce instead of the one in force, which is hindered: production instead of a test.
    pub(super) fn kept_instead_of(&self, in_force: &VerifiedRevision) -> Option<VerifiedRevision> {
        let state = &self.record.state;
        state.hindrance.as_ref().filter(|_| !self.is_back_as_a_whole())?;
        let kept = if state.trust.testing().is_some() { state.trust.accepted() } else { state.trust.applied() };
        kept.filter(|kept| kept.commit() != in_force.commit()).cloned()
    }

    /// Remembers that the host's files are what `revision` says.
    pub(super) fn is_applied(&mut self, revision: &VerifiedRevision) {
        self.record.state.replan = false;
        self.record.state.blocked = self.report.notes.iter().any(|note| note.kind == NoteKind::Blocked);
        if self.is_back_as_a_whole() {
            return;
        }
        let state = &mut self.record.state;
        let is = |one: Option<&VerifiedRevision>| one.is_some_and(|one| one.commit() == revision.commit());
        let news = if is(state.trust.testing()) {
            state.tested.replace(revision.commit()) != Some(revision.commit())
        } else if is(state.trust.accepted()) {
            // Both are to happen: the end of a test is a new generation, too.
            state.trust.accepted_is_applied() | state.tested.take().is_some()
        } else {
            false
        };
        self.add_generation(revision, news);
    }

    /// Tells whether it is remembered that the host's files are what `revision` says: a run that was killed before it
    /// came to that may not have kept what templates became.
    pub(super) fn is_remembered(&self, revision: &VerifiedRevision) -> bool {
        let state = &self.record.state;
        let is = |one: Option<&VerifiedRevision>| one.is_some_and(|one| one.commit() == revision.commit());
        let is_tested = is(state.trust.testing()) && state.tested == Some(revision.commit());
        self.is_back_as_a_whole() || is_tested || is(state.trust.applied()) && state.tested.is_none()
    }

    /// Plans without the brake where a test or a rollback ends, or the host goes back: that needs nobody's leave.
    pub(super) fn plan_for(
        &self,
        model: &StagedModel,
        seen: &HostSnapshot,
        managed: &ManagedSet,
        extent: &Extent<'_>,
    ) -> Result<Plan, PlanError> {
        let settings = self.agent.plan_settings();
        if self.record.state.rolled_back().is_some() {
            let settings = PlanSettings { brake: false, ..settings };
            return Ok(planner::plan_within(model, seen, managed, settings, extent)?.going_back());
        }
        let plan = planner::plan_within(model, seen, managed, settings, extent)?;
        if plan.brake().is_some_and(|brake| self.only_ends_something(brake)) {
            let settings = PlanSettings { brake: false, ..settings };
            return planner::plan_within(model, seen, managed, settings, extent);
        }
        Ok(plan)
    }

    /// Tells whether everything that would go came with a test or a rollback that is over: the release applied before
    /// had none of it.
    fn only_ends_something(&self, brake: &Brake) -> bool {
        let state = &self.record.state;
        let Some(applied) = state.trust.applied().filter(|_| state.tested.is_some() || state.replan) else {
            return false;
        };
        let Ok(bytes) = Managed::read(&self.state) else { return false };
        let before = stage::stage(self.agent, applied, &self.store, &bytes.view(), self.facts(), built_in::tree());
        before.is_ok_and(|model| brake.removals.iter().all(|path| !model.entries().contains_key(path)))
    }
}
