//! The name of a host: the folder its layer lives in.

use alloc::string::String;
use core::fmt;

/// A fully qualified host name in lower case: labels of letters, digits and inner hyphens, joined by dots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(String);

/// Text that is no host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a host name")]
pub struct InvalidHostName(pub String);

impl HostName {
    /// Checks `text` and lowers its case.
    ///
    /// # Errors
    /// Returns [`InvalidHostName`] when a label is empty, longer than 63, or has another character, or the whole is
    /// longer than 253.
    pub fn new(text: &str) -> Result<Self, InvalidHostName> {
        let label_is_sound = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if text.len() <= 253 && text.split('.').all(label_is_sound) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(InvalidHostName(crate::escape::for_terminal(text.as_bytes())))
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for HostName {
    type Error = InvalidHostName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<HostName> for String {
    fn from(name: HostName) -> Self {
        name.0
    }
}
