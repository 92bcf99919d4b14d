//! Opens the readers of what servers, bundles and the child send to the fuzz targets; in no other build.

use std::io::Read;

use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;

use super::frame::{self, Type};
use super::pkt_line::PacketReader;
use super::transport::TransportError;
use super::v0::Greeting;
use super::{bundle, v0, v2};

/// What a server's message comes to: refs, or the words of the refusal.
pub type Refs = Result<Vec<RemoteRef>, String>;

fn words(error: TransportError) -> String {
    let source = std::error::Error::source(&error).map(ToString::to_string);
    [Some(error.to_string()), source].into_iter().flatten().collect::<Vec<_>>().join(": ")
}

/// Reads an answer to `ls-refs` of at most `transfer` bytes and `limit` refs.
///
/// # Errors
/// Returns the refusal's words.
pub fn ls_refs(bytes: &[u8], prefixes: &[Vec<u8>], transfer: u64, limit: u32) -> Refs {
    v2::read_refs(&mut PacketReader::new(bytes, transfer), prefixes, limit).map_err(words)
}

/// Reads a server's greeting; the second half is `None` for version 2, the capabilities chosen otherwise.
///
/// # Errors
/// Returns the refusal's words.
pub fn greeting(bytes: &[u8], prefixes: &[Vec<u8>], limit: u32) -> Result<(Vec<RemoteRef>, Option<String>), String> {
    let mut input = PacketReader::new(bytes, bytes.len() as u64);
    match v0::read_greeting(&mut input, prefixes, limit).map_err(words)? {
        Greeting::V2 => Ok((Vec::new(), None)),
        Greeting::V0(found) => Ok((found.refs, Some(found.capabilities))),
    }
}

/// Reads an answer to a fetch and returns the bytes of its pack.
///
/// # Errors
/// Returns the refusal's words.
pub fn fetch(bytes: &[u8], version_two: bool) -> Result<Vec<u8>, String> {
    let mut input = PacketReader::new(bytes, bytes.len() as u64);
    let mut pack = Vec::new();
    let read = if version_two { v2::read_fetch(&mut input, &mut pack) } else { v0::read_fetch(&mut input, &mut pack) };
    read.map(|()| pack).map_err(words)
}

/// Reads a bundle's header; returns its prerequisites and refs.
///
/// # Errors
/// Returns the refusal's words.
pub fn bundle(mut bytes: &[u8], limit: u32) -> Result<(Vec<ObjectId>, Vec<RemoteRef>), String> {
    let header = bundle::read_header(&mut bytes, &[], limit).map_err(words)?;
    Ok((header.prerequisites, header.refs))
}

/// Reads frames up to the first that is none, and returns those before it, written again, and what is left.
pub fn frames(bytes: &[u8]) -> (Vec<u8>, &[u8]) {
    let (mut rest, mut written) = (bytes, Vec::new());
    loop {
        let before = rest;
        let Ok(header) = frame::read_header(&mut rest) else { return (written, before) };
        let Ok(payload) = frame::read_payload(rest.by_ref(), header) else { return (written, before) };
        if header.kind == Type::Want
            && let Some([wants, haves]) = frame::decode_ids(&payload)
        {
            assert_eq!(frame::encode_ids([&wants, &haves]), payload, "ids are read as they are written");
        }
        frame::write(&mut written, header.kind, header.remote, &[&payload]).expect("memory takes every frame");
    }
}
