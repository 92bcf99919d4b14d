//! The planner: model − host = plan, one pure function.

use crate::managed::ManagedSet;
use crate::plan::Plan;
use crate::snapshot::HostSnapshot;
use crate::staged::StagedModel;

/// What the host's settings say about planning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanSettings {
    /// Whether paths that left the model go (C8; docs/formats.md §1).
    pub remove_dropped: bool,
    /// Whether the brake on removals holds; it does not in classic mode.
    pub brake: bool,
}

/// Compares `model` with what was found and what we wrote before.
#[must_use]
pub fn plan(model: &StagedModel, snapshot: &HostSnapshot, managed: &ManagedSet, settings: PlanSettings) -> Plan {
    todo!("{model:?} {snapshot:?} {managed:?} {settings:?}")
}
