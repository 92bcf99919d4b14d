//! What the next run must know that is not per path (docs/formats.md §9).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use cosmos_model::content::ContentHash;
use cosmos_model::escape;
use cosmos_model::object_id::ObjectId;
use cosmos_model::package::PackageName;
use cosmos_model::path::RelPath;
use cosmos_model::snapshot::Stat;
use cosmos_model::staged::RestsOn;
use cosmos_model::time::Time;
use cosmos_model::triggers::Kept;
use cosmos_model::trust::{TrustState, VerifiedRevision};
use serde::{Deserialize, Serialize};

use crate::exit::{Failure, Status};
use crate::fs::FsError;
use crate::report::back_off::BackOff;
use crate::report::episode::Episode;
use crate::report::log::{self, LogError};
use crate::report::reported::Reported;
use crate::sandbox::Layer;
use crate::site::Site;

/// The version of this file's format.
const FORMAT: u32 = 1;

/// No state is longer, in bytes: a hundred certificates of a megabyte each.
const LARGEST: u64 = 128 << 20;

/// The state of one host. Replaced as one file; a run that changed nothing writes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    format: u32,
    /// Grows by one with each replacement; the log's last entry carries it too (T1).
    pub counter: u64,
    /// What the judge remembers: the accepted revision and what is known about certificates.
    pub trust: TrustState,
    /// How the last look at the remotes ended.
    pub look: Look,
    /// The failure that scheduled runs have spoken about, until it ends.
    pub failure: Option<Episode>,
    /// The step that failed and when it may be tried again.
    pub back_off: Option<BackOff>,
    /// The number of the last applied model.
    pub generation: u64,
    /// The generation that the host went back to, as a whole or in part, until a newer revision is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
    /// The paths that somebody asked to be left as they are (`cosmos hold`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held: BTreeMap<RelPath, Hold>,
    /// The paths that the model applied last only reports.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reported: BTreeMap<RelPath, Reported>,
    /// Whether what the host is to be changed without a newer revision, since a hold or rollback ended: the next run
    /// plans, though the revision is the one applied.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replan: bool,
    /// Whether something was in the way of a path when the host was planned for last: it may go, and no path that is
    /// managed tells when, so that each run plans until then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blocked: bool,
    /// The test whose model was applied last; none once production is applied again (T6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tested: Option<ObjectId>,
    /// Which model was applied last as it was released, no pre-task having changed it; on a classic host (C5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_released: Option<ContentHash>,
    /// What the applied model rests on besides its revision; none where it rests on nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rests_on: Option<Rested>,
    /// The packages of the model applied last; none where it needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packages: Option<PackageState>,
    /// Why the accepted revision cannot be applied here, so that the one applied before stays enforced.
    pub hindrance: Option<Hindrance>,
    /// What is known about tasks and services, and what of that is to happen yet.
    #[serde(default, skip_serializing_if = "Kept::is_empty")]
    pub triggers: Kept,
    /// When and why the host was retired, as the applied model words it.
    pub retired: Option<String>,
    /// The machine id the state was made on; another one means the machine was cloned.
    pub machine: Option<String>,
}

/// What the applied model rests on besides its revision, as it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rested {
    /// Which facts, and whether modules that come with the agent.
    pub on: RestsOn,
    /// Their hash; none while a model is being applied, which then has to be staged again.
    pub identity: Option<ContentHash>,
}

/// That a host went back to an earlier generation (docs/formats.md §9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// The generation it went back to.
    pub generation: u64,
    /// The revision that is not tried again: the rollback ends when another one is in force.
    pub instead_of: ObjectId,
    /// Since when.
    pub since: Time,
    /// Who or what went back.
    pub why: String,
    /// The paths that went back; none means all of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<BTreeSet<RelPath>>,
    /// Whether somebody ended it: the host is what it was back to until the next run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over: bool,
}

impl fmt::Display for Rollback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.paths {
            Some(paths) if paths.len() == 1 => write!(f, "1 path is that of generation {}", self.generation)?,
            Some(paths) => write!(f, "{} paths are those of generation {}", paths.len(), self.generation)?,
            None => write!(f, "this host is generation {}", self.generation)?,
        }
        write!(f, " since {} ({})", self.since, escape::for_terminal(self.why.as_bytes()))
    }
}

/// Why a path is left as it is, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Why, for whoever looks next.
    pub reason: String,
    /// Since when.
    pub since: Time,
    /// When the hold ends by itself.
    pub until: Option<Time>,
}

impl Hold {
    /// Tells whether the hold is in force at `now`.
    #[must_use]
    pub fn holds(&self, now: Time) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = self.until.map(|until| format!(" until {until}")).unwrap_or_default();
        write!(f, "left as it is{until}: {}", escape::for_terminal(self.reason.as_bytes()))
    }
}

/// What was seen at the last look; how judging it ended is the judge's to remember.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// The hash of each remote's listing, by URL.
    pub listings: BTreeMap<String, ContentHash>,
    /// Since when no remote could be reached.
    pub failing_since: Option<Time>,
    /// The remote that offered the accepted revision first.
    #[serde(default)]
    pub source: Option<String>,
    /// What the fetching child gave up before it looked.
    #[serde(default)]
    pub sandbox: BTreeSet<Layer>,
}

