//! What a run would do, and where the host differs from what was done: nothing is changed here.

use cosmos_model::plan::Plan;
use cosmos_model::planner;
use cosmos_model::staged::StagedModel;

use super::Pipeline;
use super::part::Staged;
use crate::exit::Failure;
use crate::managed::Managed;

impl Pipeline<'_> {
    /// Returns the plan for the revision in force and the model it leads to; changes nothing.
    ///
    /// # Errors
    /// Returns a [`Failure`] when there is no accepted revision, no model for this host, or the host cannot be looked at.
    pub fn planned(&mut self) -> Result<(StagedModel, Plan), Failure> {
        let revision = self.in_force()?;
        let bytes = Managed::read(&self.state)?;
        let Staged { model, managed } = self.whole(&revision, &bytes.view()?)?;
        let plan = self.plan(&model, &managed)?;
        Ok((model, plan))
    }

    /// Returns where the host differs from what was applied, but for what is held; changes nothing.
    ///
    /// # Errors
    /// As [`Pipeline::planned`].
    pub fn drifted(&mut self) -> Result<Vec<planner::Drifted>, Failure> {
        let revision = self.in_force()?;
        let bytes = Managed::read(&self.state)?;
        let managed = bytes.view()?;
        let settled = managed.is_settled_at(revision.commit()) && self.rests_as_applied();
        if settled && self.is_host_as_left(&managed)? {
            return Ok(Vec::new());
        }
        self.record.state.hindrance = None;
        let staged = self.model(&revision, &managed);
        let model = match self.kept_instead_of(&revision) {
            Some(applied) => self.model(&applied, &managed)?,
            None => staged?,
        };
        let set = managed.set();
        let snapshot = self.observe(&model, &set)?;
        let mut drifted = planner::drift(&model, &snapshot, &set);
        drifted.retain(|one| model.held(&one.path).is_none());
        Ok(drifted)
    }
}
