//! From changed paths to what happens before and after them.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use super::Triggers;
use super::check::{Cause, Check};
use super::kept::{Due, Kept, KeptService, KeptTask, Pending};
use super::leaving::leaving;
use super::tasks::{self, PlannedTask};
use super::well_known::{self, Look};
use crate::layer::{Command, Service};
use crate::path::RelPath;
use crate::pattern::PathPattern;
use crate::plan::{Action, Plan};
use crate::staged::StagedModel;

/// A path that a plan changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed<'a> {
    /// Which.
    pub path: &'a RelPath,
    /// Whether it is, or was, a directory.
    pub is_directory: bool,
    /// Whether nothing will be there.
    pub goes: bool,
}

impl<'a> Changed<'a> {
    /// Returns what the steps of `plan` change, in their order.
    #[must_use]
    pub fn by(plan: &'a Plan) -> Vec<Self> {
        let changed = |step: &'a crate::plan::Step| Self {
            path: step.path(),
            is_directory: matches!(step.action(), Action::MakeDirectory { .. } | Action::RemoveDirectory),
            goes: matches!(step.action(), Action::Remove | Action::RemoveDirectory),
        };
        plan.steps().iter().map(changed).collect()
    }
}

/// What happens because paths change, or because an earlier run did not come to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Work {
    /// Before anything is changed, in order.
    pub checks: Vec<Check>,
    /// And before those, of layers that are gone: they look at the host as it is.
    pub leaving: Vec<Check>,
    /// Services of layers that are gone, stopped before their files go.
    pub stops: Vec<String>,
    /// The tasks that run, before files and after, in order.
    pub tasks: Vec<PlannedTask>,
    /// After files changed, in order.
    pub due: Vec<Pending>,
    /// What is left out since the root is not that of this host's services.
    pub left_out: Vec<Due>,
}

impl Work {
    /// Leaves out what concerns the running host, for a root that is not its own.
    #[must_use]
    pub fn below_another_root(mut self) -> Self {
        let (due, others): (Vec<_>, _) = self.due.into_iter().partition(|pending| matches!(pending.due, Due::Task(_)));
        self.left_out = others.into_iter().map(|pending| pending.due).collect();
        Self { due, stops: Vec::new(), leaving: Vec::new(), ..self }
    }
}

/// Units and what else the service manager reads only when told.
const UNITS: [&str; 4] =
    ["etc/systemd/system/**", "usr/lib/systemd/system/**", "usr/local/lib/systemd/system/**", "lib/systemd/system/**"];

/// What lists the system users that packages and layers need.
const SYSUSERS: [&str; 3] = ["etc/sysusers.d/*", "usr/lib/sysusers.d/*", "usr/local/lib/sysusers.d/*"];

/// What lists volatile files.
const TMPFILES: [&str; 3] = ["etc/tmpfiles.d/*", "usr/lib/tmpfiles.d/*", "usr/local/lib/tmpfiles.d/*"];

/// Works out what `changed` paths set off on a host that remembers `kept`.
#[must_use]
pub fn decide(model: &StagedModel, changed: &[Changed<'_>], kept: &Kept) -> Work {
    let triggers = model.triggers();
    let mut deciding = Deciding { changed, kept, due: Vec::new() };
    deciding.fixed(Due::DaemonReload, &UNITS);
    deciding.fixed(Due::Sysusers, &SYSUSERS);
    deciding.fixed(Due::Tmpfiles, &TMPFILES);
    triggers.services.iter().for_each(|service| deciding.service(&service.table));
    for task in &triggers.tasks {
        if let Some(patterns) = &task.when_changed {
            deciding.consider(Due::Task(task.name.clone()), patterns);
        }
    }
    for probe in &triggers.probes {
        deciding.consider(Due::Probe(probe.table.command.name.clone()), &probe.table.command.when);
    }
    deciding.fixed(Due::Reachability, &well_known::WATCHED);
    Work {
        checks: checks(triggers, changed),
        leaving: leaving(model, kept),
        stops: stops(model, kept),
        tasks: tasks::planned(model, &deciding.due, kept),
        due: deciding.due,
        left_out: Vec::new(),
    }
}

/// Returns what a run that stages nothing must know about tasks.
#[must_use]
pub fn tasks_as_said(triggers: &Triggers) -> BTreeMap<String, KeptTask> {
    let kept = triggers.tasks.iter().map(|task| {
        let kept = KeptTask { timeout: task.timeout, when_changed: task.when_changed.is_some(), once: task.once };
        (task.name.clone(), kept)
    });
    kept.collect()
}

impl Kept {
    /// Remembers the services of `model`, each as far as it was made what the model says.
    pub fn take_services(&mut self, model: &StagedModel) {
        let before = core::mem::take(&mut self.services);
        let now = model.triggers().services.iter().map(|service| {
            let (name, layer) = (service.table.name.clone(), service.layer.clone());
            // A word that is taken back is no word: the next one is news again.
            let enabled = service.table.enabled.and(before.get(&name).and_then(|kept| kept.enabled));
            (name, KeptService { layer, enabled })
        });
        self.services = now.collect();
    }
}

struct Deciding<'a> {
    changed: &'a [Changed<'a>],
    kept: &'a Kept,
    due: Vec<Pending>,
}

