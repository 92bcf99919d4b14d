//! Gathering what a judgement rests on: refs as the remotes list them, and the objects behind them. No verdicts here.

use std::collections::BTreeMap;

use cosmos_model::content::ContentHash;
use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::{self, RemoteRef};

use crate::agent::Agent;
use crate::fetch::{FetchError, Progress, Session, url};
use crate::store::{Store, StoreError};

/// What the remotes said about their refs in one run.
pub struct Look {
    session: Session,
    listings: Vec<Listing>,
    /// The remotes that could not be asked, with the reason.
    pub unreachable: Vec<(String, FetchError)>,
}

/// The refs of one remote that this host asks for.
struct Listing {
    remote: usize,
    url: String,
    refs: Vec<RemoteRef>,
}

/// Why the objects behind the refs could not be brought.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The remote or the child failed.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Look {
    /// Asks every remote for its refs, in the one child of this run.
    ///
    /// # Errors
    /// Returns [`FetchError`] when the child itself cannot be started; a remote out of reach is in `unreachable`.
    pub fn at_remotes(agent: &Agent) -> Result<Self, FetchError> {
        let prefixes = agent.trust.ls_refs_prefixes().into_iter().map(String::into_bytes).collect::<Vec<_>>();
        let mut session = Session::start(&agent.remotes, &agent.limits, &prefixes, &agent.site.cache)?;
        let (mut listings, mut unreachable) = (Vec::new(), Vec::new());
        for look in session.refs() {
            let url = url::shown(&agent.remotes[look.remote].url);
            match look.refs {
                Ok(refs) => {
                    let refs = agent.trust.wanted(&refs, agent.fqdn.as_ref());
                    listings.push(Listing { remote: look.remote, url, refs });
                }
                Err(error) => unreachable.push((url, error)),
            }
        }
        Ok(Self { session, listings, unreachable })
    }

    /// Tells whether any remote answered.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        !self.listings.is_empty()
    }

    /// Returns the hash of each listing, by URL, to compare with the last look.
    #[must_use]
    pub fn digests(&self) -> BTreeMap<String, ContentHash> {
        self.listings.iter().map(|listing| (listing.url.clone(), refs::digest(&listing.refs))).collect()
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
    /// # Errors
    /// Returns the first [`TransferError`]; what was stored before it stays, unreachable, and does no harm.
    pub fn transfer(
        &mut self,
        store: &Store,
        haves: &[ObjectId],
        progress: &mut dyn Progress,
    ) -> Result<(), TransferError> {
        for listing in &self.listings {
            let mut wants = Vec::new();
            for reference in &listing.refs {
                if !store.has(reference.id)? {
                    wants.push(reference.id);
                }
            }
            if !wants.is_empty() {
                self.session.fetch(listing.remote, &wants, haves, progress, store)?;
            }
        }
        Ok(())
    }

    /// Ends the child.
    pub fn end(self) -> Vec<(String, FetchError)> {
        self.session.finish();
        self.unreachable
    }
}
