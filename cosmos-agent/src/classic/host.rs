//! What a classic host does with its settings: its scripts, its gpg, its clone for other tools' eyes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cosmos_model::refs::RemoteRef;
use cosmos_model::trust::VerifiedRevision;

use super::checkout::View;
use super::conf::{ClassicSettings, ConfError, Options};
use super::environment::{Account, environment};
use super::folders::{self, Step};
use super::{checkout, gpg};
use crate::cli::GlobalOptions;
use crate::exit::{Failure, Status};
use crate::site::Site;
use crate::store::Store;

/// Where gpg is looked for.
const PROGRAMS: &[&str] = &["/usr/local/bin", "/usr/bin", "/bin"];

/// Returns the classic settings' folder when this is a classic host: `COSMOS_CONF_DIR`, or `/etc/cosmos` without
/// trust settings of its own.
#[must_use]
pub fn settings_folder(options: &GlobalOptions) -> Option<PathBuf> {
    let named = std::env::var_os("COSMOS_CONF_DIR").map(PathBuf::from);
    let native = options.root.clone().unwrap_or_else(|| PathBuf::from("/")).join("etc/cosmos/trust.toml");
    if options.config.is_some() || (named.is_none() && native.exists()) {
        return None;
    }
    // `--root` of Cosmos 1.5 says where files go, not where its settings are.
    let folder = named.unwrap_or_else(|| PathBuf::from("/etc/cosmos"));
    folder.join("cosmos.conf").exists().then_some(folder)
}

/// Reads the settings alone, for commands that need no remote and no trust.
///
/// # Errors
/// Returns a [`Failure`] that names every line that cannot be read.
pub fn settings(folder: &Path, options: &GlobalOptions) -> Result<ClassicSettings, Failure> {
    let words = Options {
        root: options.root.clone(),
        dry_run: options.dry_run,
        dry_tasks: options.dry_tasks,
        verbose: options.verbose > 0,
    };
    let settings = ClassicSettings::load(folder, &words).map_err(|error| unusable(&error))?;
    settings.ok_or_else(|| {
        let message = format!("'{}' is missing", folder.join("cosmos.conf").display());
        Failure::of(Status::Usage, message, "restore it, or name its folder with COSMOS_CONF_DIR")
    })
}

/// Returns what is wrong with `cosmos.conf`, and what to try.
pub(crate) fn unusable(error: &ConfError) -> Failure {
    Failure::new(Status::Usage, error, error.hint())
}

/// Returns the environment of tasks and scripts: all of `cosmos.conf` and what is passed on (C4).
#[must_use]
pub fn task_environment(classic: &ClassicSettings) -> BTreeMap<OsString, OsString> {
    environment(classic, &Account::current(), &crate::environment::original()).into_iter().collect()
}

/// Returns the steps of a built-in command with this host's own scripts between them (C10).
///
/// # Errors
/// Returns a [`Failure`] that names a changed script of the old package, or an unknown command.
pub fn steps(classic: &ClassicSettings, command: &str) -> Result<Vec<Step>, Failure> {
    folders::steps(&classic.conf_dir, command).map_err(|error| Failure::new(Status::Usage, &error, error.hint()))
}

/// Becomes gpg on the keyring (C6), after the scripts of `gpg.d` with a lower number than its own.
///
/// # Errors
/// Returns a [`Failure`] when the host is not classic, or a script or the keyring cannot be used.
pub fn gpg_command(arguments: &[OsString], options: &GlobalOptions) -> Result<Status, Failure> {
    let Some(folder) = settings_folder(options) else {
        let hint = "native hosts keep no keyring: who may sign is in the repository's openpgp-policy.toml";
        return Err(Failure::of(Status::Usage, "'cosmos gpg' is for hosts set up for Cosmos 1.5", hint));
    };
    let classic = settings(&folder, options)?;
    let mut steps = steps(&classic, "gpg")?;
    if let Some(Step::Script { path, .. }) = steps.pop_if(|last| matches!(last, Step::Script { .. })) {
        let message = format!("'{}' comes after gpg, which this process becomes", path.display());
        return Err(Failure::of(Status::Usage, message, "give the script a number below 50"));
    }
    run_scripts(&classic, steps, arguments)?;
    let ended = gpg::run(&classic.keyring_home(), arguments, &crate::environment::original(), PROGRAMS)
        .map_err(|error| Failure::new(Status::Failed, &error, error.hint()))?;
    Ok(if ended == 0 { Status::Done } else { Status::Failed })
}

/// Runs the scripts of a command of this host's own (C10).
///
/// # Errors
/// Returns a [`Failure`] when there is no such command, or a script fails.
pub fn own_command(words: &[OsString], options: &GlobalOptions) -> Result<Status, Failure> {
    let word = words.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    let unknown = || {
        let shown = cosmos_model::escape::for_terminal(word.as_bytes());
        Failure::of(Status::Usage, format!("unknown command '{shown}'"), "try 'cosmos --help' for the commands")
    };
    let folder = settings_folder(options).ok_or_else(unknown)?;
    let classic = settings(&folder, options)?;
    run_scripts(&classic, steps(&classic, &word)?, &words[1..])?;
    Ok(Status::Done)
}

fn run_scripts(
    classic: &ClassicSettings,
    steps: impl IntoIterator<Item = Step>,
    arguments: &[OsString],
) -> Result<(), Failure> {
    steps.into_iter().try_for_each(|step| match step {
        Step::Script { path, .. } => run_script(classic, &path, arguments),
        Step::BuiltIn(_) => Ok(()),
    })
}

/// Runs one script of a command folder with the command's own arguments and passes its output on; it is the
/// administrator's.
///
/// # Errors
/// Returns a [`Failure`] that names it when it does not end well.
pub fn run_script(classic: &ClassicSettings, path: &Path, arguments: &[OsString]) -> Result<(), Failure> {
    let environment = task_environment(classic);
    let ended = crate::exec::show(path, arguments, &environment);
    let message = match ended {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => format!("script '{}' failed: {status}", path.display()),
        Err(error) => format!("cannot run script '{}': {error}", path.display()),
    };
    Err(Failure::of(Status::Failed, message, "it is this host's own: mend it, or make it not executable"))
}

/// Makes the clone that other tools look at show `revision`; one that shows it already is left alone (C2).
///
/// # Errors
/// Returns a [`Failure`] at the first path that cannot be written.
pub fn show_checkout(
    classic: &ClassicSettings,
    site: &Site,
    revision: &VerifiedRevision,
    refs: &[RemoteRef],
    store: &Store,
) -> Result<(), Failure> {
    if checkout::is_at(&classic.repo, revision.commit()) {
        return Ok(());
    }
    let object = |tag: &str| refs.iter().find(|one| one.tag_name() == Some(tag)).map(|one| one.id);
    let view = View {
        commit: revision.commit(),
        branch: classic.branch.as_deref().unwrap_or("master"),
        tag: revision.tag().and_then(|tag| Some((tag, object(tag)?))),
    };
    let objects = store.path().join("objects");
    checkout::show(&classic.repo, &site.checkout_index(), view, store, &objects)
        .map_err(|error| Failure::new(Status::Failed, &error, error.hint()))?;
    Ok(())
}
