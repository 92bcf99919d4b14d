//! Whom an operator's clone believes: trust settings of its own, in `.git/cosmos/`, where no commit can reach.
//!
//! The clone is a host that never applies: its judge, its state and its store are those of every host, below
//! `.git/cosmos/`, and each ring has its own.

use std::path::{Path, PathBuf};

use cosmos_model::host_name::HostName;
use cosmos_model::path::RelPath;
use cosmos_model::stage::Layers;
use cosmos_model::trust::{MergeRule, Mode};

use super::{OperatorError, WorkTree};
use crate::agent::{self, Agent};
use crate::cli::{BelieveOptions, GlobalOptions};
use crate::exit::{Failure, Status};
use crate::fetch::{Limits, RemoteSettings};
use crate::fs::{self, Root};
use crate::settings::{AgentSettings, INTRODUCTION_HINT, TrustFile, introduction_of, load};
use crate::site::Site;

/// The folder inside git's own.
const FOLDER: &str = "cosmos";

/// The name in the settings of a clone, which has no layer.
const NOBODY: &str = "operators-clone";

/// What an operator's clone believes.
pub struct Believed {
    /// The clone as an agent: its site lies below `.git/cosmos/`, its remote is the mirror.
    pub agent: Agent,
    /// The trust settings as written.
    pub trust: TrustFile,
    /// Where the mirror is.
    pub mirror: PathBuf,
}

/// Reads the clone's trust settings; writes them, once, when an introduction is given and there are none yet.
///
/// # Errors
/// Returns a [`Failure`] when the clone was never told whom to believe, or was told otherwise.
pub fn believed(
    clone: &WorkTree,
    words: &BelieveOptions,
    ring: Option<&str>,
    global: &GlobalOptions,
) -> Result<Believed, Failure> {
    let folder = clone.git_folder().join(FOLDER);
    let make = |path: &Path| {
        fs::by_path::make_directories(path, 0o700)
            .map_err(|source| OperatorError::File { path: path.to_owned(), source })
    };
    make(&folder)?;
    let mirror = folder.join("mirror.git");
    let mut trust = read_or_write(clone, &folder, &mirror, words, global)?;
    let mut site = folder.clone();
    if let (Some(ring), Mode::Tags { pattern, .. }) = (ring, &mut trust.mode) {
        *pattern = format!("{ring}/{pattern}");
        site = folder.join("rings").join(ring.replace('/', "+"));
        make(&site)?;
    } else if ring.is_some() {
        let hint = "rings are prefixes of release tags; where commits are signed, another branch does the same";
        return Err(Failure::of(Status::Usage, "this fleet signs commits and has no rings", hint));
    }
    let remote = RemoteSettings { url: mirror.display().to_string(), ..RemoteSettings::default() };
    let settings = AgentSettings::default();
    let host = HostName::new(NOBODY).expect("a plain name");
    let agent = Agent {
        layers: Layers::Native { host, agent: agent::version() },
        trust: trust.policy(),
        limits: settings.limits(&trust.limits),
        fqdn: None,
        remotes: vec![remote],
        once: false,
        settings,
        classic: None,
        // What is verified is remembered in a dry run, too: it changes nothing that anybody else sees.
        options: GlobalOptions {
            dry_run: false,
            dry_tasks: false,
            insecure_skip_verification: false,
            ..global.clone()
        },
        site: Site::of_clone(&site)?,
    };
    Ok(Believed { agent, trust, mirror })
}

/// Returns what `--config` names, else the clone's own settings, else what the words say, which are then written.
fn read_or_write(
    clone: &WorkTree,
    folder: &Path,
    mirror: &Path,
    words: &BelieveOptions,
    global: &GlobalOptions,
) -> Result<TrustFile, Failure> {
    if global.config.is_some() {
        let place = agent::SettingsPlace::find(&Root::open(folder)?, global)?;
        let (root, file) = place.trust();
        return load::trust(root, file).map_err(|error| agent::failure(&error));
    }
    let root = Root::open(folder)?;
    let file = RelPath::new(b"trust.toml").expect("a plain path");
    let known = match load::trust(&root, &file) {
        Ok(known) => Some(known),
        Err(load::LoadError::Missing(_)) => None,
        Err(error) => return Err(agent::failure(&error)),
    };
    match (known, &words.trust) {
        (Some(known), None) => Ok(known),
        (known, Some(introduction)) => {
            let said = said(clone, words, introduction, mirror)?;
            if known.as_ref().is_some_and(|known| known.introduction != said.introduction || known.mode != said.mode) {
                let message = "this clone was told before whom to believe, and not the same";
                let hint = format!("leave the words out, or remove '{}' first", folder.display());
                return Err(Failure::of(Status::Usage, message, hint));
            }
            if let Some(known) = known {
                return Ok(known);
            }
            let text = said
                .to_toml("trust.toml")
                .map_err(|mistakes| Failure::new(Status::Usage, &mistakes, "mend the word that the message names"))?;
            fs::replace(&root, &file, text.as_bytes(), 0o600)?;
            Ok(said)
        }
        (None, None) => Err(Failure::of(
            Status::Usage,
            "this clone was never told whom to believe",
            "say it once, as hosts are told: --trust COMMIT:FINGERPRINT, and --tags PATTERN where releases are tags",
        )),
    }
}

fn said(clone: &WorkTree, words: &BelieveOptions, introduction: &str, mirror: &Path) -> Result<TrustFile, Failure> {
    let mode = match (&words.tags, &words.branch) {
        (Some(pattern), _) => Mode::Tags { pattern: pattern.clone(), classic: false },
        (None, Some(branch)) => Mode::Commits { branch: branch.clone() },
        (None, None) => Mode::Commits { branch: clone.branch()? },
    };
    Ok(TrustFile {
        fqdn: HostName::new(NOBODY).expect("a plain name"),
        mode,
        introduction: introduction_of(introduction)
            .map_err(|error| Failure::new(Status::Usage, &error, INTRODUCTION_HINT))?,
        fleet: None,
        threshold: words.threshold.unwrap_or(1).max(1),
        policy_threshold: None,
        merge_rule: MergeRule::All,
        max_age: None,
        require_statement: false,
        ring: None,
        remotes: vec![RemoteSettings { url: mirror.display().to_string(), ..RemoteSettings::default() }],
        limits: Limits::default(),
    })
}
