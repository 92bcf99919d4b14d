//! `cosmos host`: the hosts of a repository and their keys, shown or edited in the work tree; on a host, its own key.

use std::path::{Path, PathBuf};

use cosmos_model::host_name::HostName;

use crate::cli::{GlobalOptions, HostCommand, HostOptions};
use crate::exit::{Failure, Status};
use crate::fs::by_path;
use crate::operator::{OperatorError, WorkTree};
use crate::shell;

mod add;
mod key;
mod list;
mod retire;

/// The file of a layer that says what it is.
const LAYER: &str = "layer.toml";

/// Does what the words say.
///
/// # Errors
/// Returns a [`Failure`] when a name is none, a file is something else than is expected, or cannot be written.
pub fn run(options: &HostOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let work = || WorkTree::find(&options.repository.clone().unwrap_or_else(|| ".".into()));
    match &options.command {
        HostCommand::Key => key::run(global),
        HostCommand::List => list::run(&work()?, global),
        HostCommand::Add { fqdn, key, no_layer } => {
            add::run(&Desk::of(work()?, fqdn, global)?, key.as_deref(), *no_layer)
        }
        HostCommand::Retire { fqdn, why } => retire::run(&Desk::of(work()?, fqdn, global)?, why),
    }
}

/// What the verbs that edit work with: one host's layer in the work tree.
struct Desk<'a> {
    work: WorkTree,
    host: HostName,
    /// The layer's folder, relative to the work tree.
    folder: PathBuf,
    global: &'a GlobalOptions,
}

impl<'a> Desk<'a> {
    fn of(work: WorkTree, fqdn: &str, global: &'a GlobalOptions) -> Result<Self, Failure> {
        let host = super::params::host_name(fqdn)?;
        // Where the repository has the layer at its top, it stays there.
        let (at_top, below) = (PathBuf::from(host.as_str()), PathBuf::from("hosts").join(host.as_str()));
        let is_there = |folder: &PathBuf| work.folder().join(folder).is_dir();
        let is_at_top = host.as_str().contains('.') && is_there(&at_top) && !is_there(&below);
        let folder = if is_at_top { at_top } else { below };
        Ok(Self { work, host, folder, global })
    }

    /// Returns the host's own files of that name, relative to the work tree.
    fn inner(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Reads a file of the work tree; `None` where there is none.
    fn read(&self, inner: &Path) -> Result<Option<Vec<u8>>, Failure> {
        let path = self.work.folder().join(inner);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(OperatorError::File { path, source }.into()),
        }
    }

    /// Writes files, or removes those that are given nothing, unless this is a dry run, and says what comes next.
    fn finish(&self, files: &[(PathBuf, Option<String>)], message: &str, notes: &[String]) -> Result<Status, Failure> {
        notes.iter().for_each(|note| println!("{note}"));
        if self.global.dry_run {
            println!("a dry run: nothing was written");
            return Ok(Status::Done);
        }
        if files.is_empty() {
            println!("nothing to change");
            return Ok(Status::Done);
        }
        let mut words = Vec::new();
        for (inner, content) in files {
            let path = self.work.folder().join(inner);
            let written = match content {
                Some(content) => path
                    .parent()
                    .map_or(Ok(()), std::fs::create_dir_all)
                    .and_then(|()| by_path::replace_file(&path, content.as_bytes(), 0o644)),
                None => by_path::remove(&path),
            };
            written.map_err(|source| OperatorError::File { path, source })?;
            println!("changed {}", inner.display());
            words.push(shell::word(&inner.display().to_string()));
        }
        print!(
            "Next:\n    git add -- {}\n    git commit --gpg-sign -m {}\n    cosmos release\n",
            words.join(" "),
            shell::word(message)
        );
        Ok(Status::Done)
    }
}

/// Returns the settings of a layer as this version reads them, or every mistake as a failure.
fn check_layer(desk: &Desk<'_>, text: &str) -> Result<(), Failure> {
    let place = desk.inner(LAYER).display().to_string();
    cosmos_model::layer::parse(&place, text).map(drop).map_err(|mistakes| {
        let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        Failure::of(Status::Usage, lines.join("\n"), "mend the file first")
    })
}
