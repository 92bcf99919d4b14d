//! Protocol version 2: listing refs by prefix, and fetching in one round trip.

use std::io::{Read, Write};

use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;

use super::pack;
use super::pkt_line::{DELIMITER, FLUSH, Packet, PacketReader, push};
use super::transport::TransportError;

/// The longest ref name that is read.
const LONGEST_NAME: usize = 1024;

/// Writes the request that lists the refs beginning with one of `prefixes`.
pub(super) fn ls_refs_request(prefixes: &[Vec<u8>]) -> Vec<u8> {
    let mut request = Vec::with_capacity(64 + 64 * prefixes.len());
    push(&mut request, b"command=ls-refs\n");
    request.extend_from_slice(DELIMITER);
    for prefix in prefixes {
        push(&mut request, &[b"ref-prefix ", &prefix[..], b"\n"].concat());
    }
    request.extend_from_slice(FLUSH);
    request
}

/// Writes the request for `wants` without what `haves` reach. It says `done` at once: there is nothing to negotiate.
pub(super) fn fetch_request(wants: &[ObjectId], haves: &[ObjectId]) -> Vec<u8> {
    let mut request = Vec::with_capacity(64 + 50 * (wants.len() + haves.len()));
    push(&mut request, b"command=fetch");
    request.extend_from_slice(DELIMITER);
    push(&mut request, b"ofs-delta\n");
    push(&mut request, b"no-progress\n");
    for want in wants {
        push(&mut request, format!("want {want}\n").as_bytes());
    }
    for have in haves {
        push(&mut request, format!("have {have}\n").as_bytes());
    }
    push(&mut request, b"done\n");
    request.extend_from_slice(FLUSH);
    request
}

/// Reads what follows `version 2`: the capabilities.
pub(super) fn read_capabilities<R: Read>(input: &mut PacketReader<R>) -> Result<(), TransportError> {
    loop {
        match input.read()? {
            Packet::Line(b"object-format=sha256") => return Err(TransportError::Sha256),
            Packet::Line(_) => {}
            Packet::Flush => return Ok(()),
            Packet::Delimiter | Packet::End => return Err(TransportError::malformed("capability list", b"")),
        }
    }
}

/// Reads the answer to [`ls_refs_request`]. Prefixes are hints to the server, so they are applied here again.
pub(super) fn read_refs<R: Read>(
    input: &mut PacketReader<R>,
    prefixes: &[Vec<u8>],
    limit: u32,
) -> Result<Vec<RemoteRef>, TransportError> {
    let mut listing = Listing::new(prefixes, limit);
    loop {
        match input.read()? {
            Packet::Line(line) => listing.add(line)?,
            Packet::Flush => return Ok(listing.refs),
            Packet::Delimiter | Packet::End => return Err(TransportError::malformed("ref listing", b"")),
        }
    }
}

/// A listing as it grows, within its limit.
pub(super) struct Listing<'a> {
    prefixes: &'a [Vec<u8>],
    limit: u32,
    seen: u32,
    /// What was kept.
    pub(super) refs: Vec<RemoteRef>,
}

impl<'a> Listing<'a> {
    pub(super) const fn new(prefixes: &'a [Vec<u8>], limit: u32) -> Self {
        Self { prefixes, limit, seen: 0, refs: Vec::new() }
    }

    /// Reads `ID NAME[ ATTRIBUTE…]`.
    pub(super) fn add(&mut self, line: &[u8]) -> Result<(), TransportError> {
        let malformed = || TransportError::malformed("ref", line);
        let mut words = line.split(|byte| *byte == b' ');
        let id = words.next().unwrap_or_default();
        if id.len() == 64 && id.iter().all(u8::is_ascii_hexdigit) {
            return Err(TransportError::Sha256);
        }
        let id = if id == b"unborn" { None } else { Some(ObjectId::from_hex(id).map_err(|_| malformed())?) };
        let name = words.next().filter(|name| !name.is_empty() && name.len() <= LONGEST_NAME).ok_or_else(malformed)?;
        self.seen += 1;
        if self.seen > self.limit {
            return Err(TransportError::Refs(self.limit));
        }
        if let Some(id) = id.filter(|_| wanted(name, self.prefixes)) {
            self.refs.push(RemoteRef { name: name.to_vec(), id });
        }
        Ok(())
    }
}

