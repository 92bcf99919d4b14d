//! Points in time, always handed in: the model has no clock (T16).

use core::fmt;

/// Whole seconds since 1970-01-01T00:00:00Z. Written as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// Text that is neither an RFC 3339 time nor a date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a time such as 2026-01-10T03:15:00Z or a date such as 2026-01-10")]
pub struct InvalidTime(pub alloc::string::String);

impl Time {
    /// Wraps seconds since the epoch.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Returns seconds since the epoch.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// Returns the time `seconds` later, saturating.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Returns how many seconds `self` is after `earlier`; negative when before.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(timestamp) => fmt::Display::fmt(&timestamp, f),
            Err(_) => write!(f, "{}s since 1970", self.0),
        }
    }
}

impl core::str::FromStr for Time {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |_| InvalidTime(crate::escape::for_terminal(text.as_bytes()));
        if text.len() == "2026-01-10".len() {
            let midnight = text.parse::<jiff::civil::Date>().map_err(invalid)?.to_zoned(jiff::tz::TimeZone::UTC);
            return midnight.map(|zoned| Self(zoned.timestamp().as_second())).map_err(invalid);
        }
        text.parse::<jiff::Timestamp>().map(|timestamp| Self(timestamp.as_second())).map_err(invalid)
    }
}

impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = alloc::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
