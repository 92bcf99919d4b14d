//! `cosmos secret edit`: a secret in the operator's editor.

use std::ffi::{OsStr, OsString};

use cosmos_model::secret::Plaintext;

use super::private::PrivateFolder;
use super::{Desk, shown};
use crate::exit::{Failure, Status};
use crate::operator::OperatorError;
use crate::recipients::SecretFile;

/// What edits where nobody says otherwise.
const EDITOR: &str = "vi";

/// Opens the secret, or an empty file, in the editor, and encrypts what comes of it.
///
/// # Errors
/// Returns a [`Failure`] when the operator cannot read it, or the editor fails: the secret then stays as it was.
pub fn run(desk: &Desk<'_>, secret: &SecretFile) -> Result<Status, Failure> {
    let there = desk.work.folder().join(&secret.path).exists();
    let before = if there { Some(desk.open(secret, &secret.read(desk.work)?)?) } else { None };
    let after = edited(desk, secret, before.as_deref().unwrap_or_default())?;
    desk.warn(&secret.layer);
    let same = before.as_deref() == Some(&*after);
    let differing = if there { desk.readers.compare(&secret.layer, &secret.read(desk.work)?).ok() } else { None };
    if desk.global.dry_run || (after.is_empty() && !there) || (same && differing.is_some_and(|one| one.is_none())) {
        println!("nothing was written");
        return Ok(Status::Done);
    }
    desk.seal(secret, &after)?;
    println!("changed {}", shown(&secret.path));
    for reader in desk.readers.of(&secret.layer).readers {
        println!("    for {}", reader.name);
    }
    desk.next(&[secret], &format!("Change {}", shown(&secret.path)));
    Ok(Status::Done)
}

/// Returns what the editor made of a text.
fn edited(desk: &Desk<'_>, secret: &SecretFile, text: &[u8]) -> Result<Plaintext, Failure> {
    let folder = PrivateFolder::make(desk.programs)?;
    let name = secret.inner.file_name().and_then(OsStr::to_str).unwrap_or("secret");
    let failed = |source| Failure::from(OperatorError::File { path: folder.path().to_owned(), source });
    let file = folder.write(name, text).map_err(failed)?;
    let named = |variable| desk.programs.variable(variable).filter(|value| !value.is_empty());
    let editor = named("VISUAL").or_else(|| named("EDITOR")).unwrap_or(OsStr::new(EDITOR));
    let words = editor.to_string_lossy().into_owned();
    let mut words = words.split_ascii_whitespace();
    let program = desk.programs.find(words.next().unwrap_or(EDITOR))?;
    let arguments: Vec<OsString> = words.map(OsString::from).chain([file.clone().into_os_string()]).collect();
    let status = desk.programs.attend(&program, &arguments, folder.path())?;
    if status != 0 {
        let message = format!("'{}' ended with status {status}", program.display());
        return Err(Failure::of(Status::Failed, message, "nothing was written; end the editor well"));
    }
    std::fs::read(&file).map(Plaintext::from).map_err(failed)
}
