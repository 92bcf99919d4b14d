//! `cosmos signer retire`: somebody may sign no longer, in any file; what else still carries them is named (T18).

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;

use sequoia_openpgp::Cert;
use walkdir::WalkDir;

use super::Desk;
use crate::exit::{Failure, Status};
use crate::recipients::{self, SecretFile};

/// Larger files of a repository are no notes about people, in bytes.
const LARGEST: u64 = 1 << 20;

/// Edits the files.
///
/// # Errors
/// Returns a [`Failure`] when nobody of that name is there, or nobody would be left (T12).
pub fn run(mut desk: Desk<'_>, who: &str) -> Result<Status, Failure> {
    let meant = desk.roster.named(who);
    if meant.is_empty() {
        let shown = cosmos_model::escape::for_terminal(who.as_bytes());
        let hint = "'cosmos signer list' shows names and whole fingerprints";
        return Err(Failure::of(Status::Usage, format!("nobody here is '{shown}'"), hint));
    }
    for fingerprint in meant.keys() {
        desk.roster.remove(fingerprint)?;
    }
    let signs = |right: &str| {
        let holds = |entry: &&crate::signers::Entry| entry.rights.contains(right) && entry.signer.can_sign();
        desk.roster.entries().iter().filter(holds).count()
    };
    if signs("sign_commit") == 0 && signs("sign_tag") == 0 {
        let hint = "add somebody first: cosmos signer add FILE";
        return Err(Failure::of(Status::Refused, "nobody would be left who can sign (T12)", hint));
    }
    let mut notes: Vec<String> = Vec::new();
    for (fingerprint, cert) in &meant {
        let user_id = cert.userids().next().map(|one| one.userid().value().to_vec()).unwrap_or_default();
        notes.push(format!("{fingerprint} may sign no longer: {}", cosmos_model::escape::for_terminal(&user_id)));
    }
    let mut carriers: Vec<String> = meant.keys().flat_map(|fingerprint| carriers(&desk, fingerprint)).collect();
    carriers.extend(meant.values().flat_map(|cert| readable(&desk, cert)));
    desk.finish(&format!("Let {who} sign no longer"), &notes, &carriers)
}

/// Names the secrets that the person can read, and may have kept.
fn readable(desk: &Desk<'_>, cert: &Cert) -> Vec<String> {
    let is_theirs = |secret: &SecretFile| secret.read(desk.work).is_ok_and(|message| recipients::reads(cert, &message));
    let secrets = SecretFile::all(desk.work).into_iter().filter(is_theirs);
    let text = |secret: SecretFile| {
        let shown = cosmos_model::escape::for_terminal(secret.path.as_os_str().as_bytes());
        let fingerprint = cert.fingerprint().to_hex();
        format!("{fingerprint} can read '{shown}': cosmos secret rekey, and change it at its source")
    };
    secrets.map(text).collect()
}

/// Names what else carries the person: introductions, and files that name the key.
fn carriers(desk: &Desk<'_>, fingerprint: &str) -> Vec<String> {
    let mut carriers = Vec::new();
    let own = std::fs::read_to_string(desk.work.git_folder().join("cosmos/trust.toml")).unwrap_or_default();
    if own.to_uppercase().contains(fingerprint) {
        carriers.push(format!(
            "new hosts are introduced by {fingerprint}: give them a commit that another operator signed, \
             'cosmos clone URL --trust COMMIT:FINGERPRINT'"
        ));
    }
    let signing: BTreeSet<&str> = [crate::signers::POLICY].into();
    let entries = WalkDir::new(desk.work.folder()).sort_by_file_name().into_iter();
    for entry in entries.filter_entry(|entry| entry.file_name() != ".git").flatten() {
        let name = entry.path().strip_prefix(desk.work.folder()).unwrap_or(entry.path()).display().to_string();
        let small = entry.metadata().is_ok_and(|found| found.is_file() && found.len() <= LARGEST);
        if !small || signing.contains(name.as_str()) || name.ends_with(".pub") {
            continue;
        }
        let text = std::fs::read(entry.path()).unwrap_or_default().to_ascii_uppercase();
        if text.windows(fingerprint.len()).any(|window| window == fingerprint.as_bytes()) {
            let shown = cosmos_model::escape::for_terminal(name.as_bytes());
            carriers.push(format!("'{shown}' still names {fingerprint}"));
        }
    }
    carriers
}
