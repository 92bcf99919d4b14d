//! The frames between the agent and its child (docs/formats.md §16).

use std::io::{self, Read, Write};

use cosmos_model::object::ObjectKind;
use cosmos_model::object_id::ObjectId;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// The layers of the sandbox the child is in.
    Sandbox,
    /// To the child: wants and haves.
    Want,
    /// One ref.
    Ref,
    /// The end of a remote's refs.
    EndOfRefs,
    /// The number of objects of a fetch.
    Number,
    /// One object.
    Object,
    /// Bytes so far.
    Progress,
    /// The fetch is complete.
    Done,
    /// What was asked failed.
    Failure,
}

const TYPES: [(Type, u8); 9] = [
    (Type::Sandbox, b'S'),
    (Type::Want, b'W'),
    (Type::Ref, b'R'),
    (Type::EndOfRefs, b'E'),
    (Type::Number, b'N'),
    (Type::Object, b'O'),
    (Type::Progress, b'P'),
    (Type::Done, b'D'),
    (Type::Failure, b'X'),
];

/// What stands before a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Type,
    pub(super) remote: u8,
    pub(super) length: u32,
}

/// Writes a frame whose payload is `parts`, one after the other.
pub(super) fn write(out: &mut dyn Write, kind: Type, remote: u8, parts: &[&[u8]]) -> io::Result<()> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let length = u32::try_from(length).map_err(|_| io::Error::other("a frame of more than 4 GiB"))?;
    let letter = TYPES.iter().find(|(known, _)| *known == kind).expect("every type has its letter").1;
    let mut header = [letter, remote, 0, 0, 0, 0];
    header[2..].copy_from_slice(&length.to_le_bytes());
    out.write_all(&header)?;
    parts.iter().try_for_each(|part| out.write_all(part))
}

/// Reads what stands before a payload, and not the payload: limits come first.
pub(super) fn read_header(input: &mut dyn Read) -> io::Result<Header> {
    let mut bytes = [0; 6];
    input.read_exact(&mut bytes)?;
    parse_header(bytes).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a frame of an unknown type"))
}

fn parse_header([letter, remote, length @ ..]: [u8; 6]) -> Option<Header> {
    let (kind, _) = TYPES.into_iter().find(|(_, known)| *known == letter)?;
    Some(Header { kind, remote, length: u32::from_le_bytes(length) })
}

/// Reads the payload of `header`.
pub(super) fn read_payload(input: &mut dyn Read, header: Header) -> io::Result<Vec<u8>> {
    let length = u64::from(header.length);
    // Grows with what really comes, so that a length alone reserves nothing.
    let mut payload = Vec::new();
    let read = input.take(length).read_to_end(&mut payload)?;
    if read as u64 == length { Ok(payload) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Writes lists of ids, each after its length.
pub(super) fn encode_ids(lists: [&[ObjectId]; 2]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for list in lists {
        let count = u32::try_from(list.len()).expect("a listing has at most 2^32 refs");
        bytes.extend_from_slice(&count.to_le_bytes());
        list.iter().for_each(|id| bytes.extend_from_slice(id.as_bytes()));
    }
    bytes
}

/// Reads what [`encode_ids`] wrote.
pub(super) fn decode_ids(bytes: &[u8]) -> Option<[Vec<ObjectId>; 2]> {
    let (wants, rest) = decode_list(bytes)?;
    let (haves, rest) = decode_list(rest)?;
    rest.is_empty().then_some([wants, haves])
}

fn decode_list(bytes: &[u8]) -> Option<(Vec<ObjectId>, &[u8])> {
    let (count, rest) = bytes.split_first_chunk()?;
    let (ids, rest) = rest.split_at_checked(20 * u32::from_le_bytes(*count) as usize)?;
    let ids = ids.chunks_exact(20).map(|id| ObjectId::new(id.try_into().expect("chunks of 20")));
    Some((ids.collect(), rest))
}

/// The number of an object's kind.
pub(super) const fn kind_number(kind: ObjectKind) -> u8 {
    match kind {
        ObjectKind::Commit => 1,
        ObjectKind::Tree => 2,
        ObjectKind::Blob => 3,
        ObjectKind::Tag => 4,
    }
}

/// The kind of a number.
pub(super) const fn kind_of(number: u8) -> Option<ObjectKind> {
    match number {
        1 => Some(ObjectKind::Commit),
        2 => Some(ObjectKind::Tree),
        3 => Some(ObjectKind::Blob),
        4 => Some(ObjectKind::Tag),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn frames_and_ids_come_back_as_they_were_sent(
            wants in proptest::collection::vec(any::<[u8; 20]>(), 0..5),
            haves in proptest::collection::vec(any::<[u8; 20]>(), 0..5),
            remote in any::<u8>(),
        ) {
            let [wants, haves] = [wants, haves].map(|ids| ids.into_iter().map(ObjectId::new).collect::<Vec<_>>());
            let payload = encode_ids([&wants, &haves]);
            let mut wire = Vec::new();
            write(&mut wire, Type::Want, remote, &[&payload[..1], &payload[1..]]).unwrap();
            let mut input = &wire[..];
            let header = read_header(&mut input).unwrap();
            prop_assert_eq!((header.kind, header.remote), (Type::Want, remote));
            prop_assert_eq!(decode_ids(&read_payload(&mut input, header).unwrap()), Some([wants, haves]));
        }

        #[test]
        fn foreign_bytes_are_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode_ids(&bytes);
            let mut input = &bytes[..];
            if let Ok(header) = read_header(&mut input) {
                let _ = read_payload(&mut input, header);
            }
        }
    }
}
