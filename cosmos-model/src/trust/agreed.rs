//! What enough signers agree to: one stolen key must not loosen what two have to say (T7, T13).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::pattern::compare_names;
use super::signature::Attested;
use super::tag_refs::TagEvidence;
use crate::time::Time;

/// The values of a step that carry at least `need` signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// When the last needed signature was made; later ones change nothing.
    pub signed_at: Time,
    /// Until when the step is fresh.
    pub valid_until: Option<Time>,
    /// The step's counter.
    pub counter: Option<u64>,
    /// How many paths it may remove.
    pub removals: u64,
}

impl Agreed {
    /// Takes each signer's newest tag, and of each value the most that `need` of them say.
    ///
    /// # Panics
    /// Panics when fewer than `need` people signed; the threshold is checked before.
    #[must_use]
    pub fn between(good: &[(&TagEvidence, Attested)], need: usize) -> Self {
        let mut newest: BTreeMap<&str, &TagEvidence> = BTreeMap::new();
        let mut earliest: BTreeMap<&str, Time> = BTreeMap::new();
        for (tag, attested) in good {
            let name = |tag: &TagEvidence| tag.release.clone().unwrap_or_default();
            let said = newest.entry(&attested.fingerprint).or_insert(tag);
            if compare_names(&name(tag), &name(said)).is_gt() {
                *said = tag;
            }
            let first = earliest.entry(&attested.fingerprint).or_insert(attested.signed_at);
            *first = attested.signed_at.min(*first);
        }
        let mut times: Vec<Time> = earliest.into_values().collect();
        times.sort_unstable();
        let statements = || newest.values().map(|tag| tag.statement.clone().unwrap_or_default());
        // No limit is more than any limit.
        let fresh = most(statements().map(|one| one.valid_until.unwrap_or(Time::from_seconds(i64::MAX))), need);
        Self {
            signed_at: times[need - 1],
            valid_until: (fresh < Time::from_seconds(i64::MAX)).then_some(fresh),
            counter: most(statements().map(|one| one.counter), need),
            removals: most(statements().map(|one| one.removals), need),
        }
    }
}

/// Returns the largest value that at least `need` of `values` reach.
fn most<T: Ord>(values: impl Iterator<Item = T>, need: usize) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.swap_remove(values.len() - need)
}
