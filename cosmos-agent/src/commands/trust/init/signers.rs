//! Who is to sign from today: certificates given as files, or chosen from the repository's classic keys folder.

use std::path::{Path, PathBuf};

use cosmos_model::object_id::ObjectId;
use cosmos_model::trust::DEFAULT_KEY_FOLDER;

use super::tree;
use crate::exit::{Failure, Status};
use crate::operator::WorkTree;
use crate::signers::signer::{self, Signer};

/// Returns the signers that the words name; without words, everybody in the keys folder who can sign now.
///
/// # Errors
/// Returns a [`Failure`] when a word names nobody, or nobody is left.
pub fn chosen(clone: &WorkTree, head: Option<ObjectId>, words: &[String]) -> Result<Vec<Signer>, Failure> {
    let known = || head.map(|head| in_keys_folder(clone, head)).unwrap_or_default();
    if words.is_empty() {
        let usable: Vec<Signer> = known().into_iter().filter(Signer::can_sign).collect();
        if usable.is_empty() {
            let hint = "say who: --signer FILE, from 'gpg --armor --export ADDRESS > FILE'";
            return Err(Failure::of(Status::Usage, "nothing says who may sign from today", hint));
        }
        return Ok(usable);
    }
    let mut signers: Vec<Signer> = Vec::new();
    for word in words {
        let named = if Path::new(word).is_file() {
            signer::read(&[PathBuf::from(word)])?
        } else {
            vec![by_fingerprint(word, known())?]
        };
        for signer in named {
            if signers.iter().all(|other| other.fingerprint() != signer.fingerprint()) {
                signers.push(signer);
            }
        }
    }
    Ok(signers)
}

/// Reads every certificate of the classic keys folder; a file that cannot be read adds nobody, as on hosts (C7).
fn in_keys_folder(clone: &WorkTree, head: ObjectId) -> Vec<Signer> {
    let files = tree::files_in(clone, head, DEFAULT_KEY_FOLDER);
    let keys = files.iter().filter(|(name, _)| name.ends_with(".pub"));
    keys.filter_map(|(name, bytes)| signer::read_bytes(Path::new(name), bytes).ok()).flatten().collect()
}

fn by_fingerprint(word: &str, known: Vec<Signer>) -> Result<Signer, Failure> {
    let digits: String = word.chars().filter(|letter| !letter.is_whitespace()).collect::<String>().to_uppercase();
    known.into_iter().find(|signer| signer.fingerprint() == digits).ok_or_else(|| {
        let shown = cosmos_model::escape::for_terminal(word.as_bytes());
        let message = format!("'{shown}' is neither a file nor a whole fingerprint in '{DEFAULT_KEY_FOLDER}'");
        Failure::of(Status::Usage, message, "export the certificate: gpg --armor --export ADDRESS > FILE")
    })
}
