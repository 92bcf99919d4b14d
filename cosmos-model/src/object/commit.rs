//! Commits, parsed strictly (T8).

use alloc::vec::Vec;
use core::ops::Range;

use super::ObjectKind;
use super::message::{self, GrammarError};
use crate::object_id::ObjectId;

/// A commit, borrowing from its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit<'a> {
    /// The tree.
    pub tree: ObjectId,
    /// The parents, first parent first.
    pub parents: Vec<ObjectId>,
    /// The committer's clock, in seconds since 1970; 0 when unreadable. A hint for the order of walks, never a proof.
    pub committed_at: i64,
    /// The message.
    pub message: &'a [u8],
    bytes: &'a [u8],
    signature: Option<Range<usize>>,
}

impl<'a> Commit<'a> {
    /// Parses the content of a commit object: `tree`, `parent`s, `author`, `committer`, further headers, the message.
    ///
    /// # Errors
    /// Returns [`GrammarError`] where the text is anything else, or carries more than one signature header.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, GrammarError> {
        message::check_text(ObjectKind::Commit, bytes)?;
        let id = |name, value| ObjectId::from_hex(value).map_err(|source| GrammarError::Id { name, source });
        let (line, rest) = message::cut_line(bytes)?;
        let tree = id("tree", message::value(line, "tree")?)?;
        let mut parents = Vec::new();
        let (mut line, mut rest) = message::cut_line(rest)?;
        while let Ok(parent) = message::value(line, "parent") {
            parents.push(id("parent", parent)?);
            (line, rest) = message::cut_line(rest)?;
        }
        message::value(line, "author")?;
        (line, rest) = message::cut_line(rest)?;
        let committed_at = seconds(message::value(line, "committer")?);
        let (signature, message) = further_headers(bytes, bytes.len() - rest.len())?;
        Ok(Self { tree, parents, committed_at, message, bytes, signature })
    }

    /// Returns the armored signature block, or `None` for an unsigned commit.
    ///
    /// # Errors
    /// Returns [`GrammarError`] when the header is not exactly one OpenPGP signature block.
    pub fn signature(&self) -> Result<Option<Vec<u8>>, GrammarError> {
        let Some(range) = self.signature.clone() else { return Ok(None) };
        let header = &self.bytes[range];
        let value = header.strip_prefix(b"gpgsig ").unwrap_or(header);
        let mut block = Vec::with_capacity(value.len());
        let mut after_newline = false;
        for byte in value {
            if !(after_newline && *byte == b' ') {
                block.push(*byte);
            }
            after_newline = *byte == b'\n';
        }
        message::check_block(&block)?;
        Ok(Some(block))
    }

    /// Returns what is signed: the commit without its signature header.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        let range = self.signature.clone().unwrap_or(0..0);
        [&self.bytes[..range.start], &self.bytes[range.end..]].concat()
    }
}

/// Reads the headers after `committer`; returns where the signature header lies, and the message.
fn further_headers(bytes: &[u8], mut at: usize) -> Result<(Option<Range<usize>>, &[u8]), GrammarError> {
    let mut signature: Option<Range<usize>> = None;
    let mut in_signature = false;
    loop {
        let (line, rest) = cut_header(&bytes[at..])?;
        let end = bytes.len() - rest.len();
        if line.is_empty() {
            return Ok((signature, rest));
        }
        let name = line.split(|byte| *byte == b' ').next().unwrap_or_default();
        match name {
            b"" if in_signature => signature = signature.map(|range| range.start..end),
            b"" => {}
            b"gpgsig" if signature.is_some() => return Err(GrammarError::TwoBlocks),
            b"gpgsig" => signature = Some(at..end),
            b"gpgsig-sha256" => return Err(GrammarError::TwoBlocks),
            b"tree" | b"parent" | b"author" | b"committer" => {
                return Err(GrammarError::StrayHeader { name: crate::escape::for_terminal(name) });
            }
            _ => {}
        }
        in_signature = name == b"gpgsig" || (in_signature && name.is_empty());
        at = end;
    }
}

/// Cuts one line off; unlike [`message::cut_line`] it allows the carriage returns of embedded tags and armor.
fn cut_header(text: &[u8]) -> Result<(&[u8], &[u8]), GrammarError> {
    let end = text.iter().position(|byte| *byte == b'\n').ok_or(GrammarError::Truncated)?;
    Ok((&text[..end], &text[end + 1..]))
}

/// Returns the seconds in `NAME <MAIL> SECONDS ZONE`.
fn seconds(person: &[u8]) -> i64 {
    let mut words = person.rsplit(|byte| *byte == b' ').skip(1);
    let word = words.next().and_then(|word| core::str::from_utf8(word).ok());
    word.and_then(|word| word.parse().ok()).unwrap_or(0)
}
