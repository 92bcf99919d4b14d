//! Annotated tags, parsed strictly (T8).

use super::ObjectKind;
use super::message::{self, GrammarError};
use crate::object_id::ObjectId;

/// An annotated tag, borrowing from its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag<'a> {
    /// The object tagged.
    pub target: ObjectId,
    /// The kind the tag says its target has.
    pub kind: ObjectKind,
    /// The name inside, which is signed, unlike the ref's (T7).
    pub name: &'a [u8],
    /// The message, without the signature.
    pub message: &'a [u8],
    /// What is signed: everything before the signature block.
    pub payload: &'a [u8],
    /// The signature block, armored.
    pub signature: Option<&'a [u8]>,
}

impl<'a> Tag<'a> {
    /// Parses the content of a tag object: `object`, `type`, `tag`, `tagger`, a blank line, the message, one signature.
    ///
    /// # Errors
    /// Returns [`GrammarError`] where the text is anything else.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, GrammarError> {
        message::check_text(ObjectKind::Tag, bytes)?;
        let (line, rest) = message::cut_line(bytes)?;
        let target = ObjectId::from_hex(message::value(line, "object")?)
            .map_err(|source| GrammarError::Id { name: "object", source })?;
        let (line, rest) = message::cut_line(rest)?;
        let kind = kind(message::value(line, "type")?)?;
        let (line, rest) = message::cut_line(rest)?;
        let name = message::value(line, "tag")?;
        let (mut line, mut rest) = message::cut_line(rest)?;
        // Git wrote no tagger before 2005, and still accepts its absence.
        if message::value(line, "tagger").is_ok() {
            (line, rest) = message::cut_line(rest)?;
        }
        if !line.is_empty() {
            let name = line.split(|byte| *byte == b' ').next().unwrap_or_default();
            return Err(GrammarError::StrayHeader { name: crate::escape::for_terminal(name) });
        }
        let signed = message::split_signed(bytes)?;
        let payload = signed.map_or(bytes, |(payload, _)| payload);
        let start = bytes.len() - rest.len();
        // A block that begins inside the headers leaves no message.
        let message = payload.get(start..).ok_or(GrammarError::Truncated)?;
        Ok(Self { target, kind, name, message, payload, signature: signed.map(|(_, block)| block) })
    }
}

fn kind(word: &[u8]) -> Result<ObjectKind, GrammarError> {
    match word {
        b"commit" => Ok(ObjectKind::Commit),
        b"tree" => Ok(ObjectKind::Tree),
        b"blob" => Ok(ObjectKind::Blob),
        b"tag" => Ok(ObjectKind::Tag),
        _ => Err(GrammarError::Kind(crate::escape::for_terminal(word))),
    }
}
