//! Keyboxes, gpg's `pubring.kbx`: read, never written.
//!
//! A keybox is a row of blobs. Numbers are big-endian. A blob starts with its length (u32), type (u8: 0 empty,
//! 1 header, 2 OpenPGP, 3 X.509) and version (u8); the header blob has `KBXf` at byte 8; an OpenPGP blob of version 1
//! has flags (u16) at byte 6, then offset and length (u32 each) of the certificate's packets within the blob.

/// Bytes before the first field that a blob of any type must have.
const BLOB_START: usize = 6;
/// The flag of certificates that gpg met in passing and does not count as part of the keyring.
const EPHEMERAL: u16 = 2;
/// The header's flag of a keybox that holds OpenPGP certificates; gpgsm writes boxes without it.
const FOR_OPENPGP: u16 = 2;

/// Bytes that are not a keybox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyboxError {
    /// The first blob is not a header.
    #[error("it does not start with a keybox header")]
    NoHeader,
    /// A blob's length reaches beyond the end or does not cover its own start.
    #[error("the blob at byte {offset} has an impossible length")]
    Length {
        /// Where the blob starts.
        offset: usize,
    },
    /// A certificate's place lies outside its blob.
    #[error("the blob at byte {offset} points outside itself")]
    Place {
        /// Where the blob starts.
        offset: usize,
    },
    /// A blob's version is not known.
    #[error("the blob at byte {offset} has version {version}, only 1 can be read")]
    Version {
        /// Where the blob starts.
        offset: usize,
        /// Its version.
        version: u8,
    },
}

/// Returns the packets of each OpenPGP certificate of a keybox.
///
/// # Errors
/// Returns [`KeyboxError`] at the first blob that is not sound; half a keyring is no introduction.
pub fn certificates(bytes: &[u8]) -> Result<Vec<&[u8]>, KeyboxError> {
    if !is_keybox(bytes) {
        return Err(KeyboxError::NoHeader);
    }
    let mut found = Vec::new();
    let mut offset = 0;
    while offset < bytes.len() {
        let blob = blob_at(bytes, offset)?;
        found.extend(certificate(blob, offset)?);
        offset += blob.len();
    }
    Ok(found)
}

/// Tells whether `bytes` start with a keybox header.
#[must_use]
pub fn is_keybox(bytes: &[u8]) -> bool {
    bytes.get(4) == Some(&1) && bytes.get(8..12) == Some(b"KBXf")
}

/// Tells whether a keybox is gpg's: gpgsm makes one of the same name, beside which gpg goes on using `pubring.gpg`.
#[must_use]
pub fn is_for_openpgp(bytes: &[u8]) -> bool {
    is_keybox(bytes) && number16(bytes, 6).is_some_and(|flags| flags & FOR_OPENPGP != 0)
}

fn blob_at(bytes: &[u8], offset: usize) -> Result<&[u8], KeyboxError> {
    let rest = &bytes[offset..];
    let length = number32(rest, 0).filter(|length| *length >= BLOB_START && *length <= rest.len());
    length.map(|length| &rest[..length]).ok_or(KeyboxError::Length { offset })
}

fn certificate(blob: &[u8], offset: usize) -> Result<Option<&[u8]>, KeyboxError> {
    if blob[4] != 2 {
        return Ok(None);
    }
    if blob[5] != 1 {
        return Err(KeyboxError::Version { offset, version: blob[5] });
    }
    let place = || {
        let (flags, start, length) = (number16(blob, 6)?, number32(blob, 8)?, number32(blob, 12)?);
        let packets = blob.get(start..start.checked_add(length)?)?;
        Some((flags & EPHEMERAL == 0).then_some(packets))
    };
    place().ok_or(KeyboxError::Place { offset })
}

fn number16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes)
}

fn number32(bytes: &[u8], at: usize) -> Option<usize> {
    bytes.get(at..at + 4)?.try_into().ok().map(|four| u32::from_be_bytes(four) as usize)
}
