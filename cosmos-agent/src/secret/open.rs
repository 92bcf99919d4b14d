//! Decrypting one message with one key, within limits.
//!
//! The library's own reader unpacks as deep and as much as a message asks for; here each layer is opened by hand.

use std::io::Read;

use cosmos_model::secret::{LARGEST, LARGEST_MESSAGE, MOST_RECIPIENTS, Plaintext, SecretError, damaged};
use flate2::read::{DeflateDecoder, ZlibDecoder};
use openpgp::packet::{Key, PKESK, SEIP, key};
use openpgp::parse::buffered_reader::BufferedReader as _;
use openpgp::parse::{PacketParser, PacketParserBuilder, PacketParserResult, Parse as _};
use openpgp::types::CompressionAlgorithm;
use openpgp::{Cert, Packet};
use sequoia_openpgp as openpgp;

/// Recipients that are not named are tried with our key, so many of them.
const UNNAMED: usize = 16;

/// What an old container ends in: a checksum of 20 bytes, and two before it.
const CODE: usize = 22;

type Secret = Key<key::SecretParts, key::UnspecifiedRole>;

/// Returns what `message` holds.
///
/// # Errors
/// Returns why `key` does not open it, or what is wrong with it.
pub fn open(key: &Cert, message: &[u8]) -> Result<Plaintext, SecretError> {
    if message.len() > LARGEST_MESSAGE {
        return Err(SecretError::MessageTooLarge);
    }
    let keys: Vec<Secret> =
        key.keys().unencrypted_secret().map(|key| key.key().clone().role_into_unspecified()).collect();
    let mut recipients = Vec::new();
    let mut next = packets(message).map_err(|_| SecretError::NotEncrypted)?;
    while let PacketParserResult::Some(mut parser) = next {
        match &parser.packet {
            Packet::PKESK(one) if recipients.len() < MOST_RECIPIENTS => recipients.push(one.clone()),
            Packet::PKESK(_) => return Err(SecretError::MessageTooLarge),
            Packet::SKESK(_) | Packet::Marker(_) | Packet::Padding(_) => {}
            Packet::SEIP(container) => {
                let has_code = matches!(container, SEIP::V1(_));
                unlock(&mut parser, &keys, &recipients)?;
                return content(parser, has_code);
            }
            _ => return Err(SecretError::NotEncrypted),
        }
        next = parser.next().map_err(damaged)?.1;
    }
    Err(SecretError::NotEncrypted)
}

fn packets(bytes: &[u8]) -> openpgp::Result<PacketParserResult<'_>> {
    PacketParserBuilder::from_bytes(bytes)?.build()
}

/// Lets the container be read with the session key that one of our keys opens.
fn unlock(container: &mut PacketParser<'_>, keys: &[Secret], recipients: &[PKESK]) -> Result<(), SecretError> {
    let named = |one: &&PKESK, key: &Secret| one.recipient().is_some_and(|name| name.aliases(key.key_handle()));
    let unnamed = || recipients.iter().filter(|one| one.recipient().is_none()).take(UNNAMED);
    for key in keys {
        let meant = recipients.iter().filter(|one| named(one, key)).take(UNNAMED);
        let mut pair = key.clone().into_keypair().map_err(|error| SecretError::BadKey(error.to_string()))?;
        for one in meant.chain(unnamed()) {
            let Some((algorithm, session)) = one.decrypt(&mut pair, None) else { continue };
            let block = algorithm.and_then(|algorithm| algorithm.block_size().ok()).unwrap_or_default();
            // The library takes for granted that as much is there as each container has at least.
            container.data_hard(block + 2 + CODE).map_err(|error| damaged(error.into()))?;
            if container.decrypt(algorithm, &session).is_ok() {
                return Ok(());
            }
        }
    }
    let ours = |one: &PKESK| keys.iter().any(|key| named(&one, key));
    if recipients.iter().any(ours) {
        return Err(SecretError::Damaged("the key of this host does not open it".to_owned()));
    }
    Err(SecretError::NotForThisHost)
}

/// Reads the container to its end, and what shows that nobody changed it.
fn content(container: PacketParser<'_>, has_code: bool) -> Result<Plaintext, SecretError> {
    let (mut found, mut sound) = (None, !has_code);
    let mut next = container.recurse().map_err(damaged)?.1;
    while let PacketParserResult::Some(mut parser) = next {
        if parser.recursion_depth() == 0 {
            return Err(SecretError::Damaged("something follows it".to_owned()));
        }
        match fits(&parser.packet) {
            Some(fits) => sound |= fits,
            None => text(&mut parser, true)?.map_or(Ok(()), |text| once(&mut found, text))?,
        }
        next = parser.next().map_err(damaged)?.1;
    }
    match found {
        Some(found) if found.len() > LARGEST => Err(SecretError::TooLarge),
        Some(found) if sound => Ok(found),
        Some(_) => Err(SecretError::Damaged("its checksum does not fit".to_owned())),
        None => Err(SecretError::Damaged("it holds nothing".to_owned())),
    }
}

