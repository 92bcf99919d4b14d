//! The parent's end of the talk with one child (docs/formats.md §16): limits before payloads, and no word believed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use cosmos_model::escape;
use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;

use super::frame::{self, Header, Type};
use super::{FetchError, Limits, child};
use crate::fork::Child;
use crate::sandbox::Layer;

mod receive;

pub use receive::Fetched;

/// One child, what it was asked, and whether its answers can still be told apart.
pub(super) struct Talk {
    child: Child,
    input: BufReader<Timed>,
    output: UnixStream,
    /// The remotes as they may be shown, by their numbers.
    names: Vec<String>,
    pub(super) limits: Limits,
    /// The remotes that were looked at and can be fetched from.
    open: BTreeSet<usize>,
    /// Whether the next frame is the answer to the next question.
    in_step: bool,
}

/// A remote's number with its refs, or why there are none.
type Answer = (usize, Result<Vec<RemoteRef>, FetchError>);

/// How a look ended.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// The refs of each remote that answered, or why there are none.
    pub(super) answers: BTreeMap<usize, Result<Vec<RemoteRef>, FetchError>>,
    /// What the child gave up, if it came to say so.
    pub(super) layers: Option<BTreeSet<Layer>>,
    /// Why other remotes have no answer.
    pub(super) error: Option<FetchError>,
}

/// The socket with a deadline.
struct Timed {
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

/// How much later than the child the parent gives up, so that the child's own words arrive.
const GRACE: Duration = Duration::from_secs(2);

/// The longest failure text that is read from the child.
const LONGEST_TEXT: u32 = 16 << 10;

/// The longest ref that is read from the child: an id and a name.
const LONGEST_REF: u32 = 20 + 1024;

impl Talk {
    /// Listens to a child that begins with a look, at the other end of `stream`.
    pub(super) fn with(
        (child, stream): (Child, UnixStream),
        names: Vec<String>,
        limits: &Limits,
    ) -> Result<Self, FetchError> {
        let output = stream
            .try_clone()
            .map_err(|error| FetchError::Fork(nix::errno::Errno::from_raw(error.raw_os_error().unwrap_or_default())))?;
        let input = BufReader::with_capacity(1 << 16, Timed { stream, end: Instant::now() + limits.look + GRACE });
        let limits = limits.clone();
        Ok(Self { child, input, output, names, limits, open: BTreeSet::new(), in_step: true })
    }

    /// Reads which layers the child says it is in, before it has seen a foreign byte.
    fn layers(&mut self, remote: usize) -> Result<BTreeSet<Layer>, FetchError> {
        let header = self.header(remote, self.limits.look)?;
        if (header.kind, header.length) != (Type::Sandbox, 1) {
            return Err(self.broken(remote, "it does not say what it gave up"));
        }
        let bits = self.payload(remote, header, self.limits.look)?[0];
        Ok(Layer::ALL.into_iter().filter(|layer| bits & layer.bit() != 0).collect())
    }

    /// Waits until every remote of `asked` answered. Where the talk ends before that, the rest have no answer but its
    /// error, and nothing more can be asked. To be called once, first.
    pub(super) fn look(&mut self, asked: &[usize]) -> Looked {
        let mut waiting: BTreeSet<usize> = asked.iter().copied().collect();
        let mut refs = BTreeMap::new();
        let mut looked = Looked::default();
        while let Some(first) = waiting.first().copied() {
            let step = match looked.layers {
                None => self.layers(first).map(|layers| looked.layers = Some(layers)),
                Some(_) => self.answer(first, &waiting, &mut refs).map(|answer| {
                    if let Some((remote, answer)) = answer {
                        waiting.remove(&remote);
                        self.open.extend(answer.is_ok().then_some(remote));
                        looked.answers.insert(remote, answer);
                    }
                }),
            };
            if let Err(error) = step {
                self.end();
                looked.error = Some(error);
                break;
            }
        }
        looked
    }

    /// Reads one frame of a look; returns the remote that it is the last of.
    fn answer(
        &mut self,
        first: usize,
        waiting: &BTreeSet<usize>,
        refs: &mut BTreeMap<usize, Vec<RemoteRef>>,
    ) -> Result<Option<Answer>, FetchError> {
        let limit = self.limits.look;
        let header = self.header(first, limit)?;
        let remote = usize::from(header.remote);
        if !waiting.contains(&remote) {
            return Err(self.broken(first, "it answered for a remote it was not asked about"));
        }
        let refs = refs.entry(remote).or_default();
        match header.kind {
            Type::Ref if refs.len() >= self.limits.refs as usize => {
                Err(self.limit(remote, "refs", self.limits.refs.into()))
            }
            Type::Ref if (21..=LONGEST_REF).contains(&header.length) => {
                let payload = self.payload(remote, header, limit)?;
                let (id, name) = payload.split_first_chunk().expect("more than 20 bytes");
                refs.push(RemoteRef { name: name.to_vec(), id: ObjectId::new(*id) });
                Ok(None)
            }
            Type::EndOfRefs if header.length == 0 => Ok(Some((remote, Ok(std::mem::take(refs))))),
            Type::Failure => Ok(Some((remote, Err(self.failure(remote, header, limit)?)))),
            _ => Err(self.broken(remote, "it sent a frame that does not belong into a look")),
        }
    }

    /// Tells whether this child can be asked for the objects of `remote`.
    pub(super) fn can_fetch(&self, remote: usize) -> bool {
        self.in_step && self.open.contains(&remote)
    }

    /// Kills the child, waits for its end, and says how it ended.
    pub(super) fn end(&mut self) -> String {
        self.in_step = false;
        self.child.end()
    }

    /// Reads the header of the next frame, about `remote` as far as is known.
    pub(super) fn header(&mut self, remote: usize, limit: Duration) -> Result<Header, FetchError> {
        frame::read_header(&mut self.input).map_err(|error| self.ended(remote, &error, limit))
    }

    /// Reads a payload whose length was checked.
    pub(super) fn payload(&mut self, remote: usize, header: Header, limit: Duration) -> Result<Vec<u8>, FetchError> {
        frame::read_payload(&mut self.input, header).map_err(|error| self.ended(remote, &error, limit))
    }

    /// Reads why `remote` failed; with that the child has answered.
    pub(super) fn failure(&mut self, remote: usize, header: Header, limit: Duration) -> Result<FetchError, FetchError> {
        if header.length == 0 || header.length > LONGEST_TEXT {
            return Err(self.broken(remote, "it sent a failure of an impossible length"));
        }
        let payload = self.payload(remote, header, limit)?;
        self.in_step = true;
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

    /// Takes note that the answer was read to its end.
    pub(super) fn answered(&mut self) {
        self.in_step = true;
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

#[cfg(test)]
mod tests;
