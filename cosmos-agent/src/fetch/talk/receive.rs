//! Takes a fetch's objects from the child: limits before payloads, then the hash, then the store.

use std::io::Write as _;
use std::time::Instant;

use cosmos_model::object_id::ObjectId;

use super::{GRACE, Talk};
use crate::fetch::frame::{self, Header, Type};
use crate::fetch::{FetchError, INFLATION, Progress};
use crate::store::{PackWriter, Store};

/// What a fetch brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetched {
    /// How many objects were stored; some may have been there before.
    pub objects: u32,
    /// Their size, inflated.
    pub bytes: u64,
}

impl Talk {
    /// Fetches `wants` without what `haves` reach, and stores what the limits allow.
    ///
    /// After an error this remote cannot be asked again, and another one only if [`Talk::can_fetch`] says so.
    pub(in crate::fetch) fn fetch(
        &mut self,
        remote: usize,
        [wants, haves]: [&[ObjectId]; 2],
        progress: &mut dyn Progress,
        store: &Store,
    ) -> Result<Fetched, FetchError> {
        self.input.get_mut().end = Instant::now() + self.limits.fetch + GRACE;
        self.in_step = false;
        let number = u8::try_from(remote).expect("a remote that was looked at");
        let request = frame::encode_ids([wants, haves]);
        let sent = frame::write(&mut self.output, Type::Want, number, &[&request]).and_then(|()| self.output.flush());
        let fetched = sent
            .map_err(|error| self.ended(remote, &error, self.limits.fetch))
            .and_then(|()| receive(self, remote, progress, store));
        if fetched.is_err() {
            self.open.remove(&remote);
        }
        if !self.in_step {
            self.end();
        }
        fetched
    }
}

/// Reads frames up to the end of the fetch.
fn receive(talk: &mut Talk, remote: usize, progress: &mut dyn Progress, store: &Store) -> Result<Fetched, FetchError> {
    let count = number(talk, remote, progress)?;
    if count == 0 {
        done(talk, remote)?;
        return Ok(Fetched { objects: 0, bytes: 0 });
    }
    let mut pack = store.pack(count).map_err(|source| talk.store_error(remote, source))?;
    let mut bytes = 0;
    for stored in 1..=count {
        bytes += object(talk, remote, bytes, &mut pack)?;
        progress.stored(stored, count);
    }
    done(talk, remote)?;
    pack.commit().map_err(|source| talk.store_error(remote, source))?;
    Ok(Fetched { objects: count, bytes })
}

/// Reads the number of objects, and progress until it comes.
fn number(talk: &mut Talk, remote: usize, progress: &mut dyn Progress) -> Result<u32, FetchError> {
    loop {
        let header = next(talk, remote)?;
        match (header.kind, header.length) {
            (Type::Progress, 12) => {
                let payload = talk.payload(remote, header, talk.limits.fetch)?;
                let (bytes, objects) = payload.split_first_chunk().expect("12 bytes");
                let objects = objects.try_into().map_or(0, u32::from_le_bytes);
                progress.received(u64::from_le_bytes(*bytes), objects);
            }
            (Type::Number, 4) => {
                let payload = talk.payload(remote, header, talk.limits.fetch)?;
                let count = u32::from_le_bytes(payload.try_into().expect("4 bytes"));
                let limit = talk.limits.objects;
                return if count > limit { Err(talk.limit(remote, "objects", limit.into())) } else { Ok(count) };
            }
            _ => return Err(talk.broken(remote, "it sent a frame that does not belong into a fetch")),
        }
    }
}

/// Takes one object; `before` is the size of those before it.
fn object(talk: &mut Talk, remote: usize, before: u64, pack: &mut PackWriter<'_>) -> Result<u64, FetchError> {
    let header = next(talk, remote)?;
    if header.kind != Type::Object || header.length == 0 {
        return Err(talk.broken(remote, "it sent fewer objects than it announced"));
    }
    let size = u64::from(header.length - 1);
    let (one, all) = (talk.limits.object_size, talk.limits.transfer.saturating_mul(INFLATION));
    if size > one {
        return Err(talk.limit(remote, "bytes in one object", one));
    }
    if before + size > all {
        return Err(talk.limit(remote, "inflated bytes", all));
    }
    let payload = talk.payload(remote, header, talk.limits.fetch)?;
    let kind = frame::kind_of(payload[0]).ok_or_else(|| talk.broken(remote, "it sent an object of no kind"))?;
    pack.add(kind, &payload[1..]).map_err(|source| talk.store_error(remote, source))?;
    Ok(size)
}

fn done(talk: &mut Talk, remote: usize) -> Result<(), FetchError> {
    match next(talk, remote)? {
        Header { kind: Type::Done, length: 0, .. } => {
            talk.answered();
            Ok(())
        }
        _ => Err(talk.broken(remote, "it sent more objects than it announced")),
    }
}

/// Reads the next header about `remote`; a failure is an error.
fn next(talk: &mut Talk, remote: usize) -> Result<Header, FetchError> {
    let limit = talk.limits.fetch;
    let header = talk.header(remote, limit)?;
    if usize::from(header.remote) != remote {
        return Err(talk.broken(remote, "it answered for another remote"));
    }
    if header.kind == Type::Failure {
        return Err(talk.failure(remote, header, limit)?);
    }
    Ok(header)
}
