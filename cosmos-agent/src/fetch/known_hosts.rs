//! Pinned ssh host keys: the lines of a known-hosts file that are about one server.

use openssl::base64;
use ssh2::{CheckResult, KnownHostFileKind, Session};

use super::url::Server;

/// A key that was pinned for the server.
pub(super) struct Pin {
    /// Its kind, `ssh-ed25519`.
    kind: String,
    /// The key as it goes over the wire.
    pub(super) key: Vec<u8>,
}

/// Returns the pins of `server`. Comments, markers such as `@cert-authority` and unreadable lines pin nothing.
pub(super) fn pins(text: &str, server: &Server) -> Vec<Pin> {
    text.lines().filter_map(|line| pin(line, server)).collect()
}

/// libssh2 knows how names are hashed, so it is asked whether the line's own key belongs to the server.
fn pin(line: &str, server: &Server) -> Option<Pin> {
    let mut words = line.split_ascii_whitespace();
    let names = words.next().filter(|names| !names.starts_with(['#', '@']))?;
    let kind = words.next()?;
    let key = base64::decode_block(words.next()?).ok()?;
    let session = Session::new().ok()?;
    let mut known = session.known_hosts().ok()?;
    known.read_str(&format!("{names} {kind} {}\n", base64::encode_block(&key)), KnownHostFileKind::OpenSSH).ok()?;
    match known.check_port(&server.host, server.port, &key) {
        CheckResult::Match => Some(Pin { kind: kind.to_owned(), key }),
        _ => None,
    }
}

/// Returns the host key algorithms that fit the pins, strongest first, or `None` without pins. RSA with SHA-1 is out.
pub(super) fn methods(pins: &[Pin]) -> Option<String> {
    let known = [
        ("ssh-ed25519", "ssh-ed25519"),
        ("ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"),
        ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
        ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
        ("ssh-rsa", "rsa-sha2-512,rsa-sha2-256"),
    ];
    let fitting = known.iter().filter(|(kind, _)| pins.iter().any(|pin| pin.kind == *kind));
    let names: Vec<&str> = fitting.map(|(_, methods)| *methods).collect();
    (!names.is_empty()).then(|| names.join(","))
}

/// Returns a key's fingerprint as ssh-keygen prints it.
pub(super) fn fingerprint(key: &[u8]) -> String {
    let digest = openssl::sha::sha256(key);
    format!("SHA256:{}", base64::encode_block(&digest).trim_end_matches('='))
}

/// Returns the line that pins `key`.
pub(super) fn line(server: &Server, key: &[u8]) -> String {
    let name = match server.port {
        22 => server.host.clone(),
        port => format!("[{}]:{port}", server.host),
    };
    format!("{name} {} {}", kind_of(key), base64::encode_block(key))
}

/// A key begins with the length and text of its kind.
fn kind_of(key: &[u8]) -> String {
    let text = key.split_first_chunk().and_then(|(length, rest)| rest.get(..u32::from_be_bytes(*length) as usize));
    cosmos_model::escape::for_terminal(text.unwrap_or_default())
}
