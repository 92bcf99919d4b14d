//! The parent's side of a run's fetching: starts the child, asks, and starts another one when a remote spoilt the
//! first.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;

use super::child::{self, Task};
use super::prepared::{Prepared, prepare};
use super::scratch::ScratchFolder;
use super::talk::{Fetched, Talk};
use super::{FetchError, Limits, Progress, RemoteSettings, needs, url};
use crate::fork;
use crate::sandbox::{Identity, Layer};
use crate::store::{Store, StoreError};

/// What one remote answered.
#[derive(Debug)]
pub struct LookResult {
    /// The remote's place in the settings.
    pub remote: usize,
    /// Its refs, or why there are none.
    pub refs: Result<Vec<RemoteRef>, FetchError>,
}

/// One run's fetching: a child that looks at all remotes and then fetches on request.
pub struct Session {
    plan: Plan,
    talk: Talk,
    /// The remotes that need no child to fail.
    unusable: Vec<Option<FetchError>>,
    layers: BTreeSet<Layer>,
    /// Whether there may be something in the scratch folder.
    fetched: bool,
}

/// What every child of a run is told.
struct Plan {
    remotes: Vec<RemoteSettings>,
    prefixes: Vec<Vec<u8>>,
    limits: Limits,
    cache: PathBuf,
    scratch: ScratchFolder,
    identity: Option<Identity>,
}

impl Session {
    /// Forks the child, which begins to look at all `remotes` for refs that begin with one of `prefixes`.
    ///
    /// Call it while the process has one thread, and keep it so until the session ends: a remote that spoils the child
    /// makes it fork again. `cache` is the agent's cache folder: its store is `cache/`[`FOLDER`](crate::store::FOLDER).
    ///
    /// # Errors
    /// Returns [`FetchError::Fork`] when there can be no child. What is wrong with one remote is its look's result.
    pub fn start(
        remotes: &[RemoteSettings],
        limits: &Limits,
        prefixes: &[Vec<u8>],
        cache: &Path,
    ) -> Result<Self, FetchError> {
        let identity = Identity::own();
        let plan = Plan {
            remotes: remotes.to_vec(),
            prefixes: prefixes.to_vec(),
            limits: limits.clone(),
            cache: cache.to_owned(),
            scratch: ScratchFolder::of(cache, identity),
            identity,
        };
        let mut usable = Vec::new();
        let mut unusable = Vec::new();
        for remote in 0..remotes.len() {
            unusable.push(plan.prepare(remote).map(|prepared| usable.push(prepared)).err());
        }
        let talk = plan.fork(usable)?;
        Ok(Self { plan, talk, unusable, layers: BTreeSet::new(), fetched: false })
    }

    /// Waits until every remote answered or its time is over; in the order of the settings. To be called once.
    ///
    /// A remote that ends the child leaves the others without an answer: each of them gets a child of its own.
    pub fn refs(&mut self) -> Vec<LookResult> {
        let unusable = std::mem::take(&mut self.unusable).into_iter().enumerate();
        let (mut results, mut asked) = (Vec::new(), Vec::new());
        for (remote, error) in unusable {
            match error {
                Some(error) => results.push(LookResult { remote, refs: Err(error) }),
                None => asked.push(remote),
            }
        }
        let mut looked = self.talk.look(&asked);
        self.layers = looked.layers.unwrap_or_default();
        let alone = asked.len() == 1;
        for remote in asked {
            let refs = match (looked.answers.remove(&remote), looked.error.take_if(|_| alone)) {
                (Some(answer), _) => answer,
                (None, Some(error)) => Err(error),
                (None, None) => self.look_again(remote),
            };
            results.push(LookResult { remote, refs });
        }
        results.sort_by_key(|result| result.remote);
        results
    }

    /// Returns what the child gave up before it looked at anything; nothing before the look.
    #[must_use]
    pub const fn layers(&self) -> &BTreeSet<Layer> {
        &self.layers
    }

    /// Fetches `wants` from one remote, without what `haves` reach, checks and stores every object.
    ///
    /// After an error nothing can be fetched from this remote any more, but others can still be asked.
    ///
    /// # Errors
    /// Returns [`FetchError`] when the remote fails, exceeds a limit, or lacks what it lists; nothing is stored then.
    pub fn fetch(
        &mut self,
        remote: usize,
        wants: &[ObjectId],
        haves: &[ObjectId],
        progress: &mut dyn Progress,
        store: &Store,
    ) -> Result<Fetched, FetchError> {
        self.fetched = true;
        self.plan.scratch.empty().map_err(|source| self.plan.unwritable(remote, source))?;
        if !self.talk.can_fetch(remote) {
            self.look_again(remote)?;
        }
        let fetched = self.talk.fetch(remote, [wants, haves], progress, store)?;
        for id in wants {
            if !store.has(*id).map_err(|source| self.talk.store_error(remote, source))? {
                return Err(FetchError::Missing { remote: self.plan.name(remote), id: *id });
            }
        }
        Ok(fetched)
    }

    /// Looks at one remote with a child of its own, which takes the place of the one before.
    fn look_again(&mut self, remote: usize) -> Result<Vec<RemoteRef>, FetchError> {
        self.talk.end();
        self.talk = self.plan.fork(vec![self.plan.prepare(remote)?])?;
        let mut looked = self.talk.look(&[remote]);
        looked.answers.remove(&remote).unwrap_or_else(|| Err(looked.error.expect("no answer has its reason")))
    }

    /// Ends the child. It has nothing to save.
    pub fn finish(self) {}
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.fetched {
            self.talk.end();
            // What cannot be removed now is removed by the next fetch.
            let _ = self.plan.scratch.empty();
        }
    }
}

impl Plan {
    fn name(&self, remote: usize) -> String {
        url::shown(&self.remotes[remote].url)
    }

    fn prepare(&self, remote: usize) -> Result<(u8, Prepared), FetchError> {
        let number = u8::try_from(remote).map_err(|_| FetchError::Settings {
            remote: self.name(remote),
            reason: "there are more than 256 remotes".to_owned(),
        })?;
        Ok((number, prepare(&self.remotes[remote], &self.cache)?))
    }

    fn unwritable(&self, remote: usize, source: std::io::Error) -> FetchError {
        let path = self.scratch.path().to_owned();
        FetchError::Store { remote: self.name(remote), source: StoreError::File { path, source } }
    }

    fn fork(&self, remotes: Vec<(u8, Prepared)>) -> Result<Talk, FetchError> {
        // Without the folder looks go well, and fetches say what is wrong with it.
        let _ = self.scratch.make();
        let needs = needs::of(&remotes, self.scratch.path(), self.identity);
        let task = Task { remotes, prefixes: self.prefixes.clone(), limits: self.limits.clone(), needs };
        let forked = fork::fork(move |socket| child::run(socket, task)).map_err(FetchError::Fork)?;
        let names = (0..self.remotes.len()).map(|remote| self.name(remote)).collect();
        Talk::with(forked, names, &self.limits)
    }
}
