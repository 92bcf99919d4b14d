//! Probes in a run: after services and post-tasks the host is looked at as it is now.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cosmos_model::path::RelPath;
use cosmos_model::plan::{Cause, Step};
use cosmos_model::staged::StagedModel;
use cosmos_model::triggers::{self, Due, Pending, Said, Work};
use cosmos_model::trust::VerifiedRevision;

use super::Pipeline;
use crate::exec::{Finished, Limit};
use crate::exit::{Failure, Status};
use crate::managed::Managed;
use crate::probe;
use crate::report::TaskReport;
use crate::settings::OnProbeFailure;
use crate::tasks::{Stage, TaskRun};

/// How long one try may take unless the layer says otherwise.
const TIME: Duration = Duration::from_secs(10);

/// How long one has between TERM and KILL.
const GRACE: Duration = Duration::from_secs(5);

/// For how long a probe is tried again unless the layer says otherwise.
const WITHIN: Duration = Duration::from_secs(30);

/// How long after a try the next one begins.
const PAUSE: Duration = Duration::from_secs(1);

impl Pipeline<'_> {
    /// Remembers what is to be looked at, and how the host is reached before the first of the changes that ask for it.
    pub(super) fn prepare_probes(&mut self, model: &StagedModel, work: &Work) {
        self.probing.clone_from(&model.triggers().probes);
        let kept = &mut self.record.state.triggers;
        if kept.ways.is_none() && work.due.iter().any(|pending| pending.due == Due::Reachability) {
            let answered = !self.agent.once && self.record.state.look.failing_since.is_none();
            kept.ways = Some(probe::ways(answered && !self.agent.remotes.is_empty()));
        }
    }

    /// Makes the probes that are due. The first that fails stops the run, and what it is about goes back to what it
    /// was.
    pub(super) fn probe(&mut self, tasks: &TaskRun<'_>) -> Result<(), Failure> {
        let pending = self.record.state.triggers.pending.clone();
        for pending in pending.into_iter().filter(|pending| pending.due.is_probe()) {
            match &pending.due {
                Due::Probe(name) => {
                    if let Err((layer, failed)) = self.probe_by_layers(name, |_| true) {
                        return Err(self.give_up(failed, &pending, tasks, &|_, owner| owner == layer));
                    }
                }
                _ => {
                    if let Err(failed) = self.probe_ways() {
                        return Err(self.give_up(failed, &pending, tasks, &|path, _| triggers::is_watched(path)));
                    }
                }
            }
            self.record.state.triggers.is_done(&pending.due);
            self.record.save()?;
        }
        Ok(())
    }

    /// Makes the probes also where a service could not be told of what the run wrote: those of its layer, and the
    /// default probe. What they find broken goes back then, too. Returns what the run fails with.
    pub(super) fn or_taken_back(
        &mut self,
        failed: Failure,
        revision: &VerifiedRevision,
        tasks: &TaskRun<'_>,
    ) -> Failure {
        let written =
            || Managed::read(&self.state).is_ok_and(|managed| managed.view().is_settled_at(revision.commit()));
        if !self.is_own_root() || !written() {
            return failed;
        }
        let kept = &self.record.state.triggers;
        // What was told is not pending any more: the first that is could not be.
        let untold = kept.pending.iter().find(|pending| pending.due.is_of_services());
        let untold = untold.and_then(|pending| kept.services.iter().find(|(name, _)| pending.due.is_about(name)));
        let layer = untold.map(|(_, service)| service.layer.clone()).unwrap_or_default();
        for pending in kept.pending.clone().into_iter().filter(|pending| pending.due.is_probe()) {
            let ended = match &pending.due {
                Due::Probe(name) => self.probe_by_layers(name, |said| *said == layer).map_err(|(_, lost)| lost),
                _ => self.probe_ways(),
            };
            let Err(lost) = ended else { continue };
            self.is_applied(revision);
            let message = format!("{}; {}", failed.message, lost.message);
            let is_default = pending.due == Due::Reachability;
            let chosen =
                |path: &RelPath, owner: &str| if is_default { triggers::is_watched(path) } else { owner == layer };
            return self.give_up(Failure { message, ..lost }, &pending, tasks, &chosen);
        }
        failed
    }

    /// Takes back what `chosen` takes of the revision whose probe failed, and says so; a repair of drift takes nothing
    /// back.
    fn give_up(
        &mut self,
        failed: Failure,
        pending: &Pending,
        tasks: &TaskRun<'_>,
        chosen: &dyn Fn(&RelPath, &str) -> bool,
    ) -> Failure {
        let about = |step: &&Step| pending.paths.contains(step.path());
        let mut causes = self.report.steps.iter().filter(about).map(Step::cause).peekable();
        let is_repair = causes.peek().is_some() && causes.all(|cause| cause == Cause::Drift);
        if is_repair || self.agent.settings.on_probe_failure == OnProbeFailure::Report {
            return failed;
        }
        match self.take_back_for(&failed, &pending.due, tasks, chosen) {
            Ok(None) => failed,
            Ok(Some((number, paths))) => {
                let message = format!("{}; {} went back to generation {number}", failed.message, named(&paths));
                let hint = "release what mends it; this revision is tried again by 'cosmos run --retry' only";
                Failure::of(Status::Failed, message, hint)
            }
            Err(error) => {
                let message = format!("{}, and it could not be taken back: {}", failed.message, error.message);
                Failure { message, ..error }
            }
        }
    }

    fn take_back_for(
        &mut self,
        why: &Failure,
        due: &Due,
        tasks: &TaskRun<'_>,
        chosen: &dyn Fn(&RelPath, &str) -> bool,
    ) -> Result<Option<(u64, BTreeSet<RelPath>)>, Failure> {
        let list = self.record.generations()?;
        let (now, failed) = (self.record.state.generation_in_force(), &mut self.record.state.triggers.failed);
        // This run's own generation is not on the list before the run has ended.
        failed.retain(|number| list.get(*number).is_some());
        failed.insert(now);
        let sound = list.kept().iter().rev().map(|one| one.number).find(|one| *one < now && !failed.contains(one));
        let Some(before) = sound else { return Ok(None) };
        let paths = self.take_back(before, &why.message, chosen)?;
        if paths.is_empty() {
            return Ok(None);
        }
        // The files are what they were, so that services and tasks hear of them; what stays is still to be looked at.
        let kept = &mut self.record.state.triggers;
        let stays = |pending: &Pending| pending.due != *due && pending.paths.iter().any(|path| !paths.contains(path));
        kept.pending.retain(|pending| !pending.due.is_probe() || stays(pending));
        kept.ways = kept.ways.filter(|_| kept.awaits(&Due::Reachability));
        self.record.save()?;
        let changed = self.changed_for_tasks();
        tasks.run(Stage::After, self.host, &mut self.report, &mut self.record, &changed)?;
        Ok(Some((before, paths)))
    }

    /// Makes all probes called `name` of the layers that `whose` takes.
    fn probe_by_layers(&mut self, name: &str, whose: impl Fn(&str) -> bool) -> Result<(), (String, Failure)> {
        let named = self.probing.iter().filter(|said| said.table.command.name == name && whose(&said.layer));
        let probes: Vec<_> = named.cloned().collect();
        for Said { layer, table } in probes {
            let within = table.within.map_or(WITHIN, Duration::from_secs);
            let time = table.command.timeout.map_or(TIME, Duration::from_secs);
            let ends = Instant::now() + within;
            let what = Due::Probe(name.to_owned()).to_string();
            let words: Vec<&str> = table.command.run.iter().map(String::as_str).collect();
            loop {
                let kept = self.report.tasks.len();
                let limit = Limit { time, grace: GRACE };
                let ended = self.tell(&what, &words, limit).and_then(|ended| self.quoting_no_secret(ended));
                let ended = ended.map_err(|failed| (layer.clone(), failed))?;
                let Some(ending) = ended.and_then(|finished| crate::exec::ending(&finished)) else { break };
                if Instant::now() + PAUSE >= ends {
                    let message = format!("probe '{name}' of layer '{layer}' failed: {ending}");
                    return Err((layer, Failure::of(Status::Failed, message, HINT)));
                }
                self.report.tasks.truncate(kept);
                std::thread::sleep(PAUSE);
            }
        }
        Ok(())
    }

    /// Lets the report have nothing of what a probe printed where the host has secrets: it may have read any of them.
    fn quoting_no_secret(&mut self, ended: Option<Finished>) -> Result<Option<Finished>, Failure> {
        if ended.as_ref().is_some_and(|finished| finished.output.total() > 0) && self.has_secrets()? {
            let told = self.report.tasks.last_mut().expect("what ended was told");
            "its output is not shown, since this host has secrets".clone_into(&mut told.output);
        }
        Ok(ended)
    }

    /// Makes the default probe.
    fn probe_ways(&mut self) -> Result<(), Failure> {
        let Some(ways) = self.record.state.triggers.ways else { return Ok(()) };
        let what = Due::Reachability.to_string();
        let ends = Instant::now() + WITHIN;
        loop {
            match self.host.probe_ways(self.agent, ways) {
                None => {
                    self.report.tasks.push(TaskReport::skipped(what));
                    return Ok(());
                }
                Some(None) => return Ok(()),
                Some(Some(lost)) if Instant::now() + PAUSE >= ends => {
                    return Err(Failure::of(Status::Failed, format!("the default probe failed: {lost}"), HINT));
                }
                Some(Some(_)) => std::thread::sleep(PAUSE),
            }
        }
    }
}

/// What to do about a probe.
const HINT: &str = "mend it, or release what was there before; it is tried again by the next run";

/// Names paths in a message: all of a few.
fn named(paths: &BTreeSet<RelPath>) -> String {
    const SHOWN: usize = 3;
    let names: Vec<String> = paths.iter().take(SHOWN).map(ToString::to_string).collect();
    match paths.len().saturating_sub(SHOWN) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
