//! What `lint` says about secrets: who can read them, what stands in the clear, and paths that two want.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use cosmos_model::document::Mistake;
use cosmos_model::escape::for_terminal;
use cosmos_model::secret::SecretError;
use cosmos_model::stage::Finding;
use walkdir::WalkDir;

use super::{Differing, Readers, SecretFile};
use crate::operator::{AsItIs, WorkTree};

/// Larger files are no keys and no settings, in bytes.
const LARGEST: u64 = 1 << 20;

/// Looks at every secret, and at every plain file that holds one.
#[must_use]
pub fn findings(work: &WorkTree, files: &AsItIs<'_>) -> Vec<Finding> {
    let secrets = SecretFile::all(work);
    let mut found = Vec::new();
    if !secrets.is_empty() {
        let readers = Readers::read(work, files);
        for secret in &secrets {
            found.extend(readability(work, &readers, secret));
            found.extend(readers.others_at(work, secret));
        }
        let layers: BTreeSet<&String> = secrets.iter().map(|secret| &secret.layer).collect();
        let without: BTreeSet<String> = layers.iter().flat_map(|layer| readers.of(layer).hosts_without_key).collect();
        for host in without {
            let text = "this host uses layers with secrets and has no key to read them with".to_owned();
            found.push(finding(
                "secret-recipients",
                host,
                text,
                "enrol the host's key: cosmos host add FQDN --key FILE",
            ));
        }
    }
    found.extend(in_the_clear(work));
    found
}

fn finding(code: &'static str, place: String, text: String, hint: &str) -> Finding {
    Finding { code, mistake: Mistake { place, text, hint: hint.to_owned() } }
}

fn place(path: &Path) -> String {
    for_terminal(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()))
}

fn readability(work: &WorkTree, readers: &Readers, secret: &SecretFile) -> Option<Finding> {
    let message = secret.read(work).ok()?;
    match readers.compare(&secret.layer, &message) {
        Ok(differing) if differing.is_none() => None,
        Ok(differing) => {
            let hint = "cosmos secret rekey; what somebody left with has to be changed at its source";
            Some(finding("secret-recipients", place(&secret.path), in_words(&differing), hint))
        }
        Err(error) => {
            let code = if error == SecretError::NotEncrypted { "secret-in-clear" } else { "secret-damaged" };
            Some(finding(code, place(&secret.path), error.to_string(), error.hint()))
        }
    }
}

fn in_words(differing: &Differing) -> String {
    let mut text = String::new();
    let listed = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    if !differing.missing.is_empty() {
        let _ = write!(text, "not encrypted to {}", listed(&differing.missing));
    }
    if !differing.left.is_empty() {
        let and = if text.is_empty() { "" } else { ", and " };
        let _ = write!(text, "{and}encrypted to {}, who should not read it", listed(&differing.left));
    }
    text
}

impl Readers {
    /// Finds files of other layers that some host gets, or would get, at the path of the secret.
    fn others_at(&self, work: &WorkTree, secret: &SecretFile) -> Vec<Finding> {
        let together = self.hosts.iter().filter(|host| host.layers.contains(&secret.layer));
        let others = together.flat_map(|host| &host.layers).filter(|layer| **layer != secret.layer);
        let others: BTreeSet<&String> = others.collect();
        let mut found = Vec::new();
        for layer in others {
            for folder in ["overlay", "templates"] {
                let other = Path::new(if layer == "." { "" } else { layer }).join(folder).join(&secret.inner);
                if work.folder().join(&other).symlink_metadata().is_ok() {
                    let text = format!("'{}' is for the same path", place(&other));
                    found.push(finding("secret-path", place(&secret.path), text, "remove or rename one of them"));
                }
            }
        }
        found
    }
}

/// Finds private keys and hashed passwords in files that hosts get as they are.
fn in_the_clear(work: &WorkTree) -> Vec<Finding> {
    let entries = WalkDir::new(work.folder()).sort_by_file_name().into_iter();
    let entries = entries.filter_entry(|entry| entry.file_name() != ".git").flatten();
    let mut found = Vec::new();
    for entry in entries.filter(|entry| entry.file_type().is_file()) {
        let Ok(inner) = entry.path().strip_prefix(work.folder()) else { continue };
        let folders = inner.components().take(3).map(|one| one.as_os_str());
        let plain = ["overlay", "templates", "pre-tasks.d", "post-tasks.d"];
        let is_plain = folders.into_iter().any(|folder| plain.iter().any(|name| folder == *name));
        if !is_plain || entry.metadata().map_or(true, |found| found.len() > LARGEST) {
            continue;
        }
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if let Some(what) = secret_in(line, inner) {
                let text = format!("{what} in the clear");
                let hint = "cosmos secret edit, in the layer's secrets/; it was in git: make a new one";
                found.push(finding("secret-in-clear", format!("{}:{}", place(inner), number + 1), text, hint));
            }
        }
    }
    found
}

/// Says what a line gives away.
fn secret_in(line: &[u8], path: &Path) -> Option<&'static str> {
    let line = line.trim_ascii();
    let has = |word: &[u8]| line.windows(word.len()).any(|window| window == word);
    let is_shadow = path.file_name().is_some_and(|name| name == "shadow" || name == "gshadow");
    let key = line.strip_prefix(b"PrivateKey").map(<[u8]>::trim_ascii_start).and_then(|rest| rest.strip_prefix(b"="));
    if line.starts_with(b"-----BEGIN ") && has(b"PRIVATE KEY") && !has(b"ENCRYPTED") {
        Some("a private key")
    } else if is_shadow && has(b":$") {
        Some("a hashed password")
    } else if key.is_some_and(|key| key.trim_ascii().len() == 44 && key.ends_with(b"=")) {
        Some("a private key of WireGuard")
    } else {
        None
    }
}
