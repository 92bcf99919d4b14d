//! Encrypted messages as far as they can be judged without a key: who can read them, and what is wrong with them.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use openpgp::parse::{PacketParserBuilder, PacketParserResult, Parse as _};
use openpgp::{KeyHandle, Packet};
use sequoia_openpgp as openpgp;

pub use openpgp::crypto::mem::Protected as Plaintext;

/// The largest secret, in bytes.
pub const LARGEST: usize = 1 << 20;

/// The largest encrypted secret, armor included, in bytes.
pub const LARGEST_MESSAGE: usize = 4 << 20;

/// The most recipients of one secret.
pub const MOST_RECIPIENTS: usize = 10_000;

/// Opens what is encrypted to one host. The key stays with whoever holds it.
pub trait Keyholder: fmt::Debug {
    /// Returns what `message` holds; its memory is wiped when it is dropped.
    ///
    /// # Errors
    /// Returns why the holder cannot read it.
    fn open(&self, message: &[u8]) -> Result<Plaintext, SecretError>;
}

/// Why a secret cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The bytes are something else.
    #[error("this is no message encrypted by OpenPGP")]
    NotEncrypted,
    /// More bytes or recipients than are looked at.
    #[error(
        "this encrypted message is too large: {LARGEST_MESSAGE} bytes and {MOST_RECIPIENTS} recipients are the most"
    )]
    MessageTooLarge,
    /// It holds more than a secret may.
    #[error("what is encrypted here is more than {LARGEST} bytes")]
    TooLarge,
    /// It is compressed in a way, or so often, that it is not unpacked.
    #[error("what is encrypted here is compressed {0}")]
    Compressed(&'static str),
    /// The message is cut off or was changed.
    #[error("this encrypted message is cut off or damaged: {0}")]
    Damaged(String),
    /// Nobody with the host's key can read it.
    #[error("this is not encrypted to the key of this host")]
    NotForThisHost,
    /// There is no key.
    #[error("this host has no key to read it with")]
    NoKey,
    /// There is a key that is not to be relied on.
    #[error("the key of this host cannot be used: {0}")]
    BadKey(String),
}

impl SecretError {
    /// Returns what to try.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NotEncrypted => "encrypt it: cosmos secret edit PATH",
            Self::MessageTooLarge | Self::TooLarge => {
                "put what is large into overlay/, encrypted by a key that is the secret"
            }
            Self::Compressed(_) | Self::Damaged(_) => "encrypt it anew: cosmos secret edit PATH",
            Self::NotForThisHost => {
                "'cosmos host list' shows whether the repository has this host's key; then 'cosmos secret rekey', and release"
            }
            Self::NoKey => "'cosmos run' makes one; enrol it: cosmos host add",
            Self::BadKey(_) => "see 'cosmos host key' on the host",
        }
    }
}

/// A part of a file in which secrets are printed; a secret is named by its path, or by the blob that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<S> {
    /// Text that is no secret.
    Text(String),
    /// What this secret holds.
    Secret(S),
}

/// Puts a file together whose secrets `open` opens.
///
/// # Errors
/// Returns what `open` does.
pub fn fill<S, E>(pieces: &[Piece<S>], open: &mut dyn FnMut(&S) -> Result<Plaintext, E>) -> Result<Plaintext, E> {
    let mut opened = Vec::new();
    for piece in pieces {
        if let Piece::Secret(secret) = piece {
            opened.push(open(secret)?);
        }
    }
    let size = |piece: &Piece<S>| if let Piece::Text(text) = piece { text.len() } else { 0 };
    let size: usize = pieces.iter().map(size).sum::<usize>() + opened.iter().map(|text| text.len()).sum::<usize>();
    // All room at once: what moves leaves its old place behind unwiped.
    let (mut file, mut opened) = (Vec::with_capacity(size), opened.iter());
    for piece in pieces {
        match piece {
            Piece::Text(text) => file.extend_from_slice(text.as_bytes()),
            Piece::Secret(_) => opened.next().into_iter().for_each(|text| file.extend_from_slice(text)),
        }
    }
    Ok(file.into())
}

/// Who can read a message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recipients {
    /// The keys it is encrypted to, as it names them.
    pub keys: Vec<KeyHandle>,
    /// How many more it does not name, and passwords.
    pub unnamed: usize,
}

/// Lists the recipients of an encrypted message; nothing is decrypted, and what is encrypted is not read.
///
/// # Errors
/// Returns [`SecretError`] for anything but one encrypted message within the limits.
pub fn recipients(message: &[u8]) -> Result<Recipients, SecretError> {
    if message.len() > LARGEST_MESSAGE {
        return Err(SecretError::MessageTooLarge);
    }
    let not_encrypted = |_| SecretError::NotEncrypted;
    let mut recipients = Recipients::default();
    let mut next =
        PacketParserBuilder::from_bytes(message).and_then(|builder| builder.build()).map_err(not_encrypted)?;
    while let PacketParserResult::Some(packet) = next {
        match &packet.packet {
            Packet::PKESK(one) => match one.recipient() {
                Some(key) => recipients.keys.push(key),
                None => recipients.unnamed += 1,
            },
            Packet::SKESK(_) => recipients.unnamed += 1,
            Packet::Marker(_) | Packet::Padding(_) => {}
            Packet::SEIP(_) => return Ok(recipients),
            _ => return Err(SecretError::NotEncrypted),
        }
        if recipients.keys.len() + recipients.unnamed > MOST_RECIPIENTS {
            return Err(SecretError::MessageTooLarge);
        }
        next = packet.next().map_err(damaged)?.1;
    }
    Err(SecretError::NotEncrypted)
}

/// Returns the library's complaint as ours, safe to show.
#[must_use]
pub fn damaged(error: openpgp::anyhow::Error) -> SecretError {
    SecretError::Damaged(crate::escape::sentence(&error.to_string()))
}
