//! The settings of a classic host: `cosmos.conf` with its defaults, validated (C1, docs/formats.md §17).

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::Read as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use cosmos_model::escape::for_terminal;

use super::assignment::{Assignments, Mistake, Surroundings};
use super::layers;

/// The tag pattern of a host that sets none: every tag is a release.
const EVERY_TAG: &str = "*";

/// What makes the settings of a host unusable, all at once.
#[derive(Debug, thiserror::Error)]
pub enum ConfError {
    /// The file is there and cannot be read.
    #[error("cannot read '{}'", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others may write what decides where this host gets its files from.
    #[error("'{}' can be changed by others than root", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// Lines that are no assignments.
    #[error("{}", listed(.0))]
    Lines(Vec<Mistake>),
    /// A variable's value cannot be what it has to be.
    #[error("{variable} is '{value}', which is not {expected}")]
    Value {
        /// The variable.
        variable: &'static str,
        /// Its value, safe to show.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The layer list is wrong.
    #[error(transparent)]
    Layer(#[from] layers::LayerError),
    /// No layer list at all.
    #[error("COSMOS_REPO_MODELS is not set, so this host has no layers")]
    NoLayers,
    /// The file asks for what only the command line may (T17).
    #[error("COSMOS_UPDATE_VERIFY is '{value}', but no setting turns verification off")]
    VerificationOff {
        /// The variable's value, safe to show.
        value: String,
    },
}

fn listed(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl ConfError {
    /// Returns what to do about it: the lines to put instead, where there are any.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => "run as root, or set COSMOS_CONF_DIR".into(),
            Self::Exposed { path } => format!("chown root:root '{0}' && chmod go-w '{0}'", path.display()),
            Self::Lines(mistakes) => mistakes.iter().map(repair).collect::<Vec<_>>().join("; "),
            Self::Value { variable, expected, .. } => format!("set {variable} to {expected}"),
            Self::Layer(_) | Self::NoLayers => {
                "COSMOS_REPO_MODELS=\"$COSMOS_REPO/$(hostname -f)/:$COSMOS_REPO/global/\"".into()
            }
            Self::VerificationOff { .. } => {
                "remove the line; in a laboratory, give --insecure-skip-verification to each command".into()
            }
        }
    }
}

fn repair(mistake: &Mistake) -> String {
    match &mistake.instead {
        Some(line) => format!("put this on line {}: {line}", mistake.line),
        None => format!("remove line {}", mistake.line),
    }
}

/// The options of the command line that classic tasks see as variables; each wins over the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// `-r`.
    pub root: Option<PathBuf>,
    /// `-n`.
    pub dry_run: bool,
    /// `-N`.
    pub dry_tasks: bool,
    /// `-v`.
    pub verbose: bool,
}

/// The settings of a classic host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassicSettings {
    /// `/etc/cosmos`, or `$COSMOS_CONF_DIR`.
    pub conf_dir: PathBuf,
    /// Where files are installed.
    pub root: PathBuf,
    /// The working folder; tasks keep stamps in it.
    pub base: PathBuf,
    /// The clone that other tools look at (C2).
    pub repo: PathBuf,
    /// The folder the merged model is written to and tasks run from.
    pub model: PathBuf,
    /// The layers, first wins, relative to the clone; a slash at the end is significant (C3).
    pub layers: Vec<Vec<u8>>,
    /// False when the file says so; see [`ClassicSettings::verification`].
    pub verify: bool,
    /// The glob of release tags.
    pub tag_pattern: String,
    /// The branch followed; `None` is the remote's own HEAD, else `master`.
    pub branch: Option<String>,
    /// Print what would be done, do nothing.
    pub dry_run: bool,
    /// Run tasks with `COSMOS_DRY_TASKS=y` and change no file.
    pub dry_tasks: bool,
    /// Say what is done.
    pub verbose: bool,
    /// Say nothing but failures.
    pub quiet: bool,
    /// Every variable in the order of its first assignment, defaults first: part of each task's environment (C4).
    pub variables: Vec<(String, Vec<u8>)>,
    /// Remarks about settings that have no effect here.
    pub notes: Vec<String>,
}

