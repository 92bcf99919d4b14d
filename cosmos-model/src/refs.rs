//! A remote's refs as listed, and which of them a host asks for (F2).

use alloc::string::String;
use alloc::vec::Vec;

use crate::object_id::ObjectId;

/// One ref of a remote's listing. Foreign text: nothing about it is trusted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RemoteRef {
    /// The full name, `refs/heads/main`; bytes, since a server may send any.
    pub name: Vec<u8>,
    /// The object the ref points at: a commit, or a tag object.
    pub id: ObjectId,
}

impl RemoteRef {
    /// Returns the tag's name without `refs/tags/`, or `None` when this is no tag or not UTF-8.
    #[must_use]
    pub fn tag_name(&self) -> Option<&str> {
        core::str::from_utf8(self.name.strip_prefix(b"refs/tags/")?).ok()
    }

    /// Returns the name as it may be shown.
    #[must_use]
    pub fn shown_name(&self) -> String {
        crate::escape::for_terminal(&self.name)
    }
}

/// Hashes a listing, in any order, to tell whether anything moved since the last look (docs/formats.md §9).
#[must_use]
pub fn digest(refs: &[RemoteRef]) -> crate::content::ContentHash {
    let mut sorted: Vec<&RemoteRef> = refs.iter().collect();
    sorted.sort_unstable();
    let mut listing = Vec::with_capacity(refs.len() * 64);
    for reference in sorted {
        listing.extend_from_slice(reference.id.as_bytes());
        listing.extend_from_slice(&reference.name);
        listing.push(b'\n');
    }
    crate::content::ContentHash::of(&listing)
}
