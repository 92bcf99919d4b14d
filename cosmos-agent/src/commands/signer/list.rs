//! `cosmos signer list`: who may sign, until when, and what will trouble hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::json;

use super::Desk;
use crate::exit::{Failure, Status};
use crate::report::json as report_json;
use crate::report::style::Palette;
use crate::signers::Entry;

/// Prints everybody, and warnings.
///
/// # Errors
/// Returns a [`Failure`] when gpg cannot be asked.
pub fn run(desk: &Desk<'_>, safe: Option<&Path>) -> Result<Status, Failure> {
    let entries = desk.roster.entries();
    let mut by_key: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in &entries {
        let fingerprint = entry.signer.fingerprint();
        let warnings = by_key.entry(fingerprint.clone()).or_insert_with(|| entry.signer.warnings());
        if let Some(safe) = safe.filter(|safe| !has_revocation(safe, &fingerprint)) {
            let text = format!(
                "no revocation certificate for {fingerprint} in '{}'; make one: gpg --gen-revoke {fingerprint}",
                safe.display()
            );
            if !warnings.contains(&text) {
                warnings.push(text);
            }
        }
    }
    let all: Vec<String> = too_few(&entries);
    if desk.global.json {
        let signers = entries.iter().map(|entry| {
            let fingerprint = entry.signer.fingerprint();
            json!({
                "name": entry.name, "fingerprint": fingerprint, "user_id": entry.signer.user_id(),
                "rights": entry.rights,
                "signs": entry.signer.can_sign(), "validity": entry.signer.validity(), "warnings": by_key[&fingerprint],
            })
        });
        let body = json!({"signers": signers.collect::<Vec<_>>(), "warnings": all});
        println!("{}", report_json::envelope("signer", "localhost", Status::Done, body));
        return Ok(Status::Done);
    }
    let palette = Palette::for_stdout();
    for entry in &entries {
        let fingerprint = entry.signer.fingerprint();
        println!("{}  {fingerprint}", Palette::paint(palette.strong, &entry.name));
        println!("    {}, {}", entry.signer.user_id(), entry.signer.validity());
        println!("    {}", rights(&entry.rights));
        let warnings = &by_key[&fingerprint];
        warnings.iter().for_each(|one| println!("    {}", Palette::paint(palette.removed, &format!("warning: {one}"))));
    }
    all.iter().for_each(|one| println!("{}", Palette::paint(palette.removed, &format!("warning: {one}"))));
    Ok(Status::Done)
}

fn rights(rights: &BTreeSet<String>) -> String {
    if rights.len() == crate::cli::RIGHTS.len() {
        return "may do everything".to_owned();
    }
    let words: Vec<&str> = rights.iter().map(String::as_str).collect();
    if words.is_empty() { "may do nothing".to_owned() } else { format!("may {}", words.join(", ")) }
}

/// Says when the loss of one key would leave nobody (T12).
fn too_few(entries: &[Entry]) -> Vec<String> {
    let signs = |entry: &&Entry| {
        entry.signer.can_sign() && (entry.rights.contains("sign_tag") || entry.rights.contains("sign_commit"))
    };
    let usable: BTreeSet<String> = entries.iter().filter(signs).map(|entry| entry.signer.fingerprint()).collect();
    match usable.len() {
        0 => vec!["nobody here can sign now: hosts stay at what they have".to_owned()],
        1 => vec!["only one certificate can sign: with its key lost, no host takes anything new".to_owned()],
        _ => Vec::new(),
    }
}

/// Tells whether a folder holds a revocation certificate named after the key, as gpg names them or otherwise.
fn has_revocation(safe: &Path, fingerprint: &str) -> bool {
    ["rev", "asc"].iter().any(|extension| safe.join(format!("{fingerprint}.{extension}")).is_file())
}
