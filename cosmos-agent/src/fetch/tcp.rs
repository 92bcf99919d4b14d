//! A TCP connection that neither waits for small packets nor for a server that drips.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::linux::net::TcpStreamExt;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::deadline::{Deadline, SILENCE};
use super::transport::TransportError;
use super::url::Server;

/// A connection with a deadline.
#[derive(Debug)]
pub(super) struct Tcp {
    stream: TcpStream,
    deadline: Deadline,
}

impl Tcp {
    /// Finds the server and connects to its first address that answers, all within `limit`; `address` replaces the
    /// resolver.
    pub(super) fn connect(
        server: &Server,
        address: Option<Address>,
        limit: Duration,
        deadline: &Deadline,
    ) -> Result<Self, TransportError> {
        let until = until(limit, deadline).map_err(TransportError::Broken)?;
        let candidates = candidates(server, address, until)
            .map_err(|source| TransportError::Resolve { host: server.host.clone(), source })?;
        let place = || format!("{} port {}", server.host, server.port);
        Self::to(&candidates, until, deadline).map_err(|source| TransportError::Connect { place: place(), source })
    }

    /// Connects to the first of `candidates` that answers; each has its share of the time.
    pub(super) fn to(candidates: &[SocketAddr], until: Instant, deadline: &Deadline) -> io::Result<Self> {
        let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for (tried, candidate) in candidates.iter().enumerate() {
            let waiting = u32::try_from(candidates.len() - tried).unwrap_or(u32::MAX);
            let share = until.saturating_duration_since(Instant::now()) / waiting;
            if share.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match TcpStream::connect_timeout(candidate, share) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(Self { stream, deadline: deadline.clone() });
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Tells whether a connection that is at rest can be used again: it is open, and nothing came that nobody asked
    /// for.
    pub(super) fn is_quiet(&self) -> bool {
        let quiet = |stream: &TcpStream| matches!(stream.peek(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        self.stream.set_nonblocking(true).is_ok() && quiet(&self.stream) && self.stream.set_nonblocking(false).is_ok()
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

/// Returns when a server has to be reached that is looked for from now on.
pub(super) fn until(limit: Duration, deadline: &Deadline) -> io::Result<Instant> {
    Ok(Instant::now() + deadline.left()?.min(limit))
}

/// Returns the server's addresses. The resolver has time limits of its own, which add up: it is waited for until
/// `until`.
pub(super) fn candidates(server: &Server, address: Option<Address>, until: Instant) -> io::Result<Vec<SocketAddr>> {
    if let Some(address) = address {
        return Ok(vec![address.or_port(server.port)]);
    }
    if let Ok(ip) = server.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, server.port)]);
    }
    let (sender, receiver) = mpsc::channel();
    let question = (server.host.clone(), server.port);
    // The receiver is gone only when the answer comes too late.
    let ask = move || drop(sender.send(question.to_socket_addrs().map(Iterator::collect)));
    std::thread::Builder::new().spawn(ask)?;
    let left = until.saturating_duration_since(Instant::now());
    receiver.recv_timeout(left).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
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
