//! The clone that other tools look at, `$COSMOS_REPO`: written for their eyes, read for one URL (C2, F1).
//!
//! Its objects are those of our store, through git's alternates; our store never looks back. Nothing here is staged,
//! so an unverified checkout may lie in it after `clone`, as bootstrap scripts expect.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use cosmos_model::escape::for_terminal;
use cosmos_model::object::tree::{self, EntryKind, NameRules};
use cosmos_model::object::{self, ObjectError, ObjectKind, ObjectSource};
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;

use super::git_config;
use crate::fs::by_path;
use crate::model_folder::index::{Index, Left, LeftKind};
use crate::model_folder::sync::{self, FolderError, Listing, Strangers, Wanted};

/// Why the clone could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// There is something already where a clone shall go.
    #[error("'{}' exists already", repo.display())]
    Exists {
        /// The clone.
        repo: PathBuf,
    },
    /// A file of the clone cannot be read or written.
    #[error("cannot {verb} '{}'", path.display())]
    File {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The clone's configuration cannot be read.
    #[error("cannot read '{}'", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: git_config::ConfigError,
    },
    /// The clone names no remote.
    #[error("'{}' names no remote.origin.url", path.display())]
    NoRemote {
        /// The file.
        path: PathBuf,
    },
    /// A name that cannot be a ref.
    #[error("'{name}' cannot be the name of a branch or tag")]
    Name {
        /// The name, safe to show.
        name: String,
    },
    /// An object is missing or wrong.
    #[error("cannot read commit {commit}")]
    Object {
        /// The commit.
        commit: ObjectId,
        /// Why.
        #[source]
        source: ObjectError,
    },
    /// The commit's text does not start with a tree.
    #[error("commit {commit} names no tree")]
    NoTree {
        /// The commit.
        commit: ObjectId,
    },
    /// The work tree could not be written.
    #[error("cannot write the work tree")]
    WorkTree(#[from] FolderError),
    /// git's index could not be written.
    #[error("cannot write '{}'", path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: git2::Error,
    },
}

impl CheckoutError {
    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Exists { repo } => format!("remove '{}' to clone again", repo.display()),
            Self::Config { path, .. } | Self::NoRemote { path } => {
                let repo = path.parent().and_then(Path::parent).unwrap_or(path);
                format!("git -C '{}' remote add origin URL, or clone again", repo.display())
            }
            Self::Object { .. } | Self::NoTree { .. } => "run 'cosmos update' again".into(),
            Self::Name { .. } => "set COSMOS_DEFAULT_BRANCH".into(),
            Self::File { .. } | Self::WorkTree(_) | Self::Index { .. } => {
                "run as root, and look for a full disk".into()
            }
        }
    }
}

/// What the clone shows.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The commit whose tree lies in the work tree.
    pub commit: ObjectId,
    /// The branch that points at it.
    pub branch: &'a str,
    /// The release: the tag's name and the id of the tag object. HEAD is then detached, as the original left it.
    pub tag: Option<(&'a str, ObjectId)>,
}

/// Reads where the clone was made from.
///
/// # Errors
/// Returns [`CheckoutError`] when there is no clone, or it names no remote.
pub fn origin_url(repo: &Path) -> Result<Vec<u8>, CheckoutError> {
    let path = repo.join(".git/config");
    let text = std::fs::read(&path).map_err(failed("read", &path))?;
    let url = git_config::origin_url(&text).map_err(|source| CheckoutError::Config { path: path.clone(), source })?;
    url.ok_or(CheckoutError::NoRemote { path })
}

/// Tells whether the clone shows `commit` since we last wrote it; someone may have checked out something else.
#[must_use]
pub fn is_at(repo: &Path, commit: ObjectId) -> bool {
    std::fs::read(repo.join(".git/HEAD")).is_ok_and(|head| head.trim_ascii() == commit.to_string().as_bytes())
}

