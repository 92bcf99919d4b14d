//! An operator's clone, read as data: objects, refs, the branch, the address of its remote.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use cosmos_model::object::{ObjectKind, ObjectSource, RawObject};
use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;
use git2::{ErrorCode, ObjectType, Odb, Repository, RepositoryOpenFlags, StatusOptions};

use super::OperatorError;
use crate::built_in;
use crate::classic::git_config;
use crate::fetch::url::Location;
use crate::store::{chain, kind_of, library, oid};

/// A git repository with a work tree that belongs to the caller.
pub struct WorkTree {
    repository: Repository,
    objects: Odb<'static>,
    folder: PathBuf,
}

impl WorkTree {
    /// Finds the clone that `start` lies in.
    ///
    /// # Errors
    /// Returns [`OperatorError`] when there is none, or it is somebody else's.
    pub fn find(start: &Path) -> Result<Self, OperatorError> {
        library::prepare();
        let none = || OperatorError::NoClone { folder: start.to_owned() };
        let start = start.canonicalize().map_err(|_| none())?;
        let nowhere: [&str; 0] = [];
        let repository = Repository::open_ext(&start, RepositoryOpenFlags::CROSS_FS, nowhere).map_err(|_| none())?;
        let folder = repository.workdir().ok_or_else(none)?.canonicalize().map_err(|_| none())?;
        let own = |path: &Path| path.metadata().is_ok_and(|found| found.uid() == nix::unistd::geteuid().as_raw());
        if !own(&folder) || !own(repository.commondir()) {
            return Err(OperatorError::Foreign { folder });
        }
        let failed = |source| OperatorError::Library { action: "open the objects", folder: folder.clone(), source };
        let objects = Odb::new().map_err(failed)?;
        let path = repository.commondir().join("objects");
        let shown = path.to_str().ok_or_else(none)?;
        objects.add_disk_alternate(shown).map_err(failed)?;
        Ok(Self { repository, objects, folder })
    }

    /// Returns the work tree.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns git's own folder: `.git`, or what a linked work tree shares.
    #[must_use]
    pub fn git_folder(&self) -> &Path {
        self.repository.commondir()
    }

    /// Returns the branch that is checked out, without `refs/heads/`.
    ///
    /// # Errors
    /// Returns [`OperatorError::Detached`] when none is.
    pub fn branch(&self) -> Result<String, OperatorError> {
        let head = self.repository.find_reference("HEAD").map_err(|_| OperatorError::Detached)?;
        let target = head.symbolic_target().ok().flatten().map(str::to_owned).ok_or(OperatorError::Detached)?;
        target.strip_prefix("refs/heads/").map(str::to_owned).ok_or(OperatorError::Detached)
    }

    /// Returns what a full ref name points at.
    #[must_use]
    pub fn points(&self, name: &str) -> Option<ObjectId> {
        let id = self.repository.refname_to_id(name).ok()?;
        ObjectId::from_hex(id.to_string().as_bytes()).ok()
    }

    /// Returns all refs of the clone.
    ///
    /// # Errors
    /// Returns [`OperatorError::Library`].
    pub fn refs(&self) -> Result<Vec<RemoteRef>, OperatorError> {
        let mut refs = Vec::new();
        for reference in self.repository.references().map_err(self.failed("list the refs"))? {
            let reference = reference.map_err(self.failed("list the refs"))?;
            let id = reference.target().and_then(|id| ObjectId::from_hex(id.to_string().as_bytes()).ok());
            refs.extend(id.map(|id| RemoteRef { name: reference.name_bytes().to_vec(), id }));
        }
        Ok(refs)
    }

    /// Returns the address of the remote `origin` in the clone's own configuration; nothing that includes is read.
    ///
    /// # Errors
    /// Returns [`OperatorError::NoOrigin`] when there is none, or none that is followed (F3).
    pub fn origin(&self) -> Result<String, OperatorError> {
        let no = |reason: String| OperatorError::NoOrigin { reason };
        let path = self.git_folder().join("config");
        let text = std::fs::read(&path).map_err(|source| OperatorError::File { path, source })?;
        let url = git_config::origin_url(&text).map_err(|error| no(error.to_string()))?;
        let url = url.ok_or_else(|| no("it has no url".to_owned()))?;
        let url = String::from_utf8(url).map_err(|_| no("its url is not UTF-8".to_owned()))?;
        let is_relative = !url.contains(':') && !url.starts_with('/');
        let url = if is_relative { self.folder.join(url).display().to_string() } else { url };
        match Location::parse(&url) {
            Ok(Location::Bundle(_)) => Err(no("nothing can be pushed into a bundle".to_owned())),
            Ok(_) => Ok(url),
            Err(error) => Err(no(error.to_string())),
        }
    }

    /// Writes an object, without a ref to it.
    ///
    /// # Errors
    /// Returns [`OperatorError::Library`].
    pub fn write(&self, kind: ObjectKind, bytes: &[u8]) -> Result<(), OperatorError> {
        let kind = match kind {
            ObjectKind::Commit => ObjectType::Commit,
            ObjectKind::Tree => ObjectType::Tree,
            ObjectKind::Blob => ObjectType::Blob,
            ObjectKind::Tag => ObjectType::Tag,
        };
        let odb = self.repository.odb().map_err(self.failed("write an object"))?;
        odb.write(kind, bytes).map(|_| ()).map_err(self.failed("write an object"))
    }

    /// Lets a ref point at `id`. No hook runs.
    ///
    /// # Errors
    /// Returns [`OperatorError::Library`].
    pub fn point(&self, name: &str, id: ObjectId) -> Result<(), OperatorError> {
        let made = self.repository.reference(name, oid(id), true, "cosmos release");
        made.map(|_| ()).map_err(self.failed("write a ref"))
    }

    /// Returns the commit that words such as a tag or a branch mean, and its tree.
    #[must_use]
    pub fn revision(&self, words: &str) -> Option<(ObjectId, ObjectId)> {
        let commit = self.repository.revparse_single(words).ok()?.peel_to_commit().ok()?;
        let id = |id: git2::Oid| ObjectId::from_hex(id.to_string().as_bytes()).ok();
        Some((id(commit.id())?, id(commit.tree_id())?))
    }

    /// Tells whether git ignores a path of the work tree.
    #[must_use]
    pub fn ignores(&self, path: &Path) -> bool {
        self.repository.is_path_ignored(path).unwrap_or(false)
    }

    /// Counts the files that differ from the commit checked out, at least roughly: filters are not asked.
    #[must_use]
    pub fn uncommitted(&self) -> usize {
        let mut options = StatusOptions::new();
        options.include_untracked(true).update_index(false).exclude_submodules(true);
        self.repository.statuses(Some(&mut options)).map_or(0, |statuses| statuses.len())
    }

    fn failed(&self, action: &'static str) -> impl Fn(git2::Error) -> OperatorError + '_ {
        move |source| OperatorError::Library { action, folder: self.folder.clone(), source }
    }
}

impl ObjectSource for WorkTree {
    fn object(&self, id: ObjectId) -> Result<Option<RawObject>, String> {
        match self.objects.read(oid(id)) {
            Ok(object) => match kind_of(object.kind()) {
                Some(kind) => Ok(Some(RawObject { kind, bytes: object.data().to_vec() })),
                None => Err("it is of no known kind".to_owned()),
            },
            Err(error) if error.code() == ErrorCode::NotFound => Ok(built_in::object(id)),
            Err(error) => Err(chain(&error)),
        }
    }
}
