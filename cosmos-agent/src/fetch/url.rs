//! The addresses a remote may have (F3); everything else is refused here, before anything is contacted (A43).

use std::path::PathBuf;

use cosmos_model::escape;

/// Where a repository is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// `https://host[:port]/path`.
    Https {
        /// The text as written.
        url: String,
        /// Where it is.
        server: Server,
    },
    /// `ssh://user@host[:port]/path` or `user@host:path`.
    Ssh {
        /// The account.
        user: String,
        /// Where it is.
        server: Server,
        /// The path, as the server's shell will see it.
        path: String,
    },
    /// `git://host[:port]/path`.
    Git {
        /// Where it is.
        server: Server,
        /// The path, with its leading slash.
        path: String,
    },
    /// An absolute path or `file:///path`.
    Path(PathBuf),
    /// `bundle:/path`.
    Bundle(PathBuf),
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Name or address, without the brackets of IPv6.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Why an address is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// A scheme we do not follow.
    #[error("only https://, ssh://, user@host:path, git://, absolute paths, file:// and bundle:/path are followed")]
    Scheme,
    /// A part that a program could take for an option, or a character no address has.
    #[error("its {0} has characters that are refused")]
    Characters(&'static str),
    /// A name or password in the address.
    #[error("credentials do not belong into it; use token-file")]
    Credentials,
    /// A part is missing.
    #[error("it has no {0}")]
    Lacks(&'static str),
    /// The port is no number from 1 to 65535.
    #[error("its port is not a number from 1 to 65535")]
    Port,
}

impl Location {
    /// Reads an address.
    ///
    /// # Errors
    /// Returns [`UrlError`] for anything but the forms of docs/formats.md §2.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(UrlError::Characters("text"));
        }
        if let Some(path) = text.strip_prefix("bundle:") {
            return absolute(path).map(Self::Bundle);
        }
        if let Some(path) = text.strip_prefix("file://").or_else(|| text.starts_with('/').then_some(text)) {
            return absolute(path).map(Self::Path);
        }
        if let Some(rest) = text.strip_prefix("https://") {
            let (authority, _) = split_path(rest)?;
            let (user, server) = server(authority, 443)?;
            return match user {
                Some(_) => Err(UrlError::Credentials),
                None => Ok(Self::Https { url: text.to_owned(), server }),
            };
        }
        if let Some(rest) = text.strip_prefix("git://") {
            let (authority, path) = split_path(rest)?;
            let (user, server) = server(authority, 9418)?;
            return match user {
                Some(_) => Err(UrlError::Credentials),
                None => Ok(Self::Git { server, path: path.to_owned() }),
            };
        }
        if let Some(rest) = text.strip_prefix("ssh://") {
            let (authority, path) = split_path(rest)?;
            return ssh(authority, path);
        }
        scp_like(text)
    }
}

/// Returns an address as it may be shown: without what stands before an `@` or after a `?`, and escaped.
#[must_use]
pub fn shown(text: &str) -> String {
    let text = text.split('?').next().unwrap_or_default();
    let hidden = match text.split_once("://") {
        Some((scheme, rest)) if scheme != "ssh" => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            format!("{scheme}://{}{path}", authority.rsplit('@').next().unwrap_or_default())
        }
        _ => text.to_owned(),
    };
    escape::for_terminal(hidden.as_bytes())
}

/// Reads `http://host:port`, which may end in a slash; a proxy of another kind is none.
#[must_use]
pub fn proxy(text: &str) -> Option<Server> {
    let authority = text.strip_prefix("http://")?;
    let (_, server) = server(authority.strip_suffix('/').unwrap_or(authority), 80).ok()?;
    Some(server)
}

fn absolute(path: &str) -> Result<PathBuf, UrlError> {
    if path.starts_with('/') { Ok(PathBuf::from(path)) } else { Err(UrlError::Lacks("absolute path")) }
}

fn split_path(rest: &str) -> Result<(&str, &str), UrlError> {
    let slash = rest.find('/').ok_or(UrlError::Lacks("path"))?;
    Ok(rest.split_at(slash))
}

