//! ssh://: git-upload-pack on the server, its host key pinned, one key file to log in with.

use std::io::{self, BufReader, Read, Write};

use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;
use ssh2::{Channel, ErrorCode, MethodType, Session};

use super::Limits;
use super::deadline::{Deadline, SILENCE};
use super::known_hosts::{self, Pin};
use super::pkt_line::PacketReader;
use super::prepared::SshRemote;
use super::tcp::{Address, Tcp};
use super::transport::{Transport, TransportError, excerpt};
use super::v0::{self, Advertisement, Greeting};
use super::v2;

/// A repository behind sshd.
pub(super) struct Ssh {
    remote: SshRemote,
    address: Option<Address>,
    limits: Limits,
    deadline: Deadline,
    connection: Option<Connection>,
}

/// A running git-upload-pack that greeted.
struct Connection {
    packets: PacketReader<BufReader<Stream>>,
    /// The capabilities of a server that does not speak version 2; most do not: sshd drops the variable.
    old: Option<String>,
}

impl Ssh {
    pub(super) const fn new(remote: SshRemote, address: Option<Address>, limits: Limits, deadline: Deadline) -> Self {
        Self { remote, address, limits, deadline, connection: None }
    }

    fn connect(&self) -> Result<Stream, TransportError> {
        let tcp = Tcp::connect(&self.remote.server, self.address, self.limits.connect, &self.deadline)?;
        let mut session = Session::new().map_err(ssh_error("cannot start ssh"))?;
        session.set_tcp_stream(tcp.into_inner());
        self.allow_time(&session)?;
        let pins = known_hosts::pins(&self.remote.known_hosts, &self.remote.server);
        if let Some(methods) = known_hosts::methods(&pins) {
            let preferred = session.method_pref(MethodType::HostKey, &methods);
            preferred.map_err(ssh_error("cannot ask for the pinned kind of host key"))?;
        }
        session.handshake().map_err(ssh_error("the ssh handshake failed"))?;
        self.check_host_key(&session, &pins)?;
        self.allow_time(&session)?;
        let login = session.userauth_pubkey_memory(&self.remote.user, None, &self.remote.key, None);
        login.map_err(ssh_error("the server does not accept the ssh-key"))?;
        let channel = self.start(&session)?;
        Ok(Stream { session, channel, deadline: self.deadline.clone() })
    }

    fn allow_time(&self, session: &Session) -> Result<(), TransportError> {
        let left = self.deadline.left().map_err(TransportError::Broken)?.min(SILENCE);
        session.set_timeout(u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1));
        Ok(())
    }

    fn check_host_key(&self, session: &Session, pins: &[Pin]) -> Result<(), TransportError> {
        let (key, _) = session.host_key().ok_or_else(|| TransportError::malformed("host key", b""))?;
        if pins.iter().any(|pin| pin.key == key) {
            return Ok(());
        }
        let server = &self.remote.server;
        Err(TransportError::HostKey {
            host: server.host.clone(),
            verdict: if pins.is_empty() { "is not pinned in" } else { "is not the one pinned in" },
            file: self.remote.known_hosts_file.clone(),
            fingerprint: known_hosts::fingerprint(key),
            line: known_hosts::line(server, key),
        })
    }

    fn start(&self, session: &Session) -> Result<Channel, TransportError> {
        self.allow_time(session)?;
        let mut channel = session.channel_session().map_err(ssh_error("the server opens no channel"))?;
        // Most servers refuse the variable; their greeting tells.
        let _ = channel.setenv("GIT_PROTOCOL", "version=2");
        let path = self.remote.path.strip_prefix('/').filter(|path| path.starts_with('~'));
        let path = path.unwrap_or(&self.remote.path);
        let started = channel.exec(&format!("git-upload-pack '{path}'"));
        started.map_err(ssh_error("the server does not start git-upload-pack"))?;
        Ok(channel)
    }

    /// Connects and reads the greeting; what a failing git-upload-pack prints is the reason.
    fn greet(&mut self, prefixes: &[Vec<u8>]) -> Result<(Connection, Option<Vec<RemoteRef>>), TransportError> {
        let stream = BufReader::with_capacity(1 << 16, self.connect()?);
        let mut packets = PacketReader::new(stream, self.limits.transfer);
        match v0::read_greeting(&mut packets, prefixes, self.limits.refs) {
            Ok(Greeting::V2) => Ok((Connection { packets, old: None }, None)),
            Ok(Greeting::V0(Advertisement { refs, capabilities })) => {
                Ok((Connection { packets, old: Some(capabilities) }, Some(refs)))
            }
            Err(TransportError::Broken(error)) if error.kind() != io::ErrorKind::TimedOut => {
                let mut words = Vec::new();
                let stderr = packets.get_mut().get_mut().channel.stderr().take(1000).read_to_end(&mut words);
                let spoken = stderr.is_ok() && !words.is_empty();
                Err(if spoken { TransportError::refused(&words) } else { TransportError::Broken(error) })
            }
            Err(error) => Err(error),
        }
    }
}

fn send(packets: &mut PacketReader<BufReader<Stream>>, request: &[u8]) -> Result<(), TransportError> {
    packets.get_mut().get_mut().channel.write_all(request).map_err(TransportError::Broken)
}

impl Transport for Ssh {
    fn look(&mut self, prefixes: &[Vec<u8>]) -> Result<Vec<RemoteRef>, TransportError> {
        let (mut connection, advertised) = self.greet(prefixes)?;
        let refs = match advertised {
            Some(refs) => refs,
            None => {
                send(&mut connection.packets, &v2::ls_refs_request(prefixes))?;
                v2::read_refs(&mut connection.packets, prefixes, self.limits.refs)?
            }
        };
        self.connection = Some(connection);
        Ok(refs)
    }

    /// A version 0 server ends after one fetch; a second one needs a new connection.
    fn fetch(&mut self, wants: &[ObjectId], haves: &[ObjectId], sink: &mut dyn Write) -> Result<(), TransportError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.greet(&[])?.0,
        };
        match &connection.old {
            Some(capabilities) => {
                send(&mut connection.packets, &v0::fetch_request(capabilities, wants, haves))?;
                v0::read_fetch(&mut connection.packets, sink)
            }
            None => {
                send(&mut connection.packets, &v2::fetch_request(wants, haves))?;
                v2::read_fetch(&mut connection.packets, sink)?;
                self.connection = Some(connection);
                Ok(())
            }
        }
    }
}

fn ssh_error(what: &'static str) -> impl Fn(ssh2::Error) -> TransportError {
    /// libssh2's number for "it took too long".
    const TIMEOUT: i32 = -9;
    move |error| match error.code() {
        ErrorCode::Session(TIMEOUT) => TransportError::Broken(io::ErrorKind::TimedOut.into()),
        _ => TransportError::Ssh { what, text: excerpt(error.message().as_bytes()) },
    }
}

/// A channel whose reads keep the deadline.
struct Stream {
    session: Session,
    channel: Channel,
    deadline: Deadline,
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = self.deadline.left()?.min(SILENCE);
        self.session.set_timeout(u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1));
        self.channel.read(bytes)
    }
}