impl ClassicSettings {
    /// Reads `text`, the content of `conf_dir`/cosmos.conf.
    ///
    /// # Errors
    /// Returns every line that cannot be read, or the first variable with a value that cannot be used.
    pub fn parse(
        text: &[u8],
        conf_dir: &Path,
        host_name: &dyn Fn(bool) -> Option<String>,
        options: &Options,
    ) -> Result<Self, ConfError> {
        let scope = Scope { variables: RefCell::new(defaults(conf_dir)), host_name };
        let mut assignments = Assignments::new(text);
        let mut mistakes = Vec::new();
        while let Some(assignment) = assignments.next(&scope) {
            match assignment {
                Ok((name, value)) => set(&mut scope.variables.borrow_mut(), &name, value),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        if !mistakes.is_empty() {
            return Err(ConfError::Lines(mistakes));
        }
        for derived in ["COSMOS_REPO", "COSMOS_MODEL"] {
            let value = scope.variable(derived).unwrap_or_default();
            set(&mut scope.variables.borrow_mut(), derived, value);
        }
        let mut variables = scope.variables.into_inner();
        apply_options(&mut variables, options);
        Self::validated(conf_dir, variables)
    }

    /// Reads `conf_dir`/cosmos.conf; `None` when this host has no such file and is no classic host.
    ///
    /// # Errors
    /// As [`ClassicSettings::parse`], and when the file cannot be read, or others may write it.
    pub fn load(conf_dir: &Path, options: &Options) -> Result<Option<Self>, ConfError> {
        let path = conf_dir.join("cosmos.conf");
        let mut file = match std::fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ConfError::Unreadable { path, source }),
        };
        let mut text = Vec::new();
        let read = file.read_to_end(&mut text).and_then(|_| file.metadata());
        let found = read.map_err(|source| ConfError::Unreadable { path: path.clone(), source })?;
        if !super::ownership::is_exclusive(&found) {
            return Err(ConfError::Exposed { path });
        }
        let host_name = |full| super::names::host_name(full, Path::new("/etc/hosts"));
        Self::parse(&text, conf_dir, &host_name, options).map(Some)
    }

    fn validated(conf_dir: &Path, variables: Vec<(String, Vec<u8>)>) -> Result<Self, ConfError> {
        let value = |name: &str| lookup(&variables, name).unwrap_or_default();
        let is_set = |name: &str| !value(name).is_empty();
        let repo = folder("COSMOS_REPO", &value("COSMOS_REPO"))?;
        let rsync = RsyncWords::read(&value("RSYNC_ARGS"));
        Ok(Self {
            conf_dir: conf_dir.to_owned(),
            root: folder("COSMOS_ROOT", &value("COSMOS_ROOT"))?,
            base: folder("COSMOS_BASE", &value("COSMOS_BASE"))?,
            layers: layers::split(&value("COSMOS_REPO_MODELS"), &repo)?,
            repo,
            model: folder("COSMOS_MODEL", &value("COSMOS_MODEL"))?,
            verify: matches!(&value("COSMOS_UPDATE_VERIFY")[..], b"" | b"y" | b"Y" | b"yes"),
            tag_pattern: text("COSMOS_UPDATE_VERIFY_GIT_TAG_PATTERN", &variables)?.unwrap_or(EVERY_TAG.into()),
            branch: text("COSMOS_DEFAULT_BRANCH", &variables)?,
            dry_run: is_set("COSMOS_DRY_RUN"),
            dry_tasks: is_set("COSMOS_DRY_TASKS") || rsync.dry,
            verbose: is_set("COSMOS_VERBOSE") || rsync.verbose,
            quiet: is_set("COSMOS_QUIET"),
            notes: rsync.note.into_iter().collect(),
            variables,
        })
    }

    /// Returns whether this run verifies: always, unless `insecure` is the operator's own word on the command line.
    ///
    /// # Errors
    /// Returns [`ConfError::VerificationOff`] when only the file asks for no verification (T17).
    pub fn verification(&self, insecure: bool) -> Result<bool, ConfError> {
        if self.verify || insecure {
            return Ok(!insecure);
        }
        let value = lookup(&self.variables, "COSMOS_UPDATE_VERIFY").unwrap_or_default();
        Err(ConfError::VerificationOff { value: for_terminal(&value) })
    }

    /// Returns the layers of a host that has some; `clone` and `gpg` work before the list is written.
    ///
    /// # Errors
    /// Returns [`ConfError::NoLayers`] when the list is empty.
    pub fn layers(&self) -> Result<&[Vec<u8>], ConfError> {
        if self.layers.is_empty() { Err(ConfError::NoLayers) } else { Ok(&self.layers) }
    }

    /// Returns how revisions of this host are signed.
    #[must_use]
    pub fn mode(&self) -> cosmos_model::trust::Mode {
        cosmos_model::trust::Mode::Tags { pattern: self.tag_pattern.clone(), classic: true }
    }

