//! Secrets that templates print: found in the host's layers, filled in to be hashed, and kept as pieces.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::repository::{Repository, find, folder};
use crate::content::{Content, ContentHash, ContentSource};
use crate::escape::for_terminal;
use crate::object::ObjectKind;
use crate::object::tree::EntryKind;
use crate::object_id::ObjectId;
use crate::secret::{Keyholder, LARGEST, Piece, Plaintext, fill};

/// The folders `secrets/` of a host's layers, and who opens what is in them.
pub(super) struct Vault<'a> {
    /// Each with its place, first wins.
    pub folders: &'a [(String, ObjectId)],
    pub holder: Option<&'a dyn Keyholder>,
}

impl Vault<'_> {
    /// Finds the secrets of a template and fills them in; `None` for a mistake.
    pub fn content(
        &self,
        repository: &mut Repository<'_>,
        place: &str,
        printed: Vec<Piece<String>>,
    ) -> Option<(Content, Vec<Piece<ObjectId>>)> {
        let mut pieces = Vec::with_capacity(printed.len());
        for piece in printed {
            pieces.push(match piece {
                Piece::Text(text) => Piece::Text(text),
                Piece::Secret(path) => Piece::Secret(self.find(repository, place, &path)?),
            });
        }
        let file = fill(&pieces, &mut |id| self.open(repository, place, *id).ok_or(())).ok()?;
        if file.len() > LARGEST {
            repository.mistake(place, format!("what this becomes has at most {LARGEST} bytes"), "print less");
            return None;
        }
        let (hash, size) = (ContentHash::of(&file), file.len() as u64);
        Some((Content { hash, size, source: ContentSource::Filled }, pieces))
    }

    fn find(&self, repository: &mut Repository<'_>, place: &str, path: &str) -> Option<ObjectId> {
        for (at, tree) in self.folders {
            let mut tree = *tree;
            let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
            let mut way = folders.split('/').filter(|name| !name.is_empty());
            let inner = way.try_for_each(|name| {
                tree = folder(&repository.tree(at, tree)?, name.as_bytes())?;
                Some(())
            });
            let entries = inner.and_then(|()| repository.tree(at, tree)).unwrap_or_default();
            match find(&entries, name.as_bytes()) {
                Some(found) if matches!(found.kind, EntryKind::File { .. }) => return Some(found.id),
                _ => {}
            }
        }
        let shown = for_terminal(path.as_bytes());
        repository.mistake(place, format!("no layer of this host has the secret '{shown}'"), "cosmos secret edit PATH");
        None
    }

    /// Opens a secret; where nobody can, the name of its blob stands for it.
    fn open(&self, repository: &mut Repository<'_>, place: &str, id: ObjectId) -> Option<Plaintext> {
        let sealed = repository.bytes(place, id, ObjectKind::Blob)?;
        let Some(holder) = self.holder else { return Some(id.as_bytes().to_vec().into()) };
        let opened = holder.open(&sealed);
        opened.map_err(|error| repository.mistake(place, format!("{error}"), error.hint())).ok()
    }
}
