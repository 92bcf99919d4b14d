//! Which rights a change of the policy needs (docs/trust.md §6, T13).

use alloc::collections::BTreeSet;
use alloc::rc::Rc;
use alloc::vec::Vec;

use openpgp::Cert;
use openpgp::serialize::MarshalInto as _;
use sequoia_openpgp as openpgp;

use super::refusal::Right;
use super::renewal::Renewals;
use super::signers::{Rights, TrustSet};

/// Returns the rights a signer of `child` needs under `parent`, beyond the right to sign.
///
/// Nothing is needed for packets added to a known certificate: whoever signs may publish an extension.
#[must_use]
pub fn needed(parent: &TrustSet, child: &TrustSet) -> Rights {
    let mut needed = Rights::new();
    if parent.goodlist != child.goodlist {
        needed.insert(Right::Audit);
    }
    for (name, new) in &child.authorizations {
        let old = parent.authorizations.get(name);
        let known = |right: &&Right| old.is_some_and(|old| old.rights.contains(right));
        let given: Vec<Right> = new.rights.iter().filter(|right| !known(right)).copied().collect();
        let joins = new.members.iter().any(|member| old.is_none_or(|old| !old.members.contains(member)));
        if old.is_none() || joins || !given.is_empty() {
            needed.insert(Right::AddUser);
        }
        needed.extend(given);
    }
    for (name, old) in &parent.authorizations {
        let kept = child.authorizations.get(name);
        let loses = kept.is_none_or(|new| !old.rights.is_subset(&new.rights) || !old.members.is_subset(&new.members));
        if loses {
            needed.insert(Right::RetireUser);
        }
    }
    let shrinks = parent.certificates().iter().any(|(fingerprint, old)| {
        let new = child.certificates().get(fingerprint);
        new.is_some_and(|new| !Rc::ptr_eq(new, old) && !own_packets(old).is_subset(&own_packets(new)))
    });
    if shrinks {
        needed.insert(Right::RetireUser);
    }
    needed
}

/// Tells whether a change does nothing but renew certificates: nobody gets or loses anything by it.
pub fn only_renews(parent: &TrustSet, child: &TrustSet, renewals: Renewals<'_>) -> bool {
    let same_people = parent.goodlist == child.goodlist && parent.authorizations == child.authorizations;
    let mut certificates = parent.certificates().iter();
    same_people
        && certificates.all(|(fingerprint, old)| {
            let new = child.certificates().get(fingerprint);
            new.is_some_and(|new| Rc::ptr_eq(new, old) || renewals.hold(old, new))
        })
}

/// Returns the certificate's keys, names and what it says about them itself, as bytes; others' opinions do not count.
fn own_packets(certificate: &Cert) -> BTreeSet<Vec<u8>> {
    let mut packets = BTreeSet::new();
    let mut add = |bytes: openpgp::Result<Vec<u8>>| packets.extend(bytes);
    for key in certificate.keys() {
        add(Ok(key.key().fingerprint().as_bytes().to_vec()));
        key.self_signatures().chain(key.self_revocations()).for_each(|signature| add(signature.to_vec()));
    }
    for user in certificate.userids() {
        add(Ok(user.userid().value().to_vec()));
        user.self_signatures().chain(user.self_revocations()).for_each(|signature| add(signature.to_vec()));
    }
    packets
}
