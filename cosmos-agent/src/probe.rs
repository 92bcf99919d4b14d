//! The default probe: the host can still be reached by ssh, and can still reach its repository (docs/formats.md §4).

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use cosmos_model::triggers::Ways;

use crate::agent::Agent;
use crate::evidence::Look;
use crate::exit::with_causes;

/// How long sshd may take to say its name.
const BANNER: Duration = Duration::from_secs(10);

/// Returns the ways there are before a change; whether a remote answers is known from the run's own look.
#[must_use]
pub fn ways(remote: bool) -> Ways {
    Ways { ssh: !listeners().is_empty(), remote }
}

/// Tries `ways` again, and says which one is lost.
#[must_use]
pub fn lost(ways: Ways, agent: &Agent) -> Option<String> {
    if ways.ssh && !listeners().into_iter().any(answers) {
        return Some("sshd does not answer on this host any more".to_owned());
    }
    if !ways.remote {
        return None;
    }
    let reasons = match Look::at_remotes(agent) {
        Ok(look) if look.succeeded() => return None,
        Ok(look) => look.end().iter().map(|error| with_causes(error)).collect::<Vec<_>>().join("; "),
        Err(error) => with_causes(&error),
    };
    Some(format!("no remote can be reached any more: {reasons}"))
}

/// Tells whether something at `address` speaks first, as sshd does.
fn answers(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, BANNER) else { return false };
    let mut banner = [0; 4];
    stream.set_read_timeout(Some(BANNER)).is_ok() && stream.read_exact(&mut banner).is_ok() && banner == *b"SSH-"
}

/// Returns where processes called sshd listen, as this host reaches them.
fn listeners() -> BTreeSet<SocketAddr> {
    let sockets = sockets_of_sshd();
    if sockets.is_empty() {
        return BTreeSet::new();
    }
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    tables.iter().flat_map(|table| table.lines().skip(1)).filter_map(|line| listener(line, &sockets)).collect()
}

/// Returns the numbers of the sockets that processes called sshd hold.
fn sockets_of_sshd() -> BTreeSet<u64> {
    let mut sockets = BTreeSet::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let path = process.path();
        if fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim() == "sshd") {
            let files = fs::read_dir(path.join("fd")).into_iter().flatten().flatten();
            sockets.extend(files.filter_map(|file| socket(&file.path())));
        }
    }
    sockets
}

fn socket(descriptor: &Path) -> Option<u64> {
    let target = fs::read_link(descriptor).ok()?;
    target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// Reads a line of the kernel's table of TCP sockets: `N: ADDRESS:PORT … STATE … INODE`.
fn listener(line: &str, sockets: &BTreeSet<u64>) -> Option<SocketAddr> {
    const LISTENS: &str = "0A";
    let words: Vec<&str> = line.split_whitespace().collect();
    let inode = words.get(9)?.parse().ok()?;
    if *words.get(3)? != LISTENS || !sockets.contains(&inode) {
        return None;
    }
    let (address, port) = words.get(1)?.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    // The kernel prints each 32 bits of an address as the number they are on this processor.
    let parts: Option<Vec<u8>> = (0..address.len() / 8)
        .map(|at| u32::from_str_radix(address.get(at * 8..at * 8 + 8)?, 16).ok())
        .try_fold(Vec::new(), |bytes, part| Some([bytes, part?.to_ne_bytes().to_vec()].concat()));
    let parts = parts?;
    let address = match (<[u8; 4]>::try_from(&parts[..]), <[u8; 16]>::try_from(&parts[..])) {
        (Ok(bytes), _) => IpAddr::from(Ipv4Addr::from(bytes)),
        (_, Ok(bytes)) => IpAddr::from(Ipv6Addr::from(bytes)),
        _ => return None,
    };
    let address = match address {
        IpAddr::V4(any) if any.is_unspecified() => IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::V6(any) if any.is_unspecified() => IpAddr::from(Ipv6Addr::LOCALHOST),
        address => address,
    };
    Some(SocketAddr::new(address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_read_from_the_kernels_table_as_this_host_reaches_it() {
        let sockets = BTreeSet::from([4711]);
        let v4 = "   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0";
        assert_eq!(listener(v4, &sockets), Some("127.0.0.1:22".parse().expect("an address")));
        let zeros = "0".repeat(32);
        let v6 = format!("   1: {zeros}:08AE {zeros}:0000 0A 0:0 00:0 0 0 0 4711 1 0");
        assert_eq!(listener(&v6, &sockets), Some("[::1]:2222".parse().expect("an address")));
        assert_eq!(listener(&v4.replace(" 0A ", " 01 "), &sockets), None, "a connection");
        assert_eq!(listener(&v4.replace("4711", "4712"), &sockets), None, "another program's");
        assert_eq!(listener("", &sockets), None);
    }
}
