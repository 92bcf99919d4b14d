//! The pieces on the stage: where things lie below the demonstration's folder, and what the hosts look like.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use walkdir::WalkDir;

/// The folders of a demonstration.
pub struct Place {
    top: PathBuf,
}

impl Place {
    /// Returns the folders below `top`, whose path is UTF-8.
    pub fn below(top: &Path) -> Self {
        Self { top: top.to_path_buf() }
    }

    /// Returns the operators' working repository.
    pub fn work(&self) -> PathBuf {
        self.top.join("fleet")
    }

    /// Returns the repository on the server.
    pub fn server(&self) -> PathBuf {
        self.top.join("server/fleet.git")
    }

    /// Returns the root of a host.
    pub fn host(&self, name: &str) -> PathBuf {
        self.top.join(name)
    }

    /// Returns the file an operator's certificate is exported to.
    pub fn certificate(&self, name: &str) -> PathBuf {
        self.top.join(format!("{}.asc", name.to_lowercase()))
    }
}

/// Writes a file as somebody other than the agent does: an operator exporting a key, an administrator editing by hand.
///
/// # Errors
/// Returns what the system says.
pub fn write(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let cannot = || format!("cannot write '{}'", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(cannot)?;
    }
    std::fs::write(path, content).with_context(cannot)
}

/// The files of a host: paths, and contents or link targets.
pub type Picture = BTreeMap<PathBuf, Vec<u8>>;

/// Takes a picture of the files of a host that people care about; the agent's own state is left out.
///
/// # Errors
/// Returns what could not be read.
pub fn picture(root: &Path) -> anyhow::Result<Picture> {
    let mut files = Picture::new();
    for entry in WalkDir::new(root).sort_by_file_name() {
        let entry = entry?;
        let path = entry.path().strip_prefix(root)?;
        let own = ["var/lib/cosmos", "var/cache/cosmos", "run/cosmos"].iter().any(|state| path.starts_with(state));
        if !own && !entry.file_type().is_dir() {
            let content = if entry.path_is_symlink() {
                std::fs::read_link(entry.path())?.into_os_string().into_encoded_bytes()
            } else {
                std::fs::read(entry.path()).with_context(|| format!("cannot read '{}'", entry.path().display()))?
            };
            files.insert(path.to_path_buf(), content);
        }
    }
    Ok(files)
}

/// Returns the first path in which two pictures differ.
pub fn difference(before: &Picture, after: &Picture) -> Option<PathBuf> {
    let changed = before.iter().find(|(path, content)| after.get(*path) != Some(content));
    let added = after.iter().find(|(path, _)| !before.contains_key(*path));
    changed.or(added).map(|(path, _)| path.clone())
}
