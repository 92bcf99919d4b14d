//! Generations: what a host was made, numbered, so that it can be made the same again (docs/formats.md §24).
//!
//! A generation names a verified revision; its files are that revision's blobs, merged anew. What the revision does not
//! have is kept besides, by hash: facts and the agent, with its modules, may be others when a host goes back.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use crate::content::ContentHash;
use crate::facts::Facts;
use crate::path::RelPath;
use crate::time::Time;
use crate::trust::VerifiedRevision;

/// One applied model.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generation {
    /// Its number; the first model of a host is 1.
    pub number: u64,
    /// When the host became it.
    pub applied: Time,
    #[serde(deserialize_with = "crate::trust::read_revision")]
    revision: VerifiedRevision,
    /// The hash of its [`Rendering`] as text; nothing where it has neither templates nor modules of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rendering: Option<ContentHash>,
}

/// What a model has from elsewhere than its revision: what templates became, what they were told, and modules that come
/// with the agent.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rendering {
    /// The facts that were looked at; the others are not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    /// The files of the agent's modules that were used, by their paths below the folder of all modules.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub modules: BTreeMap<String, ModuleFile>,
    /// The files that templates became.
    pub files: BTreeMap<RelPath, RenderedFile>,
}

/// One file of a module that comes with the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleFile {
    /// The hash of its bytes.
    pub hash: ContentHash,
    /// How many there are.
    pub size: u64,
    /// Whether it is executable.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub executable: bool,
}

/// What one template became.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenderedFile {
    /// The hash of its bytes.
    pub hash: ContentHash,
    /// How many there are.
    pub size: u64,
    /// Whether a secret is printed in it: then its bytes are kept nowhere.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub secret: bool,
}

/// The generations that are kept, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generations {
    format: u32,
    generations: Vec<Generation>,
}

/// The version of the list.
pub const FORMAT: u32 = 1;

impl Default for Generations {
    fn default() -> Self {
        Self { format: FORMAT, generations: Vec::new() }
    }
}

impl Generation {
    /// Numbers a model that was applied.
    #[must_use]
    pub const fn new(number: u64, applied: Time, revision: VerifiedRevision, rendering: Option<ContentHash>) -> Self {
        Self { number, applied, revision, rendering }
    }

    /// Returns the revision whose model it is.
    #[must_use]
    pub const fn revision(&self) -> &VerifiedRevision {
        &self.revision
    }
}

impl Rendering {
    /// Returns hash and size of each content that is to be kept: all but those with secrets in them.
    pub fn contents(&self) -> impl Iterator<Item = (ContentHash, u64)> {
        let files = self.files.values().filter(|file| !file.secret).map(|file| (file.hash, file.size));
        files.chain(self.modules.values().map(|file| (file.hash, file.size)))
    }
}

impl Generations {
    /// Returns the version the list was written in.
    #[must_use]
    pub const fn format(&self) -> u32 {
        self.format
    }

    /// Returns those up to `newest`: later ones are of a run that was killed, or of a state that was begun again.
    #[must_use]
    pub fn up_to(mut self, newest: u64) -> Self {
        self.generations.retain(|one| one.number <= newest);
        self
    }

    /// Returns the generations, oldest first.
    #[must_use]
    pub fn kept(&self) -> &[Generation] {
        &self.generations
    }

    /// Returns the generation `number`, if it is kept.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&Generation> {
        self.generations.iter().find(|one| one.number == number)
    }

    /// Returns the newest before `number`.
    #[must_use]
    pub fn before(&self, number: u64) -> Option<&Generation> {
        self.generations.iter().rev().find(|one| one.number < number)
    }

    /// Adds a generation and lets the oldest go, so that `most` are left, as [`Generations::keep_newest`] says.
    pub fn add(&mut self, generation: Generation, most: usize, failed: &BTreeSet<u64>) {
        self.generations.retain(|one| one.number < generation.number);
        self.generations.push(generation);
        self.keep_newest(most, failed);
    }

    /// Lets all but the newest `count` go. In any case the newest stays, and the newest before it whose probes have not
    /// `failed`: a host goes back to that one, however many bad releases come in a row.
    pub fn keep_newest(&mut self, count: usize, failed: &BTreeSet<u64>) {
        let numbers: Vec<u64> = self.generations.iter().rev().map(|one| one.number).collect();
        let sound = numbers.iter().skip(1).find(|number| !failed.contains(number));
        let kept: BTreeSet<u64> = numbers.iter().take(count.max(1)).chain(sound).copied().collect();
        self.generations.retain(|one| kept.contains(&one.number));
    }
}
