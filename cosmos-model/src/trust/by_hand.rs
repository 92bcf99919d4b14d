//! Certificates that an administrator of a classic host imported by hand since the last acceptance (C7).

use alloc::vec::Vec;

use super::certificate;
use super::source::Source;
use super::{Evidence, Introduction, Signer, TrustPolicy, TrustState};
use crate::object::ObjectSource;
use crate::time::Time;

impl TrustPolicy {
    /// Returns whose certificates came into the keyring since the last acceptance and are not in the accepted revision:
    /// they may sign until the next revision is accepted. Empty where the keyring itself says who may sign.
    #[must_use]
    pub fn imported_by_hand(&self, state: &TrustState, objects: &dyn ObjectSource, now: Time) -> Vec<Signer> {
        let Some(accepted) = state.accepted().filter(|_| matches!(self.introduction, Introduction::Keyring(_))) else {
            return Vec::new();
        };
        let evidence = Evidence { refs: &[], objects, now };
        let mut walk = self.bench(state, &evidence);
        let Ok(Some(source)) = walk.sources.of_tree(accepted.tree()) else { return Vec::new() };
        let (Ok(named), Ok(keyring)) = (walk.sources.set(&source), walk.sources.set(&Source::Keyring)) else {
            return Vec::new();
        };
        let by_hand = keyring.certificates().iter().filter(|(fingerprint, _)| {
            !state.keyring.contains(*fingerprint) && !named.certificates().contains_key(*fingerprint)
        });
        let signer = by_hand.map(|(fingerprint, certificate)| Signer {
            fingerprint: fingerprint.clone(),
            user_id: certificate::user_id(certificate, &walk.openpgp, walk.clock),
        });
        signer.collect()
    }
}
