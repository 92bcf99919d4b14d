//! Checks in a run: one that fails keeps it from changing anything.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use cosmos_model::layer::LEAVING;
use cosmos_model::path::RelPath;
use cosmos_model::plan::{Action, Plan, Step};
use cosmos_model::staged::StagedModel;
use cosmos_model::triggers::{self, Cause, Check, Look, Said, Work, cron, pam};

use super::Pipeline;
use crate::apply::Contents as _;
use crate::check::{Laid, StagedFile, StagedFiles, Verdict};
use crate::exit::{Failure, Status, with_causes};
use crate::listening;
use crate::managed::Managed;
use crate::stage;

/// How many lines of a failed check's output a message carries.
const LINES: usize = 3;

/// More than this is not laid out for checks, in bytes.
const LARGEST: usize = 256 << 20;

/// Why programs are not run that would look at this host.
const ANOTHER_ROOT: &str = "the root is not that of this host's programs";

impl Pipeline<'_> {
    /// Makes the checks of `work` on what `plan` would write.
    pub(super) fn check(&mut self, model: &StagedModel, plan: &Plan, work: &Work) -> Result<(), Failure> {
        let (programs, own): (Vec<_>, Vec<_>) =
            work.checks.iter().cloned().partition(|check| matches!(check.look, Look::Program { .. }));
        for check in &own {
            self.look(model, plan, check)?;
        }
        if self.is_own_root() && !plan.steps().is_empty() {
            refuse_taken_ports(model, &work.stops)?;
        }
        if programs.is_empty() {
            return Ok(());
        }
        if !self.is_own_root() {
            self.leave_out(&programs, ANOTHER_ROOT);
            return Ok(());
        }
        let staged = self.staged_files(model, plan, &programs)?;
        match self.host.check(&staged, &programs) {
            Ok(None) => Ok(()),
            Ok(Some(verdicts)) => {
                let quotes = || Ok(!self.may_quote_secrets(plan)?);
                programs.iter().zip(&verdicts).try_for_each(|(check, verdict)| judge(check, verdict, &quotes))
            }
            Err(error) => {
                self.leave_out(&programs, &with_causes(&error));
                Ok(())
            }
        }
    }

    /// Asks the layers that `model` drops, before anything is changed: one that must not go yet refuses the change.
    pub(super) fn let_go(&mut self, model: &StagedModel) -> Result<(), Failure> {
        let checks = triggers::leaving(model, &self.record.state.triggers);
        if !checks.is_empty() && !self.is_own_root() {
            self.leave_out(&checks, ANOTHER_ROOT);
            return Ok(());
        }
        // Its words are there to be read: they say what is to be done first.
        checks.iter().try_for_each(|check| judge(check, &self.host.ask(check), &|| Ok(true)))
    }

    /// Tells whether the host has secrets, or is to have some: what a program says may quote any file that it read.
    fn may_quote_secrets(&self, plan: &Plan) -> Result<bool, Failure> {
        Ok(plan.steps().iter().any(Step::is_secret) || self.has_secrets()?)
    }

    /// Tells whether secrets are on the host.
    pub(super) fn has_secrets(&self) -> Result<bool, Failure> {
        Ok(Managed::read(&self.state)?.view().set().entries.values().any(|entry| entry.secret))
    }

    fn leave_out(&mut self, checks: &[Check], why: &str) {
        let names: Vec<&str> = checks.iter().map(|check| check.name.as_str()).collect();
        let remark = format!("checks are left out ({}): {why}", names.join(", "));
        if !self.report.remarks.contains(&remark) {
            self.report.remarks.push(remark);
        }
    }

    /// Makes a check that needs no program.
    fn look(&self, model: &StagedModel, plan: &Plan, check: &Check) -> Result<(), Failure> {
        for path in &check.paths {
            let step = plan.steps().iter().find(|step| step.path() == path);
            let Some((text, mode)) = step.map(|step| self.text(model, step)).transpose()?.flatten() else { continue };
            let fault = match check.look {
                Look::Cron => cron::fault(path, &text, mode),
                _ if self.is_own_root() => missing_module(plan, path, &text),
                _ => None,
            };
            match fault {
                None => {}
                Some(_) if step.is_some_and(Step::is_secret) => {
                    let text = format!("'{path}' is not as it must be; why is not shown, since it is a secret");
                    return Err(refusal(check, &text));
                }
                Some(fault) => return Err(refusal(check, &fault)),
            }
        }
        Ok(())
    }

    /// Returns text and mode of a file that a step writes; of one that is only given another mode, no text.
    fn text(&self, model: &StagedModel, step: &Step) -> Result<Option<(Vec<u8>, u32)>, Failure> {
        match step.action() {
            Action::WriteFile { attributes, .. } => Ok(self.bytes(model, step)?.map(|bytes| (bytes, attributes.mode))),
            Action::SetAttributes { attributes } => Ok(Some((Vec::new(), attributes.mode))),
            _ => Ok(None),
        }
    }

    fn bytes(&self, model: &StagedModel, step: &Step) -> Result<Option<Vec<u8>>, Failure> {
        let Action::WriteFile { content, .. } = step.action() else { return Ok(None) };
        let read = stage::Contents::new(self.agent, &self.store, model).read(step.path(), content);
        read.map(Some).map_err(|error| Failure::new(Status::Failed, error.as_ref(), "run 'cosmos update'"))
    }

    /// Returns what the plan makes of the folders at the top that the checks are about.
    fn staged_files(&self, model: &StagedModel, plan: &Plan, checks: &[Check]) -> Result<StagedFiles, Failure> {
        let top = |path: &RelPath| path.as_bytes().split(|byte| *byte == b'/').next().unwrap_or_default().to_vec();
        let tops: BTreeSet<Vec<u8>> = checks.iter().flat_map(|check| &check.paths).map(top).collect();
        let mut files = Vec::new();
        let mut size = 0;
        for step in plan.steps().iter().filter(|step| tops.contains(&top(step.path())) && !is_at_the_top(step)) {
            let laid = match step.action() {
                Action::WriteFile { attributes, .. } => {
                    let bytes = self.bytes(model, step)?.unwrap_or_default();
                    size += bytes.len();
                    Laid::File(bytes, *attributes)
                }
                Action::MakeSymlink { target, .. } => Laid::Symlink(target.clone()),
                Action::MakeDirectory { attributes } => Laid::Directory(*attributes),
                Action::SetAttributes { attributes } => Laid::Attributes(*attributes),
                Action::Remove | Action::RemoveDirectory => Laid::Gone,
            };
            if size > LARGEST {
                let hint = "release them in parts, or turn the checks off with 'no-check'";
                return Err(Failure::of(Status::Failed, "more files are to be checked than fit into memory", hint));
            }
            files.push(StagedFile { path: step.path().clone(), laid });
        }
        let scratch =
            self.agent.site.lock_file().parent().map_or_else(PathBuf::new, |run| self.agent.site.path_of(&run));
        Ok(StagedFiles { scratch, files })
    }
}