impl Deciding<'_> {
    fn service(&mut self, service: &Service) {
        let name = || service.name.clone();
        let was = self.kept.services.get(&service.name).and_then(|kept| kept.enabled);
        match service.enabled {
            Some(wanted) if was != Some(wanted) => {
                let due = if wanted { Due::Enable(name()) } else { Due::Disable(name()) };
                self.due.push(Pending { due, paths: Vec::new() });
            }
            _ => {}
        }
        if service.enabled == Some(false) {
            return;
        }
        if !self.consider(Due::Restart(name()), &service.restart) {
            self.consider(Due::Reload(name()), &service.reload);
        }
    }

    fn fixed(&mut self, due: Due, patterns: &[&str]) {
        self.consider(due, &fixed(patterns));
    }

    /// Adds `due` where its patterns mean a changed path, or an earlier run did not come to it.
    fn consider(&mut self, due: Due, patterns: &[PathPattern]) -> bool {
        let before = self.kept.pending.iter().find(|pending| pending.due == due);
        let mut paths: BTreeSet<RelPath> = before.into_iter().flat_map(|pending| pending.paths.clone()).collect();
        paths.extend(matching(self.changed, patterns));
        let is_due = before.is_some() || !paths.is_empty();
        if is_due {
            self.due.push(Pending { due, paths: paths.into_iter().collect() });
        }
        is_due
    }
}

/// Tells whether the default probe is about `path`.
#[must_use]
pub fn is_watched(path: &RelPath) -> bool {
    fixed(&well_known::WATCHED).iter().any(|pattern| pattern.matches(path.as_bytes(), false))
}

fn fixed(patterns: &[&str]) -> Vec<PathPattern> {
    patterns.iter().map(|text| PathPattern::new(text).expect("the agent's own patterns are sound")).collect()
}

fn matching(changed: &[Changed<'_>], patterns: &[PathPattern]) -> Vec<RelPath> {
    let asks = |one: &&Changed<'_>| patterns.iter().any(|it| it.matches(one.path.as_bytes(), one.is_directory));
    changed.iter().filter(asks).map(|one| one.path.clone()).collect()
}

fn checks(triggers: &Triggers, changed: &[Changed<'_>]) -> Vec<Check> {
    let mut checks = Vec::new();
    for known in well_known::WELL_KNOWN.iter().filter(|known| !triggers.no_check.contains(known.name)) {
        let mut paths = matching(changed, &fixed(known.when));
        if known.names_files {
            paths.retain(|path| changed.iter().any(|one| one.path == path && !one.goes));
        }
        let name = String::from(known.name);
        checks.push(Check {
            name,
            cause: Cause::WellKnown,
            look: known.look(&paths),
            timeout: None,
            paths,
            needs: known.needs,
        });
    }
    for said in &triggers.checks {
        let Command { name, run, when, timeout } = &said.table;
        checks.push(Check {
            name: name.clone(),
            cause: Cause::Layer(said.layer.clone()),
            look: Look::Program { run: run.clone(), silent: false },
            timeout: *timeout,
            paths: matching(changed, when),
            needs: None,
        });
    }
    checks.retain(|check| !check.paths.is_empty());
    checks
}

/// Returns the services whose layer is gone, and which no other layer has taken over.
fn stops(model: &StagedModel, kept: &Kept) -> Vec<String> {
    let services = &model.triggers().services;
    let gone = |(name, service): &(&String, &KeptService)| {
        !model.layers().iter().any(|layer| **layer == *service.layer)
            && services.iter().all(|said| said.table.name != **name)
    };
    kept.services.iter().filter(gone).map(|(name, _)| name.clone()).collect()
}
