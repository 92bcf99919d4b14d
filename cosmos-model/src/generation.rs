//! Generations: what a host was made, numbered, so that it can be made the same again (docs/formats.md §24).
//!
//! A generation names a verified revision; its files are that revision's blobs, merged anew. Contents are never copied.

use alloc::vec::Vec;

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
    /// Returns the revision whose model it is.
    #[must_use]
    pub const fn revision(&self) -> &VerifiedRevision {
        &self.revision
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

    /// Adds the generation `number` and lets the oldest go, so that `most` are left.
    pub fn add(&mut self, number: u64, applied: Time, revision: VerifiedRevision, most: usize) {
        self.generations.retain(|one| one.number < number);
        self.generations.push(Generation { number, applied, revision });
        let surplus = self.generations.len().saturating_sub(most.max(1));
        self.generations.drain(..surplus);
    }
}
