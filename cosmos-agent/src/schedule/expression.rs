//! The grammar of schedules: minute, hour, day of month, month, day of week.

use std::fmt;
use std::str::FromStr;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// One field: which numbers it matches, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    bits: u64,
    /// Whether anything but `*` was written.
    pub(super) restricted: bool,
}

/// A checked schedule expression. It matches at least one day of some year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    pub(super) minutes: Field,
    pub(super) hours: Field,
    pub(super) days: Field,
    pub(super) months: Field,
    pub(super) weekdays: Field,
}

/// What is wrong with a schedule expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    /// Not five fields.
    #[error("'{0}' has {1} fields, a schedule has five: minute, hour, day of month, month, day of week")]
    Fields(String, usize),
    /// A field outside its grammar or range.
    #[error("'{text}' is no {field}: {low} to {high}, lists, ranges, '*' and '/step'")]
    Field {
        /// The field's text, escaped.
        text: String,
        /// The field's name.
        field: &'static str,
        /// Its least number.
        low: u32,
        /// Its greatest number.
        high: u32,
    },
    /// An unknown `@word`.
    #[error("'{0}' is unknown: there are @hourly, @daily and @weekly")]
    Word(String),
    /// Days that no year has, such as 30 February.
    #[error("'{0}' names a day that never comes")]
    Never(String),
}

/// A field's name, range and the words that stand for its numbers.
struct Grammar {
    name: &'static str,
    low: u32,
    high: u32,
    words: &'static [&'static str],
}

const MINUTE: Grammar = Grammar { name: "minute", low: 0, high: 59, words: &[] };
const HOUR: Grammar = Grammar { name: "hour", low: 0, high: 23, words: &[] };
const DAY: Grammar = Grammar { name: "day of month", low: 1, high: 31, words: &[] };
const MONTH: Grammar = Grammar { name: "month", low: 1, high: 12, words: &MONTHS };
/// 7 is Sunday too and becomes 0 once ranges are spread out, so that `5-7` means what it says.
const WEEKDAY: Grammar = Grammar { name: "day of week", low: 0, high: 7, words: &WEEKDAYS };

impl Grammar {
    fn field(&self, text: &str) -> Result<Field, InvalidSchedule> {
        let invalid = || InvalidSchedule::Field {
            text: cosmos_model::escape::for_terminal(text.as_bytes()),
            field: self.name,
            low: self.low,
            high: self.high,
        };
        let mut bits = 0;
        for part in text.split(',') {
            bits |= self.part(part).ok_or_else(invalid)?;
        }
        Ok(Field { bits, restricted: text != "*" })
    }

    /// Reads `*`, `a` or `a-b`, each with an optional `/step`.
    fn part(&self, text: &str) -> Option<u64> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(number(step).filter(|step| *step > 0)?)),
            None => (text, None),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (self.value(from)?, self.value(to)?),
            None if range == "*" => (self.low, self.high.min(if self.words.len() == 7 { 6 } else { u32::MAX })),
            // As in cron, `5/10` is `5-` the end `/10`.
            None if step.is_some() => (self.value(range)?, self.high),
            None => (self.value(range)?, self.value(range)?),
        };
        let step = usize::try_from(step.unwrap_or(1)).ok()?;
        (from <= to).then(|| (from..=to).step_by(step).fold(0, |bits, value| bits | 1 << value))
    }

    fn value(&self, text: &str) -> Option<u32> {
        let word = self.words.iter().position(|word| word.eq_ignore_ascii_case(text));
        let value = match word {
            Some(position) => u32::try_from(position).ok()? + self.low,
            None => number(text)?,
        };
        (self.low..=self.high).contains(&value).then_some(value)
    }
}

/// Reads digits only, at most two of them: no field has a greater number.
fn number(text: &str) -> Option<u32> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

impl Field {
    /// Tells whether the field matches `value`.
    pub(super) fn has(self, value: u32) -> bool {
        value < u64::BITS && self.bits & 1 << value != 0
    }

    /// Returns the numbers the field matches, in order.
    pub(super) fn values(self) -> impl Iterator<Item = u32> {
        (0..u64::BITS).filter(move |value| self.has(*value))
    }
}

impl Schedule {
    /// Returns the expression as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether some year has a matching day; only day of month and month can exclude each other.
    fn ever_matches(&self) -> bool {
        let longest = |month| match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        self.weekdays.restricted
            || self.months.values().any(|month| self.days.values().any(|day| day <= longest(month)))
    }
}

impl FromStr for Schedule {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || cosmos_model::escape::for_terminal(text.as_bytes());
        let expression = match text.trim() {
            "@hourly" => "0 * * * *",
            "@daily" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            word if word.starts_with('@') => return Err(InvalidSchedule::Word(shown())),
            fields => fields,
        };
        let fields: Vec<&str> = expression.split_ascii_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else {
            return Err(InvalidSchedule::Fields(shown(), fields.len()));
        };
        let mut weekdays = WEEKDAY.field(weekdays)?;
        weekdays.bits = (weekdays.bits | weekdays.bits >> 7) & 0x7f;
        let schedule = Self {
            text: text.to_owned(),
            minutes: MINUTE.field(minutes)?,
            hours: HOUR.field(hours)?,
            days: DAY.field(days)?,
            months: MONTH.field(months)?,
            weekdays,
        };
        if schedule.ever_matches() { Ok(schedule) } else { Err(InvalidSchedule::Never(shown())) }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<'de> serde::Deserialize<'de> for Schedule {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
