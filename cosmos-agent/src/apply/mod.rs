//! Applying a plan: the only code that changes managed paths.
//!
//! The journal says what is about to happen and is on disk before the first change; then temporary files, one sync,
//! renames; then the managed set; then the journal goes. Killed anywhere, each file is old or new, and [`recover`]
//! tells which (docs/decisions.md, Apply).

mod backup;
mod batch;
mod execute;
mod folder;
mod found;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod journal;
pub mod managed_file;
mod recover;
mod remember;
mod rendered;
#[cfg(test)]
mod tests;

use cosmos_model::content::Content;
use cosmos_model::managed::ManagedSet;
use cosmos_model::path::RelPath;
use cosmos_model::plan::{Brake, Plan};

use crate::fs::{FsError, Root};

pub use backup::{Kept, is_large};
pub use folder::StateFolder;
pub use found::found_at;
pub use recover::{RecoverError, Recovery, recover};
pub use remember::{TakenOver, take_over};
pub use rendered::RenderedFolder;

/// Where the bytes of planned files come from.
pub trait Contents {
    /// Returns the bytes of the file that is planned at `path`. They are hashed again before they are written.
    ///
    /// # Errors
    /// Returns why they are not to be had.
    fn read(&self, path: &RelPath, content: &Content) -> Result<Vec<u8>, ContentError>;
}

/// Why the bytes of a planned file are not to be had.
pub type ContentError = Box<dyn std::error::Error + Send + Sync>;

/// How far an apply has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Steps that are decided: done or refused.
    pub done: usize,
    /// Steps of the plan.
    pub total: usize,
}

/// What an apply did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// Positions of the steps that were done, in the plan's order.
    pub done: Vec<usize>,
    /// Steps that found something else than the plan expected; the run plans again.
    pub refused: Vec<RefusedStep>,
    /// What is managed now.
    pub managed: ManagedSet,
}

/// A step that was not done since the host had moved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("did not change '{path}': {reason}")]
pub struct RefusedStep {
    /// The step's position in the plan.
    pub step: usize,
    /// Its path.
    pub path: RelPath,
    /// What stood in the way.
    pub reason: String,
}

/// Why one step could not be done.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The file system refused.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The bytes could not be had.
    #[error("cannot read the content of '{path}'")]
    Content {
        /// The path they are for.
        path: RelPath,
        /// Why.
        #[source]
        source: ContentError,
    },
    /// The bytes are not those that were planned.
    #[error("the content read for '{path}' is not the content planned")]
    OtherContent {
        /// The path they are for.
        path: RelPath,
    },
}

/// Why an apply ended early.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The plan itself says that it must not be applied.
    #[error("{0}")]
    Braked(Brake),
    /// The journal could not be written: nothing was changed.
    #[error("cannot start to apply")]
    Start(#[source] FsError),
    /// A step failed; the steps before it are done and remembered.
    #[error("stopped after {} of {total} steps", applied.done.len())]
    Stopped {
        /// What was done.
        applied: Box<Applied>,
        /// How many steps there were.
        total: usize,
        /// The step's error.
        #[source]
        source: StepError,
    },
    /// All steps are done, but what is managed could not be written; the next run finds out from the journal.
    #[error("cannot remember what was applied")]
    Remember {
        /// Positions of the steps, in the plan's order.
        done: Vec<usize>,
        /// Why.
        #[source]
        source: FsError,
    },
}

impl ApplyError {
    /// Returns what to do next, where the cause says it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Braked(_) => Some("release again with removals=N, or see 'cosmos plan'".to_owned()),
            Self::Start(error)
            | Self::Remember { source: error, .. }
            | Self::Stopped { source: StepError::Fs(error), .. } => error.hint(),
            Self::Stopped { .. } => None,
        }
    }
}

/// Does the steps of `plan` and remembers the outcome; the plan gives away its managed set.
///
/// # Errors
/// Returns an [`ApplyError`]; also then each file is old or new and no temporary file is left.
pub fn apply(
    root: &Root,
    state: &StateFolder,
    plan: &mut Plan,
    before: &ManagedSet,
    contents: &dyn Contents,
    progress: &mut dyn FnMut(Progress),
) -> Result<Applied, ApplyError> {
    if let Some(brake) = plan.brake() {
        return Err(ApplyError::Braked(brake.clone()));
    }
    state.make().map_err(ApplyError::Start)?;
    let run = journal::run_id();
    if !plan.is_empty() {
        found::remember(state, plan, before).map_err(ApplyError::Start)?;
        journal::write(state, plan, &run).map_err(ApplyError::Start)?;
    }
    let mut after = plan.take_managed();
    let mut execution = execute::Execution::new(root, state, (plan, &mut after), contents, run);
    let result = execution.all(progress);
    let (outcomes, refused, kept, mut folders) = execution.end();
    let complete = result.is_ok() && refused.is_empty();
    let remembered = remember::after(root, after, plan.steps(), before, &outcomes, complete).and_then(|managed| {
        // The host's folders and the set are waited for together; the journal tells of both until then.
        state.write_managed(&managed, &mut || execute::sync_folders(plan, &mut folders))?;
        journal::remove(state)?;
        Ok(managed)
    });
    let done = outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_done()).map(|(number, _)| number).collect();
    match (result, remembered) {
        (Ok(()), Ok(managed)) => {
            // A backup too many is no reason to call a finished run failed: the next run bounds them again.
            let _ = backup::bound(state, &kept);
            Ok(Applied { done, refused, managed })
        }
        (Ok(()), Err(source)) => Err(ApplyError::Remember { done, source }),
        // Where remembering failed too, the journal is still there and the next run recovers.
        (Err(source), remembered) => {
            let managed = remembered.unwrap_or_else(|_| before.clone());
            let applied = Box::new(Applied { done, refused, managed });
            Err(ApplyError::Stopped { applied, total: plan.steps().len(), source })
        }
    }
}
