//! The files stage: planned once more, checked, applied, and services told.

use std::borrow::Cow;

use cosmos_model::managed::ManagedSet;
use cosmos_model::plan::Plan;
use cosmos_model::staged::StagedModel;

use super::part::Staged;
use super::{Pipeline, refuse_brake};
use crate::apply::ApplyError;
use crate::exit::{Failure, Status};
use crate::report::progress;
use crate::stage;
use crate::tasks::TaskRun;

/// How often a host that moves under our hands is planned for in one run.
const PLANS: usize = 3;

impl Pipeline<'_> {
    /// Plans again, now that pre-tasks ran, and applies; a host that moved meanwhile is planned for once more.
    pub(super) fn files(&mut self, Staged { model, managed }: Staged, tasks: &TaskRun<'_>) -> Result<(), Failure> {
        let model = tasks.reread(&model)?;
        let as_released = self.identity(model.revision()).filter(|_| matches!(model, Cow::Borrowed(_)));
        if as_released.is_none() {
            // Known before anything is changed: a run that is killed must not leave the other word.
            self.record.state.as_released = None;
            self.record.save()?;
        }
        let rests_on = self.begin_to_rest(&model)?;
        self.keep_rendering(&model, rests_on.as_ref())?;
        self.write_files(&model, managed)?;
        self.rest();
        self.record.state.as_released = as_released;
        self.record.state.rests_on = rests_on;
        Ok(())
    }

    /// Plans and applies, up to three times where the host moves meanwhile.
    pub(super) fn write_files(&mut self, model: &StagedModel, mut managed: ManagedSet) -> Result<(), Failure> {
        for _ in 0..PLANS {
            let mut plan = self.plan_and_report(model, &managed)?;
            refuse_brake(&plan)?;
            let work = self.work(model, &plan);
            self.check(model, &plan, &work)?;
            self.prepare_probes(model, &work);
            self.expect(model, &work)?;
            self.stop_services(&work)?;
            self.rest();
            let contents = stage::Contents::new(self.agent, &self.store, model);
            let bar = progress::bar(self.agent);
            let applied = self.host.apply(&mut plan, &managed, &contents, &mut |now| bar.applied(now.done, now.total));
            drop(bar);
            let applied = match applied {
                Ok(applied) => applied,
                Err(error) => return Err(self.stopped(plan, error)),
            };
            self.report.applied(plan, &applied.done);
            managed = applied.managed;
            if applied.refused.is_empty() {
                return self.tell_services(model);
            }
        }
        let hint = "something else is changing the same files: find it, or leave them to it with policy = \"report\"";
        Err(Failure::of(Status::Failed, "the host keeps changing while it is being changed", hint))
    }

    pub(super) fn stopped(&mut self, plan: Plan, error: ApplyError) -> Failure {
        let done = match &error {
            ApplyError::Stopped { applied, .. } => Some(&applied.done),
            ApplyError::Remember { done, .. } => Some(done),
            ApplyError::Braked(_) | ApplyError::Start(_) => None,
        };
        if let Some(done) = done {
            self.report.applied(plan, done);
        }
        let hint = error.hint().unwrap_or_else(|| "run 'cosmos plan' to see what is left to do".to_owned());
        Failure::new(Status::Failed, &error, hint)
    }
}
