//! When a host runs by itself: five-field cron expressions in local time, and each host's stable delay
//! (docs/formats.md §8, §15).

mod expression;
mod next;

use std::time::Duration;

use sha2::{Digest, Sha256};

pub use expression::{InvalidSchedule, Schedule};

/// Returns how long this host waits after each point of its schedule, so that a fleet does not come all at once.
///
/// The delay depends on the machine only: operators can tell when a host will come, and it comes evenly spaced.
#[must_use]
pub fn stable_delay(machine_id: &str, splay: Duration) -> Duration {
    let digest = Sha256::new().chain_update(machine_id.trim().as_bytes()).chain_update(b"cosmos splay").finalize();
    let number = u64::from_be_bytes(digest[..8].try_into().expect("a SHA-256 has 32 bytes"));
    Duration::from_secs(number.checked_rem(splay.as_secs()).unwrap_or(0))
}