/// Refuses ports that something else holds on this host than services of the model, or those that leave with it.
fn refuse_taken_ports(model: &StagedModel, stops: &[String]) -> Result<(), Failure> {
    let triggers = model.triggers();
    let stay = triggers.services.iter().map(|service| service.table.name.as_str());
    let own: BTreeSet<&str> = stay.chain(stops.iter().map(String::as_str)).collect();
    for Said { layer, table: port } in &triggers.ports {
        let Some((at, by)) = listening::taken(port, &own) else { continue };
        let (service, by) = (&port.service, cosmos_model::escape::for_terminal(by.as_bytes()));
        let text = format!(
            "port {} is held by '{by}' on this host ({at}), and '{service}' of layer '{layer}' wants it",
            at.port()
        );
        let hint = "nothing was changed; stop what holds it, or give one of them another port or address";
        return Err(Failure::of(Status::Failed, text, hint));
    }
    Ok(())
}

fn is_at_the_top(step: &Step) -> bool {
    !step.path().as_bytes().contains(&b'/')
}

/// Returns what is missing of the modules that a file of pam.d names.
fn missing_module(plan: &Plan, path: &RelPath, text: &[u8]) -> Option<String> {
    let planned = |module: &[u8]| plan.steps().iter().any(|step| step.path().as_bytes().ends_with(module));
    let is_there = |module: &[u8]| {
        let name = Path::new(OsStr::from_bytes(module));
        module_folders().iter().any(|folder| folder.join(name).exists()) || planned(module)
    };
    let missing = pam::modules(text).into_iter().find(|module| !is_there(module))?;
    Some(format!("'{path}' needs the module '{}', which is not there", cosmos_model::escape::for_terminal(missing)))
}

/// Returns the folders that modules of pam lie in on this host: with the processor's name on Debian.
fn module_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for library in ["/lib", "/usr/lib", "/lib64", "/usr/lib64"] {
        folders.push(Path::new(library).join("security"));
        let inner = std::fs::read_dir(library).into_iter().flatten().flatten();
        folders.extend(inner.map(|entry| entry.path().join("security")).filter(|folder| folder.is_dir()));
    }
    folders
}

fn judge(check: &Check, verdict: &Verdict, quotes: &dyn Fn() -> Result<bool, Failure>) -> Result<(), Failure> {
    match (verdict, &check.cause) {
        (Verdict::Passed, _) | (Verdict::NoProgram, Cause::WellKnown) => Ok(()),
        (Verdict::NoProgram, Cause::Layer(_) | Cause::Leaving(_)) => Err(refusal(check, "its program is not there")),
        (Verdict::Failed { ending, .. }, _) if !quotes()? => {
            Err(refusal(check, &format!("{ending}; its output is not shown, since this host has secrets")))
        }
        (Verdict::Failed { ending, output }, _) => {
            let lines: Vec<&str> = output.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            let last = lines[lines.len().saturating_sub(LINES)..].join("; ");
            Err(refusal(check, &if last.is_empty() { ending.clone() } else { format!("{ending}: {last}") }))
        }
    }
}

fn refusal(check: &Check, why: &str) -> Failure {
    let paths: Vec<String> = check.paths.iter().map(ToString::to_string).collect();
    let (paths, name) = (paths.join(", "), &check.name);
    let (of, next) = match &check.cause {
        Cause::Layer(layer) => (format!("check '{name}' of layer '{layer}'"), format!("mend {paths}")),
        Cause::WellKnown => (
            format!("check '{name}' of well-known paths"),
            format!("mend {paths}; if it is wrong, write no-check = [\"{name}\"] in a layer.toml"),
        ),
        Cause::Leaving(layer) => {
            let used = layer.rsplit('/').next().unwrap_or(layer);
            let next = format!(
                "do what it asks for, or use '{used}' again; if it must go at once, write no-check = [\"{LEAVING}{used}\"] \
                 in a layer.toml"
            );
            (format!("check '{name}' of layer '{layer}', which leaves,"), next)
        }
    };
    Failure::of(Status::Failed, format!("{of} failed: {why}"), format!("nothing was changed; {next}"))
}
