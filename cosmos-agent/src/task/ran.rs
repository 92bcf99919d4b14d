//! When tasks ran, and which of them changed a path: its change time tells, so that no look is needed between two
//! tasks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

/// One task that ran, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The task's name, with its folder.
    pub task: String,
    /// When it was started, by the clock that files are stamped with: no change of its own is older.
    pub since: SystemTime,
    /// When it ended.
    pub until: SystemTime,
}

impl Ran {
    /// Says that the task, begun at `since`, has just ended.
    #[must_use]
    pub fn until_now(task: String, since: SystemTime) -> Self {
        Self { task, since, until: SystemTime::now() }
    }

    /// Tells whether the task may have made a change at the time that its path has.
    ///
    /// A change of the last tick before a task may be that task's or the one's before.
    #[must_use]
    pub fn may_have(&self, changed: SystemTime) -> bool {
        (self.since..=self.until).contains(&changed)
    }
}

/// Returns the time that the kernel stamps a file with that changes now: that of its last tick.
#[must_use]
pub fn tick() -> SystemTime {
    clock_gettime(ClockId::CLOCK_REALTIME_COARSE)
        .map_or_else(|_| SystemTime::now(), |time| at((time.tv_sec(), u32::try_from(time.tv_nsec()).unwrap_or(0))))
}

/// Returns a file's time as a time; one before 1970 as that.
#[must_use]
pub fn at((seconds, nanoseconds): (i64, u32)) -> SystemTime {
    UNIX_EPOCH + Duration::new(u64::try_from(seconds).unwrap_or(0), nanoseconds)
}
