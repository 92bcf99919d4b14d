//! Gathering what a judgement rests on: refs as the remotes list them, and the objects behind them. No verdicts here.

use std::collections::{BTreeMap, BTreeSet};

use cosmos_model::content::ContentHash;
use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::{self, RemoteRef};
use cosmos_model::stage::Layers;
use cosmos_model::trust::{Introduction, TrustPolicy};

use crate::agent::Agent;
use crate::fetch::{FetchError, Progress, Session, url};
use crate::sandbox::Layer;
use crate::store::Store;

/// What the remotes said about their refs in one run.
pub struct Look {
    session: Session,
    /// What this host's own trust settings are, the classic keyring included.
    settings: ContentHash,
    listings: Vec<Listing>,
    /// What the remotes failed with that could not be asked, or did not send what they list.
    failed: Vec<FetchError>,
}

/// The refs of one remote that this host asks for.
struct Listing {
    remote: usize,
    url: String,
    refs: Vec<RemoteRef>,
}

impl Look {
    /// Asks every remote for its refs, in the one child of this run.
    ///
    /// # Errors
    /// Returns [`FetchError`] when the child itself cannot be started; what a remote fails with is told by
    /// [`Look::end`].
    pub fn at_remotes(agent: &Agent) -> Result<Self, FetchError> {
        let prefixes =
            agent.trust.ls_refs_prefixes(agent.fqdn.as_ref()).into_iter().map(String::into_bytes).collect::<Vec<_>>();
        let mut session = Session::start(&agent.remotes, &agent.limits, &prefixes, &agent.site.cache)?;
        let (mut listings, mut failed) = (Vec::new(), Vec::new());
        for look in session.refs() {
            let url = url::shown(&agent.remotes[look.remote].url);
            match look.refs {
                Ok(refs) => {
                    let refs = agent.trust.wanted(&refs, agent.fqdn.as_ref());
                    listings.push(Listing { remote: look.remote, url, refs });
                }
                Err(error) => failed.push(error),
            }
        }
        Ok(Self { session, settings: settings_digest(&agent.trust, &agent.layers), listings, failed })
    }

    /// Returns the remotes that answered, as they may be shown.
    pub fn answered(&self) -> impl Iterator<Item = &str> {
        self.listings.iter().map(|listing| listing.url.as_str())
    }

    /// Returns what each remote offers, in the order of the settings.
    #[must_use]
    pub fn offers(&self) -> Vec<(String, Vec<RemoteRef>)> {
        self.listings.iter().map(|listing| (listing.url.clone(), listing.refs.clone())).collect()
    }

    /// Returns what the fetching child gave up before it looked.
    #[must_use]
    pub const fn sandbox(&self) -> &BTreeSet<Layer> {
        self.session.layers()
    }

