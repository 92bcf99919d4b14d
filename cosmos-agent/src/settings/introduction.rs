//! An introduction as people type it: `COMMIT:FINGERPRINT` (T1).

use cosmos_model::object_id::ObjectId;

/// Text that is no introduction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no introduction: {what}")]
pub struct InvalidIntroduction {
    text: String,
    what: &'static str,
}

/// What an introduction looks like, for hints.
pub const INTRODUCTION_HINT: &str =
    "a commit's 40 digits, a colon, and its signer's whole fingerprint of 40 or 64 digits";

/// Reads a commit's id and a whole fingerprint, which may be written in groups; shorter ids can be made to order (A15).
///
/// # Errors
/// Returns [`InvalidIntroduction`] for anything else.
pub fn introduction_of(text: &str) -> Result<(ObjectId, String), InvalidIntroduction> {
    let wrong = |what| InvalidIntroduction { text: cosmos_model::escape::for_terminal(text.as_bytes()), what };
    let (commit, fingerprint) = text.split_once(':').ok_or_else(|| wrong("there is no colon in it"))?;
    let commit = commit.parse().map_err(|_| wrong("what is before the colon is no commit id"))?;
    let fingerprint: String = fingerprint.chars().filter(|character| !character.is_whitespace()).collect();
    let digits = fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !digits || !matches!(fingerprint.len(), 40 | 64) {
        return Err(wrong("what is after the colon is no whole fingerprint"));
    }
    Ok((commit, fingerprint.to_ascii_uppercase()))
}
