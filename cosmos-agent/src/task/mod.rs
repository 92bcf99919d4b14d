//! Tasks: scripts of the model, run in order, each waited for (docs/formats.md §4; C4).

pub mod ran;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;
use std::time::Duration;

use cosmos_model::host_name::HostName;
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;

use crate::exec::{self, Ended, ExecError, Finished, Limit, Program};
use crate::fs::{self, FsError, Root};

/// How long a task may run unless settings say otherwise.
pub const DEFAULT_TIME: Duration = Duration::from_secs(60 * 60);

/// How long a task has between TERM and KILL.
pub const GRACE: Duration = Duration::from_secs(5 * 60);

/// Tells tasks that nothing is to be changed (`-N`).
pub const DRY_TASKS: &str = "COSMOS_DRY_TASKS";

/// One task to run.
#[derive(Debug, Clone)]
pub struct Task<'a> {
    /// Its name, `pre-tasks.d/030puppet`, which is its path below `folder`.
    pub name: &'a RelPath,
    /// The model's folder, in which it starts.
    pub folder: &'a Path,
    /// All of its environment.
    pub environment: &'a BTreeMap<OsString, OsString>,
    /// When it is ended; none in classic mode.
    pub limit: Option<Limit>,
    /// How many bytes of its output are kept.
    pub output: usize,
}

/// What became of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskOutcome {
    /// It ran.
    Ran(Finished),
    /// It was not run: this is a dry run.
    Skipped,
}

impl TaskOutcome {
    /// Tells whether the run may go on.
    #[must_use]
    pub fn is_success(&self) -> bool {
        match self {
            Self::Ran(finished) => finished.ended == Ended::Exit(0),
            Self::Skipped => true,
        }
    }
}

/// Runs `task` without arguments and waits for it; what it left running in the background lives on.
///
/// # Errors
/// Returns an [`ExecError`] when it cannot be started.
pub fn run(task: &Task<'_>) -> Result<Finished, ExecError> {
    let path = task.folder.join(std::ffi::OsStr::from_bytes(task.name.as_bytes()));
    exec::run(&Program {
        path: &path,
        arguments: &[],
        environment: task.environment,
        folder: task.folder,
        limit: task.limit,
        output: task.output,
    })
}

/// What a native task is told about the run.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The root that is converged.
    pub root: &'a Path,
    /// The model's folder.
    pub model: &'a Path,
    /// This host's name.
    pub host: &'a HostName,
    /// The commit that is applied.
    pub commit: ObjectId,
    /// The file that lists what changed ([`list_changes`]).
    pub changed_files: Option<&'a Path>,
    /// Whether `-v` was given.
    pub verbose: bool,
    /// Variables named by `pass-environment`, with their values.
    pub passed: &'a [(OsString, OsString)],
}

/// Returns the whole environment of a native task.
///
/// The names of our own cannot be passed over: the fixed ones are set last.
#[must_use]
pub fn environment(surroundings: &Surroundings<'_>) -> BTreeMap<OsString, OsString> {
    let mut environment: BTreeMap<OsString, OsString> = surroundings.passed.iter().cloned().collect();
    let mut set = |name: &str, value: &std::ffi::OsStr| environment.insert(name.into(), value.into());
    set("PATH", exec::PATH.as_ref());
    set("HOME", "/root".as_ref());
    set("LANG", "C.UTF-8".as_ref());
    set("COSMOS_ROOT", surroundings.root.as_os_str());
    set("COSMOS_MODEL", surroundings.model.as_os_str());
    set("COSMOS_HOST", surroundings.host.as_str().as_ref());
    set("COSMOS_COMMIT", surroundings.commit.to_string().as_ref());
    if let Some(list) = surroundings.changed_files {
        set("COSMOS_CHANGED_FILES", list.as_os_str());
    }
    if surroundings.verbose {
        set("COSMOS_VERBOSE", "y".as_ref());
    }
    environment
}

/// Writes the list that `COSMOS_CHANGED_FILES` names: absolute paths inside the root, each ended by a NUL byte.
///
/// # Errors
/// Returns an [`FsError`] when it cannot be written.
pub fn list_changes(root: &Root, list: &RelPath, changed: &[RelPath]) -> Result<(), FsError> {
    // A run without changes writes nothing: the list is empty already.
    if changed.is_empty() && root.open_file(list)?.is_some_and(|file| file.metadata().is_ok_and(|it| it.len() == 0)) {
        return fs::remove_leftover(root, list);
    }
    let bytes: Vec<u8> = changed.iter().flat_map(|path| [b"/", path.as_bytes(), b"\0"].concat()).collect();
    // For the tasks that run now; the next run that has any writes it anew.
    fs::replace_passing(root, list, &bytes, 0o600)
}

/// Returns the environment with the sign that nothing is to be changed.
#[must_use]
pub fn dry(environment: &BTreeMap<OsString, OsString>) -> BTreeMap<OsString, OsString> {
    let mut environment = environment.clone();
    environment.insert(DRY_TASKS.into(), OsString::from_vec(b"y".to_vec()));
    environment
}