/// Makes an empty clone of `url` that follows `branch`.
///
/// # Errors
/// Returns [`CheckoutError::Exists`] when something is there, as the original does.
pub fn create(repo: &Path, url: &[u8], branch: &str) -> Result<(), CheckoutError> {
    if repo.symlink_metadata().is_ok() {
        return Err(CheckoutError::Exists { repo: repo.to_owned() });
    }
    let (git, head) = (repo.join(".git"), reference("heads", branch)?);
    for folder in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
        let folder = git.join(folder);
        by_path::make_directories(&folder, 0o755).map_err(failed("make", &folder))?;
    }
    put(&git.join("HEAD"), format!("ref: {head}\n").as_bytes())?;
    put(&git.join("config"), &config(url, branch))
}

/// Makes the clone show one commit. Files in the work tree that are none of ours stay.
///
/// Returns the folders whose trees have entries that no host may get, and which are therefore left out.
///
/// # Errors
/// Returns [`CheckoutError`] at the first thing that cannot be read or written.
pub fn show(
    repo: &Path,
    index: &Path,
    view: View<'_>,
    objects: &dyn ObjectSource,
    store: &Path,
) -> Result<Vec<String>, CheckoutError> {
    let git = repo.join(".git");
    add_alternate(&git, store)?;
    let mut tree = TreeListing { objects, listing: Listing::new(), refused: Vec::new() };
    tree.read(view.commit)?;
    let TreeListing { listing, refused, .. } = tree;
    let left = sync::sync(repo, index, &listing, objects, Strangers::Keep)?;
    write_index(&git.join("index"), &left)?;
    let id = format!("{}\n", view.commit);
    put_reference(&git, &reference("heads", view.branch)?, id.as_bytes())?;
    put_reference(&git, &reference("remotes/origin", view.branch)?, id.as_bytes())?;
    let head = match view.tag {
        Some((name, object)) => {
            put_reference(&git, &reference("tags", name)?, format!("{object}\n").as_bytes())?;
            id
        }
        None => format!("ref: {}\n", reference("heads", view.branch)?),
    };
    put(&git.join("HEAD"), head.as_bytes())?;
    Ok(refused)
}

/// Adds our store to the places where git looks for objects of this clone.
fn add_alternate(git: &Path, store: &Path) -> Result<(), CheckoutError> {
    let info = git.join("objects/info");
    by_path::make_directories(&info, 0o755).map_err(failed("make", &info))?;
    let path = info.join("alternates");
    let mut lines = match std::fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        read => read.map_err(failed("read", &path))?,
    };
    let store = store.as_os_str().as_bytes();
    if lines.split(|byte| *byte == b'\n').any(|line| line == store) {
        return Ok(());
    }
    if !lines.is_empty() && !lines.ends_with(b"\n") {
        lines.push(b'\n');
    }
    lines.extend_from_slice(store);
    lines.push(b'\n');
    put(&path, &lines)
}

fn config(url: &[u8], branch: &str) -> Vec<u8> {
    let mut config = b"[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n".to_vec();
    config.extend_from_slice(b"[remote \"origin\"]\n\turl = ");
    config.extend_from_slice(&quoted(url));
    config.extend_from_slice(b"\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n[branch ");
    config.extend_from_slice(&quoted(branch.as_bytes()));
    config.extend_from_slice(format!("]\n\tremote = origin\n\tmerge = refs/heads/{branch}\n").as_bytes());
    config
}

fn quoted(text: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for byte in text {
        match byte {
            b'"' | b'\\' => quoted.extend([b'\\', *byte]),
            b'\n' => quoted.extend(*b"\\n"),
            _ => quoted.push(*byte),
        }
    }
    quoted.push(b'"');
    quoted
}

/// Returns the full name of a ref, if the name is one that git takes and that stays below `.git`.
fn reference(folder: &str, name: &str) -> Result<RelPath, CheckoutError> {
    let refused = || CheckoutError::Name { name: for_terminal(name.as_bytes()) };
    let odd = |byte: u8| byte <= b' ' || byte == 0x7f || b"~^:?*[\\".contains(&byte);
    let component = |part: &str| !part.starts_with('.') && !part.ends_with(".lock");
    let sound = !name.bytes().any(odd) && !name.contains("..") && name.split('/').all(component);
    if !sound || name.starts_with('-') {
        return Err(refused());
    }
    RelPath::new(format!("refs/{folder}/{name}").as_bytes()).map_err(|_| refused())
}

