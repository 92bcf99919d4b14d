//! DS and DNSKEY records, and the one made of the other (RFC 4034, RFC 4509).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// SHA-256, the only digest that is made here: SHA-1 is not offered.
pub const SHA_256: u8 = 2;

/// What the parent zone says of a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ds {
    /// The key's tag.
    pub tag: u16,
    /// The key's algorithm.
    pub algorithm: u8,
    /// How the digest was made.
    pub digest_type: u8,
    /// The digest, hexadecimal, in lower case.
    pub digest: String,
}

/// A key of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsKey {
    /// Its flags.
    pub flags: u16,
    algorithm: u8,
    key: Vec<u8>,
}

impl Ds {
    /// Reads what follows the type in a record.
    pub fn read(words: &[&str]) -> Option<Self> {
        let [tag, algorithm, digest_type, digest @ ..] = words else { return None };
        let digest = digest.concat().to_ascii_lowercase();
        let sound = !digest.is_empty() && digest.len() <= 128 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        sound.then_some(())?;
        let (tag, algorithm) = (tag.parse().ok()?, algorithm.parse().ok()?);
        Some(Self { tag, algorithm, digest_type: digest_type.parse().ok()?, digest })
    }
}

impl fmt::Display for Ds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.tag, self.algorithm, self.digest_type, self.digest)
    }
}

impl fmt::Display for DnsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} 3 {} {}", self.flags, self.algorithm, STANDARD.encode(&self.key))
    }
}

impl DnsKey {
    /// Reads what follows the type in a record.
    pub fn read(words: &[&str]) -> Option<Self> {
        let [flags, "3", algorithm, key @ ..] = words else { return None };
        let key = STANDARD.decode(key.concat()).ok().filter(|key| !key.is_empty())?;
        Some(Self { flags: flags.parse().ok()?, algorithm: algorithm.parse().ok()?, key })
    }

    /// Tells whether the parent vouches for such a key: it is a secure entry point, and not revoked.
    pub const fn is_entry_point(&self) -> bool {
        self.flags & 0x0181 == 0x0101
    }

    /// Returns what the parent of `zone` should say of it.
    pub fn ds(&self, zone: &str) -> Ds {
        let [high, low] = self.flags.to_be_bytes();
        let data = [&[high, low, 3, self.algorithm], self.key.as_slice()].concat();
        let mut hash = Sha256::new();
        for label in zone.split('.') {
            // A label has at most 63 bytes, which the list of zones sees to.
            hash.update([u8::try_from(label.len()).unwrap_or_default()]);
            hash.update(label.to_ascii_lowercase());
        }
        hash.update([0]);
        hash.update(&data);
        let digest = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ds { tag: tag(&data), algorithm: self.algorithm, digest_type: SHA_256, digest }
    }
}

/// Returns a key's tag (RFC 4034, appendix B).
fn tag(data: &[u8]) -> u16 {
    let place = |(at, byte): (usize, &u8)| u32::from(*byte) << (if at % 2 == 0 { 8 } else { 0 });
    let sum = data.iter().enumerate().map(place).fold(0_u32, u32::wrapping_add);
    u16::try_from((sum + (sum >> 16)) & 0xffff).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ds_of_a_key_is_that_of_rfc_6605() {
        let text = "257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==";
        let key = DnsKey::read(&text.split(' ').collect::<Vec<_>>()).unwrap();
        assert_eq!(key.to_string(), text);
        assert!(key.is_entry_point());
        let expected = "55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17";
        assert_eq!(key.ds("example.net").to_string(), expected);
    }

    #[test]
    fn digests_may_be_written_in_pieces_and_nothing_else_is_one() {
        let found = Ds::read(&["1", "13", "2", "ABCD", "ef"]).unwrap();
        assert_eq!(found.to_string(), "1 13 2 abcdef");
        for bad in [&["1", "13", "2"][..], &["1", "13", "2", "xy"], &["70000", "13", "2", "ab"], &["1", "13"]] {
            assert_eq!(Ds::read(bad), None, "{bad:?}");
        }
        assert_eq!(DnsKey::read(&["257", "3", "13", "!"]), None);
        assert_eq!(DnsKey::read(&["257", "4", "13", "AAAA"]), None);
    }
}
