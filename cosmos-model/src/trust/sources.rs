//! Where a tree says who may sign, read once per content (T3, T11, docs/trust.md §1).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use openpgp::Cert;
use openpgp::policy::StandardPolicy;
use sequoia_openpgp as openpgp;

use super::refusal::Refusal;
use super::signature;
use super::signers::{self, POLICY_LIMIT, Parsed, TrustSet};
use crate::object::{self, ObjectKind, ObjectSource};
use crate::object_id::ObjectId;
use crate::path::RelPath;

/// Where a set of signers comes from; equal sources hold equal signers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// `openpgp-policy.toml`, by blob.
    Policy(ObjectId),
    /// A classic keys folder: its files' names and blobs.
    Keys(BTreeMap<Vec<u8>, ObjectId>),
    /// The keyring given out of band.
    Keyring,
}

impl Source {
    /// Returns the blob of the policy file, for the proof.
    #[must_use]
    pub const fn policy(&self) -> Option<ObjectId> {
        match self {
            Self::Policy(id) => Some(*id),
            Self::Keys(_) | Self::Keyring => None,
        }
    }
}

/// What is known about certificates, whoever is trusted (T11).
#[derive(Clone, Default)]
pub struct Knowledge {
    /// The merged certificates by fingerprint.
    pub certificates: BTreeMap<String, Rc<Cert>>,
    /// The addresses of the copies merged into them; a copy lives as long as [`Sources`] does.
    learnt: BTreeSet<usize>,
    /// The sources all of whose copies were merged.
    sources: BTreeSet<Source>,
}

impl Knowledge {
    fn learn(&mut self, certificate: &Rc<Cert>) -> bool {
        if !self.learnt.insert(Rc::as_ptr(certificate) as usize) {
            return false;
        }
        let fingerprint = certificate.fingerprint().to_hex();
        let known = self.certificates.get(&fingerprint);
        let merged = known.map_or_else(|| Rc::clone(certificate), |known| signers::merge(known, certificate));
        let news = known.is_none_or(|known| !Rc::ptr_eq(known, &merged));
        self.certificates.insert(fingerprint, merged);
        news
    }

    /// Returns `set` with everything known about its members; nobody new gets in (T3, T11).
    fn applied_to(&self, set: &TrustSet) -> TrustSet {
        let mut applied = set.clone();
        for (fingerprint, certificate) in set.certificates() {
            match self.certificates.get(fingerprint) {
                Some(known) if self.learnt.contains(&(Rc::as_ptr(certificate) as usize)) => {
                    applied.put(fingerprint.clone(), Rc::clone(known));
                }
                Some(known) => applied.learn(known),
                None => {}
            }
        }
        applied
    }
}

/// Reads and remembers sources, and what is known about certificates.
pub struct Sources<'a> {
    objects: &'a dyn ObjectSource,
    key_folders: &'a [RelPath],
    by_tree: BTreeMap<ObjectId, Result<Option<Source>, Refusal>>,
    sets: BTreeMap<Source, Result<Rc<TrustSet>, Refusal>>,
    /// What the walk has learnt so far, whoever is trusted (T11).
    pub knowledge: Knowledge,
    /// Copies kept alive, since their addresses stand for them.
    parsed: Parsed,
    known: Vec<Rc<Cert>>,
    /// Sources in which revocations were looked for.
    looked: BTreeSet<Source>,
    /// The addresses of copies that carry no such revocation.
    harmless: BTreeSet<usize>,
    /// Certificates found to be revoked as compromised, from any source (T9).
    pub compromised: BTreeMap<String, Rc<Cert>>,
    /// Sets merged with the knowledge; emptied when that grows.
    merged: BTreeMap<Source, Rc<TrustSet>>,
}

impl<'a> Sources<'a> {
    /// Starts with the keyring given out of band and what earlier runs learnt.
    pub fn new(
        objects: &'a dyn ObjectSource,
        key_folders: &'a [RelPath],
        keyring: &[u8],
        known: Vec<Rc<Cert>>,
    ) -> Self {
        let mut parsed = Parsed::default();
        let keyring = TrustSet::from_keys([keyring], &mut parsed);
        let mut sources = Self {
            objects,
            key_folders,
            by_tree: BTreeMap::new(),
            sets: BTreeMap::new(),
            knowledge: Knowledge::default(),
            parsed,
            known,
            looked: BTreeSet::new(),
            harmless: BTreeSet::new(),
            compromised: BTreeMap::new(),
            merged: BTreeMap::new(),
        };
        for certificate in sources.known.iter().chain(keyring.certificates().values()) {
            sources.knowledge.learn(certificate);
        }
        sources.sets.insert(Source::Keyring, Ok(Rc::new(keyring)));
        sources
    }

