//! When this host's daemon runs next.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::schedule::Schedule;

/// An alarm that rings this much before its moment still is the alarm of that moment.
const EARLY: SignedDuration = SignedDuration::from_secs(60);

/// A schedule as it applies to one host.
#[derive(Debug, Clone)]
pub struct Timetable {
    /// The points of time of all hosts.
    pub schedule: Schedule,
    /// What this host waits after each ([`crate::schedule::stable_delay`]).
    pub delay: Duration,
    /// The local time zone.
    pub zone: TimeZone,
}

impl Timetable {
    /// Returns the first moment after `now`, and not `last`, which rang already, at which this host runs.
    ///
    /// `None` only at the end of the calendar.
    #[must_use]
    pub fn next_after(&self, now: Timestamp, last: Option<Timestamp>) -> Option<Timestamp> {
        // A moment far ahead that rang already is one of a clock that was set back since.
        let rang = last.filter(|last| *last > now && last.duration_since(now) <= EARLY);
        let from = rang.unwrap_or(now).checked_sub(self.delay).ok()?;
        self.schedule.next_after(from, &self.zone)?.checked_add(self.delay).ok()
    }
}
