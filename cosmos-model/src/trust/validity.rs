//! When keys were found valid, so that a thousand signatures of one key ask the library once for each state it was in.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::rc::Rc;
use alloc::vec::Vec;

use openpgp::packet::Signature;
use openpgp::types::Timestamp;
use openpgp::{Cert, Fingerprint};
use sequoia_openpgp as openpgp;

use super::clock::time_of;
use crate::time::Time;

/// What was found so far, by certificate and key.
#[derive(Default)]
pub struct Validity(BTreeMap<(usize, Fingerprint), Spans>);

/// The life of one key of one copy of a certificate.
struct Spans {
    /// Keeps the copy where it is, since its address stands for it.
    _copy: Rc<Cert>,
    /// The seconds at which something about the certificate begins or ends; between two of them nothing changes.
    changes: Vec<i64>,
    /// The spans in which the key was found good.
    good: BTreeSet<usize>,
}

impl Spans {
    fn of(certificate: &Rc<Cert>) -> Self {
        let mut changes = Vec::new();
        let primary = certificate.primary_key();
        let born = |created| Timestamp::try_from(created).ok().map(|stamp| time_of(stamp).seconds());
        let mut add = |signature: &Signature, key_born: Option<i64>| {
            let made = signature.signature_creation_time().and_then(born);
            let lasts = signature.signature_validity_period().and_then(|period| i64::try_from(period.as_secs()).ok());
            let key_lasts = signature.key_validity_period().and_then(|period| i64::try_from(period.as_secs()).ok());
            let ends = [made.zip(lasts), key_born.zip(key_lasts)];
            changes.extend(ends.into_iter().flatten().map(|(from, lasts)| from.saturating_add(lasts)));
            changes.extend(made.into_iter().chain(key_born));
        };
        let primary_born = born(primary.key().creation_time());
        for user in certificate.userids() {
            user.self_signatures().chain(user.self_revocations()).for_each(|one| add(one, primary_born));
        }
        for key in certificate.keys() {
            let key_born = born(key.key().creation_time());
            for signature in key.self_signatures().chain(key.self_revocations()) {
                add(signature, key_born);
                signature.embedded_signatures().for_each(|back| add(back, key_born));
            }
        }
        changes.sort_unstable();
        changes.dedup();
        Self { _copy: Rc::clone(certificate), changes, good: BTreeSet::new() }
    }

    /// Returns the number of the span that `at` lies in; the second of a change is a span of its own.
    fn place(&self, at: Time) -> usize {
        match self.changes.binary_search(&at.seconds()) {
            Ok(place) => 2 * place + 1,
            Err(place) => 2 * place,
        }
    }
}

impl Validity {
    /// Returns what `check` says of the key at `at`; a good answer counts for the whole span in which nothing changes.
    pub fn check<E>(
        &mut self,
        certificate: &Rc<Cert>,
        key: Fingerprint,
        at: Time,
        check: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let spans = self.0.entry((Rc::as_ptr(certificate) as usize, key)).or_insert_with(|| Spans::of(certificate));
        let place = spans.place(at);
        if !spans.good.contains(&place) {
            check()?;
            spans.good.insert(place);
        }
        Ok(())
    }
}