    /// Returns where `tree` says who may sign; `None` when it does not.
    ///
    /// # Errors
    /// Returns the [`Refusal`] of an unreadable tree.
    pub fn of_tree(&mut self, tree: ObjectId) -> Result<Option<Source>, Refusal> {
        if let Some(known) = self.by_tree.get(&tree) {
            return known.clone();
        }
        let found = find_source(self.objects, tree, self.key_folders);
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
        let read = read_set(self.objects, source, &mut self.parsed).map(Rc::new);
        self.sets.insert(source.clone(), read.clone());
        read
    }

    /// Returns the signers of `parent` with everything known about them, and with what `candidate` says (T3).
    ///
    /// # Errors
    /// Returns the [`Refusal`] of an unreadable source.
    pub fn judging(&mut self, parent: &Source, candidate: Option<&Source>) -> Result<Rc<TrustSet>, Refusal> {
        let known = match self.merged.get(parent) {
            Some(known) => Rc::clone(known),
            None => {
                let set = self.set(parent)?;
                let known = Rc::new(self.knowledge.applied_to(&set));
                self.merged.insert(parent.clone(), Rc::clone(&known));
                known
            }
        };
        match candidate.filter(|candidate| *candidate != parent) {
            // A candidate that cannot be read refreshes nothing; whether it may be accepted is judged elsewhere.
            Some(candidate) => match self.set(candidate) {
                Ok(found) => Ok(Rc::new(self.refreshed(&known, &found))),
                Err(_) => Ok(known),
            },
            None => Ok(known),
        }
    }

    /// Merges what a candidate says about the members of `set`, without keeping it.
    fn refreshed(&self, set: &TrustSet, candidate: &TrustSet) -> TrustSet {
        let mut refreshed = set.clone();
        for (fingerprint, found) in candidate.certificates() {
            let news = !self.knowledge.learnt.contains(&(Rc::as_ptr(found) as usize));
            if news && set.certificates().contains_key(fingerprint) {
                refreshed.learn(found);
            }
        }
        refreshed
    }

    /// Keeps what `source` says about certificates, after its revision was accepted (T11).
    pub fn learn(&mut self, source: &Source) {
        if self.knowledge.sources.contains(source) {
            return;
        }
        if let Ok(set) = self.set(source) {
            for certificate in set.certificates().values() {
                if self.knowledge.learn(certificate) {
                    self.merged.clear();
                }
            }
            self.knowledge.sources.insert(source.clone());
        }
    }

    /// Looks for compromised certificates in a source nobody has accepted yet: a revocation proves itself (T9).
    pub fn look_for_revocations(&mut self, source: &Source, policy: &StandardPolicy) {
        if !self.looked.insert(source.clone()) {
            return;
        }
        let Ok(set) = self.set(source) else { return };
        for (fingerprint, certificate) in set.certificates() {
            let address = Rc::as_ptr(certificate) as usize;
            if self.compromised.contains_key(fingerprint) || self.harmless.contains(&address) {
                continue;
            }
            if signature::is_compromised(certificate, policy) {
                self.compromised.insert(fingerprint.clone(), Rc::clone(certificate));
            } else {
                self.harmless.insert(address);
            }
        }
    }

    /// Goes back to what was known before.
    pub fn restore(&mut self, knowledge: Knowledge) {
        self.knowledge = knowledge;
        self.merged.clear();
    }

    /// Returns every commit that some source read so far vouches for.
    pub fn goodlists(&self) -> BTreeSet<ObjectId> {
        self.sets.values().filter_map(|set| set.as_ref().ok()).flat_map(|set| set.goodlist.iter().copied()).collect()
    }

    /// Looks for compromised certificates among what is known already.
    pub fn look_in_knowledge(&mut self, policy: &StandardPolicy) {
        for (fingerprint, certificate) in &self.knowledge.certificates {
            if signature::is_compromised(certificate, policy) {
                self.compromised.insert(fingerprint.clone(), Rc::clone(certificate));
            }
        }
    }

