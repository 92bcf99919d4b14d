//! What a run would do, and where the host differs from what was done: nothing is changed here.

use cosmos_model::managed::ManagedSet;
use cosmos_model::plan::Plan;
use cosmos_model::planner::{self, Extent, PlanError};
use cosmos_model::staged::{Missing, StagedModel};
use cosmos_model::triggers::Work;
use cosmos_model::trust::VerifiedRevision;

use super::Pipeline;
use super::part::Staged;
use crate::exit::{Failure, Status};
use crate::managed::Managed;

/// What a run would do.
#[derive(Debug)]
pub struct Planned {
    /// What the host would be.
    pub model: StagedModel,
    /// How its paths would change.
    pub plan: Plan,
    /// The packages that would come first.
    pub missing: Vec<Missing>,
    /// What the changes would set off.
    pub work: Work,
    /// What a layer that would leave has against it.
    pub refused: Option<Failure>,
}

impl Pipeline<'_> {
    /// Returns the plan for the revision in force, the model it leads to, the packages that come first and what the
    /// plan sets off; changes nothing.
    ///
    /// Where a package has yet to bring the owner of a file, what its layers want is not planned.
    ///
    /// # Errors
    /// Returns a [`Failure`] when there is no accepted revision, no model for this host, or the host cannot be looked
    /// at.
    pub fn planned(&mut self) -> Result<Planned, Failure> {
        let revision = self.in_force()?;
        let bytes = Managed::read(&self.state)?;
        let Staged { model, managed } = self.whole(&revision, &bytes.view())?;
        let missing = self.missing_packages(&model)?;
        let plan = match self.plan(&model, &managed) {
            Err(_) if !missing.is_empty() => {
                self.waiting = model.waiting_for(missing.iter().map(|one| &one.name));
                self.plan(&model, &managed)?
            }
            planned => planned?,
        };
        let work = self.work(&model, &plan);
        let refused = self.let_go(&model).err();
        Ok(Planned { model, plan, missing, work, refused })
    }

    /// Returns the revision that the host is to be like, and its model with what is an exception here.
    ///
    /// # Errors
    /// As [`Pipeline::planned`].
    pub fn model_in_force(&mut self) -> Result<(VerifiedRevision, StagedModel), Failure> {
        let revision = self.in_force()?;
        let bytes = Managed::read(&self.state)?;
        let model = self.model(&revision, &bytes.view())?;
        Ok((revision, model))
    }

    /// Tells whether the host is as the last run left it, by one look at each path; what is left to the host needs
    /// more.
    ///
    /// # Errors
    /// As [`Pipeline::planned`].
    pub fn is_untouched(&self) -> Result<bool, Failure> {
        let revision = self.in_force()?;
        let bytes = Managed::read(&self.state)?;
        let managed = bytes.view();
        let settled = managed.is_settled_at(revision.commit()) && self.rests_as_applied() && !self.record.state.blocked;
        Ok(settled && !managed.leaves_any_alone() && self.is_host_as_left(&managed)?)
    }

    /// Returns where the host differs from what was applied, but for what is held; changes nothing.
    ///
    /// # Errors
    /// As [`Pipeline::planned`].
    pub fn drifted(&mut self) -> Result<Vec<planner::Drifted>, Failure> {
        let revision = self.in_force()?;
        let bytes = Managed::read(&self.state)?;
        let managed = bytes.view();
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

    /// Plans for the host as it is now, but for the layers that wait.
    pub(super) fn plan(&mut self, model: &StagedModel, managed: &ManagedSet) -> Result<Plan, Failure> {
        let snapshot = self.observe(model, managed)?;
        let extent = Extent { waiting: Some(&self.waiting), only: None };
        self.plan_for(model, &snapshot, managed, &extent).map_err(|error| self.unplanned(&error))
    }

    /// Remembers that a revision cannot be planned for, and says why.
    pub(super) fn unplanned(&mut self, error: &PlanError) -> Failure {
        self.is_hindered(error.to_string(), false);
        let hint = "make the user or group in a pre-task or package first, or name another in [files]";
        Failure::new(Status::Failed, error, hint)
    }
}