/// The packages that a host has from us, and what is known of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageState {
    /// Those that the model wants.
    pub wanted: BTreeSet<PackageName>,
    /// How the package database looked when all of them were installed; none while one is missing, or may be.
    pub seen: Option<Stat>,
    /// Since when installing them fails, and when it is tried again.
    pub back_off: Option<BackOff>,
}

/// What keeps a revision that was accepted from being applied, until a newer revision or a newer agent comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hindrance {
    /// What is wrong, one mistake a line.
    pub why: String,
    /// Whether a newer agent helps; otherwise the repository is to be mended.
    pub newer_agent: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            format: FORMAT,
            counter: 0,
            trust: TrustState::default(),
            look: Look::default(),
            failure: None,
            back_off: None,
            generation: 0,
            rollback: None,
            held: BTreeMap::new(),
            reported: BTreeMap::new(),
            replan: false,
            blocked: false,
            tested: None,
            as_released: None,
            rests_on: None,
            packages: None,
            hindrance: None,
            triggers: Kept::default(),
            retired: None,
            machine: None,
        }
    }
}

/// Why the state could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file could not be read.
    #[error("cannot read the state of this host")]
    Read(#[source] FsError),
    /// The file could not be written.
    #[error("cannot write the state of this host")]
    Write(#[source] FsError),
    /// The file is not a state of this version.
    #[error("'{path}' is not a state that this version can read")]
    Damaged {
        /// The state file.
        path: RelPath,
        /// The cause.
        source: serde_json::Error,
    },
    /// The log knows of a later state (T1, A46).
    #[error("'{path}' is missing or older than the log beside it says")]
    Older {
        /// The state file.
        path: RelPath,
    },
    /// The log knows of another revision that was accepted (T1, A46).
    #[error("'{path}' does not hold the revision that was accepted, as the log beside it says")]
    Other {
        /// The state file.
        path: RelPath,
    },
    /// The log could not be asked.
    #[error("cannot compare the state with its log")]
    Log(#[from] LogError),
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        let hint = "the host is kept as it is; run 'cosmos clone --again' with the introduction an operator gives you";
        let status = if matches!(error, StateError::Older { .. } | StateError::Other { .. }) {
            Status::Refused
        } else {
            Status::Usage
        };
        Self::new(status, &error, hint)
    }
}

impl State {
    /// Reads the state file and compares it with the log: a state that was lost or put back is never silently accepted.
    ///
    /// # Errors
    /// Returns [`StateError`] when either file is unreadable, or the log is ahead of the state.
    pub fn load(site: &Site) -> Result<Self, StateError> {
        let path = site.state_file();
        let state: Self = match site.home.read(&path, LARGEST).map_err(StateError::Read)? {
            Some(text) => {
                serde_json::from_slice(&text).map_err(|source| StateError::Damaged { path: path.clone(), source })?
            }
            None => Self::default(),
        };
        let Some(last) = log::last_entry(site)? else { return Ok(state) };
        let accepted = state.trust.accepted().map(VerifiedRevision::commit);
        if last.counter > state.counter {
            return Err(StateError::Older { path });
        }
        if last.counter == state.counter && last.accepted.is_some() && last.accepted != accepted {
            return Err(StateError::Other { path });
        }
        Ok(state)
    }

    /// Returns the state of a host that nothing is known about, with its counter at `counter`.
    #[must_use]
    pub fn starting_at(counter: u64) -> Self {
        Self { counter, ..Self::default() }
    }

    /// Tells whether the state was made on another machine: a disk that was copied says so.
    #[must_use]
    pub fn is_another_machine(&self, site: &Site) -> bool {
        let id = machine_id(site);
        self.machine.as_ref().is_some_and(|machine| !id.is_empty() && *machine != id)
    }

    /// Returns the rollback in force: one that a newer revision overtook, or that somebody ended, is none any more.
    #[must_use]
    pub fn rolled_back(&self) -> Option<&Rollback> {
        let in_force = self.trust.in_force().map(VerifiedRevision::commit);
        self.rollback.as_ref().filter(|rollback| Some(rollback.instead_of) == in_force && !rollback.over)
    }

    /// Returns the number of the generation the host is, which is not the newest after it went back.
    #[must_use]
    pub fn generation_in_force(&self) -> u64 {
        // Also while a rollback that is over has not been undone yet.
        let whole = self.rollback.as_ref().filter(|rollback| rollback.paths.is_none());
        whole.map_or(self.generation, |rollback| rollback.generation)
    }

    /// Returns the state that replaces this one, its counter one higher, and its text.
    #[must_use]
    pub fn next(&self) -> (Self, Vec<u8>) {
        let next = Self { counter: self.counter + 1, ..self.clone() };
        let text = serde_json::to_vec_pretty(&next).expect("a state has string keys only");
        (next, text)
    }
}

/// Returns the machine's id, or an empty text where there is none: a chroot, an unprivileged root.
#[must_use]
pub fn machine_id(site: &Site) -> String {
    let path = RelPath::new(b"etc/machine-id").expect("a plain path");
    let id = site.root.read(&path, 64).ok().flatten().unwrap_or_default();
    String::from_utf8_lossy(&id).trim().to_owned()
}