    /// Tells whether any remote can be used.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        !self.listings.is_empty()
    }

    /// Returns the hash of each listing, by URL, to compare with the last look; and the hash of what judges them, since
    /// a signer whom the administrator adds by hand heals a refusal (C7).
    #[must_use]
    pub fn digests(&self) -> BTreeMap<String, ContentHash> {
        let listings = self.listings.iter().map(|listing| (listing.url.clone(), refs::digest(&listing.refs)));
        listings.chain([("trust settings".to_string(), self.settings)]).collect()
    }

    /// Returns the refs of all remotes, each once.
    #[must_use]
    pub fn refs(&self) -> Vec<RemoteRef> {
        let mut all: Vec<RemoteRef> = self.listings.iter().flat_map(|listing| listing.refs.iter().cloned()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Brings the objects behind the listed refs into the store; `haves` are objects whose history is complete there.
    ///
    /// A remote that does not send what it lists is left out of this run, as if it had not answered; the others count.
    pub fn transfer(&mut self, store: &Store, haves: &[ObjectId], progress: &mut dyn Progress) {
        let listings = std::mem::take(&mut self.listings);
        for listing in listings {
            match self.bring(&listing, store, haves, progress) {
                Ok(()) => self.listings.push(listing),
                Err(error) => self.failed.push(error),
            }
        }
    }

    fn bring(
        &mut self,
        listing: &Listing,
        store: &Store,
        haves: &[ObjectId],
        progress: &mut dyn Progress,
    ) -> Result<(), FetchError> {
        let mut wants = Vec::new();
        for reference in &listing.refs {
            let there = store.has(reference.id);
            if !there.map_err(|source| FetchError::Store { remote: listing.url.clone(), source })? {
                wants.push(reference.id);
            }
        }
        if !wants.is_empty() {
            self.session.fetch(listing.remote, &wants, haves, progress, store)?;
        }
        Ok(())
    }

    /// Ends the child, and returns what remotes failed with.
    pub fn end(self) -> Vec<FetchError> {
        self.session.finish();
        self.failed
    }
}

/// Hashes what the administrator may change by hand between two runs.
fn settings_digest(trust: &TrustPolicy, layers: &Layers) -> ContentHash {
    // Every field by name: a new one that is forgotten here does not compile.
    let TrustPolicy {
        mode,
        introduction,
        fleet,
        threshold,
        policy_threshold,
        merge_rule,
        require_statement,
        max_age,
        key_folders,
    } = trust;
    let introduction = match introduction {
        Introduction::Keyring(keyring) => ContentHash::of(keyring).to_string(),
        Introduction::Commit { id, signer } => format!("{id}:{signer}"),
    };
    let numbers = (threshold, policy_threshold, merge_rule, require_statement, max_age);
    // Another version may judge otherwise, and write this text otherwise: then a host judges once more.
    let text = format!(
        "{} {introduction} {mode:?} {fleet:?} {numbers:?} {key_folders:?} {layers:?}",
        env!("CARGO_PKG_VERSION")
    );
    ContentHash::of(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use cosmos_model::trust::{MergeRule, Mode};

    use super::*;

    /// T15: a host whose settings changed judges again, also when no remote has news.
    #[test]
    fn every_setting_that_judges_changes_what_the_last_look_is_compared_with() {
        let id = ObjectId::new([1; 20]);
        let introduction = Introduction::Commit { id, signer: "A".to_owned() };
        let policy = TrustPolicy {
            key_folders: Vec::new(),
            ..TrustPolicy::new(Mode::Commits { branch: "main".to_owned() }, introduction)
        };
        let classic = |folder: &[u8]| Layers::Classic { folders: vec![folder.to_vec()] };
        let change = |edit: &dyn Fn(&mut TrustPolicy)| {
            let mut changed = policy.clone();
            edit(&mut changed);
            settings_digest(&changed, &classic(b"global"))
        };
        let tags = |pattern: &str| Mode::Tags { pattern: pattern.to_owned(), classic: false };
        let digests = [
            settings_digest(&policy, &classic(b"other")),
            change(&|_| {}),
            change(&|one| one.mode = Mode::Commits { branch: "next".to_owned() }),
            change(&|one| one.mode = tags("v*")),
            change(&|one| one.mode = tags("w*")),
            change(&|one| one.introduction = Introduction::Commit { id, signer: "B".to_owned() }),
            change(&|one| one.introduction = Introduction::Keyring(b"one".to_vec())),
            change(&|one| one.introduction = Introduction::Keyring(b"two".to_vec())),
            change(&|one| one.fleet = Some("example".to_owned())),
            change(&|one| one.threshold = 2),
            change(&|one| one.policy_threshold = Some(1)),
            change(&|one| one.merge_rule = MergeRule::Any),
            change(&|one| one.require_statement = true),
            change(&|one| one.max_age = Some(1)),
            change(&|one| one.key_folders = vec!["global/overlay/etc/cosmos/keys".parse().expect("a path")]),
        ];
        let different: std::collections::BTreeSet<String> = digests.iter().map(ContentHash::to_string).collect();
        assert_eq!(different.len(), digests.len());
        assert_eq!(change(&|_| {}), digests[1]);
    }
}
