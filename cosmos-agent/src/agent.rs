//! One invocation's settings: where things are, whom to trust, where to fetch, how to behave.

mod classic;

use std::path::{Path, PathBuf};

use cosmos_model::host_name::HostName;
use cosmos_model::path::RelPath;
use cosmos_model::planner::PlanSettings;
use cosmos_model::stage::Layers;
use cosmos_model::trust::TrustPolicy;

use crate::classic::conf::ClassicSettings;
use crate::classic::folders::{self, Step};
use crate::cli::GlobalOptions;
use crate::exit::{Failure, Status};
use crate::fetch::{Limits, RemoteSettings};
use crate::fs::Root;
use crate::given_bundle::GivenBundle;
use crate::model_folder::{Content, ModelFolder};
use crate::settings::AgentSettings;
use crate::settings::load::{self, LoadError};
use crate::site::Site;

/// Everything a command needs to know before it does anything. Read once, never changed.
pub struct Agent {
    /// Where things are.
    pub site: Site,
    /// How to behave.
    pub settings: AgentSettings,
    /// Whom to trust.
    pub trust: TrustPolicy,
    /// Which layers this host has.
    pub layers: Layers,
    /// Where the repository is.
    pub remotes: Vec<RemoteSettings>,
    /// Whether the repository comes from a file that was named for this once.
    pub once: bool,
    /// How much a remote may cost.
    pub limits: Limits,
    /// The host's name, in native mode.
    pub fqdn: Option<HostName>,
    /// The settings of Cosmos 1.5, in classic mode.
    pub classic: Option<ClassicSettings>,
    /// What the command line asked for everywhere.
    pub options: GlobalOptions,
}

/// Where the agent's settings lie below a native root, or beside the file that `--config` names.
pub struct SettingsPlace {
    root: Root,
    folder: Option<RelPath>,
    trust: RelPath,
}

impl SettingsPlace {
    /// Finds the settings of the site below `root`.
    ///
    /// # Errors
    /// Returns a [`Failure`] when the folder of `--config` cannot be opened, or its name is no file's.
    pub fn find(root: &Root, options: &GlobalOptions) -> Result<Self, Failure> {
        let plain = |name: &[u8]| RelPath::new(name).map_err(|error| named_wrongly(&error));
        let Some(file) = &options.config else {
            return Ok(Self {
                root: root.clone(),
                folder: Some(plain(b"etc/cosmos")?),
                trust: plain(b"etc/cosmos/trust.toml")?,
            });
        };
        use std::os::unix::ffi::OsStrExt as _;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let root = Root::open(folder).map_err(|error| named_wrongly(&error))?;
        Ok(Self { root, folder: None, trust: plain(file.file_name().unwrap_or_default().as_bytes())? })
    }

    /// Returns the handle below which the trust settings lie, and their path.
    #[must_use]
    pub fn trust(&self) -> (&Root, &RelPath) {
        (&self.root, &self.trust)
    }

    fn agent(&self) -> RelPath {
        let name = b"agent.toml";
        self.folder.as_ref().map_or_else(|| RelPath::new(name), |folder| folder.join(name)).expect("a plain name")
    }
}

fn named_wrongly(error: &dyn std::error::Error) -> Failure {
    Failure::new(Status::Usage, error, "name a settings file that exists: --config /etc/cosmos/trust.toml")
}

/// This agent's version as three numbers, for `agent = ">= …"`.
#[must_use]
pub fn version() -> (u64, u64, u64) {
    let number = |text: &str| text.parse().expect("cargo puts numbers there");
    let major = number(env!("CARGO_PKG_VERSION_MAJOR"));
    (major, number(env!("CARGO_PKG_VERSION_MINOR")), number(env!("CARGO_PKG_VERSION_PATCH")))
}

/// Opens the site that the options name.
///
/// # Errors
/// Returns a [`Failure`] of status `Usage` when the root is no directory.
pub fn native_site(options: &GlobalOptions) -> Result<Site, Failure> {
    let root = options.root.clone().unwrap_or_else(|| PathBuf::from("/"));
    Site::below(&root).map_err(|error| Failure::new(Status::Usage, &error, "name an existing folder: --root DIR"))
}

