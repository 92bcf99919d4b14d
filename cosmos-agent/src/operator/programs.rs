//! The programs an operator's command may start, found where no commit can have put them (A52).

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::OperatorError;
use crate::exec::{self, Answer};

/// Variables that point git at another repository, or at parts of one; what they say about this clone is not asked for.
const OF_THE_REPOSITORY: [&str; 14] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
    "GIT_TEMPLATE_DIR",
    "GIT_EXEC_PATH",
];

/// Where gpg lets a passphrase or PIN be asked for. It finds a terminal by itself only as its standard input, which is
/// our pipe.
const GPG_TTY: &str = "GPG_TTY";

/// The operator's own environment, and which folder must not be executed from.
pub struct Programs {
    environment: Vec<(OsString, OsString)>,
    /// The work tree: what lies in it came from commits.
    untrusted: PathBuf,
}

/// Returns the name of the terminal that the operator sits at.
fn terminal() -> Option<OsString> {
    let name = |stream: BorrowedFd<'_>| nix::unistd::ttyname(stream).ok();
    let found = name(io::stdin().as_fd()).or_else(|| name(io::stderr().as_fd()));
    found.map(PathBuf::into_os_string)
}

/// Returns the environment without what points git at another repository.
#[must_use]
pub fn without_repository(environment: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
    let points = |name: &OsString| OF_THE_REPOSITORY.iter().any(|one| name == one);
    environment.into_iter().filter(|(name, _)| !points(name)).collect()
}

impl Programs {
    /// Uses the environment the process was started with, for work on the tree at `untrusted`.
    #[must_use]
    pub fn of_the_operator(untrusted: &Path) -> Self {
        let mut environment = without_repository(crate::environment::original());
        if let Some(terminal) = terminal().filter(|_| !environment.iter().any(|(name, _)| name == GPG_TTY)) {
            environment.push((GPG_TTY.into(), terminal));
        }
        Self { environment, untrusted: untrusted.to_owned() }
    }

    /// Returns a variable of the operator's environment.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }

    /// Finds a program: by its absolute path, or in the absolute folders of `PATH`, but never in the work tree.
    ///
    /// # Errors
    /// Returns [`OperatorError`] when it is nowhere, or where a commit could have put it.
    pub fn find(&self, name: &str) -> Result<PathBuf, OperatorError> {
        let path = Path::new(name);
        let not_found = || OperatorError::NotFound { program: cosmos_model::escape::for_terminal(name.as_bytes()) };
        if path.is_absolute() {
            return self.outside(path.to_owned());
        }
        if name.contains('/') || name.is_empty() {
            // Where such a name leads depends on the folder we happen to be in.
            return Err(OperatorError::InRepository { program: path.to_owned() });
        }
        let folders = self.variable("PATH").unwrap_or(OsStr::new("/usr/local/bin:/usr/bin:/bin"));
        let candidates = std::env::split_paths(folders).filter(|folder| folder.is_absolute()).map(|one| one.join(name));
        let executable = |file: &PathBuf| {
            file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        };
        let mut found = candidates.filter(executable).map(|file| self.outside(file));
        found.find(Result::is_ok).unwrap_or_else(|| Err(not_found()))
    }

    fn outside(&self, program: PathBuf) -> Result<PathBuf, OperatorError> {
        let real =
            program.canonicalize().map_err(|_| OperatorError::NotFound { program: program.display().to_string() })?;
        let inside = real.starts_with(&self.untrusted) || program.starts_with(&self.untrusted);
        if inside { Err(OperatorError::InRepository { program }) } else { Ok(program) }
    }

    /// Asks a program and returns what it answered, whatever its status.
    ///
    /// # Errors
    /// Returns [`OperatorError::Execute`] when it cannot be started.
    pub fn ask(
        &self,
        program: &Path,
        arguments: &[OsString],
        more: &[(OsString, OsString)],
        folder: &Path,
        input: &[u8],
    ) -> Result<Answer, OperatorError> {
        let others = self.environment.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        let environment: Vec<(OsString, OsString)> = others.chain(more).cloned().collect();
        exec::ask(program, arguments, &environment, folder, input)
            .map_err(|source| OperatorError::Execute { program: program.to_owned(), source })
    }

    /// Lets the operator work with a program on the terminal, and returns its status when it ends.
    ///
    /// # Errors
    /// Returns [`OperatorError::Execute`] when it cannot be started.
    pub fn attend(&self, program: &Path, arguments: &[OsString], folder: &Path) -> Result<i32, OperatorError> {
        exec::attend(program, arguments, &self.environment, folder)
            .map_err(|source| OperatorError::Execute { program: program.to_owned(), source })
    }
}

/// Returns the last words of a complaint as one line, escaped.
pub(super) fn last_words(complaint: &[u8]) -> String {
    let tail = &complaint[complaint.len().saturating_sub(1024)..];
    let lines = tail.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(cosmos_model::escape::for_terminal).collect();
    let kept = lines.len().saturating_sub(4);
    lines[kept..].join("; ")
}
