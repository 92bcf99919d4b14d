//! The key a release is signed with: the operator's own gpg, with whatever agent or card it uses, or a key file.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use openpgp::Cert;
use openpgp::armor;
use openpgp::parse::Parse as _;
use openpgp::policy::StandardPolicy;
use openpgp::serialize::stream::{Armorer, Message, Signer};
use sequoia_openpgp as openpgp;

use super::programs::last_words;
use super::{GitSettings, OperatorError, Programs};

/// Something that signs.
pub enum SigningKey<'a> {
    /// gpg, asked the way git asks it.
    Gpg {
        /// Whose environment it gets.
        programs: &'a Programs,
        /// The program.
        program: PathBuf,
        /// What it is told of the key: `user.signingKey`, else the operator's name and address.
        user: String,
        /// The certificate's fingerprint, upper-case hexadecimal.
        fingerprint: String,
        /// Where it runs.
        folder: PathBuf,
    },
    /// A key in a file.
    File {
        /// The file.
        file: PathBuf,
        /// The certificate with its secret parts.
        cert: Box<Cert>,
    },
}

impl<'a> SigningKey<'a> {
    /// Chooses the key: the file if one is named, else what git would sign with.
    ///
    /// # Errors
    /// Returns [`OperatorError`] when there is none, or it could not make a signature that hosts accept.
    pub fn choose(
        file: Option<&Path>,
        settings: &GitSettings,
        programs: &'a Programs,
        folder: &Path,
    ) -> Result<Self, OperatorError> {
        if let Some(file) = file {
            return Self::read(file);
        }
        if let Some(format) = settings.get("gpg.format").filter(|format| *format != "openpgp") {
            return Err(OperatorError::Format { format: cosmos_model::escape::for_terminal(format.as_bytes()) });
        }
        let program = settings.get("gpg.openpgp.program").or_else(|| settings.get("gpg.program")).unwrap_or("gpg");
        let program = programs.find(program)?;
        let user = match settings.get("user.signingkey") {
            Some(key) => key.to_owned(),
            None => settings.identity(programs)?,
        };
        let mut key = Self::Gpg { programs, program, user, fingerprint: String::new(), folder: folder.to_owned() };
        let found = key.certificate()?;
        if let Self::Gpg { fingerprint, .. } = &mut key {
            *fingerprint = found;
        }
        Ok(key)
    }

    fn read(file: &Path) -> Result<Self, OperatorError> {
        let wrong = |reason: String| OperatorError::KeyFile { file: file.to_owned(), reason };
        let bytes = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
        let cert = Cert::from_bytes(&bytes).map_err(|error| wrong(error.to_string()))?;
        if !cert.is_tsk() {
            return Err(wrong("it holds no secret key".to_owned()));
        }
        Ok(Self::File { file: file.to_owned(), cert: Box::new(cert) })
    }

    /// Asks gpg which certificate the key belongs to.
    fn certificate(&self) -> Result<String, OperatorError> {
        let Self::Gpg { programs, program, user, folder, .. } = self else { return Ok(self.fingerprint()) };
        let words = ["--batch", "--with-colons", "--list-secret-keys", "--", user].map(OsString::from);
        let answer = programs.ask(program, &words, &[], folder, b"")?;
        let listing = String::from_utf8_lossy(&answer.output).into_owned();
        let mut lines = listing.lines().skip_while(|line| !line.starts_with("sec"));
        let fingerprint = lines.find_map(|line| line.strip_prefix("fpr:")).and_then(|line| line.rsplit(':').nth(1));
        match fingerprint {
            Some(fingerprint) => Ok(fingerprint.to_owned()),
            None => {
                let shown = cosmos_model::escape::for_terminal(user.as_bytes());
                Err(OperatorError::NoKey { reason: format!("gpg has no secret key for '{shown}'") })
            }
        }
    }

    /// Returns the certificate's fingerprint, upper-case hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        match self {
            Self::Gpg { fingerprint, .. } => fingerprint.clone(),
            Self::File { cert, .. } => cert.fingerprint().to_hex(),
        }
    }

    /// Returns an armored detached signature over `text`, ending in a newline.
    ///
    /// # Errors
    /// Returns [`OperatorError`] when gpg or the key says no.
    pub fn sign(&self, text: &[u8]) -> Result<String, OperatorError> {
        let armored = match self {
            Self::Gpg { programs, program, user, folder, .. } => {
                let words = ["--status-fd=2", "-bsau", user].map(OsString::from);
                let answer = programs.ask(program, &words, &[], folder, text)?;
                let signed = answer.status == 0 && contains(&answer.complaint, b"[GNUPG:] SIG_CREATED ");
                if !signed {
                    return Err(OperatorError::Program {
                        action: "sign with gpg",
                        reason: last_words(&answer.complaint),
                    });
                }
                String::from_utf8_lossy(&answer.output).into_owned()
            }
            Self::File { file, cert } => by_file(cert, text).map_err(|error| {
                let reason = cosmos_model::escape::for_terminal(error.to_string().as_bytes());
                OperatorError::KeyFile { file: file.clone(), reason }
            })?,
        };
        Ok(format!("{}\n", armored.trim_end()))
    }
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}

fn by_file(cert: &Cert, text: &[u8]) -> openpgp::Result<String> {
    let policy = StandardPolicy::new();
    let keys = cert.keys().with_policy(&policy, None).supported().alive().revoked(false).for_signing();
    let usable = keys.unencrypted_secret().next();
    let key = usable.ok_or_else(|| anyhow::anyhow!("no key in it can sign now, or all need a passphrase"))?;
    let mut armored = Vec::new();
    let message = Armorer::new(Message::new(&mut armored)).kind(armor::Kind::Signature).build()?;
    let mut signer = Signer::new(message, key.key().clone().into_keypair()?)?.detached().build()?;
    signer.write_all(text)?;
    signer.finalize()?;
    Ok(String::from_utf8(armored)?)
}
