//! Renewed certificates: gpg puts a new self-signature in the place of the old one, which takes nothing away (T3, T13).

use alloc::vec::Vec;

use openpgp::Cert;
use openpgp::packet::Signature;
use openpgp::policy::{HashAlgoSecurity, Policy as _, StandardPolicy};
use openpgp::serialize::MarshalInto as _;
use openpgp::types::Timestamp;
use sequoia_openpgp as openpgp;

use super::clock::time_of;
use crate::time::Time;

/// When, and by what, renewals are judged.
#[derive(Clone, Copy)]
pub struct Renewals<'a> {
    /// What makes a signature sound.
    pub policy: &'a StandardPolicy<'static>,
    /// When the change was signed.
    pub at: Time,
}

impl Renewals<'_> {
    /// Tells whether all that `new` says no more about itself is what it says anew.
    ///
    /// Every key, name and revocation stays; a self-signature may go where the same key made a newer one over the same
    /// part. Whoever signs could have added that one without asking anybody, and from then on the old one counted no
    /// more.
    pub fn hold(self, old: &Cert, new: &Cert) -> bool {
        let keys = old.keys().all(|key| {
            let kept = new.keys().find(|kept| kept.key().fingerprint() == key.key().fingerprint());
            kept.is_some_and(|kept| {
                stay(key.self_revocations(), kept.self_revocations())
                    && self.renewed(key.self_signatures(), kept.self_signatures())
            })
        });
        keys && old.userids().all(|user| {
            let kept = new.userids().find(|kept| kept.userid() == user.userid());
            kept.is_some_and(|kept| {
                stay(user.self_revocations(), kept.self_revocations())
                    && self.renewed(user.self_signatures(), kept.self_signatures())
            })
        })
    }

    fn renewed<'s>(
        self,
        mut old: impl Iterator<Item = &'s Signature>,
        new: impl Iterator<Item = &'s Signature>,
    ) -> bool {
        let new: Vec<&Signature> = new.collect();
        old.all(|old| new.iter().any(|new| same(old, new) || self.replaces(new, old)))
    }

    /// Tells whether `new` counts in place of `old` now and for good: one that ends would leave the part without any.
    fn replaces(self, new: &Signature, old: &Signature) -> bool {
        let (Some(made), Some(before)) = (made(new), made(old)) else { return false };
        before < made
            && made <= self.at
            && new.signature_validity_period().is_none()
            && self.policy.signature(new, HashAlgoSecurity::SecondPreImageResistance).is_ok()
    }
}

/// Tells whether each of `old` is among `new`, to the last byte.
fn stay<'s>(mut old: impl Iterator<Item = &'s Signature>, new: impl Iterator<Item = &'s Signature>) -> bool {
    let new: Vec<&Signature> = new.collect();
    old.all(|old| new.iter().any(|new| same(old, new)))
}

fn same(one: &Signature, other: &Signature) -> bool {
    one == other && matches!((one.to_vec(), other.to_vec()), (Ok(one), Ok(other)) if one == other)
}

fn made(signature: &Signature) -> Option<Time> {
    Timestamp::try_from(signature.signature_creation_time()?).ok().map(time_of)
}
