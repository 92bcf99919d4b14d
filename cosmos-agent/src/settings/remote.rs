//! `[[remote]]`: which addresses are followed, and what each kind of them needs (F3).

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use cosmos_model::escape::for_terminal;

use crate::fetch::RemoteSettings;

use super::document::Section;
use super::mistake::{Located, Mistakes};

/// How a remote is reached, as far as settings care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Https,
    Ssh,
    Git,
    Local,
}

/// What every refused URL is answered with.
const URL_HINT: &str = "https://, ssh://, user@host:path, git://, file:///path, bundle:/path or /path";

/// Reads one table.
pub(super) fn read(mut section: Section<'_>, mistakes: &mut Mistakes) -> Option<RemoteSettings> {
    let url = section.take_text("url", mistakes);
    let ssh_key = path(&mut section, "ssh-key", mistakes);
    let known_hosts = path(&mut section, "known-hosts", mistakes);
    let token_file = path(&mut section, "token-file", mistakes);
    let ca_file = path(&mut section, "ca-file", mistakes);
    let proxy = section.take_text("proxy", mistakes);
    let proxy = proxy.and_then(|proxy| checked(proxy, is_proxy, "write http://host:port", mistakes));
    let address = section.take_text("address", mistakes);
    let address = address.and_then(|given| checked(given, is_address, "write IP, IP:port or [IPv6]:port", mistakes));
    let place = section.place_of("url");
    let given = RemoteSettings { url: String::new(), ssh_key, known_hosts, token_file, ca_file, proxy, address };
    match url.as_ref().map(|url| (url, transport_of(&url.value))) {
        Some((_, Ok(transport))) => check_keys(&section, transport, &given, mistakes),
        Some((url, Err(what))) => mistakes.add(&url.place, what, URL_HINT),
        None => mistakes.add(&place, "missing", URL_HINT),
    }
    section.finish(mistakes);
    Some(RemoteSettings { url: url?.value, ..given })
}

/// Reports keys that `transport` does not use, and ssh's when they are missing.
fn check_keys(section: &Section<'_>, transport: Transport, given: &RemoteSettings, mistakes: &mut Mistakes) {
    const SSH: &[Transport] = &[Transport::Ssh];
    const HTTPS: &[Transport] = &[Transport::Https];
    const NETWORK: &[Transport] = &[Transport::Https, Transport::Ssh, Transport::Git];
    let keys = [
        ("ssh-key", given.ssh_key.is_some(), SSH),
        ("known-hosts", given.known_hosts.is_some(), SSH),
        ("token-file", given.token_file.is_some(), HTTPS),
        ("ca-file", given.ca_file.is_some(), HTTPS),
        ("proxy", given.proxy.is_some(), HTTPS),
        ("address", given.address.is_some(), NETWORK),
    ];
    for (key, is_given, transports) in keys {
        let place = section.place_of(key);
        if is_given && !transports.contains(&transport) {
            mistakes.add(&place, "has no meaning for this url", "remove it, or change the url");
        } else if !is_given && transports == SSH && transport == Transport::Ssh {
            mistakes.add(&place, "missing", "ssh needs both ssh-key and known-hosts");
        }
    }
}

fn path(section: &mut Section<'_>, key: &'static str, mistakes: &mut Mistakes) -> Option<PathBuf> {
    let text = section.take_text(key, mistakes)?;
    let absolute = |text: &str| text.starts_with('/') && !text.contains('\0');
    checked(text, absolute, "write an absolute path", mistakes).map(PathBuf::from)
}

fn checked(
    text: Located<String>,
    is_sound: impl Fn(&str) -> bool,
    hint: &str,
    mistakes: &mut Mistakes,
) -> Option<String> {
    if is_sound(&text.value) {
        return Some(text.value);
    }
    mistakes.add(&text.place, format!("'{}' is not one", for_terminal(text.value.as_bytes())), hint);
    None
}

/// Tells how `url` is reached, or why it is refused. Nothing of a URL that may hold a password is repeated.
fn transport_of(url: &str) -> Result<Transport, &'static str> {
    if url.starts_with('-') || url.contains(|character: char| character.is_control() || character == ' ') {
        return Err("this is no url");
    }
    if url.starts_with('/') {
        return Ok(Transport::Local);
    }
    if let Some((scheme, rest)) = url.split_once("://") {
        return transport_of_scheme(scheme, rest);
    }
    if let Some(path) = url.strip_prefix("bundle:") {
        return if path.starts_with('/') { Ok(Transport::Local) } else { Err("a bundle's path is absolute") };
    }
    // `ext::command` and its like would run a program (A43).
    match url.split_once(':') {
        Some((host, path)) if !path.is_empty() && !path.starts_with([':', '-']) && is_ssh_host(host) => {
            Ok(Transport::Ssh)
        }
        _ => Err("this kind of remote is not followed"),
    }
}

fn transport_of_scheme(scheme: &str, rest: &str) -> Result<Transport, &'static str> {
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let has_host = !authority.is_empty() && !authority.starts_with('-') && path.len() > 1;
    match scheme {
        "file" if authority.is_empty() && path.len() > 1 => Ok(Transport::Local),
        "https" | "git" if authority.contains('@') => Err("credentials do not belong in a url: use token-file"),
        "https" if has_host => Ok(Transport::Https),
        "git" if has_host => Ok(Transport::Git),
        "ssh" if authority.split_once('@').is_some_and(|(user, _)| user.contains(':')) => {
            Err("a password does not belong in a url: use ssh-key")
        }
        "ssh" if has_host && !authority.contains("@-") => Ok(Transport::Ssh),
        "https" | "git" | "ssh" | "file" => Err("the url lacks a host or a path"),
        "http" => Err("http:// is not followed: neither the server nor the listing is protected"),
        _ => Err("this kind of remote is not followed"),
    }
}

/// Checks the part of `user@host:path` before the colon.
fn is_ssh_host(text: &str) -> bool {
    let host = text.split_once('@').map_or(text, |(_, host)| host);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !host.is_empty() && !host.starts_with('-') && host.bytes().all(plain) && !text.starts_with('@')
}

fn is_proxy(text: &str) -> bool {
    let Some((host, port)) = text.strip_prefix("http://").and_then(|rest| rest.trim_end_matches('/').rsplit_once(':'))
    else {
        return false;
    };
    !host.is_empty() && !host.contains(['@', '/', ' ']) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || text.parse::<SocketAddr>().is_ok()
}