fn put_reference(git: &Path, reference: &RelPath, content: &[u8]) -> Result<(), CheckoutError> {
    let path = sync::inside(git, reference);
    let folder = path.parent().expect("a ref lies below refs");
    by_path::make_directories(folder, 0o755).map_err(failed("make", folder))?;
    put(&path, content)
}

fn put(path: &Path, content: &[u8]) -> Result<(), CheckoutError> {
    by_path::replace_file(path, content, 0o644).map_err(failed("write", path))
}

fn failed<'a>(verb: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> CheckoutError + 'a {
    move |source| CheckoutError::File { verb, path: path.to_owned(), source }
}

/// The files of a commit's tree.
struct TreeListing<'a> {
    objects: &'a dyn ObjectSource,
    listing: Listing,
    refused: Vec<String>,
}

impl TreeListing<'_> {
    fn read(&mut self, commit: ObjectId) -> Result<(), CheckoutError> {
        let unreadable = |source| CheckoutError::Object { commit, source };
        let text = object::read(self.objects, commit, ObjectKind::Commit).map_err(unreadable)?;
        let tree = text.strip_prefix(b"tree ").and_then(|rest| ObjectId::from_hex(rest.get(..40)?).ok());
        let mut folders: Vec<(Vec<u8>, ObjectId)> = vec![(Vec::new(), tree.ok_or(CheckoutError::NoTree { commit })?)];
        while let Some((prefix, id)) = folders.pop() {
            let bytes = object::read(self.objects, id, ObjectKind::Tree).map_err(unreadable)?;
            match tree::parse(&bytes, NameRules::Classic) {
                Err(error) => self.refused.push(format!("{}: {error}", for_terminal(&prefix))),
                Ok(entries) => {
                    for entry in entries {
                        self.entry(&prefix, &entry, &mut folders).map_err(unreadable)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        prefix: &[u8],
        entry: &tree::TreeEntry<'_>,
        folders: &mut Vec<(Vec<u8>, ObjectId)>,
    ) -> Result<(), ObjectError> {
        let full = if prefix.is_empty() { entry.name.to_vec() } else { [prefix, b"/", entry.name].concat() };
        let path = RelPath::new(&full).expect("names of a parsed tree are components");
        let wanted = match entry.kind {
            EntryKind::File { executable } => {
                Wanted::File { blob: entry.id, mode: if executable { 0o755 } else { 0o644 } }
            }
            EntryKind::Symlink => Wanted::Symlink(object::read(self.objects, entry.id, ObjectKind::Blob)?),
            EntryKind::Directory => {
                folders.push((full, entry.id));
                Wanted::Directory(0o755)
            }
        };
        self.listing.insert(path, wanted);
        Ok(())
    }
}

/// Writes git's own index, so that `git status` in the clone says that nothing is changed.
fn write_index(path: &Path, left: &Index) -> Result<(), CheckoutError> {
    let new = path.with_extension("cosmos-new");
    let failed_index = |source| CheckoutError::Index { path: path.to_owned(), source };
    by_path::remove(&new).map_err(failed("remove", &new))?;
    let mut index = git2::Index::open(&new).map_err(failed_index)?;
    for (path, left) in left {
        index.add(&index_entry(path, left)).map_err(failed_index)?;
    }
    index.write().map_err(failed_index)?;
    by_path::put(&new, path).map_err(failed("write", path))
}

fn index_entry(path: &RelPath, left: &Left) -> git2::IndexEntry {
    let time = |(seconds, nanoseconds)| {
        // The index keeps the low 32 bits of everything, as git does.
        git2::IndexTime::new(seconds as i32, nanoseconds)
    };
    git2::IndexEntry {
        ctime: time(left.stat.changed),
        mtime: time(left.stat.modified),
        dev: left.stat.device as u32,
        ino: left.stat.inode as u32,
        mode: if left.kind == LeftKind::Symlink { 0o120_000 } else { 0o100_000 | left.mode },
        uid: nix::unistd::geteuid().as_raw(),
        gid: nix::unistd::getegid().as_raw(),
        file_size: left.stat.size as u32,
        id: git2::Oid::from_bytes(left.blob.as_bytes()).expect("an id has 20 bytes"),
        flags: 0,
        flags_extended: 0,
        path: path.as_bytes().to_vec(),
    }
}
