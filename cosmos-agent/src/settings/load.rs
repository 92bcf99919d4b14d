//! Reading the settings files below a root.

use std::io::Read as _;

use cosmos_model::path::RelPath;
use nix::errno::Errno;
use nix::sys::stat::{FileStat, fstat};

use crate::fs::{FsError, Kind, Obstacle, OnPath as _, Root, kind_of};

use super::{AgentFile, AgentSettings, MergedAgent, Mistakes, TrustFile};

/// No settings file is longer, in bytes; what is longer is something else.
const LONGEST: u64 = 1 << 20;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The host was never introduced to a repository.
    #[error("'/{0}' is missing")]
    Missing(RelPath),
    /// A file or folder cannot be read.
    #[error("cannot read the settings")]
    Unreadable(#[source] FsError),
    /// Somebody else could have written the file.
    #[error("'/{path}' {reason}")]
    Unsafe {
        /// The file.
        path: RelPath,
        /// Who could have, in words.
        reason: String,
    },
    /// Something else lies where the file belongs.
    #[error("'/{0}' is not a regular file")]
    NotAFile(RelPath),
    /// The file is not text, or by its size no settings file.
    #[error("'/{0}' is not a text of at most 1 MiB in UTF-8")]
    NotText(RelPath),
    /// The files can be read and are wrong.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
}

impl LoadError {
    /// Returns what to try.
    #[must_use]
    pub fn hint(&self) -> String {
        let fixed = match self {
            Self::Unreadable(source) => return source.hint().unwrap_or_else(|| "see what is in its place".to_owned()),
            Self::Missing(_) => "run 'cosmos clone URL --trust COMMIT:FINGERPRINT' first",
            Self::Unsafe { .. } => "let root own the file and nobody else write it: chown root:root, chmod go-w",
            Self::NotAFile(_) => "move it away, then restore the file from where it came from",
            Self::NotText(_) => "restore the file from where it came from",
            Self::Mistakes(_) => "every key is described in docs/formats.md, sections 1 and 2",
        };
        fixed.to_owned()
    }
}

/// Reads the agent settings at `path`, `etc/cosmos/agent.toml`, and the drop-ins in `etc/cosmos/agent.d`.
///
/// # Errors
/// Returns what cannot be read, or the mistakes of all files at once. Files that are missing mean the defaults.
pub fn agent(root: &Root, path: &RelPath) -> Result<AgentSettings, LoadError> {
    let mut files = Vec::new();
    let mut mistakes = Mistakes::default();
    for path in std::iter::once(path.clone()).chain(drop_ins(root, path)?) {
        let Some(text) = text_of(root, &path)? else { continue };
        match AgentFile::parse(&format!("/{path}"), &text) {
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

/// Reads the trust settings at `path`, `etc/cosmos/trust.toml`.
///
/// # Errors
/// Returns [`LoadError::Missing`] on a host that was never introduced, and what is wrong otherwise.
pub fn trust(root: &Root, path: &RelPath) -> Result<TrustFile, LoadError> {
    let text = text_of(root, path)?.ok_or_else(|| LoadError::Missing(path.clone()))?;
    Ok(TrustFile::parse(&format!("/{path}"), &text)?)
}

/// Returns the drop-ins of `NAME.toml`: the `.toml` files of `NAME.d`, in the order of their names.
fn drop_ins(root: &Root, path: &RelPath) -> Result<Vec<RelPath>, LoadError> {
    let bytes = path.as_bytes();
    let folder = [bytes.strip_suffix(b".toml").unwrap_or(bytes), b".d"].concat();
    let directory = match root.directory(&folder) {
        Ok(directory) => directory,
        Err(Obstacle::Missing) => return Ok(Vec::new()),
        Err(obstacle) => return Err(LoadError::Unreadable(obstacle.into_error(&folder))),
    };
    let names = directory.names().on("list", &folder).map_err(LoadError::Unreadable)?;
    // A hidden file is one that an editor or a package has not finished with.
    let names = names.iter().filter(|name| name.ends_with(b".toml") && !name.starts_with(b"."));
    let path_of = |name: &Vec<u8>| RelPath::new(&[&folder, b"/".as_slice(), name].concat());
    Ok(names.map(|name| path_of(name).expect("a listed name is one sound component")).collect())
}

/// Returns the text of a file that only root, or in an unprivileged root the caller, can have written.
fn text_of(root: &Root, path: &RelPath) -> Result<Option<String>, LoadError> {
    let folder = path.parent();
    let directory = match root.directory(folder.as_ref().map_or(&[], RelPath::as_bytes)) {
        Ok(directory) => directory,
        Err(Obstacle::Missing) => return Ok(None),
        Err(obstacle) => return Err(LoadError::Unreadable(obstacle.into_error(path.as_bytes()))),
    };
    let file = match directory.open_file(path.name()) {
        Ok(file) => file,
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(errno).on("open", path.as_bytes()).map_err(LoadError::Unreadable),
    };
    let stat = fstat(&file).on("look at", path.as_bytes()).map_err(LoadError::Unreadable)?;
    check_writers(root, path, &stat)?;
    let mut bytes = Vec::new();
    let read = file.take(LONGEST + 1).read_to_end(&mut bytes).on("read", path.as_bytes());
    let length = read.map_err(LoadError::Unreadable)?;
    match String::from_utf8(bytes) {
        Ok(text) if u64::try_from(length).is_ok_and(|length| length <= LONGEST) => Ok(Some(text)),
        _ => Err(LoadError::NotText(path.clone())),
    }
}

/// Judges the open file, not its name, which may mean another one a moment later.
fn check_writers(root: &Root, path: &RelPath, stat: &FileStat) -> Result<(), LoadError> {
    let refuse = |reason: String| Err(LoadError::Unsafe { path: path.clone(), reason });
    if kind_of(stat) != Kind::File {
        return Err(LoadError::NotAFile(path.clone()));
    }
    if stat.st_uid != 0 && stat.st_uid != root.default_owner().0 {
        return refuse(format!("belongs to user {}, who could change it", stat.st_uid));
    }
    if stat.st_mode & 0o022 != 0 {
        return refuse(format!("can be written by others (mode {:04o})", stat.st_mode & 0o7777));
    }
    Ok(())
}
