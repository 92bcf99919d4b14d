//! A repository on this machine, read by libgit2 in the child; no upload-pack process is started.

use std::io::Write;
use std::path::PathBuf;

use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;
use git2::{Repository, RepositoryOpenFlags};

use super::Limits;
use super::reachable;
use super::transport::{Objects, Transport, TransportError};
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

    /// There is no pack to write: the objects are there already.
    fn fetch(&mut self, _: &[ObjectId], _: &[ObjectId], _: &mut dyn Write) -> Result<(), TransportError> {
        Ok(())
    }

    fn objects(&mut self, wants: &[ObjectId], haves: &[ObjectId]) -> Option<Result<Objects, TransportError>> {
        let ids = |ids: &[ObjectId]| ids.iter().map(|id| oid(*id)).collect::<Vec<_>>();
        let (wants, haves) = (ids(wants), ids(haves));
        Some(self.open().and_then(|repository| {
            let listed = reachable::missing(&repository, &wants, &haves, self.limits.objects)?;
            Ok((repository, listed))
        }))
    }
}