/// Tells whether a packet with a checksum says of the container that it was not changed; `None` of another packet.
#[expect(deprecated, reason = "to be no packet of its own in the library some day; until then it is checked here")]
fn fits(packet: &Packet) -> Option<bool> {
    match packet {
        Packet::MDC(code) => Some(code.computed_digest() == code.digest()),
        _ => None,
    }
}

fn once(found: &mut Option<Plaintext>, text: Plaintext) -> Result<(), SecretError> {
    match found.replace(text) {
        None => Ok(()),
        Some(_) => Err(SecretError::Damaged("it holds more than one text".to_owned())),
    }
}

/// Returns the text of one packet, unpacked where that `may` be; none of what only goes along with it.
fn text(parser: &mut PacketParser<'_>, may: bool) -> Result<Option<Plaintext>, SecretError> {
    match &parser.packet {
        Packet::Literal(_) => read(parser).map(Some),
        Packet::CompressedData(packed) if may => {
            let algorithm = packed.algo();
            let body = read(parser)?;
            match algorithm {
                CompressionAlgorithm::Zip => unpacked(&read(&mut DeflateDecoder::new(&*body))?),
                CompressionAlgorithm::Zlib => unpacked(&read(&mut ZlibDecoder::new(&*body))?),
                CompressionAlgorithm::Uncompressed => unpacked(&body),
                _ => Err(SecretError::Compressed("in a way that is not read here")),
            }
            .map(Some)
        }
        Packet::CompressedData(_) => Err(SecretError::Compressed("twice")),
        // Who wrote it is said by the signature of the commit.
        Packet::OnePassSig(_) | Packet::Signature(_) | Packet::Marker(_) | Packet::Padding(_) => Ok(None),
        _ => Err(SecretError::Damaged("it holds something else than a text".to_owned())),
    }
}

/// Returns the only text among packets that were compressed.
fn unpacked(bytes: &[u8]) -> Result<Plaintext, SecretError> {
    let mut found = None;
    let mut next = packets(bytes).map_err(damaged)?;
    while let PacketParserResult::Some(mut parser) = next {
        if let Some(text) = text(&mut parser, false)? {
            once(&mut found, text)?;
        }
        next = parser.next().map_err(damaged)?.1;
    }
    found.ok_or_else(|| SecretError::Damaged("it holds nothing".to_owned()))
}

/// What packets take around the largest secret, in bytes.
const AROUND: usize = 4 << 10;

/// Reads to the end, or to the limit. The room is made at once: what moves leaves its old place behind unwiped.
fn read(from: &mut dyn Read) -> Result<Plaintext, SecretError> {
    let most = LARGEST + AROUND;
    let mut bytes = Vec::with_capacity(most + 1);
    let read = from.take(most as u64 + 1).read_to_end(&mut bytes);
    let bytes = Plaintext::from(bytes);
    match read {
        Ok(count) if count <= most => Ok(bytes),
        Ok(_) => Err(SecretError::TooLarge),
        Err(error) => Err(SecretError::Damaged(cosmos_model::escape::sentence(&error.to_string()))),
    }
}

#[cfg(test)]
mod tests {
    use openpgp::Profile;
    use openpgp::cert::CertBuilder;
    use openpgp::types::Features;

    use super::*;
    use crate::secret::seal;

    fn key(features: Features) -> Cert {
        let builder = CertBuilder::new().add_userid("ns1.example.org").add_storage_encryption_subkey();
        builder.set_features(features).unwrap().generate().unwrap().0
    }

    /// Returns the message without its armor.
    fn binary(armored: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        openpgp::armor::Reader::from_bytes(armored.as_bytes(), None).read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn each_byte_that_is_changed_or_missing_is_noticed() {
        for features in [Features::empty().set_seipdv1(), Features::empty().set_seipdv1().set_seipdv2()] {
            let key = key(features);
            let good = binary(&seal(b"marker", std::slice::from_ref(&key)).unwrap());
            assert_eq!(&*open(&key, &good).unwrap(), b"marker");
            for end in 0..good.len() {
                open(&key, &good[..end]).unwrap_err();
            }
            for at in 0..good.len() {
                let mut bad = good.clone();
                bad[at] ^= 0x20;
                // Who it is for may be said otherwise; what it holds may not.
                if let Ok(text) = open(&key, &bad) {
                    assert_eq!(&*text, b"marker", "byte {at}");
                }
            }
            open(&key, &[good.as_slice(), &good].concat()).unwrap_err();
        }
    }

    #[test]
    fn others_cannot_read_it_and_everybody_meant_can() {
        let [ada, bob, eve] = [(); 3].map(|()| key(Features::empty().set_seipdv1()));
        let sealed = seal(b"marker", &[ada.clone(), bob.clone()]).unwrap();
        for key in [&ada, &bob] {
            assert_eq!(&*open(key, sealed.as_bytes()).unwrap(), b"marker");
        }
        assert_eq!(open(&eve, sealed.as_bytes()), Err(SecretError::NotForThisHost));
        let named = cosmos_model::secret::recipients(sealed.as_bytes()).unwrap();
        assert_eq!((named.keys.len(), named.unnamed), (2, 0));
        let profile =
            CertBuilder::new().set_profile(Profile::RFC4880).unwrap().add_userid("signs").generate().unwrap().0;
        seal(b"marker", &[profile]).unwrap_err();
    }
}
