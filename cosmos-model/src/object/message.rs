//! Signed text inside commits and tags: one signature block, and nothing after it (T8).

use alloc::string::String;

use super::ObjectKind;
use crate::object_id::InvalidObjectId;

/// The largest commit or tag that is parsed: 1 MiB, five hundred times what operators write.
pub const MESSAGE_LIMIT: usize = 1 << 20;

/// The first line of the only kind of signature block that is accepted.
pub const BEGIN: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
/// The last line of a signature block.
pub const END: &[u8] = b"-----END PGP SIGNATURE-----";

/// First lines that git takes for the start of a signature: two of OpenPGP, one of OpenSSH, one of X.509.
const MARKS: [&[u8]; 4] =
    [BEGIN, b"-----BEGIN PGP MESSAGE-----", b"-----BEGIN SSH SIGNATURE-----", b"-----BEGIN SIGNED MESSAGE-----"];

/// How the text of a commit or tag breaks the grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrammarError {
    /// Larger than [`MESSAGE_LIMIT`].
    #[error("the {} has {size} bytes, more than {MESSAGE_LIMIT}", kind.as_str())]
    TooLarge {
        /// What was parsed.
        kind: ObjectKind,
        /// Its size in bytes.
        size: usize,
    },
    /// A header is missing, repeated, or not where it belongs.
    #[error("expected the header '{expected}', found '{found}'")]
    Header {
        /// What belongs there.
        expected: &'static str,
        /// The start of the line that is there, escaped.
        found: String,
    },
    /// A header that git writes once occurs again, or one that a tag never has.
    #[error("the header '{name}' does not belong here")]
    StrayHeader {
        /// The header's name, escaped.
        name: String,
    },
    /// A header's value is no object id.
    #[error("the header '{name}' holds no object id")]
    Id {
        /// The header's name.
        name: &'static str,
        /// What is there instead.
        source: InvalidObjectId,
    },
    /// The target's kind is a word git does not know.
    #[error("'{0}' is not a kind of object")]
    Kind(String),
    /// A NUL byte, after which other programs stop reading.
    #[error("the text holds a NUL byte")]
    Nul,
    /// A carriage return in a header, which other programs strip.
    #[error("a header holds a carriage return")]
    CarriageReturn,
    /// The text ends inside a header.
    #[error("the text ends before its message")]
    Truncated,
    /// There are two signature blocks.
    #[error("there is more than one signature block")]
    TwoBlocks,
    /// The block does not end, or something follows it.
    #[error("there is text after the signature block, or the block has no end")]
    AfterBlock,
    /// A block that is no detached signature.
    #[error("the signature block is not an OpenPGP signature")]
    ForeignBlock,
    /// A signature by OpenSSH, which the policy format cannot express.
    #[error("signed with an SSH key, and only OpenPGP signatures are accepted")]
    SshBlock,
    /// A signature by X.509 (CMS), which the policy format cannot express.
    #[error("signed with an X.509 certificate, and only OpenPGP signatures are accepted")]
    X509Block,
}

/// What is signed, and the signature block over it.
pub type Signed<'a> = (&'a [u8], &'a [u8]);

/// Splits a tag's text into what is signed and the signature block, which ends the text.
///
/// # Errors
/// Returns [`GrammarError`] for two blocks, a foreign one, or anything after the block; `None` is an unsigned text.
pub fn split_signed(text: &[u8]) -> Result<Option<Signed<'_>>, GrammarError> {
    let mut starts = line_starts(text).filter(|start| MARKS.iter().any(|mark| text[*start..].starts_with(mark)));
    let Some(start) = starts.next() else { return Ok(None) };
    if starts.next().is_some() {
        return Err(GrammarError::TwoBlocks);
    }
    let block = &text[start..];
    check_block(block)?;
    Ok(Some((&text[..start], block)))
}

/// Checks that `block` is one OpenPGP signature block from its first byte to its last.
///
/// # Errors
/// Returns [`GrammarError`] saying what else it is.
pub fn check_block(block: &[u8]) -> Result<(), GrammarError> {
    if block.starts_with(b"-----BEGIN SSH SIGNATURE-----") {
        return Err(GrammarError::SshBlock);
    }
    if block.starts_with(b"-----BEGIN SIGNED MESSAGE-----") {
        return Err(GrammarError::X509Block);
    }
    let lines = || block.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    if lines().next() != Some(BEGIN) {
        return Err(GrammarError::ForeignBlock);
    }
    if lines().filter(|line| line.starts_with(b"-----BEGIN ")).count() > 1 {
        return Err(GrammarError::TwoBlocks);
    }
    let after = lines().skip_while(|line| *line != END).skip(1);
    let ended = lines().any(|line| line == END);
    // Signatures made by hosting services carry an empty line at the end.
    if !ended || after.clone().any(|line| !line.is_empty()) || after.count() > 2 {
        return Err(GrammarError::AfterBlock);
    }
    Ok(())
}

fn line_starts(text: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let breaks = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    core::iter::once(0).chain(breaks)
}

/// Cuts the text's first line off; the line comes without its newline.
pub(super) fn cut_line(text: &[u8]) -> Result<(&[u8], &[u8]), GrammarError> {
    let end = text.iter().position(|byte| *byte == b'\n').ok_or(GrammarError::Truncated)?;
    let line = &text[..end];
    if line.contains(&b'\r') { Err(GrammarError::CarriageReturn) } else { Ok((line, &text[end + 1..])) }
}

/// Returns the value of the header `name`, which must be what `line` starts with.
pub(super) fn value<'a>(line: &'a [u8], name: &'static str) -> Result<&'a [u8], GrammarError> {
    line.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b" ")).ok_or_else(|| GrammarError::Header {
        expected: name,
        found: crate::escape::for_terminal(&line[..line.len().min(40)]),
    })
}

/// Refuses what no commit or tag of ours is: too large, or with a NUL byte.
pub(super) fn check_text(kind: ObjectKind, bytes: &[u8]) -> Result<(), GrammarError> {
    if bytes.len() > MESSAGE_LIMIT {
        return Err(GrammarError::TooLarge { kind, size: bytes.len() });
    }
    if bytes.contains(&0) { Err(GrammarError::Nul) } else { Ok(()) }
}
