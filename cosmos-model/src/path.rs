//! Paths below a root: the only kind of path a layer, a plan or a step can carry.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// A path below the root, without a leading slash: one or more components, none of them empty, `.` or `..`, no NUL.
///
/// Bytes, not text: classic repositories may carry any encoding (F5). Ordered by bytes. Copies share their bytes, since
/// a run has each path in its model, its snapshot, its plan and its managed set.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath(Arc<[u8]>);

/// Bytes that are not a path below a root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a path below the root")]
pub struct InvalidPath(pub String);

impl RelPath {
    /// Checks `bytes` and wraps them.
    ///
    /// # Errors
    /// Returns [`InvalidPath`] for an empty or absolute path, an empty, `.` or `..` component, or a NUL byte.
    pub fn new(bytes: &[u8]) -> Result<Self, InvalidPath> {
        if Self::is_sound(bytes) {
            Ok(Self(bytes.into()))
        } else {
            Err(InvalidPath(crate::escape::for_terminal(bytes)))
        }
    }

    /// Tells whether [`RelPath::new`] accepts `bytes`, without making a path of them.
    #[must_use]
    pub fn is_sound(bytes: &[u8]) -> bool {
        let mut components = bytes.split(|byte| *byte == b'/');
        components.all(|component| !matches!(component, b"" | b"." | b"..")) && !bytes.contains(&0)
    }

    /// Returns the path's bytes, components separated by `/`.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the components, outermost first.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/')
    }

    /// Returns the last component.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.split().1
    }

    /// Returns the path of the containing directory, or `None` directly below the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.split().0.map(|parent| Self(parent.into()))
    }

    /// Returns every directory above the path, outermost first.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> + '_ {
        let ends = self.0.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
        ends.map(|end| Self(self.0[..end].into()))
    }

    /// Returns the path of `name` inside this directory.
    ///
    /// # Errors
    /// Returns [`InvalidPath`] when `name` is not one sound component.
    pub fn join(&self, name: &[u8]) -> Result<Self, InvalidPath> {
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + name.len());
        bytes.extend_from_slice(&self.0);
        bytes.push(b'/');
        bytes.extend_from_slice(name);
        // The directory is sound already, so that only the name is looked at.
        let sound = !matches!(name, b"" | b"." | b"..") && !name.contains(&b'/') && !name.contains(&0);
        if sound { Ok(Self(bytes.into())) } else { Err(InvalidPath(crate::escape::for_terminal(&bytes))) }
    }

    /// Tells whether the path lies below `directory`.
    #[must_use]
    pub fn is_below(&self, directory: &Self) -> bool {
        self.0.strip_prefix(directory.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'/'))
    }

    fn split(&self) -> (Option<&[u8]>, &[u8]) {
        match self.0.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => (Some(&self.0[..slash]), &self.0[slash + 1..]),
            None => (None, &self.0),
        }
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::escape::for_terminal(&self.0))
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{self}'")
    }
}

impl core::str::FromStr for RelPath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text.as_bytes())
    }
}

impl serde::Serialize for RelPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for RelPath {
    /// Reads the escaped form of docs/formats.md §12.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let shown = alloc::borrow::Cow::<str>::deserialize(deserializer)?;
        let bytes =
            crate::escape::undo(&shown).ok_or_else(|| serde::de::Error::custom("a stray backslash in a path"))?;
        Self::new(&bytes).map_err(serde::de::Error::custom)
    }
}
