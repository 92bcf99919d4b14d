//! `gpg --import` where gpg is not installed: certificates into `pubring.gpg`, with the sentences tasks look for (C6).

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use cosmos_model::escape::for_terminal;
use sequoia_openpgp::cert::{Cert, CertParser};
use sequoia_openpgp::packet::Tag;
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::serialize::Serialize as _;
use sequoia_openpgp::{Fingerprint, KeyHandle};

/// The largest input taken: a keyring of people has a few megabytes.
const LIMIT: u64 = 64 << 20;
/// The exit status gpg has when some input was no certificate.
const PARTLY: u8 = 2;

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// gpg keeps a keybox here, and only gpg writes those.
    #[error("the keyring '{}' is a keybox, which only gpg can extend", path.display())]
    Keybox {
        /// The keybox.
        path: PathBuf,
    },
    /// The ring cannot be read or written.
    #[error("cannot {verb} '{}'", path.display())]
    Ring {
        /// What was tried.
        verb: &'static str,
        /// The ring.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The ring holds something else than certificates.
    #[error("'{}' is no ring of certificates", path.display())]
    Damaged {
        /// The ring.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ImportError {
    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Keybox { .. } => "install gpg".into(),
            Self::Ring { .. } => "run as root".into(),
            Self::Damaged { path, .. } => format!("move '{}' away and import the certificates again", path.display()),
        }
    }
}

/// What an import did, in gpg's own counts.
#[derive(Default)]
struct Count {
    processed: usize,
    imported: usize,
    unchanged: usize,
    new: [usize; NEW.len()],
    failed: bool,
}

/// What a certificate may have more of than before, in gpg's words and order.
const NEW: [&str; 3] = ["user ID", "subkey", "signature"];

/// Imports certificates from `files`, or from `input` when there are none, into `home`/pubring.gpg.
///
/// Says on `messages` what gpg would say, and returns the exit status it would have had.
///
/// # Errors
/// Returns [`ImportError`] when the ring cannot be read or written; the ring is then as it was.
pub fn import(
    home: &Path,
    files: &[OsString],
    input: &mut dyn Read,
    messages: &mut dyn Write,
) -> Result<u8, ImportError> {
    let keybox = home.join("pubring.kbx");
    if keybox.exists() {
        return Err(ImportError::Keybox { path: keybox });
    }
    let path = home.join("pubring.gpg");
    let mut ring = read_ring(&path)?;
    let mut count = Count::default();
    if files.is_empty() {
        take(input, &mut ring, &mut count, messages);
    }
    for file in files {
        match std::fs::File::open(file) {
            Ok(mut opened) => take(&mut opened, &mut ring, &mut count, messages),
            Err(_) if file == "-" => take(input, &mut ring, &mut count, messages),
            Err(error) => {
                say(messages, &format!("can't open '{}': {}", shown(file), reason(&error)));
                count.failed = true;
            }
        }
    }
    if count.processed > count.unchanged {
        write_ring(&path, &ring)?;
    }
    summary(&count, messages);
    Ok(if count.failed { PARTLY } else { 0 })
}

fn read_ring(path: &Path) -> Result<BTreeMap<Fingerprint, Cert>, ImportError> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        read => read.map_err(|source| ImportError::Ring { verb: "read", path: path.to_owned(), source })?,
    };
    if bytes.is_empty() {
        return Ok(BTreeMap::new());
    }
    let certificates = CertParser::from_bytes(&bytes).and_then(|found| found.collect::<Result<Vec<Cert>, _>>());
    let certificates =
        certificates.map_err(|error| ImportError::Damaged { path: path.to_owned(), source: error.into() })?;
    Ok(certificates.into_iter().map(|cert| (cert.fingerprint(), cert)).collect())
}

fn write_ring(path: &Path, ring: &BTreeMap<Fingerprint, Cert>) -> Result<(), ImportError> {
    let failed = |source| ImportError::Ring { verb: "write", path: path.to_owned(), source };
    let mut bytes = Vec::new();
    for cert in ring.values() {
        cert.serialize(&mut bytes).map_err(|error| failed(io::Error::other(error)))?;
    }
    crate::fs::by_path::replace_file(path, &bytes, 0o600).map_err(failed)
}

/// Takes every certificate of one input into the ring; secret parts are dropped.
fn take(input: &mut dyn Read, ring: &mut BTreeMap<Fingerprint, Cert>, count: &mut Count, messages: &mut dyn Write) {
    let mut bytes = Vec::new();
    if let Err(error) = input.take(LIMIT).read_to_end(&mut bytes) {
        say(messages, &format!("read error: {}", reason(&error)));
        count.failed = true;
        return;
    }
    let before = count.processed;
    for cert in CertParser::from_bytes(&bytes).into_iter().flatten().flatten() {
        count.processed += 1;
        take_certificate(cert.strip_secret_key_material(), ring, count, messages);
    }
    if count.processed == before {
        say(messages, "no valid OpenPGP data found.");
        count.failed = true;
    }
}

fn take_certificate(cert: Cert, ring: &mut BTreeMap<Fingerprint, Cert>, count: &mut Count, messages: &mut dyn Write) {
    let fingerprint = cert.fingerprint();
    let key = format!("key {:X}: ", KeyHandle::from(cert.keyid()));
    let Some(known) = ring.get(&fingerprint) else {
        say(messages, &format!("{key}public key \"{}\" imported", user_id(&cert)));
        count.imported += 1;
        ring.insert(fingerprint, cert);
        return;
    };
    let name = user_id(known);
    // Merging with a certificate of the same fingerprint cannot fail; were it to, the known one stays.
    let merged = known.clone().merge_public(cert).unwrap_or_else(|_| known.clone());
    if merged == *known {
        say(messages, &format!("{key}\"{name}\" not changed"));
        count.unchanged += 1;
        return;
    }
    let (before, after) = (parts(known), parts(&merged));
    for (index, word) in NEW.iter().enumerate() {
        let new = after[index].saturating_sub(before[index]);
        count.new[index] += new;
        if new > 0 {
            say(messages, &format!("{key}\"{name}\" {new} new {word}{}", if new == 1 { "" } else { "s" }));
        }
    }
    ring.insert(fingerprint, merged);
}

/// Returns how many user ids, subkeys and signatures a certificate has.
fn parts(cert: &Cert) -> [usize; NEW.len()] {
    let signatures = cert.clone().into_packets().filter(|packet| packet.tag() == Tag::Signature);
    [cert.userids().count(), cert.keys().subkeys().count(), signatures.count()]
}

fn user_id(cert: &Cert) -> String {
    cert.userids()
        .next()
        .map(|found| for_terminal(found.userid().value()))
        .unwrap_or_else(|| "[User ID not found]".into())
}

fn summary(count: &Count, messages: &mut dyn Write) {
    say(messages, &format!("Total number processed: {}", count.processed));
    let whole = [(count.imported, "imported".to_owned()), (count.unchanged, "unchanged".to_owned())];
    let new = count.new.iter().zip(NEW).map(|(number, word)| (*number, format!("new {word}s")));
    for (number, word) in whole.into_iter().chain(new).filter(|(number, _)| *number > 0) {
        say(messages, &format!("{word:>22}: {number}"));
    }
}

fn say(messages: &mut dyn Write, text: &str) {
    // Nobody may be reading; the import itself does not depend on it.
    let _ = writeln!(messages, "gpg: {text}");
}

/// Returns the system's words for an error, without the number that Rust appends.
fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}

fn shown(file: &OsStr) -> String {
    for_terminal(file.as_encoded_bytes())
}
