//! A TCP connection that neither waits for small packets nor for a server that drips.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::linux::net::TcpStreamExt;
use std::time::Duration;

use super::deadline::{Deadline, SILENCE};
use super::transport::TransportError;
use super::url::Server;

/// A connection with a deadline.
pub(super) struct Tcp {
    stream: TcpStream,
    deadline: Deadline,
}

impl Tcp {
    /// Connects to the first address that answers within `limit`; `address` replaces the resolver.
    pub(super) fn connect(
        server: &Server,
        address: Option<Address>,
        limit: Duration,
        deadline: &Deadline,
    ) -> Result<Self, TransportError> {
        let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for candidate in candidates(server, address)? {
            let allowed = deadline.left().map_err(TransportError::Broken)?.min(limit);
            match TcpStream::connect_timeout(&candidate, allowed) {
                Ok(stream) => {
                    stream.set_nodelay(true).map_err(TransportError::Broken)?;
                    return Ok(Self { stream, deadline: deadline.clone() });
                }
                Err(error) => failure = error,
            }
        }
        Err(TransportError::Connect { place: format!("{} port {}", server.host, server.port), source: failure })
    }

    /// Gives the bare socket away.
    pub(super) fn into_inner(self) -> TcpStream {
        self.stream
    }
}

/// `remote.address`: where to connect instead of asking the resolver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address {
    ip: IpAddr,
    port: Option<u16>,
}

impl Address {
    /// Reads `IP` or `IP:port`, IPv6 with a port in brackets.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Ok(ip) = text.parse() {
            return Some(Self { ip, port: None });
        }
        let socket: SocketAddr = text.parse().ok()?;
        Some(Self { ip: socket.ip(), port: Some(socket.port()) })
    }

    /// Completes it with the port of the URL.
    pub(super) fn or_port(self, port: u16) -> SocketAddr {
        SocketAddr::new(self.ip, self.port.unwrap_or(port))
    }
}

fn candidates(server: &Server, address: Option<Address>) -> Result<Vec<SocketAddr>, TransportError> {
    match address {
        Some(address) => Ok(vec![address.or_port(server.port)]),
        None => (server.host.as_str(), server.port)
            .to_socket_addrs()
            .map(Iterator::collect)
            .map_err(|source| TransportError::Resolve { host: server.host.clone(), source }),
    }
}

impl Read for Tcp {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.deadline.left()?.min(SILENCE)))?;
        // The kernel leaves this mode by itself; without it answers above 64 KB wait 40 ms for a delayed ACK.
        self.stream.set_quickack(true)?;
        match self.stream.read(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(io::Error::new(io::ErrorKind::TimedOut, "it took too long"))
            }
            other => other,
        }
    }
}

impl Write for Tcp {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.deadline.left()?.min(SILENCE)))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
