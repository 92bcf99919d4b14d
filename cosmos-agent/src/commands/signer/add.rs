//! `cosmos signer add`: somebody new may sign, or a certificate that is there says more.

use std::collections::BTreeSet;
use std::path::Path;

use sequoia_openpgp as openpgp;

use super::Desk;
use crate::cli::RIGHTS;
use crate::exit::{Failure, Status};
use crate::signers::only_certificate;
use crate::signers::signer::Signer;

/// Edits the files.
///
/// # Errors
/// Returns a [`Failure`] when the certificate cannot be read or could not sign, or the name is taken.
pub fn run(
    mut desk: Desk<'_>,
    certificate: &str,
    name: Option<&str>,
    rights: &[String],
    all_rights: bool,
) -> Result<Status, Failure> {
    let signer = Signer::of(read(&desk, certificate)?, Path::new(certificate));
    let (fingerprint, who) = (signer.fingerprint(), signer.user_id());
    let warnings = signer.warnings();
    if desk.roster.merge(signer.cert())? {
        let notes = [format!("{who} ({fingerprint}) is there already; what is new of the certificate was added")];
        return desk.finish(&format!("Renew the certificate of {who}"), &notes, &warnings);
    }
    if !signer.can_sign() {
        let hint = "extend it or name one with a signing key: gpg --armor --export ADDRESS";
        return Err(Failure::of(Status::Usage, format!("the certificate of {who} cannot sign"), hint));
    }
    let name = name.map_or_else(|| signer.label(), str::to_owned);
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        let shown = cosmos_model::escape::for_terminal(name.as_bytes());
        let hint = "letters, digits, '-', '_' and '.': --name kim";
        return Err(Failure::of(Status::Usage, format!("'{shown}' is no name for the policy"), hint));
    }
    let rights: BTreeSet<String> = match (all_rights, rights) {
        (true, _) => RIGHTS.iter().map(ToString::to_string).collect(),
        (false, []) => ["sign_commit", "sign_tag"].map(str::to_owned).into(),
        (false, given) => given.iter().cloned().collect(),
    };
    desk.roster.add(&name, &rights, &signer)?;
    let words: Vec<&str> = rights.iter().map(String::as_str).collect();
    let may = if desk.roster.is_classic() { "may sign".to_owned() } else { format!("may {}", words.join(", ")) };
    let notes = [format!("{name}: {who} ({fingerprint}) {may}")];
    desk.finish(&format!("Let {name} sign"), &notes, &warnings)
}

fn read(desk: &Desk<'_>, certificate: &str) -> Result<openpgp::Cert, Failure> {
    let hint = "export one with: gpg --armor --export ADDRESS > kim.asc";
    let shown = cosmos_model::escape::for_terminal(certificate.as_bytes());
    let is_fingerprint =
        matches!(certificate.len(), 40 | 64) && certificate.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bytes = match is_fingerprint && !Path::new(certificate).exists() {
        true => desk
            .exported_by_gpg(certificate)?
            .ok_or_else(|| Failure::of(Status::Usage, format!("gpg has no certificate '{shown}'"), hint))?,
        false => std::fs::read(certificate)
            .map_err(|error| Failure::of(Status::Usage, format!("cannot read '{shown}': {error}"), hint))?,
    };
    only_certificate(&bytes)
        .map_err(|reason| Failure::of(Status::Usage, format!("'{shown}' cannot be used: {reason}"), hint))
}
