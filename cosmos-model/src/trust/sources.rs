//! Where a tree says who may sign, read once per content (T3, T11, docs/trust.md §1).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use openpgp::Cert;
use openpgp::policy::StandardPolicy;
use sequoia_openpgp as openpgp;

use super::compromise::Compromised;
use super::refusal::Refusal;
use super::signers::{Parsed, TrustSet};
use super::source::Source;
use super::source_tree;
use super::trusted::Trusted;
use crate::object::ObjectSource;
use crate::object_id::ObjectId;
use crate::path::RelPath;

/// Reads and remembers sources, and what they say about certificates.
pub struct Sources<'a> {
    objects: &'a dyn ObjectSource,
    key_folders: &'a [RelPath],
    by_tree: BTreeMap<ObjectId, Result<Option<Source>, Refusal>>,
    sets: BTreeMap<Source, Result<Rc<TrustSet>, Refusal>>,
    /// The keyring's copies: what the host itself knows about certificates holds everywhere.
    given: BTreeMap<String, Rc<Cert>>,
    /// What earlier runs learnt (T11).
    stored: Vec<Rc<Cert>>,
    /// Copies kept alive, since their addresses stand for them.
    parsed: Parsed,
    /// Sources in which revocations were looked for.
    looked: BTreeSet<Source>,
    /// Keys found to be revoked as compromised, from any source (T9).
    pub compromised: Compromised,
}

impl<'a> Sources<'a> {
    /// Starts with the keyring given out of band and what earlier runs learnt.
    pub fn new(
        objects: &'a dyn ObjectSource,
        key_folders: &'a [RelPath],
        keyring: &[u8],
        stored: Vec<Rc<Cert>>,
        policy: &StandardPolicy,
    ) -> Self {
        let mut parsed = Parsed::default();
        let keyring = TrustSet::from_keys([keyring], &mut parsed);
        let given = keyring.certificates().clone();
        let mut compromised = Compromised::default();
        stored.iter().chain(given.values()).for_each(|certificate| compromised.look_at(certificate, policy));
        Self {
            objects,
            key_folders,
            by_tree: BTreeMap::new(),
            sets: BTreeMap::from([(Source::Keyring, Ok(Rc::new(keyring)))]),
            given,
            stored,
            parsed,
            looked: BTreeSet::new(),
            compromised,
        }
    }

    /// Returns where `tree` says who may sign; `None` when it does not.
    ///
    /// # Errors
    /// Returns the [`Refusal`] of an unreadable tree.
    pub fn of_tree(&mut self, tree: ObjectId) -> Result<Option<Source>, Refusal> {
        if let Some(known) = self.by_tree.get(&tree) {
            return known.clone();
        }
        let found = source_tree::find_source(self.objects, tree, self.key_folders);
        self.by_tree.insert(tree, found.clone());
        found
    }

    /// Returns the signers of `source` as the tree has them.
    ///
    /// # Errors
    /// Returns [`Refusal::Policy`] for a file that cannot be used, or why it cannot be read.
    pub fn set(&mut self, source: &Source) -> Result<Rc<TrustSet>, Refusal> {
        if let Some(known) = self.sets.get(source) {
            return known.clone();
        }
        let read = source_tree::read_set(self.objects, source, &mut self.parsed).map(Rc::new);
        self.sets.insert(source.clone(), read.clone());
        read
    }

    /// Returns who may sign where a walk begins; with what earlier runs learnt, when it begins where they ended (T2).
    ///
    /// # Errors
    /// Returns the [`Refusal`] of an unreadable source.
    pub fn begin(&mut self, source: &Source, resumed: bool) -> Result<Rc<Trusted>, Refusal> {
        let set = self.set(source)?;
        let stored = resumed.then(|| Trusted::remembered(&self.stored));
        Ok(Rc::new(Trusted::new(source.clone(), &set, stored.iter(), &self.given)))
    }

    /// Returns who may sign on top of a commit whose tree says `source`, by what each of its parents knew (T11).
    ///
    /// # Errors
    /// Returns the [`Refusal`] of an unreadable source.
    pub fn follow(&mut self, parents: &[Rc<Trusted>], source: &Source) -> Result<Rc<Trusted>, Refusal> {
        if let Some((first, others)) = parents.split_first()
            && first.source == *source
            && others.iter().all(|other| Rc::ptr_eq(first, other))
        {
            return Ok(Rc::clone(first));
        }
        let set = self.set(source)?;
        Ok(Rc::new(Trusted::new(source.clone(), &set, parents.iter().map(Rc::as_ref), &self.given)))
    }

    /// Returns the signers of the step below with what `candidate` says about them (T3).
    pub fn judging(&mut self, below: &Trusted, candidate: Option<&Source>) -> Rc<TrustSet> {
        // A candidate that cannot be read refreshes nothing; whether it may be accepted is judged elsewhere.
        let found = candidate.filter(|candidate| **candidate != below.source).map(|candidate| self.set(candidate));
        match found {
            Some(Ok(found)) => below.refreshed(&found),
            Some(Err(_)) | None => Rc::clone(&below.set),
        }
    }

    /// Looks for compromised keys in a source nobody has accepted yet: a revocation proves itself (T9).
    pub fn look_for_revocations(&mut self, source: &Source, policy: &StandardPolicy) {
        if !self.looked.insert(source.clone()) {
            return;
        }
        let Ok(set) = self.set(source) else { return };
        set.certificates().values().for_each(|certificate| self.compromised.look_at(certificate, policy));
    }

    /// Returns every commit that some source read so far vouches for.
    pub fn goodlists(&self) -> BTreeSet<ObjectId> {
        self.sets.values().filter_map(|set| set.as_ref().ok()).flat_map(|set| set.goodlist.iter().copied()).collect()
    }

    /// Lets certificates that were added to the keyring by hand sign like those of `source` (C7).
    pub fn add_by_hand(&mut self, source: &Source, added: &BTreeSet<String>) {
        let (Ok(set), Ok(keyring)) = (self.set(source), self.set(&Source::Keyring)) else { return };
        let mut joined = TrustSet::clone(&set);
        joined.join(&keyring, added);
        self.sets.insert(source.clone(), Ok(Rc::new(joined)));
    }
}
