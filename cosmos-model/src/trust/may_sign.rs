//! Who may sign the next revision of a host, and until when: what `status` and `fleet` show (T12, T18).

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::refusal::Refusal;
use super::source::Source;
use super::state::TrustState;
use super::verified::Signer;
use super::{Evidence, TrustPolicy};
use crate::time::Time;

/// How long before its end a certificate is announced, in seconds (T12).
const ANNOUNCED: i64 = 30 * 24 * 3600;

/// Somebody who holds the right to sign under the accepted revision.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MaySign {
    /// Who.
    #[serde(flatten)]
    pub signer: Signer,
    /// Whether a key of theirs can make a signature that counts now; one that ended or was revoked cannot.
    pub usable: bool,
    /// When the last such key ends; `None` without end, or when there is none.
    pub expires: Option<Time>,
    /// Whether that is less than 30 days ahead.
    pub expires_soon: bool,
    /// Whether an administrator added the certificate on this host, and no accepted revision has it (C7).
    pub by_hand: bool,
}

impl TrustPolicy {
    /// Returns who may sign on top of what `state` accepted, in the order of their fingerprints; nobody before that.
    ///
    /// # Errors
    /// Returns the [`Refusal`] of an accepted tree that cannot be read any more.
    pub fn who_may_sign(&self, state: &TrustState, evidence: &Evidence<'_>) -> Result<Vec<MaySign>, Refusal> {
        let Some(accepted) = &state.accepted else { return Ok(Vec::new()) };
        let mut walk = self.bench(state, evidence);
        let in_tree: BTreeSet<String> = match walk.sources.of_tree(accepted.tree())? {
            Some(source) => walk.sources.set(&source)?.certificates().keys().cloned().collect(),
            None => walk.sources.set(&Source::Keyring)?.certificates().keys().cloned().collect(),
        };
        let set = self.start(&mut walk, state)?.set;
        let mut all = Vec::new();
        for fingerprint in set.holding(walk.right()) {
            let certificate = set.certificates().get(&fingerprint);
            let until = certificate.and_then(|one| walk.usable_until(one, walk.clock));
            let expires = until.flatten();
            all.push(MaySign {
                usable: until.is_some(),
                expires,
                expires_soon: expires.is_some_and(|end| end.since(walk.clock) < ANNOUNCED),
                by_hand: !in_tree.contains(&fingerprint),
                signer: walk.signer(&set, &fingerprint),
            });
        }
        Ok(all)
    }
}
