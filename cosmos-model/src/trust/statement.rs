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
