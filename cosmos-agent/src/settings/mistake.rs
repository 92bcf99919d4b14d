//! What is wrong with a settings file, where, and what to write instead.

use std::fmt;
use std::sync::Arc;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as shown to people.
    pub file: Arc<str>,
    /// The line, from 1; 0 where the mistake is that something is missing.
    pub line: usize,
    /// The key with its tables, `limits.refs`; empty for the document itself.
    pub key: String,
}

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Its place, for what may be found wrong later.
    pub place: Place,
}

/// One mistake in a settings file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it is.
    pub place: Place,
    /// What is wrong.
    pub what: String,
    /// What to do about it; may be empty when `what` says it already.
    pub hint: String,
}

/// Everything that is wrong with the settings, in the order found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistakes {
    /// Notes one more mistake.
    pub(super) fn add(&mut self, place: &Place, what: impl Into<String>, hint: impl Into<String>) {
        self.0.push(Mistake { place: place.clone(), what: what.into(), hint: hint.into() });
    }

    /// Returns `value` when there was no mistake.
    pub(super) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.place.file)?;
        if self.place.line > 0 {
            write!(f, " line {}", self.place.line)?;
        }
        if !self.place.key.is_empty() {
            write!(f, ", {}", self.place.key)?;
        }
        write!(f, ": {}", self.what)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, " ({})", self.hint) }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, mistake) in self.0.iter().enumerate() {
            let separator = if number == 0 { "" } else { "\n" };
            write!(f, "{separator}{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}