/// Tells whether a ref is one that was asked for; no prefix asks for all.
pub(super) fn wanted(name: &[u8], prefixes: &[Vec<u8>]) -> bool {
    prefixes.is_empty() || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// Reads the answer to [`fetch_request`] and writes the pack in it to `sink`.
pub(super) fn read_fetch<R: Read>(input: &mut PacketReader<R>, sink: &mut dyn Write) -> Result<(), TransportError> {
    match input.read()? {
        Packet::Line(b"packfile") => pack::read_side_band(input, sink),
        Packet::Line(b"shallow-info") => Err(TransportError::Incomplete),
        Packet::Line(other) => Err(TransportError::malformed("section", other)),
        _ => Err(TransportError::malformed("section", b"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(lines: &[&[u8]]) -> Vec<u8> {
        let mut message = Vec::new();
        lines.iter().for_each(|line| push(&mut message, line));
        message.extend_from_slice(FLUSH);
        message
    }

    fn refs_of(lines: &[&[u8]], limit: u32) -> Result<Vec<RemoteRef>, String> {
        let message = message(lines);
        let prefixes = [b"refs/heads/main".to_vec(), b"refs/tags/v".to_vec()];
        read_refs(&mut PacketReader::new(&message[..], 1 << 20), &prefixes, limit).map_err(|error| error.to_string())
    }

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn a_listing_is_read_with_attributes_and_other_prefixes_dropped() {
        let name = |name: &[u8]| RemoteRef { name: name.to_vec(), id: ID.parse().unwrap() };
        let lines = [
            format!("{ID} refs/heads/main\n"),
            format!("{ID} refs/tags/v1 peeled:{ID}\n"),
            format!("{ID} refs/heads/other\n"),
            "unborn HEAD symref-target:refs/heads/main\n".to_owned(),
        ];
        let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        assert_eq!(refs_of(&lines, 4), Ok(vec![name(b"refs/heads/main"), name(b"refs/tags/v1")]));
    }

    #[test]
    fn listings_that_are_too_long_or_malformed_are_refused() {
        let line = format!("{ID} refs/heads/main");
        let sha256 = format!("{ID}{}{} refs/heads/main", "0".repeat(20), "1234");
        let long = format!("{ID} refs/heads/{}", "x".repeat(2000));
        for (lines, reason) in [
            (vec![line.as_bytes(); 3], "the server lists more than the limit of 2 refs"),
            (vec![sha256.as_bytes()], "the repository names its objects by SHA-256, which is not supported"),
            (vec![b"\x1b[2J refs/heads/main"], r"the server sent a malformed ref: '\x1b[2J refs/heads/main'"),
            (vec![&line.as_bytes()[..40]], &format!("the server sent a malformed ref: '{ID}'")),
            (vec![b"ERR no\x07 way"], r"the server refuses: no\x07 way"),
        ] {
            assert_eq!(refs_of(&lines, 2), Err(reason.to_owned()));
        }
        assert!(refs_of(&[long.as_bytes()], 2).is_err_and(|reason| reason.contains("malformed ref")));
    }

    #[test]
    fn requests_are_as_the_protocol_says() {
        let id: ObjectId = ID.parse().unwrap();
        assert_eq!(
            ls_refs_request(&[b"refs/tags/v".to_vec()]),
            b"0014command=ls-refs\n0001001bref-prefix refs/tags/v\n0000"
        );
        let expected = format!(
            "0011command=fetch0001000eofs-delta\n0010no-progress\n0032want {ID}\n0032have {ID}\n0009done\n0000"
        );
        assert_eq!(String::from_utf8(fetch_request(&[id], &[id])).unwrap(), expected);
    }

    proptest! {
        #[test]
        fn any_line_is_a_ref_or_an_error(line in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Listing::new(&[], 1).add(&line);
        }
    }
}