impl Agent {
    /// Reads the settings of this host: native where `trust.toml` exists, classic where only `cosmos.conf` does.
    ///
    /// # Errors
    /// Returns a [`Failure`] of status `Usage` that names every mistake, or says how to begin when there are no
    /// settings.
    pub fn load(options: &GlobalOptions) -> Result<Self, Failure> {
        if let Some(folder) = crate::classic::settings_folder(options) {
            return classic::load(&folder, options);
        }
        let site = native_site(options)?;
        let place = SettingsPlace::find(&site.root, options)?;
        let (root, file) = place.trust();
        let trust = load::trust(root, file).map_err(|error| failure(&error))?;
        let settings = load::agent(root, &place.agent()).map_err(|error| failure(&error))?;
        Ok(Self {
            layers: Layers::Native { host: trust.fqdn.clone(), agent: version() },
            trust: trust.policy(),
            limits: settings.limits(&trust.limits),
            fqdn: Some(trust.fqdn),
            remotes: trust.remotes,
            once: false,
            settings,
            classic: None,
            options: options.clone(),
            site,
        })
    }

    /// Tells whether this is the agent of an operator's clone, which has no layers of its own.
    #[must_use]
    pub const fn never_applies(&self) -> bool {
        self.fqdn.is_none() && self.classic.is_none()
    }

    /// Takes revisions from a bundle, once, instead of the remotes: for hosts without a network (F3). `-` is standard
    /// input; the value returned holds what was read there and must live as long as the run.
    ///
    /// # Errors
    /// Returns a [`Failure`] when the path is not UTF-8 or its folder does not exist, or standard input cannot be kept.
    pub fn take_bundle(&mut self, file: &Path) -> Result<Option<GivenBundle>, Failure> {
        if file.as_os_str() == "-" {
            let given = GivenBundle::read(&mut std::io::stdin().lock(), &self.site, self.limits.transfer)?;
            self.take_bundle(given.path())?;
            return Ok(Some(given));
        }
        let missing = |why: String| Failure::of(Status::Usage, why, "name a bundle made by 'git bundle create'");
        let path =
            file.canonicalize().map_err(|error| missing(format!("cannot find '{}': {error}", file.display())))?;
        let path = path.to_str().ok_or_else(|| missing("the bundle's path is not UTF-8".to_owned()))?;
        self.remotes = vec![RemoteSettings { url: format!("bundle:{path}"), ..RemoteSettings::default() }];
        self.once = true;
        Ok(None)
    }

    /// Returns the name the host goes by in reports.
    #[must_use]
    pub fn host(&self) -> &str {
        self.fqdn.as_ref().map_or("localhost", HostName::as_str)
    }

    /// Returns the steps of a command: the built-in ones, in classic mode with this host's own scripts between (C10).
    ///
    /// # Errors
    /// Returns a [`Failure`] that names a changed script of the old package.
    pub fn steps(&self, command: &str) -> Result<Vec<Step>, Failure> {
        match &self.classic {
            Some(classic) => crate::classic::host::steps(classic, command),
            None => Ok(folders::built_in(command)),
        }
    }

    /// Returns the folder that tasks run from: the agent's own, on a classic host `$COSMOS_MODEL` with the whole model.
    #[must_use]
    pub fn model_folder(&self) -> ModelFolder {
        ModelFolder::new(
            self.site.model_index(),
            &self.layers,
            match &self.classic {
                Some(classic) => Content::Whole(classic.model.clone()),
                None => Content::Tasks(self.site.model()),
            },
        )
    }

    /// Returns what the planner must know of the settings.
    #[must_use]
    pub fn plan_settings(&self) -> PlanSettings {
        let classic = self.classic.is_some();
        PlanSettings { remove_dropped: self.settings.remove_dropped(classic), brake: !classic }
    }
}

/// Returns what is wrong with settings files, and what to try.
pub(crate) fn failure(error: &LoadError) -> Failure {
    Failure::new(Status::Usage, error, error.hint())
}
