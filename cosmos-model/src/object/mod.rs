//! Git objects as bytes: parsed strictly, and hashed again by whoever reads them.

use alloc::string::String;
use alloc::vec::Vec;

use sha1_checked::Digest as _;

use crate::object_id::ObjectId;

pub mod commit;
pub mod message;
pub mod tag;
pub mod tree;

/// The four kinds of git object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// A commit.
    Commit,
    /// A tree.
    Tree,
    /// A blob.
    Blob,
    /// An annotated tag.
    Tag,
}

impl ObjectKind {
    /// Returns git's word for the kind, which is part of what is hashed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }
}

/// An object as a source hands it over; nothing about it is checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawObject {
    /// The kind the source claims.
    pub kind: ObjectKind,
    /// The object's content, without git's header.
    pub bytes: Vec<u8>,
}

/// Where objects are read from. A source may lie or lose things: every reader goes through [`read`], which hashes
/// again.
pub trait ObjectSource {
    /// Returns the object named `id`, or `None` when the source does not have it.
    ///
    /// # Errors
    /// Returns the source's own words when it cannot answer.
    fn object(&self, id: ObjectId) -> Result<Option<RawObject>, String>;
}

/// Why an object could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// The source does not have it.
    #[error("{} {id} is missing from the object store", kind.as_str())]
    Missing {
        /// The object asked for.
        id: ObjectId,
        /// The kind expected.
        kind: ObjectKind,
    },
    /// The source failed.
    #[error("cannot read {} {id}: {reason}", kind.as_str())]
    Unreadable {
        /// The object asked for.
        id: ObjectId,
        /// The kind expected.
        kind: ObjectKind,
        /// The source's words.
        reason: String,
    },
    /// The bytes are those of another object, or another kind.
    #[error("object {id} is not the {} its name promises", kind.as_str())]
    Mismatch {
        /// The object asked for.
        id: ObjectId,
        /// The kind expected.
        kind: ObjectKind,
    },
    /// The bytes carry the marks of a SHA-1 collision attack (A12).
    #[error("object {id} was made for a SHA-1 collision")]
    Collision {
        /// The object asked for.
        id: ObjectId,
    },
}

/// Reads the object `id`, hashes it again with collision detection, and returns its bytes.
///
/// # Errors
/// Returns [`ObjectError`] when it is missing, unreadable, of another kind, or not what its name says.
pub fn read(source: &dyn ObjectSource, id: ObjectId, kind: ObjectKind) -> Result<Vec<u8>, ObjectError> {
    let object = source
        .object(id)
        .map_err(|reason| ObjectError::Unreadable { id, kind, reason })?
        .ok_or(ObjectError::Missing { id, kind })?;
    match hash(object.kind, &object.bytes) {
        None => Err(ObjectError::Collision { id }),
        Some(found) if found == id && object.kind == kind => Ok(object.bytes),
        Some(_) => Err(ObjectError::Mismatch { id, kind }),
    }
}

/// Returns the name of an object, or `None` when its bytes carry the marks of a collision attack.
#[must_use]
pub fn hash(kind: ObjectKind, bytes: &[u8]) -> Option<ObjectId> {
    let mut hasher = sha1_checked::Sha1::new();
    hasher.update(alloc::format!("{} {}\0", kind.as_str(), bytes.len()).as_bytes());
    hasher.update(bytes);
    let result = hasher.try_finalize();
    let digest: [u8; 20] = (*result.hash()).into();
    (!result.has_collision()).then(|| ObjectId::new(digest))
}
