//! The signed `cosmos:` line (T7, docs/formats.md §7).

use alloc::string::{String, ToString};

use crate::time::Time;

/// What a `cosmos:` line binds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statement {
    /// The fleet it is meant for.
    pub fleet: Option<String>,
    /// The branch it is meant for.
    pub branch: Option<String>,
    /// A number that only grows.
    pub counter: Option<u64>,
    /// Until when the revision is fresh (T14).
    pub valid_until: Option<Time>,
    /// How many paths a host may lose.
    pub removals: u64,
}

/// How a line that starts with `cosmos:` fails to be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// A version from the future.
    #[error("the 'cosmos:' line has version '{0}', and this agent knows 1")]
    Version(String),
    /// Something that is no `key=value`.
    #[error("'{0}' is not a key=value pair of the 'cosmos:' line")]
    Pair(String),
    /// A key nobody defined.
    #[error("the 'cosmos:' line has the unknown key '{0}'")]
    UnknownKey(String),
    /// A key given twice.
    #[error("the 'cosmos:' line has the key '{0}' twice")]
    Twice(String),
    /// A value of the wrong kind.
    #[error("the 'cosmos:' line has '{value}' for '{key}'")]
    Value {
        /// The key.
        key: &'static str,
        /// The value, escaped.
        value: String,
    },
}

impl Statement {
    /// Reads the first line of a message; `None` when it is no `cosmos:` line.
    ///
    /// # Errors
    /// Returns [`StatementError`] when the line starts with `cosmos:` and does not follow the grammar.
    pub fn parse(message: &[u8]) -> Result<Option<Self>, StatementError> {
        let line = message.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let Some(rest) = line.strip_prefix(b"cosmos:") else { return Ok(None) };
        let shown = crate::escape::for_terminal(rest);
        let printable = rest.iter().all(|byte| (b' '..=b'~').contains(byte));
        let text = core::str::from_utf8(rest).ok().filter(|_| printable).ok_or(StatementError::Pair(shown))?;
        let mut words = text.strip_prefix(' ').unwrap_or(text).split(' ');
        match words.next() {
            Some("1") if text.starts_with(' ') => {}
            version => return Err(StatementError::Version(version.unwrap_or_default().to_string())),
        }
        let mut statement = Self::default();
        let mut seen = alloc::collections::BTreeSet::new();
        for word in words {
            let pair = word.split_once('=').filter(|(key, value)| !key.is_empty() && !value.is_empty());
            let (key, value) = pair.ok_or_else(|| StatementError::Pair(word.to_string()))?;
            if !seen.insert(key) {
                return Err(StatementError::Twice(key.to_string()));
            }
            statement.set(key, value)?;
        }
        Ok(Some(statement))
    }

    /// Returns the line as it is signed, without a newline; nothing unsaid is in it.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = String::from("cosmos: 1");
        let mut say = |key: &str, value: Option<String>| {
            value.into_iter().for_each(|value| line.push_str(&alloc::format!(" {key}={value}")));
        };
        say("fleet", self.fleet.clone());
        say("branch", self.branch.clone());
        say("counter", self.counter.map(|counter| counter.to_string()));
        say("valid-until", self.valid_until.map(|end| end.to_string()));
        say("removals", (self.removals > 0).then(|| self.removals.to_string()));
        line
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), StatementError> {
        let invalid = |key| StatementError::Value { key, value: value.to_string() };
        // `+5` parses as a number, and two spellings of one number are one too many in signed text.
        let number = |key| match value.bytes().all(|byte| byte.is_ascii_digit()) {
            true => value.parse::<u64>().map_err(|_| invalid(key)),
            false => Err(invalid(key)),
        };
        match key {
            "fleet" => self.fleet = Some(value.to_string()),
            "branch" => self.branch = Some(value.to_string()),
            "counter" => self.counter = Some(number("counter")?),
            "removals" => self.removals = number("removals")?,
            "valid-until" => self.valid_until = Some(value.parse().map_err(|_| invalid("valid-until"))?),
            _ => return Err(StatementError::UnknownKey(key.to_string())),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_written_is_read_back_as_it_was() {
        let full = Statement {
            fleet: Some("example".into()),
            branch: Some("main".into()),
            counter: Some(17),
            valid_until: Some(Time::from_seconds(1_796_083_200)),
            removals: 4,
        };
        let expected = "cosmos: 1 fleet=example branch=main counter=17 valid-until=2026-12-01T00:00:00Z removals=4";
        assert_eq!(full.line(), expected);
        for statement in [full, Statement::default()] {
            assert_eq!(Statement::parse(statement.line().as_bytes()), Ok(Some(statement)));
        }
    }
}
