//! Durations and sizes as people write them: `90s`, `24h`, `64K` (docs/formats.md, rules for all formats).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Units of time, largest first so that printing picks the shortest form.
const TIMES: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
/// Units of size: powers of 1024, largest first.
const SIZES: [(char, u64); 3] = [('G', 1 << 30), ('M', 1 << 20), ('K', 1 << 10)];

/// A length of time in whole seconds, written as a number and one of `s m h d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(pub u64);

/// A number of bytes, written as a number and optionally one of `K M G`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

/// Text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a duration: a number and one of s, m, h, d, such as 90s")]
pub struct InvalidSeconds(String);

/// Text that is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a size: a number and optionally one of K, M, G, such as 64K")]
pub struct InvalidSize(String);

impl Seconds {
    /// Returns the same length as the standard library's type.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl From<Duration> for Seconds {
    /// Drops the part below a second, which the format cannot express.
    fn from(duration: Duration) -> Self {
        Self(duration.as_secs())
    }
}

/// Reads digits and a unit; `None` for anything else, overflow included.
fn number_with_unit(text: &str, units: &[(char, u64)], unit_required: bool) -> Option<u64> {
    let unit = units.iter().find_map(|(letter, factor)| Some((text.strip_suffix(*letter)?, *factor)));
    let (digits, factor) = match unit {
        Some(found) => found,
        None if unit_required => return None,
        None => (text, 1),
    };
    // `parse` alone would also take a leading plus sign.
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse::<u64>().ok()?.checked_mul(factor)).flatten()
}

/// Writes `number` in the largest unit that divides it.
fn write_with_unit(f: &mut fmt::Formatter<'_>, number: u64, units: &[(char, u64)], zero_unit: &str) -> fmt::Result {
    match units.iter().find(|(_, factor)| number != 0 && number.is_multiple_of(*factor)) {
        Some((letter, factor)) => write!(f, "{}{letter}", number / factor),
        None => write!(f, "{number}{}", if number == 0 { zero_unit } else { "" }),
    }
}

impl FromStr for Seconds {
    type Err = InvalidSeconds;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || InvalidSeconds(cosmos_model::escape::for_terminal(text.as_bytes()));
        number_with_unit(text, &TIMES, true).map(Self).ok_or_else(shown)
    }
}

impl FromStr for Size {
    type Err = InvalidSize;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || InvalidSize(cosmos_model::escape::for_terminal(text.as_bytes()));
        number_with_unit(text, &SIZES, false).map(Self).ok_or_else(shown)
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_with_unit(f, self.0, &TIMES, "s")
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_with_unit(f, self.0, &SIZES, "")
    }
}

impl<'de> serde::Deserialize<'de> for Seconds {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl<'de> serde::Deserialize<'de> for Size {
    /// Reads text or a plain integer of bytes.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged, expecting = "expected a size such as \"64K\"")]
        enum Written {
            Bytes(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Bytes(bytes) => Ok(Self(bytes)),
            Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}
