//! Reading the settings files below a root directory.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use cosmos_model::escape::for_terminal;
use cosmos_model::path::RelPath;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{FileStat, fstat};
use nix::unistd::geteuid;

use super::{AgentFile, AgentSettings, MergedAgent, Mistakes, TrustFile};

/// No settings file is longer, in bytes; what is longer is something else.
const LONGEST: u64 = 1 << 20;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The host was never introduced to a repository.
    #[error("'{0}' is missing")]
    Missing(String),
    /// A file or folder cannot be read.
    #[error("cannot read '{path}'")]
    Unreadable {
        /// What was to be read.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Somebody else could have written the file.
    #[error("'{path}' {reason}")]
    Unsafe {
        /// The file.
        path: String,
        /// Who could have, in words.
        reason: String,
    },
    /// The file is not text, or no settings file by its size.
    #[error("'{0}' is not a text of at most 1 MiB in UTF-8")]
    NotText(String),
    /// The files can be read and are wrong.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
}

impl LoadError {
    /// Returns what to try.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Missing(_) => "run 'cosmos clone URL --trust COMMIT:FINGERPRINT' first",
            Self::Unreadable { .. } => "run as root, or give the root directory you own with --root",
            Self::Unsafe { .. } => "let root own the file and nobody else write it: chown root:root, chmod go-w",
            Self::NotText(_) => "restore the file from where it came from",
            Self::Mistakes(_) => "every key is described in docs/formats.md, sections 1 and 2",
        }
    }
}

/// Reads the agent settings at `path`, and the drop-ins of the folder of the same name ending in `.d`.
///
/// # Errors
/// Returns what cannot be read, or the mistakes of all files at once. Files that are missing mean the defaults.
pub fn agent(root: BorrowedFd<'_>, path: &RelPath) -> Result<AgentSettings, LoadError> {
    let mut files = Vec::new();
    let mut mistakes = Mistakes::default();
    let mut drop_ins = names_below(root, &drop_in_folder(path))?;
    drop_ins.sort_unstable();
    for path in std::iter::once(path.clone()).chain(drop_ins) {
        let Some(text) = text_of(root, &path)? else { continue };
        match AgentFile::parse(&shown(&path), &text) {
            Ok(file) => files.push(file),
            Err(found) => mistakes.0.extend(found.0),
        }
    }
    match MergedAgent::of(files).validate() {
        Ok(settings) => Ok(mistakes.or(settings)?),
        Err(found) => {
            mistakes.0.extend(found.0);
            Err(mistakes.into())
        }
    }
}

/// Reads the trust settings at `path`.
///
/// # Errors
/// Returns [`LoadError::Missing`] on a host that was never introduced, and what is wrong otherwise.
pub fn trust(root: BorrowedFd<'_>, path: &RelPath) -> Result<TrustFile, LoadError> {
    let text = text_of(root, path)?.ok_or_else(|| LoadError::Missing(shown(path)))?;
    Ok(TrustFile::parse(&shown(path), &text)?)
}

/// Returns `etc/cosmos/agent.d` for `etc/cosmos/agent.toml`.
fn drop_in_folder(path: &RelPath) -> RelPath {
    let bytes = path.as_bytes();
    let stem = bytes.strip_suffix(b".toml").unwrap_or(bytes);
    RelPath::new(&[stem, b".d"].concat()).expect("the folder differs from a sound path in its ending only")
}

fn shown(path: &RelPath) -> String {
    format!("/{path}")
}

fn unreadable(path: &RelPath, source: impl Into<io::Error>) -> LoadError {
    LoadError::Unreadable { path: shown(path), source: source.into() }
}

/// Opens `path` as if `root` were `/`; `None` when it is missing.
fn open(root: BorrowedFd<'_>, path: &RelPath, flags: OFlag) -> Result<Option<OwnedFd>, LoadError> {
    let how = OpenHow::new().flags(flags | OFlag::O_RDONLY | OFlag::O_CLOEXEC).resolve(ResolveFlag::RESOLVE_IN_ROOT);
    match openat2(root, path.as_bytes(), how) {
        Ok(opened) => Ok(Some(opened)),
        Err(nix::Error::ENOENT) => Ok(None),
        Err(error) => Err(unreadable(path, error)),
    }
}

/// Returns the text of a file that only root, or in an unprivileged root the caller, can have written.
fn text_of(root: BorrowedFd<'_>, path: &RelPath) -> Result<Option<String>, LoadError> {
    // Without O_NONBLOCK a pipe in the file's place would hang the run.
    let Some(opened) = open(root, path, OFlag::O_NONBLOCK)? else { return Ok(None) };
    let status = fstat(opened.as_fd()).map_err(|error| unreadable(path, error))?;
    check_writers(path, &status)?;
    let mut bytes = Vec::new();
    let read = File::from(opened).take(LONGEST + 1).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(path, error))?;
    let short = u64::try_from(bytes.len()).is_ok_and(|length| length <= LONGEST);
    match String::from_utf8(bytes) {
        Ok(text) if short => Ok(Some(text)),
        _ => Err(LoadError::NotText(shown(path))),
    }
}

/// Judges the open file, not its name, which may mean another one a moment later.
fn check_writers(path: &RelPath, status: &FileStat) -> Result<(), LoadError> {
    let refuse = |reason: String| Err(LoadError::Unsafe { path: shown(path), reason });
    if status.st_mode & nix::libc::S_IFMT != nix::libc::S_IFREG {
        return refuse("is not a regular file".to_owned());
    }
    if status.st_uid != 0 && status.st_uid != geteuid().as_raw() {
        return refuse(format!("belongs to user {}, who could change it", status.st_uid));
    }
    if status.st_mode & 0o022 != 0 {
        return refuse(format!("can be written by others (mode {:04o})", status.st_mode & 0o7777));
    }
    Ok(())
}

/// Returns the `.toml` files of `folder`; none when it is missing. Hidden files are half-written ones.
fn names_below(root: BorrowedFd<'_>, folder: &RelPath) -> Result<Vec<RelPath>, LoadError> {
    let Some(opened) = open(root, folder, OFlag::O_DIRECTORY)? else { return Ok(Vec::new()) };
    let mut entries = nix::dir::Dir::from_fd(opened).map_err(|error| unreadable(folder, error))?;
    let mut names = Vec::new();
    for entry in entries.iter() {
        let entry = entry.map_err(|error| unreadable(folder, error))?;
        let name = entry.file_name().to_bytes();
        if name.ends_with(b".toml") && !name.starts_with(b".") {
            names.push(folder.join(name).map_err(|_| LoadError::NotText(for_terminal(name)))?);
        }
    }
    Ok(names)
}
