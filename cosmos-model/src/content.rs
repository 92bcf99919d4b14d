//! What a file contains, by hash: the identity that plans, drift and the log compare.

use alloc::string::String;
use core::fmt;

/// The SHA-256 of a file's bytes, or of a symlink's target.
///
/// Not git's SHA-1: a local user may choose a foreign file's bytes, and hashing 10,000 files has a time budget.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// Wraps a digest computed elsewhere.
    #[must_use]
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Hashes `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// Returns the digest.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for ContentHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ContentHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = alloc::borrow::Cow::<str>::deserialize(deserializer)?;
        let invalid = || serde::de::Error::custom("not a SHA-256 of 64 hexadecimal digits");
        let mut digest = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(invalid());
        }
        for (index, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| invalid())?;
        }
        Ok(Self(digest))
    }
}

/// Where the bytes of a staged file are found when they are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// The bytes' hash, which decides whether the host already has them.
    pub hash: ContentHash,
    /// The number of bytes.
    pub size: u64,
    /// Whether the bytes come from the verified repository, a template of it, or a task that changed the model (C5).
    pub source: ContentSource,
}

impl Content {
    /// Tells whether the bytes are for the host alone: never shown, kept or compared in the open.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        matches!(self.source, ContentSource::Secret(_) | ContentSource::Filled)
    }
}

/// The places bytes may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentSource {
    /// A blob of the verified revision.
    Blob(crate::object_id::ObjectId),
    /// What is encrypted in a blob of the verified revision; hash and size are those of what it holds.
    Secret(crate::object_id::ObjectId),
    /// A template; the model has the bytes ([`crate::staged::StagedModel::rendered`]).
    Rendered,
    /// A template in which secrets are printed; the model has its pieces ([`crate::staged::StagedModel::sealed`]).
    Filled,
    /// The classic model folder, changed by one of our own tasks; the path is the entry's own (C5).
    Model,
}

/// Hex text of `bytes`, for messages.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| alloc::format!("{byte:02x}")).collect()
}
