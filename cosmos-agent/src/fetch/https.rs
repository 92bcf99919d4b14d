//! https://: one POST for the look, one for the fetch, on one connection; no redirects, no proxy of the environment.

use std::io::{self, BufReader, Write};

use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;
use ureq::http::Response;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Body, BodyReader, Proxy};

use super::Limits;
use super::deadline::Deadline;
use super::pkt_line::{Packet, PacketReader};
use super::prepared::HttpsRemote;
use super::tcp::Address;
use super::transport::{Transport, TransportError, excerpt};
use super::v0::{self, Greeting};
use super::v2;

mod connection;

/// A repository behind a web server that runs git's http-backend or speaks the same.
pub(super) struct Https {
    remote: HttpsRemote,
    address: Option<Address>,
    limits: Limits,
    deadline: Deadline,
    agent: Option<Agent>,
    /// The capabilities of a server that does not speak version 2.
    old: Option<String>,
}

const REQUEST: &str = "application/x-git-upload-pack-request";
const RESULT: &str = "application/x-git-upload-pack-result";
const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";

impl Https {
    pub(super) const fn new(remote: HttpsRemote, address: Option<Address>, limits: Limits, deadline: Deadline) -> Self {
        Self { remote, address, limits, deadline, agent: None, old: None }
    }

    fn agent(&mut self) -> Result<Agent, TransportError> {
        if let Some(agent) = &self.agent {
            return Ok(agent.clone());
        }
        let proxy = self.remote.proxy.as_deref().map(Proxy::new).transpose().map_err(|error| failed(&error))?;
        let tls = TlsConfig::builder().provider(TlsProvider::NativeTls).root_certs(self.roots()?).build();
        let config = Agent::config_builder()
            .https_only(true)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(proxy)
            .tls_config(tls)
            .user_agent(concat!("cosmos/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = connection::agent(config, self.address, self.limits.connect, &self.deadline);
        Ok(self.agent.insert(agent).clone())
    }

    fn roots(&self) -> Result<RootCerts, TransportError> {
        let Some(pem) = &self.remote.roots else { return Ok(RootCerts::PlatformVerifier) };
        let mut certificates = Vec::new();
        for item in ureq::tls::parse_pem(pem) {
            if let ureq::tls::PemItem::Certificate(certificate) = item.map_err(|error| failed(&error))? {
                certificates.push(certificate);
            }
        }
        if certificates.is_empty() {
            return Err(TransportError::Http("the ca-file holds no certificate".to_owned()));
        }
        Ok(RootCerts::from(certificates))
    }

    fn address_of(&self, service: &str) -> String {
        format!("{}/{service}", self.remote.url.trim_end_matches('/'))
    }

    fn post(&mut self, version: Option<&str>, body: &[u8]) -> Result<Answer, TransportError> {
        let request = self.agent()?.post(self.address_of("git-upload-pack"));
        let mut request = request.header("Content-Type", REQUEST).header("Accept", RESULT);
        if let Some(version) = version {
            request = request.header("Git-Protocol", version);
        }
        if let Some(token) = &self.remote.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let response = request.send(body);
        self.answer(response, RESULT)
    }

    fn get_advertisement(&mut self) -> Result<Answer, TransportError> {
        let mut request = self.agent()?.get(self.address_of("info/refs?service=git-upload-pack"));
        if let Some(token) = &self.remote.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let response = request.call();
        self.answer(response, ADVERTISEMENT)
    }

    fn answer(&self, response: Result<Response<Body>, ureq::Error>, kind: &str) -> Result<Answer, TransportError> {
        let response = response.map_err(|error| failed(&error))?;
        let header = |name: &str| response.headers().get(name).map(|value| value.as_bytes().to_vec());
        let status = response.status();
        if status.is_redirection() {
            let target = header("location").unwrap_or_default();
            return Err(TransportError::Redirect(super::url::shown(&String::from_utf8_lossy(&target))));
        }
        if !status.is_success() {
            return Err(TransportError::Status { status: status.as_u16() });
        }
        let found = header("content-type").unwrap_or_default();
        if found != kind.as_bytes() {
            return Err(TransportError::malformed("content type", &found));
        }
        let body = BufReader::with_capacity(1 << 16, response.into_body().into_reader());
        Ok(PacketReader::new(body, self.limits.transfer))
    }

    /// A server without version 2 lists everything it has.
    fn look_v0(&mut self, prefixes: &[Vec<u8>]) -> Result<Vec<RemoteRef>, TransportError> {
        let mut answer = self.get_advertisement()?;
        match answer.read()? {
            Packet::Line(b"# service=git-upload-pack") => {}
            _ => return Err(TransportError::malformed("greeting", b"")),
        }
        if answer.read()? != Packet::Flush {
            return Err(TransportError::malformed("greeting", b""));
        }
        match v0::read_greeting(&mut answer, prefixes, self.limits.refs)? {
            Greeting::V0(advertisement) => {
                self.old = Some(advertisement.capabilities);
                Ok(advertisement.refs)
            }
            Greeting::V2 => Err(TransportError::malformed("greeting", b"version 2")),
        }
    }
}

type Answer = PacketReader<BufReader<BodyReader<'static>>>;

impl Transport for Https {
    fn look(&mut self, prefixes: &[Vec<u8>]) -> Result<Vec<RemoteRef>, TransportError> {
        let looked = self
            .post(Some("version=2"), &v2::ls_refs_request(prefixes))
            .and_then(|mut answer| v2::read_refs(&mut answer, prefixes, self.limits.refs));
        match looked {
            // What a server says that took the request for a version 0 fetch.
            Err(
                TransportError::Malformed { .. }
                | TransportError::Refused(_)
                | TransportError::Status { status: 400 | 415 | 500..=599 },
            ) => self.look_v0(prefixes),
            Err(TransportError::Broken(error)) if error.kind() != io::ErrorKind::TimedOut => self.look_v0(prefixes),
            other => other,
        }
    }

    fn fetch(&mut self, wants: &[ObjectId], haves: &[ObjectId], sink: &mut dyn Write) -> Result<(), TransportError> {
        match self.old.clone() {
            None => {
                let mut answer = self.post(Some("version=2"), &v2::fetch_request(wants, haves))?;
                v2::read_fetch(&mut answer, sink)
            }
            Some(capabilities) => {
                let mut answer = self.post(None, &v0::fetch_request(&capabilities, wants, haves))?;
                v0::read_fetch(&mut answer, sink)
            }
        }
    }
}

fn failed(error: &ureq::Error) -> TransportError {
    match error {
        ureq::Error::Timeout(_) => TransportError::Broken(io::ErrorKind::TimedOut.into()),
        other => TransportError::Http(excerpt(crate::store::chain(other).as_bytes())),
    }
}
