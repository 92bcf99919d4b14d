//! git://: the greeting and the look in one write, the fetch on the same connection.

use std::io::{BufReader, Write};

use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;

use super::Limits;
use super::deadline::Deadline;
use super::pkt_line::{self, PacketReader};
use super::tcp::{Address, Tcp};
use super::transport::{Transport, TransportError};
use super::url::Server;
use super::v0::{self, Advertisement, Greeting};
use super::v2;

/// A repository served by git's own daemon.
pub(super) struct Git {
    server: Server,
    path: String,
    address: Option<Address>,
    limits: Limits,
    deadline: Deadline,
    connection: Option<PacketReader<BufReader<Tcp>>>,
}

impl Git {
    pub(super) const fn new(
        server: Server,
        path: String,
        address: Option<Address>,
        limits: Limits,
        deadline: Deadline,
    ) -> Self {
        Self { server, path, address, limits, deadline, connection: None }
    }

    /// Connects and asks for the repository; what belongs to the greeting goes out in the same write.
    fn connect(&self, version: &str, request: &[u8]) -> Result<PacketReader<BufReader<Tcp>>, TransportError> {
        let mut stream = Tcp::connect(&self.server, self.address, self.limits.connect, &self.deadline)?;
        let Server { host, port } = &self.server;
        let mut message = Vec::new();
        let greeting = format!("git-upload-pack {}\0host={host}:{port}\0{version}", self.path);
        pkt_line::push(&mut message, greeting.as_bytes());
        message.extend_from_slice(request);
        stream.write_all(&message).map_err(TransportError::Broken)?;
        Ok(PacketReader::new(BufReader::with_capacity(1 << 16, stream), self.limits.transfer))
    }

    /// A version 0 server took the look for a malformed fetch and is gone: the fetch needs a connection of its own.
    fn fetch_v0(&self, wants: &[ObjectId], haves: &[ObjectId], sink: &mut dyn Write) -> Result<(), TransportError> {
        let mut connection = self.connect("", b"")?;
        match v0::read_greeting(&mut connection, &[], self.limits.refs)? {
            Greeting::V0(Advertisement { capabilities, .. }) => {
                send(&mut connection, &v0::fetch_request(&capabilities, wants, haves))?;
                v0::read_fetch(&mut connection, sink)
            }
            Greeting::V2 => Err(TransportError::malformed("greeting", b"version 2")),
        }
    }
}

fn send(connection: &mut PacketReader<BufReader<Tcp>>, request: &[u8]) -> Result<(), TransportError> {
    connection.get_mut().get_mut().write_all(request).map_err(TransportError::Broken)
}

impl Transport for Git {
    fn look(&mut self, prefixes: &[Vec<u8>]) -> Result<Vec<RemoteRef>, TransportError> {
        let mut connection = self.connect("\0version=2\0", &v2::ls_refs_request(prefixes))?;
        match v0::read_greeting(&mut connection, prefixes, self.limits.refs)? {
            Greeting::V2 => {
                let refs = v2::read_refs(&mut connection, prefixes, self.limits.refs)?;
                self.connection = Some(connection);
                Ok(refs)
            }
            Greeting::V0(Advertisement { refs, .. }) => Ok(refs),
        }
    }

    fn fetch(&mut self, wants: &[ObjectId], haves: &[ObjectId], sink: &mut dyn Write) -> Result<(), TransportError> {
        let Some(connection) = &mut self.connection else { return self.fetch_v0(wants, haves, sink) };
        send(connection, &v2::fetch_request(wants, haves))?;
        v2::read_fetch(connection, sink)
    }
}
