//! What a remote needs, read by the parent before the child exists: the child gets contents, not files.

use std::path::{Path, PathBuf};

use cosmos_model::escape::for_terminal;

use super::tcp::Address;
use super::url::{self, Location, Server};
use super::{FetchError, RemoteSettings};
use crate::store;

/// A remote, ready to be contacted.
pub(super) struct Prepared {
    pub(super) kind: Kind,
    pub(super) address: Option<Address>,
}

/// The kinds of remote with what each needs.
pub(super) enum Kind {
    Git { server: Server, path: String },
    Https(HttpsRemote),
    Ssh(SshRemote),
    Path(PathBuf),
    Bundle { path: PathBuf, store: PathBuf },
}

/// An https remote.
pub(super) struct HttpsRemote {
    pub(super) url: String,
    /// What is connected to: the server, or the proxy.
    pub(super) nearest: Server,
    pub(super) token: Option<String>,
    pub(super) roots: Option<Vec<u8>>,
    pub(super) proxy: Option<String>,
}

/// An ssh remote.
pub(super) struct SshRemote {
    pub(super) user: String,
    pub(super) server: Server,
    pub(super) path: String,
    pub(super) key: String,
    pub(super) known_hosts: String,
    pub(super) known_hosts_file: String,
}

/// Reads what `settings` names.
pub(super) fn prepare(settings: &RemoteSettings, cache: &Path) -> Result<Prepared, FetchError> {
    let remote = url::shown(&settings.url);
    let location =
        Location::parse(&settings.url).map_err(|source| FetchError::Url { remote: remote.clone(), source })?;
    let reader = Reader { remote };
    let address = match &settings.address {
        None => None,
        Some(text) => {
            let wrong = || reader.wrong(format!("'{}' is no address", for_terminal(text.as_bytes())));
            Some(Address::parse(text).ok_or_else(wrong)?)
        }
    };
    if settings.proxy.is_some() && address.is_some() {
        return Err(reader.wrong("proxy and address exclude each other".to_owned()));
    }
    let kind = match location {
        Location::Git { server, path } => Kind::Git { server, path },
        Location::Path(path) => Kind::Path(path),
        Location::Bundle(path) => Kind::Bundle { path, store: cache.join(store::FOLDER) },
        Location::Https { url, server } => Kind::Https(HttpsRemote {
            nearest: match &settings.proxy {
                Some(proxy) => url::proxy(proxy).ok_or_else(|| reader.wrong(format!("'{proxy}' is no proxy")))?,
                None => server,
            },
            url,
            token: settings.token_file.as_deref().map(|path| reader.token(path)).transpose()?,
            roots: settings.ca_file.as_deref().map(|path| reader.bytes(path)).transpose()?,
            proxy: settings.proxy.clone(),
        }),
        Location::Ssh { user, server, path } => {
            let known_hosts = settings.known_hosts.as_deref().ok_or_else(|| reader.lacks("known-hosts"))?;
            let key = settings.ssh_key.as_deref().ok_or_else(|| reader.lacks("ssh-key"))?;
            Kind::Ssh(SshRemote {
                user,
                server,
                path,
                key: reader.text(key)?,
                known_hosts: reader.text(known_hosts)?,
                known_hosts_file: known_hosts.display().to_string(),
            })
        }
    };
    Ok(Prepared { kind, address })
}

struct Reader {
    remote: String,
}

impl Reader {
    fn wrong(&self, reason: String) -> FetchError {
        FetchError::Settings { remote: self.remote.clone(), reason }
    }

    fn lacks(&self, key: &str) -> FetchError {
        self.wrong(format!("ssh needs {key}"))
    }

    fn bytes(&self, path: &Path) -> Result<Vec<u8>, FetchError> {
        std::fs::read(path).map_err(|error| self.wrong(format!("cannot read '{}': {error}", path.display())))
    }

    fn text(&self, path: &Path) -> Result<String, FetchError> {
        String::from_utf8(self.bytes(path)?).map_err(|_| self.wrong(format!("'{}' is not text", path.display())))
    }

    /// A token is one word; an empty file must not mean "without a token" (T17).
    fn token(&self, path: &Path) -> Result<String, FetchError> {
        let text = self.text(path)?;
        let token = text.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(self.wrong(format!("'{}' holds no token", path.display())));
        }
        Ok(token.to_owned())
    }
}
