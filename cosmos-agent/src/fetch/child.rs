//! The child: looks at every remote at once, fetches from one on request, and ends with its parent.

use std::io::{self, BufWriter, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc;

use cosmos_model::refs::RemoteRef;
use git2::{Odb, Oid};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::Limits;
use super::deadline::Deadline;
use super::frame::{self, Type};
use super::pack::{Scratch, open_bases};
use super::prepared::{Kind, Prepared};
use super::transport::{Transport, TransportError};
use super::{bundle, git, https, path, ssh};
use crate::sandbox::{self, Needs};
use crate::store::{chain, kind_of, library};

/// What the child is born with.
pub(super) struct Task {
    /// The remotes that can be contacted, each with its number.
    pub(super) remotes: Vec<(u8, Prepared)>,
    /// Which refs are asked for.
    pub(super) prefixes: Vec<Vec<u8>>,
    /// The limits of F2.
    pub(super) limits: Limits,
    /// What the sandbox leaves it.
    pub(super) needs: Needs,
}

/// A remote that was looked at and waits for a fetch.
struct Open {
    number: u8,
    transport: Box<dyn Transport>,
    deadline: Deadline,
}

/// Why a remote failed, as the first byte of a failure frame.
pub(super) const FAILED: u8 = 0;
/// It took longer than it may.
pub(super) const TOO_SLOW: u8 = 1;

/// Exit status of a child that could not enter its sandbox.
const NOT_SHUT_IN: u8 = 72;

/// Runs the child until its parent hangs up. Returns its exit status.
pub(super) fn run(socket: &UnixStream, task: Task) -> u8 {
    restrict(&task.limits, task.remotes.len());
    // From here on files are named from the scratch folder, whose path leads through folders of root's own.
    if let Some(scratch) = &task.needs.scratch {
        let _ = std::env::set_current_dir(scratch);
    }
    let Ok(layers) = sandbox::enter(&task.needs) else { return NOT_SHUT_IN };
    let mut out = BufWriter::with_capacity(1 << 16, socket);
    let bits = layers.iter().fold(0, |bits, layer| bits | layer.bit());
    let told = frame::write(&mut out, Type::Sandbox, 0, &[&[bits]]).and_then(|()| out.flush());
    let limits = task.limits.clone();
    let (Ok(()), Ok(mut open)) = (told, look_at_all(task, &mut out)) else { return 1 };
    for round in 0_u32.. {
        // The end of the stream is the usual end: the parent has what it wants.
        let Ok(request) = frame::read_header(&mut { socket }) else { return 0 };
        let answered = frame::read_payload(&mut { socket }, request).and_then(|payload| {
            let ids = frame::decode_ids(&payload).ok_or(io::ErrorKind::InvalidData)?;
            let remote = open.iter_mut().find(|remote| remote.number == request.remote);
            let remote = remote.ok_or(io::ErrorKind::InvalidData)?;
            remote.deadline.extend(limits.fetch);
            let fetched = fetch(remote, ids, Path::new(&round.to_string()), &limits, &mut out);
            let failed = fetched.is_err();
            finish(&mut out, request.remote, fetched)?;
            // Its connection may be in the middle of anything.
            open.retain(|remote| !failed || remote.number != request.remote);
            Ok(())
        });
        if answered.is_err() {
            return 1;
        }
    }
    0
}

/// Lowers what the child may use (F2): the parent's own limits hold whatever these miss.
fn restrict(limits: &Limits, remotes: usize) {
    const MARGIN: u64 = 128 << 20;
    let objects = limits.object_size.saturating_mul(4).saturating_add(MARGIN);
    for (resource, value) in [
        (Resource::RLIMIT_DATA, objects),
        (Resource::RLIMIT_AS, limits.transfer.saturating_mul(2).saturating_add(objects).saturating_add(MARGIN)),
        (Resource::RLIMIT_FSIZE, limits.transfer.saturating_add(MARGIN)),
        (Resource::RLIMIT_CPU, limits.fetch.as_secs().saturating_add(1).saturating_mul(remotes as u64)),
        (Resource::RLIMIT_CORE, 0),
    ] {
        let lowered = getrlimit(resource).and_then(|(_, hard)| setrlimit(resource, value.min(hard), value.min(hard)));
        lowered.expect("a limit can always be lowered");
    }
}

type Looked = Result<(Vec<RemoteRef>, Open), (u8, TransportError)>;

/// Looks at all remotes, each in a thread: a name server or a remote that hangs keeps no other from answering.
/// A single one needs no thread; if it hangs the parent ends it.
fn look_at_all(task: Task, out: &mut dyn Write) -> io::Result<Vec<Open>> {
    let (sender, receiver) = mpsc::channel();
    let overall = Deadline::after(task.limits.look);
    let mut waiting = Vec::new();
    let alone = task.remotes.len() == 1;
    for (number, remote) in task.remotes {
        let (sender, limits, prefixes) = (sender.clone(), task.limits.clone(), task.prefixes.clone());
        waiting.push(number);
        // The receiver is gone only after the deadline.
        let work = move || drop(sender.send(look(number, remote, &limits, &prefixes)));
        if alone {
            work();
        } else {
            std::thread::Builder::new().spawn(work)?;
        }
    }
    let mut open = Vec::new();
    while !waiting.is_empty() {
        let left = overall.left().unwrap_or_default();
        let Ok(looked) = receiver.recv_timeout(left) else { break };
        let number = match &looked {
            Ok((_, remote)) => remote.number,
            Err((number, _)) => *number,
        };
        waiting.retain(|other| *other != number);
        match looked {
            Ok((refs, remote)) => {
                send_refs(out, number, &refs)?;
                open.push(remote);
            }
            Err((_, error)) => send_failure(out, number, &error)?,
        }
    }
    for number in waiting {
        frame::write(out, Type::Failure, number, &[&[TOO_SLOW]])?;
    }
    out.flush()?;
    Ok(open)
}

fn look(number: u8, remote: Prepared, limits: &Limits, prefixes: &[Vec<u8>]) -> Looked {
    let deadline = Deadline::after(limits.look);
    let mut transport = transport(remote, limits, deadline.clone());
    match transport.look(prefixes) {
        Ok(refs) => Ok((refs, Open { number, transport, deadline })),
        Err(error) => Err((number, error)),
    }
}

/// Makes the transport of a remote. Nothing is contacted yet.
fn transport(remote: Prepared, limits: &Limits, deadline: Deadline) -> Box<dyn Transport> {
    let limits = limits.clone();
    match remote.kind {
        Kind::Git { server, path } => Box::new(git::Git::new(server, path, remote.address, limits, deadline)),
        Kind::Path(path) => Box::new(path::Path::new(path, limits)),
        Kind::Bundle { path, store } => Box::new(bundle::Bundle::new(path, store, limits)),
        Kind::Https(https) => Box::new(https::Https::new(https, remote.address, limits, deadline)),
        Kind::Ssh(ssh) => Box::new(ssh::Ssh::new(ssh, remote.address, limits, deadline)),
    }
}

fn send_refs(out: &mut dyn Write, number: u8, refs: &[RemoteRef]) -> io::Result<()> {
    for reference in refs {
        frame::write(out, Type::Ref, number, &[reference.id.as_bytes(), &reference.name])?;
    }
    frame::write(out, Type::EndOfRefs, number, &[])?;
    out.flush()
}

fn send_failure(out: &mut dyn Write, number: u8, error: &TransportError) -> io::Result<()> {
    let class = match error {
        TransportError::Broken(source) if source.kind() == io::ErrorKind::TimedOut => TOO_SLOW,
        _ => FAILED,
    };
    frame::write(out, Type::Failure, number, &[&[class], chain(error).as_bytes()])?;
    out.flush()
}

fn fetch(
    remote: &mut Open,
    [wants, haves]: [Vec<cosmos_model::object_id::ObjectId>; 2],
    folder: &Path,
    limits: &Limits,
    out: &mut dyn Write,
) -> Result<(), TransportError> {
    library::prepare();
    let number = remote.number;
    if let Some(objects) = remote.transport.objects(&wants, &haves) {
        let (repository, ids) = objects?;
        let odb = repository.odb().map_err(TransportError::library("open the repository"))?;
        return send_objects(&odb, ids, number, limits, out);
    }
    let bases = remote.transport.bases().map(|objects| open_bases(&objects)).transpose()?;
    let mut pack = Scratch::new(folder, bases.as_ref(), |bytes| {
        frame::write(out, Type::Progress, number, &[&bytes.to_le_bytes(), &0_u32.to_le_bytes()])?;
        out.flush()
    })?;
    remote.transport.fetch(&wants, &haves, &mut pack)?;
    match pack.finish()? {
        Some(odb) => send_objects(&odb, list(&odb, limits.objects)?, number, limits, out),
        None => frame::write(out, Type::Number, number, &[&0_u32.to_le_bytes()]).map_err(TransportError::Parent),
    }
}

fn send_objects(
    odb: &Odb<'_>,
    ids: Vec<Oid>,
    number: u8,
    limits: &Limits,
    out: &mut dyn Write,
) -> Result<(), TransportError> {
    let count = u32::try_from(ids.len()).expect("the limit is a u32");
    frame::write(out, Type::Number, number, &[&count.to_le_bytes()]).map_err(TransportError::Parent)?;
    ids.into_iter().try_for_each(|id| send_object(odb, id, number, limits.object_size, out))
}

fn list(odb: &Odb<'_>, limit: u32) -> Result<Vec<Oid>, TransportError> {
    let mut ids = Vec::new();
    let listed = odb.foreach(|id| {
        ids.push(*id);
        ids.len() <= limit as usize
    });
    if ids.len() > limit as usize {
        return Err(TransportError::Objects(limit));
    }
    listed.map_err(TransportError::library("list the pack"))?;
    Ok(ids)
}

/// Looks at the size before reading: a bomb of a blob is refused by its name.
fn send_object(odb: &Odb<'_>, id: Oid, number: u8, limit: u64, out: &mut dyn Write) -> Result<(), TransportError> {
    let (size, _) = odb.read_header(id).map_err(TransportError::library("read an object of the pack"))?;
    let size = size as u64;
    if size > limit {
        return Err(TransportError::ObjectSize { id, size, limit });
    }
    let object = odb.read(id).map_err(TransportError::library("read an object of the pack"))?;
    let kind = kind_of(object.kind()).ok_or_else(|| TransportError::malformed("object", id.to_string().as_bytes()))?;
    frame::write(out, Type::Object, number, &[&[frame::kind_number(kind)], object.data()])
        .map_err(TransportError::Parent)
}

fn finish(out: &mut dyn Write, number: u8, fetched: Result<(), TransportError>) -> io::Result<()> {
    match fetched {
        Ok(()) => frame::write(out, Type::Done, number, &[])?,
        Err(error) => send_failure(out, number, &error)?,
    }
    out.flush()
}
