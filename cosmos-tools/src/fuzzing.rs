//! What a fuzzer wants: readers of what other programs print.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::zone::{key, knot};

pub use crate::zone::answer::{Record, Said, read as answer};
pub use crate::zone::list::{Zone, is_name, zone};
pub use crate::zone::look::{Served, ds, servers};
pub use crate::zone::record::Ds;

/// A key as `zone-status` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// `KSK`, `ZSK`, `CSK`, or what the enforcer says.
    pub kind: String,
    /// Where it is in its life.
    pub state: String,
    /// What it waits for.
    pub next: String,
    /// Its name, which programs are called with.
    pub id: String,
    /// Its tag.
    pub tag: u16,
}

impl From<key::Key> for Key {
    fn from(key: key::Key) -> Self {
        let key::Key { kind, state, next, id, tag, .. } = key;
        Self { kind, state, next, id, tag }
    }
}

/// How long a key is used.
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// Reads a line of Knot's `keymgr` at a time.
#[must_use]
pub fn key_of_knot(line: &str, now: i64) -> Option<Key> {
    knot::key("example.org", line, now, Some(YEAR)).map(Key::from)
}

/// Reads a line of OpenDNSSEC's enforcer, of its list of keys.
#[must_use]
pub fn key_of_enforcer(line: &str) -> Option<Key> {
    key::key(line).map(Key::from)
}

/// Reads a line of OpenDNSSEC's enforcer, of its list of changes, in UTC.
#[must_use]
pub fn change_of_enforcer(line: &str) -> Option<(String, Timestamp)> {
    key::change(line, &TimeZone::UTC)
}
