//! `cosmos host add`: a layer for a host, and the key by which it reads secrets.

use std::io::Read as _;
use std::path::Path;

use openpgp::Cert;
use openpgp::serialize::SerializeInto as _;
use sequoia_openpgp as openpgp;

use super::Desk;
use crate::exit::{Failure, Status};
use crate::recipients::KEY_FILE;
use crate::secret;
use crate::signers::only_certificate;

/// Longer files are no certificates of hosts, in bytes.
const LARGEST: u64 = 1 << 20;

/// What is tried when a key cannot be used.
const HINT: &str = "on the host: cosmos host key > host.pub";

/// Edits the files.
///
/// # Errors
/// Returns a [`Failure`] when the key cannot be read, or nothing can be encrypted to it.
pub fn run(desk: &Desk<'_>, key: Option<&Path>) -> Result<Status, Failure> {
    let (mut files, mut notes) = (Vec::new(), Vec::new());
    if desk.read("layer.toml")?.is_none() {
        let host = desk.host.as_str();
        files
            .push(("layer.toml", format!("# What {host} is: the layers it uses, and what it tells them.\nuse = []\n")));
    }
    let known = desk.read(KEY_FILE)?;
    match key {
        Some(file) => {
            let cert = read(file)?;
            let fingerprint = cert.fingerprint().to_hex();
            let armored = cert.armored().to_vec().map_err(|error| unusable(file, &error.to_string()))?;
            let before = known.as_deref().and_then(|bytes| only_certificate(bytes).ok());
            notes.push(format!("{} reads secrets with the key {fingerprint}", desk.host.as_str()));
            if let Some(other) = before.filter(|other| *other != cert) {
                notes.push(format!("it replaces the key {}", other.fingerprint().to_hex()));
            }
            if known.as_deref() != Some(&armored) {
                files.push((KEY_FILE, String::from_utf8_lossy(&armored).into_owned()));
            }
        }
        None if known.is_none() => {
            notes.push(format!("without a key {} gets no secrets; {HINT}, then --key host.pub", desk.host.as_str()));
        }
        None => {}
    }
    desk.finish(&files, &format!("Add {}", desk.host.as_str()), &notes)
}

/// Reads the certificate in a file; `-` is standard input.
fn read(file: &Path) -> Result<Cert, Failure> {
    let mut bytes = Vec::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().lock().take(LARGEST).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes))
    };
    read.map_err(|error| unusable(file, &error.to_string()))?;
    let cert = only_certificate(&bytes).map_err(|reason| unusable(file, &reason))?;
    if !secret::can_receive(&cert) {
        return Err(unusable(file, "nothing can be encrypted to it now"));
    }
    Ok(cert)
}

fn unusable(file: &Path, reason: &str) -> Failure {
    Failure::of(Status::Usage, format!("'{}' holds no key of a host: {reason}", file.display()), HINT)
}
