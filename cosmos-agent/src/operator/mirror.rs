//! What the remote has, brought and pushed by git in a bare repository of our own: no hooks, no work tree, no settings
//! of the clone's.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;
use git2::{Repository, RepositoryInitOptions};

use super::programs::last_words;
use super::{OperatorError, Programs, WorkTree};

/// Settings that hold whatever the operator's own files say: nothing is executed but ssh and credential helpers.
const SETTINGS: [&str; 10] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.alternateRefsCommand=:",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.ext.allow=never",
    "fetch.recurseSubmodules=no",
    "push.recurseSubmodules=no",
    "push.followTags=false",
    "push.gpgSign=false",
];

/// The bare repository, and who runs git in it.
pub struct Mirror<'a> {
    folder: PathBuf,
    url: String,
    programs: &'a Programs,
    git: PathBuf,
}

impl<'a> Mirror<'a> {
    /// Opens the mirror in `folder`, and makes it where it is missing.
    ///
    /// # Errors
    /// Returns [`OperatorError`] when it cannot be made, or git is not installed.
    pub fn open(folder: PathBuf, url: String, programs: &'a Programs) -> Result<Self, OperatorError> {
        let git = programs.find("git")?;
        if !folder.join("HEAD").exists() {
            let mut options = RepositoryInitOptions::new();
            options.bare(true).mkpath(true).external_template(false).initial_head("main");
            Repository::init_opts(&folder, &options).map_err(|source| OperatorError::Library {
                action: "make a repository",
                folder: folder.clone(),
                source,
            })?;
        }
        Ok(Self { folder, url, programs, git })
    }

    /// Returns the mirror's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Brings every branch and tag of the remote.
    ///
    /// # Errors
    /// Returns [`OperatorError::Program`] with git's last words.
    pub fn fetch(&self) -> Result<(), OperatorError> {
        let words = ["fetch", "--quiet", "--prune", "--no-tags", "--force", "--no-write-fetch-head", "--"];
        let refs = ["+refs/heads/*:refs/heads/*".to_owned(), "+refs/tags/*:refs/tags/*".to_owned()];
        self.run("fetch from the remote", &words, &refs, &[])
    }

    /// Pushes objects of the clone to refs of the remote, all of them or none; nothing is overwritten.
    ///
    /// # Errors
    /// Returns [`OperatorError::Program`] with git's last words.
    pub fn push(&self, clone: &WorkTree, refs: &[(ObjectId, String)]) -> Result<(), OperatorError> {
        let words = ["push", "--quiet", "--atomic", "--no-verify", "--no-signed", "--"];
        let refs: Vec<String> = refs.iter().map(|(id, name)| format!("{id}:{name}")).collect();
        let alternates = OsString::from("GIT_ALTERNATE_OBJECT_DIRECTORIES");
        let objects = quoted(&clone.git_folder().join("objects"));
        self.run("push to the remote", &words, &refs, &[(alternates, objects)])
    }

    fn run(
        &self,
        action: &'static str,
        words: &[&str],
        refs: &[String],
        more: &[(OsString, OsString)],
    ) -> Result<(), OperatorError> {
        let mut arguments = vec![OsString::from("--git-dir"), self.folder.clone().into()];
        arguments.extend(SETTINGS.iter().flat_map(|setting| [OsString::from("-c"), setting.into()]));
        arguments.extend(words.iter().map(OsString::from));
        arguments.push(self.url.clone().into());
        arguments.extend(refs.iter().map(OsString::from));
        let answer = self.programs.ask(&self.git, &arguments, more, &self.folder, b"")?;
        if answer.status == 0 {
            return Ok(());
        }
        Err(OperatorError::Program { action, reason: last_words(&answer.complaint) })
    }

    /// Returns the remote's refs as they were last fetched.
    #[must_use]
    pub fn refs(&self) -> Vec<RemoteRef> {
        let Ok(mirror) = Repository::open_bare(&self.folder) else { return Vec::new() };
        let Ok(references) = mirror.references() else { return Vec::new() };
        let id = |id: git2::Oid| ObjectId::from_hex(id.to_string().as_bytes()).ok();
        let read = references
            .flatten()
            .filter_map(|one| Some(RemoteRef { name: one.name_bytes().to_vec(), id: one.target().and_then(id)? }));
        read.collect()
    }

    /// Returns what a ref of the remote pointed at when it was last fetched.
    #[must_use]
    pub fn points(&self, name: &str) -> Option<ObjectId> {
        let id = Repository::open_bare(&self.folder).ok()?.refname_to_id(name).ok()?;
        ObjectId::from_hex(id.to_string().as_bytes()).ok()
    }
}

/// Quotes a path as git reads it in a list separated by colons.
fn quoted(path: &Path) -> OsString {
    let mut bytes = vec![b'"'];
    for byte in path.as_os_str().as_bytes() {
        if matches!(byte, b'"' | b'\\') {
            bytes.push(b'\\');
        }
        bytes.push(*byte);
    }
    bytes.push(b'"');
    OsString::from_vec(bytes)
}
