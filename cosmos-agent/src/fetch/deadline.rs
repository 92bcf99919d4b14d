//! A point in time that ends everything, checked before each read.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The longest silence of a server that is accepted, whatever the deadline. git's own keep-alive is 5 s.
pub(super) const SILENCE: Duration = Duration::from_secs(120);

/// When a remote has to be done; shared, so that a look's short limit becomes the fetch's long one.
#[derive(Debug, Clone)]
pub(super) struct Deadline {
    start: Instant,
    milliseconds: Arc<AtomicU64>,
}

impl Deadline {
    /// Ends `limit` from now.
    pub(super) fn after(limit: Duration) -> Self {
        let deadline = Self { start: Instant::now(), milliseconds: Arc::default() };
        deadline.extend(limit);
        deadline
    }

    /// Ends `limit` from now, whatever was said before.
    pub(super) fn extend(&self, limit: Duration) {
        let milliseconds = u64::try_from((self.start.elapsed() + limit).as_millis()).unwrap_or(u64::MAX);
        self.milliseconds.store(milliseconds, Ordering::Relaxed);
    }

    /// Returns how long the next step may take, never zero.
    pub(super) fn left(&self) -> io::Result<Duration> {
        let end = Duration::from_millis(self.milliseconds.load(Ordering::Relaxed));
        match end.checked_sub(self.start.elapsed()) {
            Some(left) if !left.is_zero() => Ok(left),
            _ => Err(io::Error::new(io::ErrorKind::TimedOut, "it took too long")),
        }
    }
}
