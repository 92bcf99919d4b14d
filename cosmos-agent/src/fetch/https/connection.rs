//! How https reaches its server: our own sockets below the library's TLS, with their deadline and prompt answers to
//! packets.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, Either, LazyBuffers, NativeTlsConnector, NextTimeout,
    Transport,
};
use ureq::{Agent, Error, Timeout};

use crate::fetch::deadline::Deadline;
use crate::fetch::tcp::{self, Address, Tcp};
use crate::fetch::url::Server;

/// Makes an agent that finds and reaches its server within `limit`, and reads and writes before the deadline.
pub(super) fn agent(
    config: ureq::config::Config,
    address: Option<Address>,
    limit: Duration,
    deadline: &Deadline,
) -> Agent {
    let reach = Reach { address, limit, deadline: deadline.clone(), until: Arc::default() };
    let sockets = Sockets(reach.clone());
    let connector = ConnectProxyConnector::default().chain(sockets).chain(NativeTlsConnector::default());
    Agent::with_parts(config, connector, reach)
}

/// How many addresses of a server are tried; the library keeps no more.
const MOST: usize = 16;

/// Finds the server; what that took is taken from the time for connecting.
#[derive(Debug, Clone)]
struct Reach {
    address: Option<Address>,
    limit: Duration,
    deadline: Deadline,
    /// When the server now looked for has to be reached.
    until: Arc<Mutex<Option<Instant>>>,
}

impl Resolver for Reach {
    fn resolve(&self, uri: &Uri, _: &ureq::config::Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let usual = if uri.scheme_str() == Some("http") { 80 } else { 443 };
        let server = Server { host: host.to_owned(), port: uri.port_u16().unwrap_or(usual) };
        let until = tcp::until(self.limit, &self.deadline).map_err(failed)?;
        *self.until.lock().expect("nothing panics while it is held") = Some(until);
        let mut addresses = self.empty();
        let found = tcp::candidates(&server, self.address, until)?;
        found.into_iter().take(MOST).for_each(|address: SocketAddr| addresses.push(address));
        Ok(addresses)
    }
}

/// Opens the sockets that TLS, or the request to a proxy, goes over.
#[derive(Debug)]
struct Sockets(Reach);

impl<In: Transport> Connector<In> for Sockets {
    type Out = Either<In, Socket>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        if let Some(through_proxy) = chained {
            return Ok(Some(Either::A(through_proxy)));
        }
        let Reach { until, deadline, .. } = &self.0;
        let until = until.lock().expect("nothing panics while it is held").unwrap_or_else(Instant::now);
        // That it was not reached in time is its own failure, not that of the whole look.
        let tcp = Tcp::to(&details.addrs, until, deadline).map_err(Error::Io)?;
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(Either::B(Socket { tcp, buffers })))
    }
}

/// A connection whose time limits are its own: the deadline of the whole remote.
#[derive(Debug)]
struct Socket {
    tcp: Tcp,
    buffers: LazyBuffers,
}

impl Transport for Socket {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
        self.tcp.write_all(&self.buffers.output()[..amount]).map_err(failed)
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
        let amount = self.tcp.read(self.buffers.input_append_buf()).map_err(failed)?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.tcp.is_quiet()
    }
}

fn failed(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Error::Timeout(Timeout::PerRead),
        _ => Error::Io(error),
    }
}
