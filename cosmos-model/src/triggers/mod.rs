//! What changed paths set off: checks before, services and tasks after, probes last (docs/formats.md §4).
//!
//! All of it is decided from the plan and from what earlier runs left undone; a dry run shows the same value.

mod check;
pub mod cron;
mod decide;
mod kept;
mod leaving;
pub mod pam;
mod port;
mod tasks;
pub(crate) mod well_known;

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use crate::layer::{Checks, Command, Probe, Service, TaskRule};

pub use check::{Cause, Check};
pub use decide::{Changed, Work, decide, is_watched, tasks_as_said};
pub use kept::{Due, Kept, KeptCheck, KeptService, KeptTask, Pending, Ways};
pub use leaving::leaving;
pub use port::WantedPort;
pub(crate) use port::addresses;
pub use tasks::PlannedTask;
pub use well_known::{Look, WELL_KNOWN, WellKnown};

/// What the layers of one host say about its checks, services, tasks and probes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Triggers {
    /// One for each name: of the first layer that has it.
    pub tasks: Vec<TaskRule>,
    /// Of all layers, in their order.
    pub checks: Vec<Said<Command>>,
    /// Of all layers, what they ask for before they leave.
    pub leaving: Vec<Said<Command>>,
    /// What any layer turns off: names of checks of well-known paths, and layers that may leave unasked.
    pub no_check: BTreeSet<String>,
    /// One for each name: of the first layer that has it.
    pub services: Vec<Said<Service>>,
    /// Of all layers, in their order.
    pub probes: Vec<Said<Probe>>,
    /// Where services of all layers listen, by what their modules were told.
    pub ports: Vec<Said<WantedPort>>,
}

/// A table, and the layer it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said<T> {
    /// The layer's name.
    pub layer: String,
    /// What the table says.
    pub table: T,
}

impl Triggers {
    /// Adds what the next layer says, which loses against those before it.
    pub(crate) fn add(&mut self, layer: &str, file: &mut crate::layer::LayerFile) {
        for rule in core::mem::take(&mut file.tasks) {
            if self.tasks.iter().all(|other| other.name != rule.name) {
                self.tasks.push(rule);
            }
        }
        for service in core::mem::take(&mut file.services) {
            if self.services.iter().all(|other| other.table.name != service.name) {
                self.services.push(Said::by(layer, service));
            }
        }
        self.no_check.extend(core::mem::take(&mut file.no_check));
        let Checks { staged, leaving } = core::mem::take(&mut file.checks);
        self.checks.extend(staged.into_iter().map(|check| Said::by(layer, check)));
        self.leaving.extend(leaving.into_iter().map(|check| Said::by(layer, check)));
        self.probes.extend(core::mem::take(&mut file.probes).into_iter().map(|probe| Said::by(layer, probe)));
    }
}

impl<T> Said<T> {
    pub(crate) fn by(layer: &str, table: T) -> Self {
        Self { layer: String::from(layer), table }
    }
}
