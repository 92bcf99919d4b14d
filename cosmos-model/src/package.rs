//! The name of a package of the host's distribution.

use alloc::string::{String, ToString as _};
use core::fmt;

/// The longest name, in bytes; Debian's longest has 75.
const LONGEST: usize = 128;

/// A package's name in Debian's grammar: at least two of `a-z 0-9 + - .`, the first a letter or digit, the last no
/// minus.
///
/// No version, architecture, release or option can be written in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackageName(String);

/// A text that names no package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a package's name has two or more of 'a-z', '0-9', '+', '-' and '.', and begins with a letter or digit")]
pub struct NoPackageName;

impl PackageName {
    /// Takes a name.
    ///
    /// # Errors
    /// Returns [`NoPackageName`] for what Debian does not call one.
    pub fn new(text: &str) -> Result<Self, NoPackageName> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let begins = text.bytes().next().is_some_and(plain);
        let all = text.bytes().all(|byte| plain(byte) || matches!(byte, b'+' | b'-' | b'.'));
        // apt takes a minus at the end for "remove".
        let sound = begins && all && !text.ends_with('-') && (2..=LONGEST).contains(&text.len());
        if sound { Ok(Self(text.to_string())) } else { Err(NoPackageName) }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PackageName {
    type Error = NoPackageName;

    fn try_from(text: String) -> Result<Self, NoPackageName> {
        Self::new(&text)
    }
}

impl From<PackageName> for String {
    fn from(name: PackageName) -> Self {
        name.0
    }
}
