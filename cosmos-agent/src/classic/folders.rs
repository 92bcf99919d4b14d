//! Command folders, `/etc/cosmos/COMMAND.d/`: users' own scripts at their numbers among our steps (C10).

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use cosmos_model::content::ContentHash;

/// One step of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// What the agent itself does at this number.
    BuiltIn(u32),
    /// A script that the host's administrator put there.
    Script {
        /// The script.
        path: PathBuf,
        /// The number its name starts with.
        number: u32,
    },
}

/// Why a command's steps cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Neither a command of ours nor one of this host.
    #[error("unknown command '{command}'")]
    Unknown {
        /// The word, safe to show.
        command: String,
    },
    /// The folder or a script in it cannot be read.
    #[error("cannot read '{}'", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A script of the old package with changes of this host, which would no longer have an effect.
    #[error("'{}' is a changed script of Cosmos 1.5, whose step is built in now", path.display())]
    Modified {
        /// The script.
        path: PathBuf,
    },
    /// Others may write a script that root runs.
    #[error("'{}' can be changed by others than root", path.display())]
    Exposed {
        /// The script.
        path: PathBuf,
    },
    /// A script of the old package that was switched off.
    #[error("'{}' is not executable, but its step is built in now and cannot be switched off", path.display())]
    SwitchedOff {
        /// The script.
        path: PathBuf,
    },
}

impl FolderError {
    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown { .. } => "'cosmos --help' lists the commands".into(),
            Self::Unreadable { .. } => "run as root".into(),
            Self::Modified { path } => format!(
                "move what you added into a script of its own with another number beside it, then remove '{}'",
                path.display()
            ),
            Self::Exposed { path } => format!("chown root:root '{0}' && chmod go-w '{0}'", path.display()),
            Self::SwitchedOff { path } => format!("remove '{}', or make it executable again", path.display()),
        }
    }
}

/// The old package's scripts, by command and name, with the SHA-256 of each release: 1.5-1, 1.5-2~sunet20220414.
const STOCK: [(&str, &str, &[&str]); 13] = [
    ("apply", "10model-test", &["95e5b919d8c2b22eaae6bbee37164d8d585c21bfe025900d1fbdcef88303c2b2"]),
    ("apply", "20run-pre-tasks", &["b261170c279d2062183aadc2b3a055bc5c25a6e21fa09a6b45c2c6bda55c9afb"]),
    ("apply", "40delete", &["4c6ce2884ca44313e305166f7fd223402c0055c21b5705b9b5c45dcf1b579512"]),
    ("apply", "60overlay", &["80ef95015b7b1a2d04b3fb10a9caeb24588639e266b52add7167dc04ce50e791"]),
    ("apply", "70run-post-tasks", &["585c558d877ae284245f36fc54af8c932499d47a14ace9a77b611b962cd3e3b1"]),
    ("clone", "10repo-test", &["62eef5e7ae1cecd4b667daf50d71ba106000e5e7a427283e42e69135ebfa7ad4"]),
    ("clone", "20clone-git", &["014964c21dadb4ff919ed23a7333d4b5a790f30d39c03a3282576b5dcaa05311"]),
    ("clone", "90repo-check", &["aa1eb194ce74aeefaebef7fb5bd9ee21ca2158d1cf2a0ad0905f3609181dc531"]),
    ("gpg", "50gpg", &["f9618dae27e02d30b7069a4b27f245226e8d9ce59b4a56644fb765b82e7f43fa"]),
    ("update", "10repo-test", &["c5778f0cf3461b67e94ba2baa2d9e85e71496d22a5a120b9996f7ee5620d2f9e"]),
    (
        "update",
        "20update-git",
        &[
            "b224a7d42e2b454d1eda8a857b2486541a41746c9f1f742de5d5d612e6fccce1",
            "d871923659b306fa97e4b1c03d8dbd7c4dd6b0d68b77917146bee6b7dbcd1b6f",
        ],
    ),
    (
        "update",
        "25verify-git",
        &[
            "3babed961a44d2e67cf0a3b71a4d52f430384329d00acb0779b4bcf8f0044038",
            "1fa9f48a07db93da2e1e2309c56a147421469a8e06876f919564a1862f9be63b",
        ],
    ),
    ("update", "90update-model", &["646179b52e59ab435ed002f2db1743087d5380179112ed02aba49eabbe9cf20a"]),
];

