//! What unattended runs say: one message when a failure starts and one when it ends.

use std::fmt;

use cosmos_model::time::Time;
use serde::{Deserialize, Serialize};

/// A failure that lasts, as the state keeps it between runs (docs/formats.md §9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// The first failed run's time.
    pub since: Time,
    /// The exit status: another one is another failure.
    pub status: u8,
    /// What the first failed run said.
    pub message: String,
    /// Whether an unattended run said it; a failure seen at a terminal only was not.
    pub spoken: bool,
}

/// How a run ended, as far as episodes care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'m> {
    /// Everything was done.
    Well,
    /// Nothing was tried: switched off, backing off, or another run was under way.
    Skipped,
    /// Something failed.
    Failed {
        /// The exit status.
        status: u8,
        /// What failed, on one line.
        message: &'m str,
    },
}

/// What is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A failure started.
    Started(String),
    /// The failure ended.
    Ended {
        /// When it had started.
        since: Time,
        /// What it was.
        message: String,
    },
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started(message) => write!(f, "{message}; nothing more is said until this changes"),
            Self::Ended { since, message } => write!(f, "well again; since {since} it had failed: {message}"),
        }
    }
}

/// Decides what an unattended run says at its end, and what the next one must know.
///
/// The wording of a lasting failure may change from run to run (a time, an id), its exit status does not: only another
/// status is news.
#[must_use]
pub fn speak(previous: Option<&Episode>, outcome: Outcome<'_>, now: Time) -> (Option<Message>, Option<Episode>) {
    match (outcome, previous) {
        (Outcome::Skipped, previous) => (None, previous.cloned()),
        (Outcome::Well, None) => (None, None),
        (Outcome::Well, Some(ended)) => {
            let message = Message::Ended { since: ended.since, message: ended.message.clone() };
            (ended.spoken.then_some(message), None)
        }
        (Outcome::Failed { status, .. }, Some(lasting)) if lasting.status == status && lasting.spoken => {
            (None, Some(lasting.clone()))
        }
        (Outcome::Failed { status, message }, previous) => {
            let since = previous.filter(|previous| previous.status == status).map_or(now, |previous| previous.since);
            let episode = Episode { since, status, message: message.to_owned(), spoken: true };
            (Some(Message::Started(message.to_owned())), Some(episode))
        }
    }
}

/// Returns what the state keeps after a run by hand, which says everything itself.
#[must_use]
pub fn after_run_by_hand(previous: Option<&Episode>, outcome: Outcome<'_>, now: Time) -> Option<Episode> {
    match outcome {
        Outcome::Skipped => previous.cloned(),
        Outcome::Well => None,
        Outcome::Failed { status, message } => match previous.filter(|previous| previous.status == status) {
            Some(lasting) => Some(lasting.clone()),
            None => Some(Episode { since: now, status, message: message.to_owned(), spoken: false }),
        },
    }
}
