//! Step 2 of apply: apt's own settings, then every package that layers need and the host lacks, in one transaction.

use std::collections::BTreeSet;
use std::path::Path;

use cosmos_model::package::PackageName;
use cosmos_model::path::RelPath;
use cosmos_model::planner::Extent;
use cosmos_model::staged::{Missing, StagedModel, Waiting};

use super::Pipeline;
use super::part::Staged;
use crate::apply::Applied;
use crate::exec::Limit;
use crate::exit::{Failure, Status};
use crate::packages::{InstallError, Installation, Progress, Request};
use crate::report::PackageReport;
use crate::report::back_off::BackOff;
use crate::report::progress;
use crate::state::PackageState;
use crate::{stage, task};

/// What is done about packages that are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Packages {
    /// They are installed.
    #[default]
    Install,
    /// They are installed unless that failed a short time ago.
    InstallWhenDue,
    /// They are not installed, and the layers that need them wait.
    HoldBack,
}

impl Pipeline<'_> {
    /// Tells whether every package of the model applied last is there still; one look where nothing was installed
    /// since.
    pub(super) fn has_its_packages(&mut self) -> Result<bool, Failure> {
        let Some(known) = self.record.state.packages.as_mut().filter(|_| is_running_system(&self.agent.site.root_path))
        else {
            return Ok(true);
        };
        if known.seen.is_none() || self.host.package_database()? == known.seen {
            return Ok(known.seen.is_some());
        }
        let installed = self.host.installed()?;
        let complete = known.wanted.is_subset(&installed.names);
        known.seen = installed.seen.filter(|_| complete);
        Ok(complete)
    }

    /// Returns what the model wants and the host lacks; below another root nothing is looked for.
    ///
    /// # Errors
    /// Returns a [`Failure`] when the package database cannot be read.
    pub fn missing_packages(&self, model: &StagedModel) -> Result<Vec<Missing>, Failure> {
        if model.packages().is_empty() || !is_running_system(&self.agent.site.root_path) {
            return Ok(Vec::new());
        }
        Ok(model.missing(&self.host.installed()?.names))
    }

    /// Installs what is missing, and returns the layers that wait for what did not come.
    pub(super) fn packages(&mut self, staged: &mut Staged) -> Result<Waiting, Failure> {
        if staged.model.packages().is_empty() && self.record.state.packages.is_none() {
            return Ok(Waiting::new());
        }
        if !is_running_system(&self.agent.site.root_path) {
            self.report.remarks.push("packages are installed on the running system only, not below --root".to_owned());
            return Ok(Waiting::new());
        }
        let wanted: BTreeSet<PackageName> = staged.model.packages().keys().cloned().collect();
        let installed = self.host.installed()?;
        let missing = staged.model.missing(&installed.names);
        let before = self.record.state.packages.take();
        let was_stopped = before.as_ref().is_some_and(|known| known.seen.is_none());
        self.name_unneeded(before.as_ref(), &wanted, &installed.names);
        let back_off = before.and_then(|known| known.back_off);
        if missing.is_empty() && !was_stopped {
            let known = PackageState { wanted, seen: installed.seen, back_off: None };
            self.record.state.packages = Some(known).filter(|known| !known.wanted.is_empty());
            return Ok(Waiting::new());
        }
        // Known before anything is changed: after a kill the next run looks at packages again.
        self.record.state.packages = Some(PackageState { wanted, seen: None, back_off: back_off.clone() });
        self.record.save()?;
        let waits = !missing.is_empty() && back_off.as_ref().is_some_and(|back_off| back_off.holds(self.now));
        let held = match self.when_missing {
            Packages::Install => false,
            Packages::InstallWhenDue => waits,
            Packages::HoldBack => true,
        };
        if held {
            return Ok(self.held_back(&staged.model, &missing));
        }
        self.apt_settings(staged)?;
        let installation = self.install(&missing)?;
        self.settle_packages(staged, missing, installation, back_off)
    }

    /// Names the packages that no layer needs any more: they stay, since others may have come to need them.
    fn name_unneeded(
        &mut self,
        before: Option<&PackageState>,
        wanted: &BTreeSet<PackageName>,
        installed: &BTreeSet<PackageName>,
    ) {
        let left = before.map(|known| known.wanted.difference(wanted)).into_iter().flatten();
        let names: Vec<String> = left.filter(|name| installed.contains(*name)).map(ToString::to_string).collect();
        if !names.is_empty() {
            self.report
                .remarks
                .push(format!("no layer needs these packages any more, they stay: {}", names.join(", ")));
        }
    }

    /// Puts `etc/apt` in place before apt reads it; nothing else changes yet.
    fn apt_settings(&mut self, staged: &mut Staged) -> Result<(), Failure> {
        let folder: RelPath = "etc/apt".parse().expect("a fixed path");
        let concerned = |path: &RelPath| *path == folder || path.is_below(&folder);
        let Staged { model, managed } = staged;
        if self.agent.options.dry_run || !model.entries().keys().chain(managed.entries.keys()).any(concerned) {
            return Ok(());
        }
        let snapshot = self.observe(model, managed)?;
        let extent = Extent { only: Some(&folder), waiting: None };
        let mut plan = self.plan_for(model, &snapshot, managed, &extent).map_err(|error| self.unplanned(&error))?;
        super::refuse_brake(&plan)?;
        if plan.is_empty() {
            return Ok(());
        }
        let contents = stage::Contents::new(self.agent, &self.store, model);
        match self.host.apply(&mut plan, managed, &contents, &mut |_| ()) {
            Ok(Applied { done, managed: after, .. }) => {
                self.report.applied(plan, &done);
                *managed = after;
                Ok(())
            }
            Err(error) => Err(self.stopped(plan, error)),
        }
    }

    fn install(&mut self, missing: &[Missing]) -> Result<Installation, Failure> {
        let names: Vec<PackageName> = missing.iter().map(|one| one.name.clone()).collect();
        let settings = &self.agent.settings;
        let bar = progress::bar(self.agent);
        let show = |progress: &Progress| bar.reached(&progress.doing, progress.percent);
        let request = Request {
            passed: &crate::environment::passed(&settings.pass_environment),
            limit: Limit { time: settings.task_timeout, grace: task::GRACE },
            output: usize::try_from(settings.task_output).unwrap_or(usize::MAX),
            say: &|what| bar.says(what),
            show: bar.is_visible().then_some(&show),
        };
        self.host.install(&names, &request).map_err(|error: InstallError| {
            let hint = "see what else installs packages on this host, and whether 'apt-get check' is content";
            Failure::new(Status::Failed, &error, hint)
        })
    }

    /// Reports what came and what did not, and remembers it for the next run.
    fn settle_packages(
        &mut self,
        staged: &Staged,
        missing: Vec<Missing>,
        installation: Installation,
        back_off: Option<BackOff>,
    ) -> Result<Waiting, Failure> {
        let Installation { failed, output, seen } = installation;
        let waiting = staged.model.waiting_for(failed.iter().map(|one| &one.name));
        let known = self.record.state.packages.as_mut().expect("it was set before anything was installed");
        if failed.is_empty() {
            (known.seen, known.back_off) = (seen, None);
            self.record.state.packages.take_if(|known| known.wanted.is_empty());
        } else {
            known.back_off = Some(BackOff::after(back_off.as_ref(), "packages", self.now));
        }
        let reason = |name: &PackageName| failed.iter().find(|one| one.name == *name).map(|one| one.reason.clone());
        let reports =
            missing.into_iter().map(|one| PackageReport { ending: reason(&one.name), tried: true, package: one });
        self.report.packages.extend(reports);
        self.report.package_output = String::from_utf8_lossy(&output)
            .lines()
            .map(|line| cosmos_model::escape::for_terminal(line.as_bytes()) + "\n")
            .collect();
        if !waiting.is_empty() {
            self.report.fail(self.waits(&staged.model, &waiting));
        } else if self.is_dry() && !self.can_be_planned(staged)? {
            // What the packages would bring is not there: who owns those layers' files is seen when they are.
            return Ok(staged.model.waiting_for(self.report.packages.iter().map(|one| &one.package.name)));
        }
        Ok(waiting)
    }

    /// Tells whether the host has the owner of every file already.
    fn can_be_planned(&self, Staged { model, managed }: &Staged) -> Result<bool, Failure> {
        let snapshot = self.observe(model, managed)?;
        Ok(self.plan_for(model, &snapshot, managed, &Extent::default()).is_ok())
    }

    fn is_dry(&self) -> bool {
        self.agent.options.dry_run || self.agent.options.dry_tasks
    }

    /// Says which packages are not tried now; layers wait for them.
    fn held_back(&mut self, model: &StagedModel, missing: &[Missing]) -> Waiting {
        let reports = missing.iter().cloned();
        self.report.packages.extend(reports.map(|package| PackageReport { package, tried: false, ending: None }));
        let waiting = model.waiting_for(missing.iter().map(|one| &one.name));
        if self.when_missing == Packages::InstallWhenDue {
            self.report.fail(self.waits(model, &waiting));
        }
        waiting
    }

    fn waits(&self, model: &StagedModel, waiting: &Waiting) -> Failure {
        let name = |at: u16| model.layers().get(usize::from(at)).map_or("", |name| name);
        let layers: Vec<String> =
            waiting.iter().map(|(layer, packages)| format!("'{}' waits for {packages}", name(layer.0))).collect();
        let hint =
            "apt's words are above and in 'cosmos log'; unattended runs try again by and by, 'cosmos run' at once";
        Failure::of(Status::Failed, format!("packages did not come: {}", layers.join("; ")), hint)
    }
}

/// Tells whether `root` is the system that runs, and not one below a folder.
fn is_running_system(root: &Path) -> bool {
    root.canonicalize().is_ok_and(|root| root == Path::new("/"))
}
