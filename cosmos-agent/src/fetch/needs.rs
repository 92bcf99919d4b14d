//! What the child needs to reach its remotes, for the sandbox: files by name, ports by number, and nothing else.

use std::path::{Path, PathBuf};

use super::prepared::{HttpsRemote, Kind, Prepared};
use super::tcp::Address;
use super::url::Server;
use crate::sandbox::{Identity, Needs};

/// What the C library's resolver and its modules read.
const RESOLVER: [&str; 13] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/ld.so.cache",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/run/systemd/resolve",
];

/// Where systems keep the certificates that https rests on without a `ca-file`.
const CERTIFICATES: [&str; 8] = [
    "/etc/ssl/certs",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki",
    "/etc/ca-certificates",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/var/lib/ca-certificates",
];

/// DNS, for answers that do not fit into a datagram.
const DNS: u16 = 53;

/// Returns what `remotes` need beside the folder `scratch`.
pub(super) fn of(remotes: &[(u8, Prepared)], scratch: &Path, identity: Option<Identity>) -> Needs {
    let mut needs = Needs { scratch: Some(scratch.to_owned()), identity, ..Needs::default() };
    for (_, remote) in remotes {
        match &remote.kind {
            Kind::Git { server, .. } => connection(&mut needs, server, remote.address),
            Kind::Ssh(ssh) => connection(&mut needs, &ssh.server, remote.address),
            Kind::Https(https) => secure(&mut needs, https, remote.address),
            Kind::Path(path) => local(&mut needs, [path.clone()]),
            Kind::Bundle { path, store } => local(&mut needs, [path.clone(), store.join("objects")]),
        }
    }
    needs
}

fn local(needs: &mut Needs, paths: impl IntoIterator<Item = PathBuf>) {
    needs.read.extend(paths);
    needs.foreign = true;
}

fn secure(needs: &mut Needs, https: &HttpsRemote, address: Option<Address>) {
    connection(needs, &https.nearest, address);
    if https.roots.is_none() {
        needs.read.extend(CERTIFICATES.map(PathBuf::from));
    }
}

fn connection(needs: &mut Needs, server: &Server, address: Option<Address>) {
    needs.network = true;
    needs.ports.insert(address.map_or(server.port, |address| address.or_port(server.port).port()));
    if address.is_none() && server.host.parse::<std::net::IpAddr>().is_err() {
        needs.ports.insert(DNS);
        needs.read.extend(RESOLVER.map(PathBuf::from));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fetch::RemoteSettings;
    use crate::fetch::prepared::prepare;

    fn needs(remotes: &[RemoteSettings]) -> Needs {
        let prepared = remotes.iter().map(|remote| (0, prepare(remote, Path::new("/cache")).unwrap()));
        of(&prepared.collect::<Vec<_>>(), Path::new("/cache/fetch"), None)
    }

    fn remote(url: &str) -> RemoteSettings {
        RemoteSettings { url: url.to_owned(), ..RemoteSettings::default() }
    }

    #[test]
    fn a_numeric_remote_needs_its_port_and_no_file() {
        let expected = Needs {
            scratch: Some("/cache/fetch".into()),
            network: true,
            ports: BTreeSet::from([9418]),
            ..Needs::default()
        };
        assert_eq!(needs(&[remote("git://[::1]/x")]), expected);
    }

    #[test]
    fn a_named_remote_needs_the_resolver_and_a_proxy_takes_its_place() {
        let named = needs(&[remote("https://git.example.org/x")]);
        assert_eq!((named.ports, named.read.len()), (BTreeSet::from([53, 443]), RESOLVER.len() + CERTIFICATES.len()));
        let proxy = Some("http://[::1]:3128".to_owned());
        let proxied = needs(&[RemoteSettings { proxy, ..remote("https://git.example.org/x") }]);
        assert_eq!((proxied.ports, proxied.read.len()), (BTreeSet::from([3128]), CERTIFICATES.len()));
        let address = Some("192.0.2.1:8443".to_owned());
        let fixed = needs(&[RemoteSettings { address, ..remote("https://git.example.org/x") }]);
        assert_eq!((fixed.ports, fixed.read.len()), (BTreeSet::from([8443]), CERTIFICATES.len()));
    }

    #[test]
    fn local_remotes_need_their_files_whosever_they_are_and_no_network() {
        let local = needs(&[remote("/srv/x.git"), remote("bundle:/media/x.bundle")]);
        let read = ["/srv/x.git", "/media/x.bundle", "/cache/store.git/objects"].map(PathBuf::from).to_vec();
        assert_eq!((local.read, local.foreign, local.network), (read, true, false));
    }
}
