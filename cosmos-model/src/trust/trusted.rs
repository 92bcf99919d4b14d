//! Who may sign on top of a commit: what its tree says, and what history says about the same certificates (T3, T11).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::rc::Rc;
use alloc::string::String;

use openpgp::Cert;
use sequoia_openpgp as openpgp;

use super::signers::{self, TrustSet};
use super::source::Source;

/// The signers of one point of history. Never changed: the next point has its own.
pub struct Trusted {
    /// Where the tree says who they are.
    pub source: Source,
    /// The signers, with everything known about their certificates.
    pub set: Rc<TrustSet>,
    /// For each certificate the addresses of the copies merged into it; a copy lives as long as `Sources` does.
    copies: BTreeMap<String, BTreeSet<usize>>,
}

impl Trusted {
    /// Makes the signers of `source` out of what its tree says, `set`, what is known before, and the host's own copies.
    ///
    /// Nobody gets in who is not in `set`; who left it is forgotten.
    pub fn new<'a>(
        source: Source,
        set: &Rc<TrustSet>,
        before: impl Iterator<Item = &'a Self> + Clone,
        given: &BTreeMap<String, Rc<Cert>>,
    ) -> Self {
        let mut applied = TrustSet::clone(set);
        let mut all = BTreeMap::new();
        for (fingerprint, certificate) in set.certificates() {
            let mut known = (Rc::clone(certificate), BTreeSet::from([address(certificate)]));
            for other in before.clone().filter_map(|other| other.known(fingerprint)) {
                known = joined(known, other);
            }
            if let Some(copy) = given.get(fingerprint) {
                known = joined(known, (copy, &BTreeSet::from([address(copy)])));
            }
            if !Rc::ptr_eq(&known.0, certificate) {
                applied.put(fingerprint.clone(), known.0);
            }
            all.insert(fingerprint.clone(), known.1);
        }
        Self { source, set: Rc::new(applied), copies: all }
    }

    /// Makes what earlier runs remembered about certificates; it gives nobody a right.
    pub fn remembered(certificates: &[Rc<Cert>]) -> Self {
        let (mut set, mut copies) = (TrustSet::default(), BTreeMap::new());
        for certificate in certificates {
            set.learn(certificate);
            let of: &mut BTreeSet<usize> = copies.entry(certificate.fingerprint().to_hex()).or_default();
            of.insert(address(certificate));
        }
        Self { source: Source::Keyring, set: Rc::new(set), copies }
    }

    /// Returns the signers with what a candidate's own tree says about them, and nobody new (T3).
    pub fn refreshed(&self, candidate: &TrustSet) -> Rc<TrustSet> {
        let is_news = |(fingerprint, copy): &(&String, &Rc<Cert>)| {
            self.copies.get(*fingerprint).is_some_and(|copies| !copies.contains(&address(copy)))
        };
        let mut news = candidate.certificates().iter().filter(is_news).peekable();
        if news.peek().is_none() {
            return Rc::clone(&self.set);
        }
        let mut refreshed = TrustSet::clone(&self.set);
        news.for_each(|(_, copy)| refreshed.learn(copy));
        Rc::new(refreshed)
    }

    fn known(&self, fingerprint: &str) -> Option<(&Rc<Cert>, &BTreeSet<usize>)> {
        Some((self.set.certificates().get(fingerprint)?, self.copies.get(fingerprint)?))
    }
}

fn address(certificate: &Rc<Cert>) -> usize {
    Rc::as_ptr(certificate) as usize
}

/// Joins two states of knowledge about one certificate; merging costs, so it is done only where neither holds the
/// other.
fn joined(
    (mine, copies): (Rc<Cert>, BTreeSet<usize>),
    (other, others): (&Rc<Cert>, &BTreeSet<usize>),
) -> (Rc<Cert>, BTreeSet<usize>) {
    if others.is_superset(&copies) {
        (Rc::clone(other), others.clone())
    } else if copies.is_superset(others) {
        (mine, copies)
    } else {
        (signers::merge(other, &mine), copies.union(others).copied().collect())
    }
}
