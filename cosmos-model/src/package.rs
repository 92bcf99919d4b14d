//! Packages of the host's distribution: which a model wants, which are missing, and which layers wait for them.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use crate::staged::{LayerIndex, StagedModel};

/// The longest name, in bytes; Debian's longest has 75.
const LONGEST: usize = 128;

/// A package's name in Debian's grammar: at least two of `a-z 0-9 + - .`, the first a letter or digit, the last no minus.
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

/// The packages that a model wants, each with the layers that need it.
pub type Wanted = BTreeMap<PackageName, BTreeSet<LayerIndex>>;

/// A package that a model wants, and which the host lacks or lacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Its name.
    pub name: PackageName,
    /// The names of the layers that need it, first wins.
    pub layers: Vec<String>,
}

/// Layers whose paths stay as they are, and what each waits for, as the end of a sentence.
pub type Waiting = BTreeMap<LayerIndex, String>;

impl StagedModel {
    /// Returns the wanted packages that are not `installed`.
    #[must_use]
    pub fn missing(&self, installed: &BTreeSet<PackageName>) -> Vec<Missing> {
        let missing = self.packages().iter().filter(|(name, _)| !installed.contains(*name));
        let layer = |index: &LayerIndex| {
            self.layers().get(usize::from(index.0)).map_or_else(String::new, |name| name.to_string())
        };
        let described =
            missing.map(|(name, layers)| Missing { name: name.clone(), layers: layers.iter().map(layer).collect() });
        described.collect()
    }

    /// Returns the layers that need any of the packages `absent`.
    #[must_use]
    pub fn waiting_for<'a>(&self, absent: impl Iterator<Item = &'a PackageName>) -> Waiting {
        let mut names: BTreeMap<LayerIndex, Vec<String>> = BTreeMap::new();
        for name in absent {
            for layer in self.packages().get(name).into_iter().flatten() {
                names.entry(*layer).or_default().push(format!("'{name}'"));
            }
        }
        let word = |names: &[String]| if names.len() == 1 { "package" } else { "packages" };
        names.into_iter().map(|(layer, names)| (layer, format!("{} {}", word(&names), names.join(", ")))).collect()
    }
}