    /// Returns the folder of the keyring (C6, C7).
    #[must_use]
    pub fn keyring_home(&self) -> PathBuf {
        self.conf_dir.join("gnupg")
    }
}

/// What a line of the file may refer to: the lines before it, the defaults, the host's name.
struct Scope<'a> {
    variables: RefCell<Vec<(String, Vec<u8>)>>,
    host_name: &'a dyn Fn(bool) -> Option<String>,
}

impl Surroundings for Scope<'_> {
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        let variables = self.variables.borrow();
        let below_base = |folder: &[u8]| lookup(&variables, "COSMOS_BASE").map(|base| [&base[..], folder].concat());
        match (lookup(&variables, name), name) {
            (Some(value), _) => Some(value),
            (None, "COSMOS_REPO") => below_base(b"/repo"),
            (None, "COSMOS_MODEL") => below_base(b"/model"),
            // A self-reference on the first assignment means nothing yet, as in a shell.
            (None, _) => (name.starts_with("COSMOS_") || name == "RSYNC_ARGS").then(Vec::new),
        }
    }

    fn host_name(&self, full: bool) -> Option<String> {
        (self.host_name)(full)
    }
}

fn defaults(conf_dir: &Path) -> Vec<(String, Vec<u8>)> {
    let conf_dir = conf_dir.as_os_str().as_bytes();
    let values: [(&str, &[u8]); 4] = [
        ("COSMOS_CONF_DIR", conf_dir),
        ("COSMOS_ROOT", b"/"),
        ("COSMOS_BASE", b"/var/cache/cosmos"),
        ("COSMOS_UPDATE_VERIFY", b"y"),
    ];
    values.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect()
}

fn apply_options(variables: &mut Vec<(String, Vec<u8>)>, options: &Options) {
    if let Some(root) = &options.root {
        set(variables, "COSMOS_ROOT", root.as_os_str().as_bytes().to_vec());
    }
    let switches = [
        ("COSMOS_DRY_RUN", options.dry_run),
        ("COSMOS_DRY_TASKS", options.dry_tasks),
        ("COSMOS_VERBOSE", options.verbose),
    ];
    for (name, _) in switches.iter().filter(|(_, on)| *on) {
        set(variables, name, b"y".to_vec());
    }
}

fn lookup(variables: &[(String, Vec<u8>)], name: &str) -> Option<Vec<u8>> {
    variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

fn set(variables: &mut Vec<(String, Vec<u8>)>, name: &str, value: Vec<u8>) {
    match variables.iter_mut().find(|(known, _)| known == name) {
        Some((_, old)) => *old = value,
        None => variables.push((name.to_owned(), value)),
    }
}

fn folder(variable: &'static str, value: &[u8]) -> Result<PathBuf, ConfError> {
    if value.first() == Some(&b'/') && !value.contains(&0) {
        return Ok(PathBuf::from(OsString::from_vec(value.to_vec())));
    }
    Err(ConfError::Value { variable, value: for_terminal(value), expected: "an absolute path" })
}

fn text(variable: &'static str, variables: &[(String, Vec<u8>)]) -> Result<Option<String>, ConfError> {
    let value = lookup(variables, variable).unwrap_or_default();
    let text = String::from_utf8(value).map_err(|error| ConfError::Value {
        variable,
        value: for_terminal(error.as_bytes()),
        expected: "UTF-8 text",
    })?;
    Ok((!text.is_empty()).then_some(text))
}

/// What is left of options for rsync, which no longer runs.
#[derive(Default)]
struct RsyncWords {
    dry: bool,
    verbose: bool,
    note: Option<String>,
}

impl RsyncWords {
    /// Reads `-n` and `-v`, which have a meaning here; other options had one for rsync only.
    fn read(value: &[u8]) -> Self {
        let mut words = Self::default();
        let mut ignored = Vec::new();
        for word in value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
            match word {
                b"--dry-run" => words.dry = true,
                b"--verbose" => words.verbose = true,
                [b'-', letters @ ..] if !letters.is_empty() && letters.iter().all(|letter| b"nv".contains(letter)) => {
                    words.dry |= letters.contains(&b'n');
                    words.verbose |= letters.contains(&b'v');
                }
                other => ignored.push(for_terminal(other)),
            }
        }
        let note = || format!("RSYNC_ARGS: rsync is not used, ignoring '{}'", ignored.join(" "));
        words.note = (!ignored.is_empty()).then(note);
        words
    }
}
