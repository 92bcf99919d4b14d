//! What one run leaves for the next about services, tasks and probes (docs/formats.md §9).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::content::ContentHash;
use crate::path::RelPath;

/// Something that changed paths ask for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Due {
    /// The service manager reads units again.
    DaemonReload,
    /// System users are made.
    Sysusers,
    /// Volatile files are made.
    Tmpfiles,
    /// A service is stopped, now and at each boot.
    Disable(String),
    /// A service is started, now and at each boot.
    Enable(String),
    /// A service starts anew.
    Restart(String),
    /// A service reads its files again.
    Reload(String),
    /// A `when-changed` task runs.
    Task(String),
    /// A probe runs.
    Probe(String),
    /// The default probe runs: the host can still be reached and reach its remote.
    Reachability,
}

impl Due {
    /// Tells whether it concerns the host's service manager.
    #[must_use]
    pub const fn is_of_services(&self) -> bool {
        !matches!(self, Self::Task(_) | Self::Probe(_) | Self::Reachability)
    }

    /// Tells whether it concerns this service.
    #[must_use]
    pub fn is_about(&self, service: &str) -> bool {
        let (Self::Enable(name) | Self::Disable(name) | Self::Restart(name) | Self::Reload(name)) = self else {
            return false;
        };
        name == service
    }

    /// Tells whether it looks at the host after everything else.
    #[must_use]
    pub const fn is_probe(&self) -> bool {
        matches!(self, Self::Probe(_) | Self::Reachability)
    }
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DaemonReload => f.write_str("reload units"),
            Self::Sysusers => f.write_str("make system users"),
            Self::Tmpfiles => f.write_str("make volatile files"),
            Self::Disable(name) => write!(f, "disable {name}"),
            Self::Enable(name) => write!(f, "enable {name}"),
            Self::Restart(name) => write!(f, "restart {name}"),
            Self::Reload(name) => write!(f, "reload {name}"),
            Self::Task(name) => write!(f, "run post-tasks.d/{name}"),
            Self::Probe(name) => write!(f, "probe {name}"),
            Self::Reachability => f.write_str("probe reachability"),
        }
    }
}

/// Something that is to happen, and the paths that ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// What.
    pub due: Due,
    /// Why; empty where the model itself asks for it.
    pub paths: Vec<RelPath>,
}

/// What a run that looks at no model must know about a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptTask {
    /// Its own limit, in seconds.
    pub timeout: Option<u64>,
    /// Whether it runs only when paths changed.
    pub when_changed: bool,
    /// Whether it runs until it ended well once.
    pub once: bool,
}

/// What was last made of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptService {
    /// The layer it belongs to.
    pub layer: String,
    /// Whether it was enabled or disabled for the model.
    pub enabled: Option<bool>,
}

/// A check that is asked when its layer leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptCheck {
    /// The layer.
    pub layer: String,
    /// The check's name.
    pub name: String,
    /// Its program and arguments.
    pub run: Vec<String>,
    /// How long it may take, in seconds.
    pub timeout: Option<u64>,
}

/// The ways to and from a host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ways {
    /// An sshd of its own listens.
    pub ssh: bool,
    /// One of its remotes can be listed.
    pub remote: bool,
}

/// All that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Tasks that the model laid out last has rules for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tasks: BTreeMap<String, KeptTask>,
    /// The scripts of `once` tasks that ended well.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub once: BTreeMap<String, ContentHash>,
    /// The services of the model applied last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, KeptService>,
    /// What the layers of the model applied last are asked before they leave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaving: Vec<KeptCheck>,
    /// How the host was reached before the change that the default probe is still to look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ways: Option<Ways>,
    /// Generations whose probes failed: nothing goes back to what they had.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub failed: BTreeSet<u64>,
    /// What was to happen and has not yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<Pending>,
}

impl Kept {
    /// Tells whether there is nothing to keep.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Tells whether `due` is to happen.
    #[must_use]
    pub fn awaits(&self, due: &Due) -> bool {
        self.pending.iter().any(|pending| pending.due == *due)
    }

    /// Remembers that `due` has happened.
    pub fn is_done(&mut self, due: &Due) {
        self.pending.retain(|pending| pending.due != *due);
        self.ways = self.ways.filter(|_| *due != Due::Reachability);
        let (Due::Enable(name) | Due::Disable(name)) = due else { return };
        if let Some(service) = self.services.get_mut(name) {
            service.enabled = Some(matches!(due, Due::Enable(_)));
        }
    }
}
