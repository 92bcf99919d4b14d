//! `cosmos gpg`: gpg with the host's keyring, for people and for tasks (C6).

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::import;
use crate::fs::by_path;

/// Where gpg may be; the caller's PATH has no say (fault 4).
pub const FOLDERS: [&str; 3] = ["/usr/bin", "/bin", "/usr/local/bin"];

/// Why `cosmos gpg` could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum GpgError {
    /// The keyring's folder cannot be made, or its mode set.
    #[error("cannot make '{}'", home.display())]
    Home {
        /// The folder.
        home: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// gpg is there and cannot be executed.
    #[error("cannot execute '{}'", program.display())]
    Execute {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Without gpg there is only a plain import.
    #[error("gpg is not installed, and '{arguments}' needs it")]
    NotInstalled {
        /// The arguments, safe to show.
        arguments: String,
    },
    /// The import within this process failed.
    #[error(transparent)]
    Import(#[from] import::ImportError),
}

impl GpgError {
    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Home { .. } => "run as root".into(),
            Self::Execute { .. } | Self::NotInstalled { .. } => {
                "install gpg; only 'cosmos gpg --import [FILE…]' works without it".into()
            }
            Self::Import(error) => error.hint(),
        }
    }
}

/// Runs gpg with the keyring in `home` and does not return when it is installed in one of `folders`: the process
/// becomes gpg, with its standard streams, its exit status and the caller's own environment.
///
/// Without gpg a plain `--import [FILE…]` is done here; the exit status gpg would have had is returned.
///
/// # Errors
/// Returns [`GpgError`] when the folder cannot be made, or without gpg the arguments ask for something else.
pub fn run(
    home: &Path,
    arguments: &[OsString],
    environment: &[(OsString, OsString)],
    folders: &[&str],
) -> Result<u8, GpgError> {
    make_home(home).map_err(|source| GpgError::Home { home: home.to_owned(), source })?;
    let candidates = folders.iter().map(|folder| Path::new(folder).join("gpg"));
    if let Some(program) = candidates.into_iter().find(|program| program.is_file()) {
        let source = crate::exec::replace_with(&program, arguments, &with_home(environment, home));
        return Err(GpgError::Execute { program, source });
    }
    match arguments.split_first() {
        Some((import, files)) if import == "--import" && !files.iter().any(|file| is_option(file)) => {
            let outcome = import::import(home, files, &mut io::stdin().lock(), &mut io::stderr().lock())?;
            Ok(outcome)
        }
        _ => Err(GpgError::NotInstalled { arguments: shown(arguments) }),
    }
}

/// Makes the keyring's folder if it is missing. One that is there keeps its mode unless that lets others in.
fn make_home(home: &Path) -> io::Result<()> {
    match std::fs::metadata(home) {
        Ok(found) if found.permissions().mode() & 0o077 == 0 => Ok(()),
        Ok(_) => by_path::set_mode(home, 0o700),
        Err(error) if error.kind() == io::ErrorKind::NotFound => by_path::make_directories(home, 0o700),
        Err(error) => Err(error),
    }
}

fn with_home(environment: &[(OsString, OsString)], home: &Path) -> Vec<(OsString, OsString)> {
    let others = environment.iter().filter(|(name, _)| name != "GNUPGHOME").cloned();
    others.chain([("GNUPGHOME".into(), home.into())]).collect()
}

fn is_option(argument: &OsStr) -> bool {
    let bytes = argument.as_encoded_bytes();
    bytes.starts_with(b"-") && bytes != b"-"
}

fn shown(arguments: &[OsString]) -> String {
    let words = arguments.iter().map(|word| cosmos_model::escape::for_terminal(word.as_encoded_bytes()));
    words.collect::<Vec<_>>().join(" ")
}
