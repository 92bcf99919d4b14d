//! Putting back what was at a path before the host was managed.

use std::borrow::Cow;
use std::collections::BTreeSet;

use cosmos_model::layer::FilePolicy;
use cosmos_model::path::RelPath;
use cosmos_model::planner;
use cosmos_model::snapshot::Observed;

use super::Pipeline;
use crate::apply::{Kept, found_at};
use crate::exit::{Failure, Status};
use crate::host::ObserveRequest;
use crate::managed::Managed;

impl Pipeline<'_> {
    /// Makes `path` what was found there when it was first managed; tells whether it was anything else.
    ///
    /// # Errors
    /// Returns a [`Failure`] when nothing was found, a run would change the path again, or it cannot be put back.
    pub fn restore(&mut self, path: &RelPath) -> Result<bool, Failure> {
        let hint = format!("'cosmos log /{path}' tells what was done there");
        let found = found_at(&self.state, path)?.ok_or_else(|| {
            Failure::of(Status::Usage, format!("nothing was found at '{path}' before cosmos managed it"), hint)
        })?;
        let stays_managed = self.is_let_alone_by_the_model(path)?;
        let managed = Managed::read(&self.state)?.view().set();
        let request = ObserveRequest {
            paths: vec![Cow::Borrowed(path)],
            giving_way: Vec::new(),
            users: BTreeSet::new(),
            groups: BTreeSet::new(),
            managed: &managed,
            verify_content: true,
        };
        let observed = self.host.observe(&request)?.paths.remove(path).unwrap_or(Observed::Absent);
        let plan = planner::restore(path, &found, &observed, &managed, stays_managed).map_err(|why| {
            Failure::of(Status::Failed, format!("cannot put back '{path}': {why}"), "make way for it, then try again")
        })?;
        let Some(mut plan) = plan else { return Ok(false) };
        match self.host.apply(&mut plan, &managed, &Kept(&self.state), &mut |_| {}) {
            Ok(applied) if applied.refused.is_empty() => {
                self.report.applied(plan, &applied.done);
                Ok(true)
            }
            Ok(applied) => {
                let why: Vec<String> = applied.refused.iter().map(ToString::to_string).collect();
                Err(Failure::of(Status::Failed, why.join("; "), "see what changes it, then try again"))
            }
            Err(error) => Err(self.stopped(plan, error)),
        }
    }

    /// Tells whether the model has `path` and runs leave it alone all the same; a path that runs would change is
    /// refused.
    fn is_let_alone_by_the_model(&mut self, path: &RelPath) -> Result<bool, Failure> {
        if self.record.state.trust.in_force().is_none() {
            return Ok(false);
        }
        let (_, model) = self.model_in_force()?;
        let Some(entry) = model.entries().get(path) else { return Ok(model.held(path).is_some()) };
        if model.held(path).is_some() || entry.policy != FilePolicy::Enforce {
            return Ok(true);
        }
        let layer = model.layer_of(path).unwrap_or_default();
        let message = format!("'{path}' is what layer '{layer}' says: the next run would write it again");
        let hint = format!("take it out of the repository, or first say: cosmos hold /{path} 'why'");
        Err(Failure::of(Status::Failed, message, hint))
    }
}
