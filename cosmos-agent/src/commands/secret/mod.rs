//! `cosmos secret`: secrets of an operator's work tree, opened by the operator's gpg, card or key file, and encrypted
//! in process to everybody whom the model names.

use std::path::Path;

use cosmos_model::escape::for_terminal;
use cosmos_model::secret::{LARGEST, Plaintext};
use openpgp::Cert;
use openpgp::parse::Parse as _;
use sequoia_openpgp as openpgp;

use crate::cli::{GlobalOptions, SecretCommand, SecretOptions};
use crate::exit::{Failure, Status};
use crate::fs::by_path;
use crate::operator::{AsItIs, OperatorError, Programs, WorkTree};
use crate::recipients::{Readers, SecretFile};
use crate::{secret, shell};

mod edit;
mod private;
mod rekey;
mod show;

/// Does what the words say.
///
/// # Errors
/// Returns a [`Failure`] when a path is none of a secret, or the operator cannot read it.
pub fn run(options: &SecretOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let work = WorkTree::find(&options.repository.clone().unwrap_or_else(|| ".".into()))?;
    let programs = Programs::of_the_operator(work.folder());
    let key = options.key.as_deref().map(key_file).transpose()?;
    let readers = Readers::read(&work, &AsItIs::read(&work)?);
    let desk = Desk { work: &work, programs: &programs, key, readers, global };
    match &options.command {
        SecretCommand::Edit { path } => edit::run(&desk, &named(path)?),
        SecretCommand::Show { path } => show::run(&desk, &named(path)?),
        SecretCommand::Rekey { paths } => {
            let named: Result<Vec<SecretFile>, Failure> = paths.iter().map(|path| named(path)).collect();
            let all = if paths.is_empty() { SecretFile::all(&work) } else { named? };
            rekey::run(&desk, &all)
        }
    }
}

/// What every verb works with.
struct Desk<'a> {
    work: &'a WorkTree,
    programs: &'a Programs,
    /// The operator's own key, where gpg is not to be asked.
    key: Option<Cert>,
    readers: Readers,
    global: &'a GlobalOptions,
}

/// Reads a path as one of a secret.
fn named(path: &Path) -> Result<SecretFile, Failure> {
    SecretFile::at(path).ok_or_else(|| {
        let message = format!("'{}' is no path of a secret", path.display());
        Failure::of(Status::Usage, message, "as the repository has it: global/secrets/etc/app/password")
    })
}

fn key_file(file: &Path) -> Result<Cert, Failure> {
    let wrong = |reason: String| {
        let message = format!("cannot read secrets with '{}': {reason}", file.display());
        Failure::of(Status::Usage, message, "name an OpenPGP key without passphrase, or leave it to gpg")
    };
    let bytes = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    Cert::from_bytes(&bytes).map_err(|error| wrong(error.to_string()))
}

impl Desk<'_> {
    /// Decrypts a message with the key file, or by gpg.
    fn open(&self, secret: &SecretFile, message: &[u8]) -> Result<Plaintext, Failure> {
        let path = secret.path.display();
        if let Some(key) = &self.key {
            return secret::open(key, message).map_err(|error| {
                let hint = "name the key of somebody whom it is encrypted to: --key FILE";
                Failure::of(Status::Failed, format!("{path}: cannot be opened: {error}"), hint)
            });
        }
        let gpg = self.programs.find("gpg")?;
        let words = ["--quiet", "--decrypt"].map(Into::into);
        let answer = self.programs.ask(&gpg, &words, &[], Path::new("/"), message)?;
        let text = Plaintext::from(answer.output);
        if answer.status != 0 {
            let words = for_terminal(answer.complaint.trim_ascii());
            let hint = "somebody who can read it lets you in: cosmos secret rekey";
            return Err(Failure::of(Status::Failed, format!("{path}: gpg cannot open it: {words}"), hint));
        }
        Ok(text)
    }

    /// Encrypts a text to everybody who is to read the secret, and writes it.
    fn seal(&self, secret: &SecretFile, text: &[u8]) -> Result<(), Failure> {
        let path = self.work.folder().join(&secret.path);
        if text.len() > LARGEST {
            let message = format!("{}: a secret has at most {LARGEST} bytes", secret.path.display());
            return Err(Failure::of(Status::Usage, message, "nothing was written"));
        }
        let certs: Vec<Cert> = self.readers.of(&secret.layer).readers.into_iter().map(|reader| reader.cert).collect();
        let sealed = secret::seal(text, &certs).map_err(|error| {
            let message = format!("{}: cannot be encrypted: {error}", secret.path.display());
            Failure::of(Status::Failed, message, "see 'cosmos host list' and 'cosmos signer list' for who can read it")
        })?;
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        let written = made.and_then(|()| by_path::replace_file(&path, sealed.as_bytes(), 0o644));
        Ok(written.map_err(|source| OperatorError::File { path, source })?)
    }

    /// Names those who should read a secret of the layer and have no key for it.
    fn warn(&self, layer: &str) {
        let wanted = self.readers.of(layer);
        for name in wanted.hosts_without_key.iter().chain(&wanted.operators_without_key) {
            eprintln!("warning: {name} has no key to encrypt to, and cannot read it");
        }
    }

    /// Says what comes next.
    fn next(&self, written: &[&SecretFile], message: &str) {
        let words: Vec<String> = written.iter().map(|one| shell::word(&one.path.display().to_string())).collect();
        print!(
            "Next:\n    git add -- {}\n    git commit --gpg-sign -m {}\n    cosmos release\n",
            words.join(" "),
            shell::word(message)
        );
    }
}

/// Returns a path of the work tree for messages.
fn shown(path: &Path) -> String {
    for_terminal(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()))
}
