//! The parent's side of a run's fetching: starts the child, believes nothing it says, ends it.

use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cosmos_model::escape;
use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;

use super::child::{self, Task};
use super::frame::{self, Header, Type};
use super::prepared::prepare;
use super::receive::{self, Fetched};
use super::{FetchError, Limits, Progress, RemoteSettings, url};
use crate::fork::{self, Child};
use crate::store::Store;

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
    child: Child,
    pub(super) input: BufReader<Timed>,
    output: UnixStream,
    /// The remotes as they may be shown.
    names: Vec<String>,
    /// The remotes that need no child to fail.
    unusable: Vec<Option<FetchError>>,
    pub(super) limits: Limits,
    started: Instant,
    cache: PathBuf,
    /// Whether there is a scratch folder.
    fetched: bool,
}

/// The socket with a deadline.
pub(super) struct Timed {
    stream: UnixStream,
    end: Instant,
}

impl Read for Timed {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(bytes)
    }
}

/// How much later than the child the parent gives up on a look, so that the child's own words arrive.
const GRACE: Duration = Duration::from_secs(2);

/// The longest failure text that is read from the child.
const LONGEST_TEXT: u32 = 16 << 10;

/// The longest ref that is read from the child: an id and a name.
const LONGEST_REF: u32 = 20 + 1024;

impl Session {
    /// Forks the child, which begins to look at all `remotes` for refs that begin with one of `prefixes`.
    ///
    /// Call it while the process has one thread. `cache` is the agent's cache folder: its store is
    /// `cache/`[`FOLDER`](crate::store::FOLDER), and the child's scratch folder is made in it at the first fetch.
    ///
    /// # Errors
    /// Returns [`FetchError::Fork`] when there can be no child. What is wrong with one remote is its look's result.
    pub fn start(
        remotes: &[RemoteSettings],
        limits: &Limits,
        prefixes: &[Vec<u8>],
        cache: &Path,
    ) -> Result<Self, FetchError> {
        let mut usable = Vec::new();
        let mut unusable = Vec::new();
        for (index, settings) in remotes.iter().enumerate() {
            let too_many = |_| FetchError::Settings {
                remote: url::shown(&settings.url),
                reason: "there are more than 256 remotes".to_owned(),
            };
            let prepared = u8::try_from(index).map_err(too_many).and_then(|number| {
                let prepared = prepare(settings, cache)?;
                usable.push((number, prepared));
                Ok(())
            });
            unusable.push(prepared.err());
        }
        let task =
            Task { remotes: usable, prefixes: prefixes.to_vec(), limits: limits.clone(), cache: cache.to_owned() };
        let (child, stream) = fork::fork(move |socket| child::run(&socket, task)).map_err(FetchError::Fork)?;
        let names = remotes.iter().map(|remote| url::shown(&remote.url)).collect();
        Self::around((child, stream), names, unusable, limits, cache)
    }

    /// Listens to a child that was started.
    fn around(
        (child, stream): (Child, UnixStream),
        names: Vec<String>,
        unusable: Vec<Option<FetchError>>,
        limits: &Limits,
        cache: &Path,
    ) -> Result<Self, FetchError> {
        let output = stream
            .try_clone()
            .map_err(|error| FetchError::Fork(nix::errno::Errno::from_raw(error.raw_os_error().unwrap_or_default())))?;
        let started = Instant::now();
        let input = BufReader::with_capacity(1 << 16, Timed { stream, end: started + limits.look + GRACE });
        let (limits, cache) = (limits.clone(), cache.to_owned());
        Ok(Self { child, input, output, names, unusable, limits, started, cache, fetched: false })
    }

    /// Waits until every remote answered or its time is over; in the order of the settings. To be called once.
    pub fn refs(&mut self) -> Vec<LookResult> {
        let mut results: Vec<Option<Result<Vec<RemoteRef>, FetchError>>> =
            self.unusable.iter_mut().map(|error| error.take().map(Err)).collect();
        let mut refs: Vec<Vec<RemoteRef>> = vec![Vec::new(); results.len()];
        while let Some(waiting) = results.iter().position(Option::is_none) {
            if let Err(error) = self.read_look(&mut refs, &mut results, waiting) {
                results[waiting] = Some(Err(error));
                let reason = self.child.end();
                for (result, name) in results.iter_mut().zip(&self.names) {
                    let failed = || FetchError::Child { remote: name.clone(), reason: reason.clone() };
                    result.get_or_insert_with(|| Err(failed()));
                }
            }
        }
        let results = results.into_iter().enumerate();
        results.filter_map(|(remote, refs)| refs.map(|refs| LookResult { remote, refs })).collect()
    }

