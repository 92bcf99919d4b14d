//! Where things are on one host, or below one root: settings, state, store, lock.

use std::path::{Path, PathBuf};

/// The places one agent works with. With `--root` all of them lie below it, so that an ordinary user can own a whole site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The root that is managed.
    pub root: PathBuf,
    /// `trust.toml`, `agent.toml` and `agent.d/`; classic: `cosmos.conf` and the command folders.
    pub settings: PathBuf,
    /// State, managed set, journal, log, backups, the task scripts.
    pub state: PathBuf,
    /// The object store.
    pub cache: PathBuf,
    /// The lock.
    pub run: PathBuf,
    /// The trust settings' file, when `--config` names another.
    pub trust_file: PathBuf,
}

impl Site {
    /// Returns the places of a native site below `root`.
    #[must_use]
    pub fn below(root: &Path, trust_file: Option<&Path>) -> Self {
        let settings = trust_file.and_then(Path::parent).map_or_else(|| root.join("etc/cosmos"), Path::to_path_buf);
        Self {
            root: root.to_path_buf(),
            state: root.join("var/lib/cosmos"),
            cache: root.join("var/cache/cosmos"),
            run: root.join("run/cosmos"),
            trust_file: trust_file.map_or_else(|| settings.join("trust.toml"), Path::to_path_buf),
            settings,
        }
    }

    /// Returns the places of a classic site: files go to `root`, state lies beside the working directory `base` unless
    /// that is the packaged one (cosmos-classic: Settings).
    #[must_use]
    pub fn classic(settings: &Path, root: &Path, base: &Path) -> Self {
        let packaged = base == Path::new("/var/cache/cosmos");
        let beside = |packaged_path: &str, name: &str| {
            if packaged { PathBuf::from(packaged_path) } else { base.join(name) }
        };
        Self {
            root: root.to_path_buf(),
            settings: settings.to_path_buf(),
            state: beside("/var/lib/cosmos", "state"),
            cache: base.to_path_buf(),
            run: beside("/run/cosmos", "run"),
            trust_file: settings.join("trust.toml"),
        }
    }

    /// Returns the path of the state file (docs/formats.md §9).
    #[must_use]
    pub fn state_file(&self) -> PathBuf {
        self.state.join("state.json")
    }

    /// Returns the path of the log (docs/formats.md §12).
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.state.join("log.jsonl")
    }

    /// Returns the folder of the bare object store (F1).
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.cache.join("store.git")
    }

    /// Returns the folder the task scripts of the accepted revision are written to and run from.
    #[must_use]
    pub fn model(&self) -> PathBuf {
        self.state.join("model")
    }

    /// Returns the off switch (docs/formats.md §15).
    #[must_use]
    pub fn off_switch(&self) -> PathBuf {
        self.root.join("etc/no-automatic-cosmos")
    }
}
