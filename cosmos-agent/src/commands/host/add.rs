//! `cosmos host add`: a layer for a host, and the key by which it reads secrets.

use std::io::Read as _;
use std::path::Path;

use cosmos_model::host_name::HostName;
use cosmos_model::stage;
use openpgp::Cert;
use openpgp::serialize::SerializeInto as _;
use sequoia_openpgp as openpgp;

use super::{Desk, LAYER};
use crate::exit::{Failure, Status};
use crate::operator::AsItIs;
use crate::recipients::{KEY_FILE, lone_key};
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
pub fn run(desk: &Desk<'_>, key: Option<&Path>, no_layer: bool) -> Result<Status, Failure> {
    let (mut files, mut notes) = (Vec::new(), Vec::new());
    let host = desk.host.as_str();
    let layers = layers(desk)?;
    if no_layer && !layers.is_empty() {
        let text = format!("hosts have layers of their own here, {} for one", layers[0].as_str());
        return Err(Failure::of(
            Status::Usage,
            text,
            "leave out --no-layer: without a layer this host applies nothing",
        ));
    }
    let layer = desk.inner(LAYER);
    if !no_layer && desk.read(&layer)?.is_none() {
        let text = format!("# What {host} is: the layers it uses, and what it tells them.\nuse = []\n");
        files.push((layer, Some(text)));
        if layers.is_empty() {
            notes.push(
                "it is the first host with a layer: all other hosts apply nothing until they have one".to_owned(),
            );
            notes.push("where all hosts are alike, 'cosmos host add --no-layer' keeps the key alone".to_owned());
        }
    }
    let place = if no_layer { lone_key(host) } else { desk.inner(KEY_FILE) };
    let known = desk.read(&place)?;
    match key {
        Some(file) => {
            let cert = read(file)?;
            let fingerprint = cert.fingerprint().to_hex();
            let armored = cert.armored().to_vec().map_err(|error| unusable(file, &error.to_string()))?;
            let before = known.as_deref().and_then(|bytes| only_certificate(bytes).ok());
            notes.push(format!("{} reads secrets with the key {fingerprint}", host));
            if let Some(other) = before.filter(|other| *other != cert) {
                notes.push(format!("it replaces the key {}", other.fingerprint().to_hex()));
            }
            if known.as_deref() != Some(&armored) {
                files.push((place, Some(String::from_utf8_lossy(&armored).into_owned())));
            }
        }
        None if known.is_none() => {
            notes.push(format!("without a key {} gets no secrets; {HINT}, then --key host.pub", host));
        }
        None => {}
    }
    desk.finish(&files, &format!("Add {}", host), &notes)
}

/// Returns the hosts that have layers.
fn layers(desk: &Desk<'_>) -> Result<Vec<HostName>, Failure> {
    let files = AsItIs::read(&desk.work)?;
    Ok(stage::hosts(files.tree(), &files))
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