    fn read_look(
        &mut self,
        refs: &mut [Vec<RemoteRef>],
        results: &mut [Option<Result<Vec<RemoteRef>, FetchError>>],
        waiting: usize,
    ) -> Result<(), FetchError> {
        let limit = self.limits.look;
        let header = self.header(waiting, limit)?;
        let remote = usize::from(header.remote);
        if !results.get(remote).is_some_and(Option::is_none) {
            return Err(self.broken(waiting, "it answered for a remote it was not asked about"));
        }
        match header.kind {
            Type::Ref if refs[remote].len() >= self.limits.refs as usize => {
                return Err(self.limit(remote, "refs", self.limits.refs.into()));
            }
            Type::Ref if (21..=LONGEST_REF).contains(&header.length) => {
                let payload = self.payload(remote, header, limit)?;
                let (id, name) = payload.split_first_chunk().expect("more than 20 bytes");
                refs[remote].push(RemoteRef { name: name.to_vec(), id: ObjectId::new(*id) });
            }
            Type::EndOfRefs if header.length == 0 => results[remote] = Some(Ok(std::mem::take(&mut refs[remote]))),
            Type::Failure => results[remote] = Some(Err(self.failure(remote, header, limit)?)),
            _ => return Err(self.broken(remote, "it sent a frame that does not belong into a look")),
        }
        Ok(())
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
        let fetched = self.try_fetch(remote, wants, haves, progress, store);
        // What the child says of itself, or what is found afterwards, leaves the frames in order; nothing else does.
        if !matches!(fetched, Ok(_) | Err(FetchError::Remote { .. } | FetchError::Missing { .. })) {
            self.child.end();
        }
        fetched
    }

    fn try_fetch(
        &mut self,
        remote: usize,
        wants: &[ObjectId],
        haves: &[ObjectId],
        progress: &mut dyn Progress,
        store: &Store,
    ) -> Result<Fetched, FetchError> {
        self.make_scratch().map_err(|source| FetchError::Store {
            remote: self.names[remote].clone(),
            source: crate::store::StoreError::File { path: self.cache.clone(), source },
        })?;
        self.input.get_mut().end = self.started + self.limits.fetch;
        let number = u8::try_from(remote).expect("a remote that was looked at");
        let request = frame::encode_ids([wants, haves]);
        let sent = frame::write(&mut self.output, Type::Want, number, &[&request]).and_then(|()| self.output.flush());
        sent.map_err(|error| self.ended(remote, &error, self.limits.fetch))?;
        let fetched = receive::receive(self, remote, progress, store)?;
        for id in wants {
            let there = store.has(*id).map_err(|source| self.store_error(remote, source))?;
            if !there {
                return Err(FetchError::Missing { remote: self.names[remote].clone(), id: *id });
            }
        }
        Ok(fetched)
    }

    /// Makes the child's scratch folder, and removes those that killed runs left: a run holds the lock.
    fn make_scratch(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.fetched, true) {
            return Ok(());
        }
        let own = child::scratch(&self.cache, self.child.pid());
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.cache)?;
        for entry in std::fs::read_dir(&self.cache)? {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(b"fetch-") {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        std::fs::DirBuilder::new().mode(0o700).create(own)
    }

    /// Ends the child. It has nothing to save.
    pub fn finish(self) {}

    /// Reads the header of the next frame, about `remote` as far as is known.
    pub(super) fn header(&mut self, remote: usize, limit: Duration) -> Result<Header, FetchError> {
        frame::read_header(&mut self.input).map_err(|error| self.ended(remote, &error, limit))
    }

    /// Reads a payload whose length was checked.
    pub(super) fn payload(&mut self, remote: usize, header: Header, limit: Duration) -> Result<Vec<u8>, FetchError> {
        frame::read_payload(&mut self.input, header).map_err(|error| self.ended(remote, &error, limit))
    }

    /// Reads why `remote` failed.
    pub(super) fn failure(&mut self, remote: usize, header: Header, limit: Duration) -> Result<FetchError, FetchError> {
        if header.length == 0 || header.length > LONGEST_TEXT {
            return Err(self.broken(remote, "it sent a failure of an impossible length"));
        }
        let payload = self.payload(remote, header, limit)?;
        let name = self.names[remote].clone();
        if payload[0] == child::TOO_SLOW {
            return Ok(FetchError::TooSlow { remote: name, limit });
        }
        // The child escaped foreign text already; a child that was taken over did not.
        let reason = match std::str::from_utf8(&payload[1..]) {
            Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
            _ => escape::for_terminal(&payload[1..]),
        };
        Ok(FetchError::Remote { remote: name, reason })
    }

    pub(super) fn broken(&self, remote: usize, reason: &str) -> FetchError {
        FetchError::Child { remote: self.names[remote].clone(), reason: reason.to_owned() }
    }

    pub(super) fn limit(&self, remote: usize, what: &'static str, limit: u64) -> FetchError {
        FetchError::Limit { remote: self.names[remote].clone(), what, limit }
    }

    pub(super) fn store_error(&self, remote: usize, source: crate::store::StoreError) -> FetchError {
        FetchError::Store { remote: self.names[remote].clone(), source }
    }

    fn ended(&mut self, remote: usize, error: &io::Error, limit: Duration) -> FetchError {
        if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) {
            return FetchError::TooSlow { remote: self.names[remote].clone(), limit };
        }
        let reason = match error.kind() {
            io::ErrorKind::InvalidData => error.to_string(),
            _ => self.child.end(),
        };
        FetchError::Child { remote: self.names[remote].clone(), reason }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.fetched {
            self.child.end();
            // What cannot be removed now is removed by the next fetch.
            let _ = std::fs::remove_dir_all(child::scratch(&self.cache, self.child.pid()));
        }
    }
}

#[cfg(test)]
mod tests;
