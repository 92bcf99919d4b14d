//! Services in a run: those of layers that are gone stop before files go, the others hear of files that changed.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use cosmos_model::staged::StagedModel;
use cosmos_model::triggers::{Due, Work};

use super::Pipeline;
use crate::check;
use crate::exec::{self, Ended, Finished, Limit, Program};
use crate::exit::{Failure, Status};
use crate::report::TaskReport;
use crate::service::{self, Manner};
use crate::task::TaskOutcome;

/// How long a service may take to do what it is told; systemd's own limits are shorter.
const LIMIT: Limit = Limit { time: Duration::from_secs(10 * 60), grace: Duration::from_secs(10) };

/// How many bytes of a program's output are kept.
const OUTPUT: usize = 16 * 1024;

/// What systemctl answers about a unit that it does not know.
const NOT_LOADED: Ended = Ended::Exit(5);

impl Pipeline<'_> {
    /// Stops the services of layers that are gone, while their files are there.
    pub(super) fn stop_services(&mut self, work: &Work) -> Result<(), Failure> {
        for name in &work.stops {
            let kept = self.record.state.triggers.services.get(name).and_then(|kept| kept.enabled);
            let manner = Manner { systemd: service::is_systemd(), is_to_run: kept == Some(true), ..Manner::default() };
            let ended = self.tell(&format!("stop {name}"), &service::stop(name, manner), LIMIT)?;
            if let Some(finished) = ended.filter(|finished| finished.ended != NOT_LOADED) {
                refuse(&format!("stop {name}"), name, &finished)?;
            }
        }
        Ok(())
    }

    /// Tells services what changed, in order; the first that fails stops the run, and all that is left is still to
    /// happen.
    pub(super) fn tell_services(&mut self, model: &StagedModel) -> Result<(), Failure> {
        if !self.is_own_root() {
            return Ok(());
        }
        self.record.state.triggers.take_services(model);
        let pending = self.record.state.triggers.pending.iter().map(|pending| pending.due.clone());
        let (pending, systemd) = (pending.filter(Due::is_of_services).collect::<Vec<_>>(), service::is_systemd());
        for (at, due) in pending.iter().enumerate() {
            let what = due.to_string();
            let starts_next = pending[at + 1..].iter().any(|next| service::starts(next, name_of(due), systemd));
            let mut manner = Manner { systemd, is_to_run: is_enabled(model, due), starts_next };
            manner.is_to_run |= self.is_given_up(&what, due, manner)?;
            let forgiving = service::forgive(due, manner);
            if !forgiving.is_empty() {
                // It fails for a unit that systemd has not met, which then was not given up either.
                self.run(&what, &forgiving, LIMIT)?;
            }
            if let Some(finished) = self.tell(&what, &service::command(due, manner), LIMIT)? {
                refuse(&what, name_of(due), &finished)?;
            }
            self.record.state.triggers.is_done(due);
            self.record.save()?;
        }
        Ok(())
    }

    /// Tells whether systemd gave up the service that is to be told.
    fn is_given_up(&mut self, what: &str, due: &Due, manner: Manner) -> Result<bool, Failure> {
        let words = service::is_given_up(due, manner);
        if words.is_empty() {
            return Ok(false);
        }
        let answer = self.run(what, &words, LIMIT)?;
        Ok(matches!(answer, TaskOutcome::Ran(finished) if finished.ended == Ended::Exit(0)))
    }

    /// Runs a program and reports it; `None` where there is nothing to run, or this is a dry run.
    pub(super) fn tell(&mut self, what: &str, words: &[&str], limit: Limit) -> Result<Option<Finished>, Failure> {
        if words.is_empty() {
            return Ok(None);
        }
        match self.run(what, words, limit)? {
            TaskOutcome::Skipped => {
                self.report.tasks.push(TaskReport::skipped(what.to_owned()));
                Ok(None)
            }
            TaskOutcome::Ran(finished) => {
                self.report.tasks.push(TaskReport::of(what.to_owned(), &finished));
                Ok(Some(finished))
            }
        }
    }

    /// Runs a program, the first of `words`, for the sake of `what`.
    fn run(&mut self, what: &str, words: &[&str], limit: Limit) -> Result<TaskOutcome, Failure> {
        let program = words.first().copied().unwrap_or_default();
        let Some(path) = exec::find(program) else {
            let message = format!("cannot {what}: there is no program '{program}'");
            return Err(Failure::of(Status::Failed, message, "install it, or take the table out of its layer.toml"));
        };
        let arguments: Vec<OsString> = words.iter().skip(1).map(OsString::from).collect();
        let environment = check::environment();
        let (folder, limit) = (Path::new("/"), Some(limit));
        let program =
            Program { path: &path, arguments: &arguments, environment: &environment, folder, limit, output: OUTPUT };
        let hint = "run it by hand to see why; it is tried again by the next run";
        self.host.run_program(&program).map_err(|error| Failure::new(Status::Failed, &error, hint))
    }
}

fn refuse(what: &str, name: &str, finished: &Finished) -> Result<(), Failure> {
    let Some(ending) = exec::ending(finished) else { return Ok(()) };
    let hint = format!("see 'systemctl status {name}'; it is tried again by the next run");
    Err(Failure::of(Status::Failed, format!("cannot {what}: {ending}"), hint))
}

fn is_enabled(model: &StagedModel, due: &Due) -> bool {
    let services = &model.triggers().services;
    services.iter().any(|said| said.table.name == name_of(due) && said.table.enabled == Some(true))
}

fn name_of(due: &Due) -> &str {
    match due {
        Due::Enable(name) | Due::Disable(name) | Due::Restart(name) | Due::Reload(name) => name,
        _ => "",
    }
}
