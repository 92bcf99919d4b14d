//! The verified repository as staging reads it: objects by id, each hashed again, mistakes collected.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::KnownContent;
use crate::content::{Content, ContentHash, ContentSource};
use crate::document::Mistake;
use crate::escape::for_terminal;
use crate::object::tree::{self, EntryKind, NameRules};
use crate::object::{self, ObjectError, ObjectKind, ObjectSource};
use crate::object_id::ObjectId;
use crate::secret::Keyholder;

/// An entry of a tree that is looked at by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub name: Vec<u8>,
    pub kind: EntryKind,
    pub id: ObjectId,
}

pub(super) struct Repository<'a> {
    pub objects: &'a dyn ObjectSource,
    pub known: &'a dyn KnownContent,
    pub rules: NameRules,
    pub mistakes: Vec<Mistake>,
    /// Those among them that no release may have, since they would be somebody's way out of a folder (F5).
    pub unfit: Vec<Mistake>,
}

impl<'a> Repository<'a> {
    pub fn new(objects: &'a dyn ObjectSource, known: &'a dyn KnownContent, rules: NameRules) -> Self {
        Self { objects, known, rules, mistakes: Vec::new(), unfit: Vec::new() }
    }

    /// Notes a mistake in the tree, which has no line.
    pub fn mistake(&mut self, place: impl Into<String>, text: impl Into<String>, hint: impl Into<String>) {
        self.mistakes.push(Mistake::at(place, text, hint));
    }

    /// Notes what makes a tree unfit for any host (F5).
    pub fn is_unfit(&mut self, place: impl Into<String>, text: impl Into<String>, hint: impl Into<String>) {
        let mistake = Mistake::at(place, text, hint);
        self.unfit.push(mistake.clone());
        self.mistakes.push(mistake);
    }

    /// Reads the tree at `place` (empty for the repository's root); one that cannot be used is a mistake.
    pub fn tree(&mut self, place: &str, id: ObjectId) -> Option<Vec<Named>> {
        let bytes = self.bytes(place, id, ObjectKind::Tree)?;
        match tree::parse(&bytes, self.rules) {
            Ok(entries) => Some(
                entries
                    .into_iter()
                    .map(|entry| Named { name: entry.name.to_vec(), kind: entry.kind, id: entry.id })
                    .collect(),
            ),
            Err(error) => {
                self.bad_tree(place, &error);
                None
            }
        }
    }

    /// Notes what is wrong with the tree at `place`.
    pub fn bad_tree(&mut self, place: &str, error: &tree::TreeError) {
        let path = error.name().map_or_else(|| shown_place(place), |name| below(place, name));
        self.is_unfit(path, error.to_string(), "remove or rename it in the repository");
    }

    /// Reads an object's bytes.
    pub fn bytes(&mut self, place: &str, id: ObjectId, kind: ObjectKind) -> Option<Vec<u8>> {
        match object::read(self.objects, id, kind) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.unreadable(place, &error);
                None
            }
        }
    }

    /// Reads a small text file; `None` without a mistake where there is none.
    pub fn text(&mut self, folder: &str, entries: &[Named], name: &str) -> Option<String> {
        let entry = find(entries, name.as_bytes())?;
        let place = below(folder, name);
        if !matches!(entry.kind, EntryKind::File { .. }) {
            self.mistake(place, "this must be a regular file", "");
            return None;
        }
        let bytes = self.bytes(&place, entry.id, ObjectKind::Blob)?;
        match String::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(_) => {
                self.mistake(place, "this is not UTF-8 text", "");
                None
            }
        }
    }

    /// Returns what the blob contains, by hash.
    pub fn content(&mut self, place: &dyn Fn() -> String, id: ObjectId) -> Option<Content> {
        let source = ContentSource::Blob(id);
        if let Some((size, hash)) = self.known.content_of(id) {
            return Some(Content { hash, size, source });
        }
        match object::read(self.objects, id, ObjectKind::Blob) {
            Ok(bytes) => Some(Content { hash: ContentHash::of(&bytes), size: bytes.len() as u64, source }),
            Err(error) => {
                self.unreadable(&place(), &error);
                None
            }
        }
    }

    /// Returns what is encrypted in the blob, by hash; without somebody who opens it, what it looks like.
    pub fn secret(&mut self, place: &str, id: ObjectId, holder: Option<&dyn Keyholder>) -> Option<Content> {
        let source = ContentSource::Secret(id);
        if let Some((size, hash)) = self.known.secret_of(id) {
            return Some(Content { hash, size, source });
        }
        let sealed = self.bytes(place, id, ObjectKind::Blob)?;
        let of = |bytes: &[u8]| Content { hash: ContentHash::of(bytes), size: bytes.len() as u64, source };
        match holder.map(|holder| holder.open(&sealed)) {
            None => Some(of(&sealed)),
            Some(Ok(plain)) => Some(of(&plain)),
            Some(Err(error)) => {
                self.mistake(place, error.to_string(), error.hint());
                None
            }
        }
    }

    fn unreadable(&mut self, place: &str, error: &ObjectError) {
        self.mistake(shown_place(place), error.to_string(), "run 'cosmos update' to fetch it again");
    }
}

/// Returns the entry called `name`.
pub(super) fn find<'e>(entries: &'e [Named], name: &[u8]) -> Option<&'e Named> {
    entries.iter().find(|entry| entry.name == name)
}

/// Returns the folder called `name`.
pub(super) fn folder(entries: &[Named], name: &[u8]) -> Option<ObjectId> {
    find(entries, name).filter(|entry| entry.kind == EntryKind::Directory).map(|entry| entry.id)
}

/// Joins a folder's path and a name, for messages and layer names.
pub(super) fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") }
}

/// Joins a folder's path and a path of any bytes, escaped.
pub(super) fn below_bytes(folder: &str, path: &[u8]) -> String {
    below(folder, &for_terminal(path))
}

fn shown_place(place: &str) -> String {
    if place.is_empty() { String::from("the repository") } else { place.to_string() }
}