/// Splits `[user@]host[:port]`, `[…]` around an IPv6 address.
fn server(authority: &str, default: u16) -> Result<(Option<&str>, Server), UrlError> {
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').ok_or(UrlError::Port)?)),
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'_' | b'%');
    if host.is_empty() {
        return Err(UrlError::Lacks("host"));
    }
    if host.starts_with('-') || !host.bytes().all(sound) {
        return Err(UrlError::Characters("host"));
    }
    let port = match port {
        None => default,
        Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().map_err(|_| UrlError::Port)?,
        Some(_) => return Err(UrlError::Port),
    };
    if port == 0 { Err(UrlError::Port) } else { Ok((user, Server { host: host.to_owned(), port })) }
}

fn ssh(authority: &str, path: &str) -> Result<Location, UrlError> {
    let (user, server) = server(authority, 22)?;
    let user = user.ok_or(UrlError::Lacks("user"))?;
    if user.contains(':') {
        return Err(UrlError::Credentials);
    }
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if user.is_empty() || user.starts_with('-') || !user.bytes().all(sound) {
        return Err(UrlError::Characters("user"));
    }
    if path.is_empty() || path.starts_with('-') || path.contains('\'') {
        return Err(UrlError::Characters("path"));
    }
    Ok(Location::Ssh { user: user.to_owned(), server, path: path.to_owned() })
}

/// `user@host:path`, and nothing that could be a scheme or a transport helper (`ext::…`).
fn scp_like(text: &str) -> Result<Location, UrlError> {
    let (authority, path) = text.split_once(':').ok_or(UrlError::Scheme)?;
    if path.starts_with(':') || path.starts_with("//") || !authority.contains('@') {
        return Err(UrlError::Scheme);
    }
    ssh(authority, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_form_is_read() {
        let server = |host: &str, port| Server { host: host.to_owned(), port };
        let ssh = |host, port, path: &str| Location::Ssh {
            user: "git".to_owned(),
            server: server(host, port),
            path: path.to_owned(),
        };
        let git = |host, port| Location::Git { server: server(host, port), path: "/a/b.git".to_owned() };
        for (text, expected) in [
            ("https://h:8443/x", Location::Https { url: "https://h:8443/x".to_owned(), server: server("h", 8443) }),
            ("git://h.example.org/a/b.git", git("h.example.org", 9418)),
            ("git://[::1]:9501/a/b.git", git("::1", 9501)),
            ("ssh://git@h:2222/srv/x", ssh("h", 2222, "/srv/x")),
            ("git@h:x.git", ssh("h", 22, "x.git")),
            ("/srv/x", Location::Path("/srv/x".into())),
            ("file:///srv/x", Location::Path("/srv/x".into())),
            ("bundle:/srv/x.bundle", Location::Bundle("/srv/x.bundle".into())),
        ] {
            assert_eq!(Location::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a43_other_schemes_helpers_and_option_like_addresses_are_refused() {
        for (text, expected) in [
            ("ext::sh -c id", UrlError::Characters("text")),
            ("ext::sh", UrlError::Scheme),
            ("fd::17", UrlError::Scheme),
            ("a@ext::x", UrlError::Scheme),
            ("http://h/x", UrlError::Scheme),
            ("ftp://u@h/x", UrlError::Scheme),
            ("--upload-pack=id", UrlError::Scheme),
            ("-oProxyCommand=id@h:x", UrlError::Characters("user")),
            ("ssh://-oProxyCommand=id/x", UrlError::Characters("host")),
            ("ssh://git@-h/x", UrlError::Characters("host")),
            ("git@h:-x", UrlError::Characters("path")),
            ("git@h:a'b", UrlError::Characters("path")),
            ("git://h\0/x", UrlError::Characters("text")),
            ("git://-h/x", UrlError::Characters("host")),
            ("git://h:0/x", UrlError::Port),
            ("git://h:+1/x", UrlError::Port),
            ("git://[::1]9418/x", UrlError::Port),
            ("git:///x", UrlError::Lacks("host")),
            ("git://h", UrlError::Lacks("path")),
            ("https://u:secret@h/x", UrlError::Credentials),
            ("file://host/x", UrlError::Lacks("absolute path")),
            ("bundle:x", UrlError::Lacks("absolute path")),
            ("../x", UrlError::Scheme),
            ("", UrlError::Scheme),
        ] {
            assert_eq!(Location::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn credentials_are_not_shown() {
        assert_eq!(shown("https://u:secret@h/x?token=y"), "https://h/x");
        assert_eq!(shown("ssh://git@h/x"), "ssh://git@h/x");
        assert_eq!(shown("git@h:x"), "git@h:x");
    }
}
