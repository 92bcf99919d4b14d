//! Going back: which earlier generation a host is, as a whole or in part, and when that ends (docs/formats.md §24).
//!
//! A host that went back as a whole enforces the generation's revision, with its tasks, as any run does. One that went
//! back in part enforces the revision in force with some paths as the generation had them. Either way the state says so
//! before anything is changed, so that a run which was killed is finished by the next.

use std::collections::{BTreeMap, BTreeSet};

use cosmos_model::generation::Generation;
use cosmos_model::path::RelPath;
use cosmos_model::staged::StagedModel;
use cosmos_model::trust::VerifiedRevision;

use super::Pipeline;
use super::part::Staged;
use crate::built_in;
use crate::exit::{Failure, Status};
use crate::managed::{Managed, View};
use crate::stage;
use crate::state::Rollback;

/// Where the agent's own settings lie: they never go back (trust.md, T6).
const OWN_SETTINGS: &[u8] = b"etc/cosmos";

impl Pipeline<'_> {
    /// Makes the paths that `chosen` takes what generation `number` says, and keeps them so until a newer revision is
    /// accepted, `cosmos resume`, or `run --retry`. `why` is told by `status`, the run's report and the log.
    ///
    /// `chosen` is asked for each path in which the generation differs from the revision in force, with the name of the
    /// layer that owns it; the agent's own settings never go back. The plan is the planner's and is applied as always:
    /// journal, batches, backups, `rollback` as each step's cause. No task runs and no brake holds, since all that goes
    /// came with the revision that is taken back. Returns the paths that are the generation's from now on: none where
    /// nothing differs, or where the whole host went back already.
    ///
    /// To be called after the files stage of the run, with [`Pipeline::generation_before`] to find the number:
    ///
    /// ```text
    /// if let Some(before) = self.generation_before()? {
    ///     self.take_back(before, "probe 'resolves' of layer 'dns' failed", &|_, layer| layer == "models/dns")?;
    /// }
    /// ```
    ///
    /// # Errors
    /// Returns a [`Failure`] when the generation is not kept or cannot be staged, or when applying stopped; the state
    /// then says already that the paths go back, and the next run goes on.
    pub fn take_back(
        &mut self,
        number: u64,
        why: &str,
        chosen: &dyn Fn(&RelPath, &str) -> bool,
    ) -> Result<BTreeSet<RelPath>, Failure> {
        if self.is_back_as_a_whole() {
            return Ok(BTreeSet::new());
        }
        let revision = self.in_force()?;
        let bytes = Managed::read(&self.state)?;
        let managed = bytes.view();
        let earlier = self.earlier_model(number, &managed)?;
        let model = self.stage(&revision, &managed)?;
        let mut paths = model.differing(&earlier, &|path, layer| !is_own_setting(path) && chosen(path, layer));
        let known = self.record.state.rolled_back().filter(|known| known.generation == number);
        paths.extend(known.and_then(|known| known.paths.clone()).into_iter().flatten());
        if paths.is_empty() {
            return Ok(paths);
        }
        self.goes_back(number, why, Some(paths.clone()))?;
        let Staged { model, managed } = self.whole(&revision, &managed)?;
        self.write_files(&model, managed)?;
        Ok(paths)
    }

    /// Makes the whole host generation `number`, or the one before the one it is, and keeps it so, as
    /// [`Pipeline::take_back`] keeps paths. Naming the newest ends a rollback.
    ///
    /// # Errors
    /// Returns a [`Failure`] when there is no such generation, it cannot be staged, or applying it stopped.
    pub fn roll_back(&mut self, number: Option<u64>, why: &str) -> Result<u64, Failure> {
        let target = self.target(number)?;
        let number = target.number;
        let newest = self.record.state.trust.in_force().map(VerifiedRevision::commit);
        if number == self.record.state.generation && newest == Some(target.revision().commit()) {
            self.end_rollback();
        } else {
            let bytes = Managed::read(&self.state)?;
            self.earlier_model(number, &bytes.view())?;
            // It may be the same revision with other facts, which no look at the commit tells.
            self.record.state.replan = true;
            self.goes_back(number, why, None)?;
        }
        self.report.marked = true;
        let revision = self.in_force()?;
        self.enforce(&revision)?;
        Ok(number)
    }

    /// Returns the generation before the one the host is, if it is kept.
    ///
    /// # Errors
    /// Returns a [`Failure`] when the generations cannot be read.
    pub fn generation_before(&self) -> Result<Option<u64>, Failure> {
        let list = self.record.generations()?;
        Ok(list.before(self.record.state.generation_in_force()).map(|before| before.number))
    }

    /// Lets the next run make the host the revision in force again; tells whether it had gone back.
    pub fn resume(&mut self) -> bool {
        let is_back = self.record.state.rolled_back().is_some();
        if let Some(rollback) = self.record.state.rollback.as_mut().filter(|_| is_back) {
            rollback.over = true;
        }
        is_back
    }

    /// Lets the host become the revision in force again; tells whether it had gone back.
    pub fn end_rollback(&mut self) -> bool {
        let state = &mut self.record.state;
        let ended = state.rollback.take().is_some();
        state.replan |= ended;
        ended
    }

    /// Returns the revision that the host is to be like: the generation's that it went back to, its test, else the
    /// accepted one.
    pub(super) fn in_force(&self) -> Result<VerifiedRevision, Failure> {
        if let Some(back) = self.record.state.rolled_back().filter(|back| back.paths.is_none()) {
            return self.generation(back.generation).map(|generation| generation.revision().clone());
        }
        self.record.state.trust.in_force().cloned().ok_or_else(|| {
            Failure::of(Status::Refused, "no revision was accepted yet", "run 'cosmos update', then 'cosmos verify'")
        })
    }

    /// Tells whether all of the host is an earlier generation.
    pub(super) fn is_back_as_a_whole(&self) -> bool {
        self.record.state.rolled_back().is_some_and(|back| back.paths.is_none())
    }

    /// Tells whether the host is to be anything else than what the revision in force says, or was until this run.
    pub(super) fn has_exceptions(&self) -> bool {
        let state = &self.record.state;
        state.rollback.is_some() || !state.held.is_empty() || state.replan || state.blocked
    }

    /// Forgets what is over: a rollback that a newer revision overtook, and holds past their end.
    pub(super) fn drop_what_is_over(&mut self) {
        let state = &mut self.record.state;
        if let Some(back) = &state.rollback
            && state.rolled_back().is_none()
        {
            if !back.over {
                let ended =
                    format!("the rollback to generation {} ends: a newer revision is in force", back.generation);
                self.report.remarks.push(ended);
            }
            (state.rollback, state.replan) = (None, true);
        }
        let now = self.now;
        let over: Vec<RelPath> =
            state.held.iter().filter(|(_, hold)| !hold.holds(now)).map(|(path, _)| path.clone()).collect();
        for path in over {
            state.held.remove(&path);
            state.replan = true;
            self.report.remarks.push(format!("the hold on '{path}' ended"));
        }
    }

    /// Lets `model` say what is an exception: paths of an earlier generation, the agent's own settings, what is held.
    pub(super) fn except(&mut self, model: &mut StagedModel, managed: &View<'_>) -> Result<(), Failure> {
        match self.record.state.rolled_back().cloned() {
            Some(Rollback { paths: Some(paths), generation, .. }) => {
                model.take_back(&self.earlier_model(generation, managed)?, &paths);
            }
            Some(_) => {
                let current = self.record.state.trust.in_force().expect("something is gone back from");
                // One that has no model here never gave this host settings.
                if let Ok(current) =
                    stage::stage(self.agent, current, &self.store, managed, self.facts(), built_in::tree())
                {
                    let own = model.differing(&current, &|path, _| is_own_setting(path));
                    model.take_back(&current, &own);
                }
            }
            None => {}
        }
        let now = self.now;
        let held = self.record.state.held.iter().filter(|(_, hold)| hold.holds(now));
        model.hold(held.map(|(path, hold)| (path.clone(), hold.to_string())).collect::<BTreeMap<_, _>>());
        Ok(())
    }

    /// Remembers that the host goes back, before anything is changed.
    fn goes_back(&mut self, generation: u64, why: &str, paths: Option<BTreeSet<RelPath>>) -> Result<(), Failure> {
        let instead_of = self.record.state.trust.in_force().expect("it was staged").commit();
        let (since, why) = (self.now, why.to_owned());
        self.record.state.rollback = Some(Rollback { generation, instead_of, since, why, paths, over: false });
        self.record.save()?;
        Ok(())
    }

    fn target(&self, number: Option<u64>) -> Result<Generation, Failure> {
        match number {
            Some(number) => self.generation(number),
            None => {
                let before = self.generation_before()?.ok_or_else(|| {
                    let hint = "see 'cosmos rollback --list'; a host keeps what it was from its second revision on";
                    Failure::of(Status::Usage, "there is no generation before the one this host is", hint)
                })?;
                self.generation(before)
            }
        }
    }

    pub(super) fn generation(&self, number: u64) -> Result<Generation, Failure> {
        self.record.generations()?.get(number).cloned().ok_or_else(|| {
            let hint = "see 'cosmos rollback --list'; 'cosmos resume' ends a rollback";
            Failure::of(Status::Usage, format!("generation {number} is not kept on this host"), hint)
        })
    }
}

fn is_own_setting(path: &RelPath) -> bool {
    path.as_bytes().strip_prefix(OWN_SETTINGS).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}