    /// Lets certificates that were added to the keyring by hand sign like those of `source` (C7).
    pub fn add_by_hand(&mut self, source: &Source, added: &BTreeSet<String>) {
        let (Ok(set), Ok(keyring)) = (self.set(source), self.set(&Source::Keyring)) else { return };
        let mut joined = TrustSet::clone(&set);
        joined.join(&keyring, added);
        self.sets.insert(source.clone(), Ok(Rc::new(joined)));
        self.merged.clear();
    }
}

fn find_source(objects: &dyn ObjectSource, tree: ObjectId, key_folders: &[RelPath]) -> Result<Option<Source>, Refusal> {
    let root = object::read(objects, tree, ObjectKind::Tree)?;
    if let Some(policy) = find(&root, b"openpgp-policy.toml")? {
        return Ok(Some(Source::Policy(policy.id)));
    }
    let mut keys = BTreeMap::new();
    for folder in key_folders {
        let Some(bytes) = descend(objects, &root, folder)? else { continue };
        for entry in entries(&bytes) {
            let entry = entry?;
            if entry.name.ends_with(b".pub") && entry.is_file() {
                // The first layer that has the name wins, also with an empty file.
                keys.entry(entry.name.to_vec()).or_insert(entry.id);
            }
        }
    }
    Ok((!keys.is_empty()).then_some(Source::Keys(keys)))
}

fn read_set(objects: &dyn ObjectSource, source: &Source, parsed: &mut Parsed) -> Result<TrustSet, Refusal> {
    match source {
        Source::Policy(id) => {
            let bytes = object::read(objects, *id, ObjectKind::Blob)?;
            TrustSet::from_policy_with(&bytes, parsed).map_err(|reason| Refusal::Policy { reason })
        }
        Source::Keys(files) => {
            let mut contents = Vec::new();
            for id in files.values() {
                let bytes = object::read(objects, *id, ObjectKind::Blob)?;
                if bytes.len() > POLICY_LIMIT {
                    let reason = format!("a key file has {} bytes, more than {POLICY_LIMIT}", bytes.len());
                    return Err(Refusal::Policy { reason });
                }
                contents.push(bytes);
            }
            Ok(TrustSet::from_keys(contents.iter().map(Vec::as_slice), parsed))
        }
        Source::Keyring => Ok(TrustSet::default()),
    }
}

/// Follows `path` down from the tree `root`; `None` when a component is missing or no folder.
fn descend(objects: &dyn ObjectSource, root: &[u8], path: &RelPath) -> Result<Option<Vec<u8>>, Refusal> {
    let mut bytes = root.to_vec();
    for component in path.components() {
        match find(&bytes, component)? {
            Some(entry) if entry.mode == b"40000" => bytes = object::read(objects, entry.id, ObjectKind::Tree)?,
            _ => return Ok(None),
        }
    }
    Ok(Some(bytes))
}

/// One entry of a raw tree.
struct Entry<'a> {
    mode: &'a [u8],
    name: &'a [u8],
    id: ObjectId,
}

impl Entry<'_> {
    fn is_file(&self) -> bool {
        self.mode == b"100644" || self.mode == b"100755"
    }
}

/// Finds the one entry called `name`; two of them are refused, since programs differ in which they take.
fn find<'a>(tree: &'a [u8], name: &[u8]) -> Result<Option<Entry<'a>>, Refusal> {
    let mut found = None;
    for entry in entries(tree) {
        let entry = entry?;
        if entry.name == name && found.replace(entry).is_some() {
            let shown = crate::escape::for_terminal(name);
            return Err(Refusal::Policy { reason: format!("the tree has '{shown}' twice") });
        }
    }
    Ok(found)
}

fn entries(mut rest: &[u8]) -> impl Iterator<Item = Result<Entry<'_>, Refusal>> {
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let cut = cut_entry(rest);
        rest = cut.as_ref().map_or(&[], |(_, tail)| *tail);
        Some(cut.map(|(entry, _)| entry).ok_or_else(|| Refusal::Policy { reason: "the tree is damaged".to_string() }))
    })
}

fn cut_entry(bytes: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let blank = bytes.iter().position(|byte| *byte == b' ')?;
    let (mode, rest) = (&bytes[..blank], &bytes[blank + 1..]);
    let end = rest.iter().position(|byte| *byte == 0)?;
    let (name, rest) = (&rest[..end], &rest[end + 1..]);
    let id: [u8; 20] = rest.get(..20)?.try_into().ok()?;
    Some((Entry { mode, name, id: ObjectId::new(id) }, &rest[20..]))
}
