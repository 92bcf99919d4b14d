//! What a server, a bundle and the fetching child send, and the addresses they are asked at.

use cosmos_agent::fetch::fuzzing;
use cosmos_agent::fetch::url::{self, Location, Server};
use cosmos_model::refs::RemoteRef;

use crate::{choose, said};

/// So many refs may come; few, so that the limit is reached.
const LIMIT: u32 = 20;

/// A server's messages: listings of both versions, answers to a fetch, and a bundle's header.
pub fn wire(bytes: &[u8]) {
    match choose(bytes) {
        Some((b'2', bytes)) => listing(bytes),
        Some((b'0', bytes)) => greeting(bytes),
        Some((which @ (b'f' | b'g'), bytes)) => match fuzzing::fetch(bytes, which == b'f') {
            Ok(pack) => assert!(pack.len() < bytes.len()),
            Err(words) => said::words(&words),
        },
        Some((b'b', bytes)) => bundle(bytes),
        _ => {}
    }
}

fn listing(bytes: &[u8]) {
    let prefixes = [b"refs/heads/main".to_vec(), b"refs/tags/".to_vec()];
    let refs = match fuzzing::ls_refs(bytes, &prefixes, bytes.len() as u64, LIMIT) {
        Ok(refs) => refs,
        Err(words) => return said::words(&words),
    };
    sound(&refs);
    assert!(refs.iter().all(|found| prefixes.iter().any(|prefix| found.name.starts_with(prefix))));
    let written = written(&refs);
    assert_eq!(fuzzing::ls_refs(&written, &prefixes, written.len() as u64, LIMIT), Ok(refs));
    let short = fuzzing::ls_refs(&written, &prefixes, written.len() as u64 - 1, LIMIT);
    assert!(short.is_err(), "a message is longer than the limit of bytes");
}

fn greeting(bytes: &[u8]) {
    match fuzzing::greeting(bytes, &[], LIMIT) {
        Ok((refs, capabilities)) => {
            sound(&refs);
            assert!(refs.iter().all(|found| !found.name.ends_with(b"^{}")));
            let known = ["side-band-64k", "ofs-delta", "no-progress", ""];
            let chosen = capabilities.unwrap_or_default();
            assert!(chosen.split(' ').all(|word| known.contains(&word)), "{chosen}");
        }
        Err(words) => said::words(&words),
    }
}

fn bundle(bytes: &[u8]) {
    match fuzzing::bundle(bytes, LIMIT) {
        Ok((prerequisites, refs)) => {
            sound(&refs);
            assert!(prerequisites.len() <= LIMIT as usize);
        }
        Err(words) => said::words(&words),
    }
}

fn sound(refs: &[RemoteRef]) {
    assert!(refs.len() <= LIMIT as usize, "more refs than the limit");
    for found in refs {
        assert!((1..=1024).contains(&found.name.len()) && !found.name.contains(&b' '));
        said::words(&found.shown_name());
    }
}

fn written(refs: &[RemoteRef]) -> Vec<u8> {
    let mut message = Vec::new();
    for found in refs {
        let line = [found.id.to_string().as_bytes(), b" ", &found.name, b"\n"].concat();
        message.extend_from_slice(format!("{:04x}", line.len() + 4).as_bytes());
        message.extend_from_slice(&line);
    }
    message.extend_from_slice(b"0000");
    message
}

/// The frames between the agent and its child (docs/formats.md §16): what is read is what was sent, to the byte.
pub fn frames(bytes: &[u8]) {
    let (written, rest) = fuzzing::frames(bytes);
    assert_eq!([&written, rest].concat(), bytes);
}

/// A remote's address (A43): what is accepted prints back to an address that means the same, and none is an option.
pub fn url(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    said::harmless(&url::shown(text));
    let location = match Location::parse(text) {
        Ok(location) => location,
        Err(error) => return said::error(&error),
    };
    let server_of = |server: &Server| match server.host.contains(':') {
        true => format!("[{}]:{}", server.host, server.port),
        false => format!("{}:{}", server.host, server.port),
    };
    let again = match &location {
        Location::Https { url, .. } => url.clone(),
        Location::Path(path) => path.display().to_string(),
        Location::Bundle(path) => format!("bundle:{}", path.display()),
        Location::Git { server, path } => format!("git://{}{path}", server_of(server)),
        Location::Ssh { user, server, path } => {
            assert!(!path.starts_with('-') && !path.contains('\'') && !user.starts_with('-'));
            match path.starts_with('/') {
                true => format!("ssh://{user}@{}{path}", server_of(server)),
                false => text.to_owned(),
            }
        }
    };
    if let Location::Git { server, .. } | Location::Ssh { server, .. } = &location {
        assert!(!server.host.is_empty() && !server.host.starts_with('-') && server.port != 0);
    }
    assert_eq!(Location::parse(&again).as_ref(), Ok(&location), "{again}");
}
