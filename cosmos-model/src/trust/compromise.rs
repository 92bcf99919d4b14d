//! Keys revoked as compromised: a revocation proves itself, whoever brings it, and counts for all time (T9).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::rc::Rc;
use alloc::string::String;

use openpgp::policy::StandardPolicy;
use openpgp::{Cert, Fingerprint};
use sequoia_openpgp as openpgp;

use super::{certificate as certificates, signers};

/// What was found compromised so far.
#[derive(Default)]
pub struct Compromised {
    found: BTreeMap<String, Condemned>,
    /// The addresses of copies that were looked at; a copy lives as long as `Sources` does.
    seen: BTreeSet<usize>,
}

/// A certificate with compromised keys.
struct Condemned {
    /// All copies that prove it, merged.
    proof: Rc<Cert>,
    /// The keys; with the primary key all are.
    keys: BTreeSet<Fingerprint>,
}

impl Compromised {
    /// Looks for such revocations in one copy of a certificate.
    pub fn look_at(&mut self, certificate: &Rc<Cert>, policy: &StandardPolicy) {
        if !self.seen.insert(Rc::as_ptr(certificate) as usize) {
            return;
        }
        let keys = certificates::compromised_keys(certificate, policy);
        if keys.is_empty() {
            return;
        }
        let fresh = || Condemned { proof: Rc::clone(certificate), keys: BTreeSet::new() };
        let condemned = self.found.entry(certificate.fingerprint().to_hex()).or_insert_with(fresh);
        condemned.proof = signers::merge(&condemned.proof, certificate);
        condemned.keys.extend(keys);
    }

    /// Tells whether what `key` of the certificate `signer` signed is worth nothing.
    pub fn condemns(&self, signer: &str, key: &Fingerprint) -> bool {
        self.found.get(signer).is_some_and(|condemned| condemned.keys.contains(key))
    }

    /// Returns the copy that proves it, for every certificate with a compromised key.
    pub fn proofs(&self) -> impl Iterator<Item = (&String, &Rc<Cert>)> {
        self.found.iter().map(|(fingerprint, condemned)| (fingerprint, &condemned.proof))
    }
}
