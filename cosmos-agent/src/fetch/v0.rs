//! Protocol version 0, for servers that do not speak 2: the advertisement of every ref, and its fetch.

use std::io::{Read, Write};

use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;

use super::pack;
use super::pkt_line::{FLUSH, Packet, PacketReader, push};
use super::transport::TransportError;
use super::v2::{self, Listing};

/// What a server says first.
pub(super) enum Greeting {
    /// It speaks version 2; its capabilities were read.
    V2,
    /// It speaks version 0, and this is all it has.
    V0(Advertisement),
}

/// The refs of a version 0 server.
pub(super) struct Advertisement {
    /// The refs that were asked for.
    pub(super) refs: Vec<RemoteRef>,
    /// Which of the capabilities we use it has, as they are asked for.
    pub(super) capabilities: String,
}

/// Reads the first message of a server.
pub(super) fn read_greeting<R: Read>(
    input: &mut PacketReader<R>,
    prefixes: &[Vec<u8>],
    limit: u32,
) -> Result<Greeting, TransportError> {
    let mut listing = Listing::new(prefixes, limit);
    let mut capabilities = None;
    loop {
        match input.read()? {
            Packet::Line(b"version 2") if capabilities.is_none() => {
                return v2::read_capabilities(input).map(|()| Greeting::V2);
            }
            Packet::Line(b"version 1") => {}
            Packet::Line(line) if line.starts_with(b"shallow ") => return Err(TransportError::Incomplete),
            Packet::Line(line) if capabilities.is_none() => {
                let (reference, offered) = split_capabilities(line)?;
                capabilities = Some(choose(offered)?);
                if !reference.ends_with(b" capabilities^{}") {
                    listing.add(reference)?;
                }
            }
            Packet::Line(line) => listing.add(line)?,
            Packet::Flush => break,
            Packet::Delimiter | Packet::End => return Err(TransportError::malformed("greeting", b"")),
        }
    }
    listing.refs.retain(|reference| !reference.name.ends_with(b"^{}"));
    Ok(Greeting::V0(Advertisement { refs: listing.refs, capabilities: capabilities.unwrap_or_default() }))
}

fn split_capabilities(line: &[u8]) -> Result<(&[u8], &[u8]), TransportError> {
    let nul = line.iter().position(|byte| *byte == 0);
    let nul = nul.ok_or_else(|| TransportError::malformed("greeting", line))?;
    Ok((&line[..nul], &line[nul + 1..]))
}

/// Chooses from what the server offers; the side band is a must, since errors come through it.
fn choose(offered: &[u8]) -> Result<String, TransportError> {
    let offered: Vec<&[u8]> = offered.split(|byte| *byte == b' ').collect();
    if offered.contains(&&b"object-format=sha256"[..]) {
        return Err(TransportError::Sha256);
    }
    if !offered.contains(&&b"side-band-64k"[..]) {
        return Err(TransportError::refused(b"it has no side-band-64k, it is too old"));
    }
    let used = ["side-band-64k", "ofs-delta", "no-progress"];
    let chosen: Vec<&str> = used.into_iter().filter(|name| offered.contains(&name.as_bytes())).collect();
    Ok(chosen.join(" "))
}

/// Writes the request for `wants` without what `haves` reach.
pub(super) fn fetch_request(capabilities: &str, wants: &[ObjectId], haves: &[ObjectId]) -> Vec<u8> {
    let mut request = Vec::with_capacity(64 + 50 * (wants.len() + haves.len()));
    for (index, want) in wants.iter().enumerate() {
        let chosen = if index == 0 { format!(" {capabilities}") } else { String::new() };
        push(&mut request, format!("want {want}{chosen}\n").as_bytes());
    }
    request.extend_from_slice(FLUSH);
    for have in haves {
        push(&mut request, format!("have {have}\n").as_bytes());
    }
    push(&mut request, b"done\n");
    request
}

/// Reads the answer to [`fetch_request`]: one line about the haves, then the pack.
pub(super) fn read_fetch<R: Read>(input: &mut PacketReader<R>, sink: &mut dyn Write) -> Result<(), TransportError> {
    match input.read()? {
        Packet::Line(line) if line == b"NAK" || line.starts_with(b"ACK ") => pack::read_side_band(input, sink),
        Packet::Line(line) if line.starts_with(b"shallow ") => Err(TransportError::Incomplete),
        Packet::Line(line) => Err(TransportError::malformed("acknowledgement", line)),
        _ => Err(TransportError::malformed("acknowledgement", b"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    fn greet(lines: &[String]) -> Result<(usize, String), String> {
        let mut message = Vec::new();
        lines.iter().for_each(|line| push(&mut message, line.as_bytes()));
        message.extend_from_slice(FLUSH);
        match read_greeting(&mut PacketReader::new(&message[..], 1 << 20), &[], 100) {
            Ok(Greeting::V2) => Ok((0, "2".to_owned())),
            Ok(Greeting::V0(advertisement)) => Ok((advertisement.refs.len(), advertisement.capabilities)),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn greetings_of_both_versions_are_told_apart() {
        let first = format!("{ID} refs/heads/main\0multi_ack side-band-64k ofs-delta agent=git/2.1\n");
        let peeled = [format!("{ID} refs/tags/v1\n"), format!("{ID} refs/tags/v1^{{}}\n")];
        let chosen = "side-band-64k ofs-delta".to_owned();
        assert_eq!(greet(&[&[first.clone()][..], &peeled].concat()), Ok((2, chosen.clone())));
        let empty = format!("{} capabilities^{{}}\0side-band-64k ofs-delta", "0".repeat(40));
        assert_eq!(greet(&[empty]), Ok((0, chosen)));
        assert_eq!(greet(&["version 2\n".to_owned(), "fetch=shallow\n".to_owned()]), Ok((0, "2".to_owned())));
        let shallow = greet(&[first, format!("shallow {ID}")]);
        assert_eq!(shallow, Err("the repository is shallow or partial, which is refused".to_owned()));
        let sha256 = greet(&["version 2".to_owned(), "object-format=sha256".to_owned()]);
        assert_eq!(sha256, Err("the repository names its objects by SHA-256, which is not supported".to_owned()));
    }
}
