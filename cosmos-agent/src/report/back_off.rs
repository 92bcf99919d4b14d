//! How long a failing task or step is left alone before it is tried again.

use std::time::Duration;

use cosmos_model::time::Time;
use serde::{Deserialize, Serialize};

/// The first wait: one point of the usual schedule.
const FIRST: Duration = Duration::from_secs(15 * 60);
/// The longest wait: a repaired host recovers within a working day.
const LONGEST: Duration = Duration::from_secs(6 * 3600);

/// Something that failed and is not tried before its time, as the state keeps it (docs/formats.md §9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackOff {
    /// The task or step.
    pub what: String,
    /// How often it failed in a row.
    pub attempts: u32,
    /// When it is tried again.
    pub not_before: Time,
}

impl BackOff {
    /// Returns the back-off after `what` failed at `now`. Another thing than before starts with the first wait.
    #[must_use]
    pub fn after(previous: Option<&Self>, what: &str, now: Time) -> Self {
        let attempts = previous.filter(|previous| previous.what == what).map_or(0, |previous| previous.attempts);
        let attempts = attempts.saturating_add(1);
        let seconds = i64::try_from(wait(attempts).as_secs()).expect("the longest wait is hours");
        Self { what: what.to_owned(), attempts, not_before: now.plus(seconds) }
    }

    /// Tells whether unattended runs leave it alone at `now`.
    ///
    /// A time further ahead than the longest wait is a clock that was wrong then, and holds nothing back (T16).
    #[must_use]
    pub fn holds(&self, now: Time) -> bool {
        let left = u64::try_from(self.not_before.since(now)).unwrap_or(0);
        0 < left && left <= LONGEST.as_secs()
    }
}

/// Returns the wait after `attempts` failures in a row: 15 minutes, doubled each time, 6 hours at most.
#[must_use]
pub fn wait(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(5);
    (FIRST * 2_u32.pow(doublings)).min(LONGEST)
}