/// Returns the built-in steps of `command`, in order.
#[must_use]
pub fn built_in(command: &str) -> Vec<Step> {
    let names = STOCK.iter().filter(|(of, ..)| *of == command).map(|(_, name, _)| name.as_bytes());
    names.map(|name| Step::BuiltIn(number(name))).collect()
}

/// Returns the steps of `command` in order: the built-in ones, always all of them, and this host's scripts between.
///
/// A script that is missing switches no step off, and one of the old package adds none. Scripts run in byte order of
/// their names; a built-in step has the place of the script it replaces.
///
/// # Errors
/// Returns [`FolderError`] when the command is not known here, or a script of the old package was changed.
pub fn steps(conf_dir: &Path, command: &str) -> Result<Vec<Step>, FolderError> {
    let built_in = STOCK.iter().filter(|(of, ..)| *of == command);
    let mut steps: Vec<(Vec<u8>, Step)> =
        built_in.map(|(_, name, _)| (name.as_bytes().to_vec(), Step::BuiltIn(number(name.as_bytes())))).collect();
    let unknown = || FolderError::Unknown { command: cosmos_model::escape::for_terminal(command.as_bytes()) };
    let folder = conf_dir.join(format!("{command}.d"));
    if command.is_empty() || command.contains('/') || (steps.is_empty() && !folder.is_dir()) {
        return Err(unknown());
    }
    for path in entries(&folder)? {
        let name = path.file_name().expect("a folder's entries have names").as_bytes().to_vec();
        if let Some(number) = own_script(command, &name, &path)? {
            steps.push((name, Step::Script { path, number }));
        }
    }
    steps.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(steps.into_iter().map(|(_, step)| step).collect())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let unreadable = |source| FolderError::Unreadable { path: folder.to_owned(), source };
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>().map_err(unreadable)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(unreadable(source)),
    }
}

/// Returns the number of a script to run, or `None` for what is no script or stands for a built-in step.
fn own_script(command: &str, name: &[u8], path: &Path) -> Result<Option<u32>, FolderError> {
    if !name[0].is_ascii_digit() || name.ends_with(b"~") {
        return Ok(None);
    }
    let unreadable = |source| FolderError::Unreadable { path: path.to_owned(), source };
    let found = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found.map_err(unreadable)?,
    };
    if !found.is_file() {
        return Ok(None);
    }
    let executable = found.permissions().mode() & 0o111 != 0;
    let stock_name = STOCK.iter().any(|(of, stock, _)| *of == command && stock.as_bytes() == name);
    if stock_name && !executable {
        return Err(FolderError::SwitchedOff { path: path.to_owned() });
    }
    if !executable || is_stock(command, &std::fs::read(path).map_err(unreadable)?) {
        return Ok(None);
    }
    if stock_name || is_package_leftover(command, name) {
        return Err(FolderError::Modified { path: path.to_owned() });
    }
    if !super::ownership::is_exclusive(&found) {
        return Err(FolderError::Exposed { path: path.to_owned() });
    }
    Ok(Some(number(name)))
}

fn is_stock(command: &str, content: &[u8]) -> bool {
    let hash = ContentHash::of(content).to_string();
    STOCK.iter().any(|(of, _, hashes)| *of == command && hashes.contains(&hash.as_str()))
}

/// Tells whether the package system keeps the file beside a script of the old package: `25verify-git.dpkg-old`.
fn is_package_leftover(command: &str, name: &[u8]) -> bool {
    let suffix = |stock: &str| name.strip_prefix(stock.as_bytes()).map(|rest| rest.starts_with(b".dpkg-"));
    STOCK.iter().any(|(of, stock, _)| *of == command && suffix(stock) == Some(true))
}

fn number(name: &[u8]) -> u32 {
    let digits = name.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0_u32, |number, digit| number.saturating_mul(10).saturating_add(u32::from(digit - b'0')))
}
