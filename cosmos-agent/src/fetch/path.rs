//! A repository on this machine, read by libgit2 in the child; no upload-pack process is started.

use std::io::Write;
use std::path::PathBuf;

use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;
use git2::{ErrorCode, ObjectType, Oid, Repository, RepositoryOpenFlags};

use super::Limits;
use super::transport::{Transport, TransportError};
use super::v2::wanted;
use crate::store::{library, oid};

/// A local repository, bare or with a work tree.
pub(super) struct Path {
    path: PathBuf,
    limits: Limits,
}

impl Path {
    pub(super) const fn new(path: PathBuf, limits: Limits) -> Self {
        Self { path, limits }
    }

    fn open(&self) -> Result<Repository, TransportError> {
        library::prepare();
        let nowhere_else: [&str; 0] = [];
        let repository = Repository::open_ext(&self.path, RepositoryOpenFlags::NO_SEARCH, nowhere_else)
            .map_err(TransportError::library("open the repository"))?;
        let partial = is_partial(&repository).map_err(TransportError::library("read the repository's settings"))?;
        if repository.is_shallow() || partial { Err(TransportError::Incomplete) } else { Ok(repository) }
    }
}

/// Tells whether git left objects with another repository ("promised"); both spellings are in use.
fn is_partial(repository: &Repository) -> Result<bool, git2::Error> {
    let config = repository.config()?;
    let mut promises = config.entries(Some(r"^(extensions\.partialclone|remote\..*\.promisor)$"))?;
    Ok(promises.next().is_some())
}

impl Transport for Path {
    /// Reads names and ids only: peeling tags would open every tag object.
    fn look(&mut self, prefixes: &[Vec<u8>]) -> Result<Vec<RemoteRef>, TransportError> {
        let repository = self.open()?;
        let failed = TransportError::library("list the repository's refs");
        let mut refs = Vec::new();
        for (seen, reference) in repository.references().map_err(&failed)?.enumerate() {
            if seen >= self.limits.refs as usize {
                return Err(TransportError::Refs(self.limits.refs));
            }
            let reference = reference.map_err(&failed)?;
            if !wanted(reference.name_bytes(), prefixes) {
                continue;
            }
            let target = match reference.target() {
                Some(target) => Some(target),
                None => reference.resolve().ok().and_then(|resolved| resolved.target()),
            };
            if let Some(target) = target {
                let id = ObjectId::from_hex(target.to_string().as_bytes()).map_err(|_| TransportError::Sha256)?;
                refs.push(RemoteRef { name: reference.name_bytes().to_vec(), id });
            }
        }
        Ok(refs)
    }

    fn fetch(&mut self, wants: &[ObjectId], haves: &[ObjectId], sink: &mut dyn Write) -> Result<(), TransportError> {
        let repository = self.open()?;
        let failed = TransportError::library("collect the objects");
        let mut walk = repository.revwalk().map_err(&failed)?;
        let mut builder = repository.packbuilder().map_err(&failed)?;
        builder.set_threads(1);
        for want in wants {
            let mut id = oid(*want);
            while let Some(target) = tag_target(&repository, id).map_err(&failed)? {
                builder.insert_object(id, None).map_err(&failed)?;
                id = target;
            }
            match repository.find_commit(id) {
                Ok(_) => walk.push(id).map_err(&failed)?,
                Err(_) => builder.insert_recursive(id, None).map_err(&failed)?,
            }
        }
        for have in haves {
            if let Ok(commit) = repository.find_object(oid(*have), None).and_then(|object| object.peel_to_commit()) {
                walk.hide(commit.id()).map_err(&failed)?;
            }
        }
        builder.insert_walk(&mut walk).map_err(&failed)?;
        write_pack(&mut builder, sink)
    }
}

/// Returns what a tag object points at, or `None` when `id` is no tag.
fn tag_target(repository: &Repository, id: Oid) -> Result<Option<Oid>, git2::Error> {
    match repository.odb()?.read_header(id)? {
        (_, ObjectType::Tag) => Ok(Some(repository.find_tag(id)?.target_id())),
        _ => Ok(None),
    }
}

fn write_pack(builder: &mut git2::PackBuilder<'_>, sink: &mut dyn Write) -> Result<(), TransportError> {
    let mut failure = None;
    let written = builder.foreach(|bytes| match sink.write_all(bytes) {
        Ok(()) => true,
        Err(error) => {
            failure = Some(super::pack::sink_error(&error));
            false
        }
    });
    match (failure, written) {
        (Some(failure), _) => Err(failure),
        (None, Err(source)) if source.code() != ErrorCode::User => {
            Err(TransportError::Library { action: "pack the objects", source })
        }
        (None, _) => Ok(()),
    }
}
