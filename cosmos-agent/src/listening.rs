//! Who listens on this host: the kernel's tables of sockets, and the processes that hold them.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use cosmos_model::triggers::WantedPort;

/// The kernel's tables, each with the state of a socket that waits for others.
const TABLES: [(&str, &str); 4] =
    [("/proc/net/tcp", "0A"), ("/proc/net/tcp6", "0A"), ("/proc/net/udp", "07"), ("/proc/net/udp6", "07")];

/// A socket that waits for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Socket {
    /// Where.
    pub at: SocketAddr,
    /// The number by which processes hold it.
    pub inode: u64,
}

/// Returns the sockets that wait for others, by TCP and, where `udp` is set, by UDP.
#[must_use]
pub fn sockets(udp: bool) -> Vec<Socket> {
    let wanted = TABLES.iter().filter(|(table, _)| udp || table.contains("tcp"));
    let read = |(table, state): &(&str, &'static str)| (fs::read_to_string(table).unwrap_or_default(), *state);
    let tables: Vec<(String, &str)> = wanted.map(read).collect();
    tables.iter().flat_map(|(text, state)| text.lines().skip(1).filter_map(|line| socket(line, state))).collect()
}

/// Returns the numbers of the sockets that a process holds; `process` is its folder in `/proc`.
pub fn held_by(process: &Path) -> BTreeSet<u64> {
    let files = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    files.filter_map(|file| number(&file.path())).collect()
}

/// Returns where `port` is taken by something else than the services `own`, and by what.
///
/// Sockets that systemd holds for others count for nobody: what it starts for them is not known here.
#[must_use]
pub fn taken(port: &WantedPort, own: &BTreeSet<&str>) -> Option<(SocketAddr, String)> {
    let met: Vec<Socket> =
        sockets(true).into_iter().filter(|socket| port.meets(socket.at.ip(), socket.at.port())).collect();
    if met.is_empty() {
        return None;
    }
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let path = process.path();
        let number = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        if number.is_none_or(|number| number == 1) {
            continue;
        }
        let held = held_by(&path);
        let Some(socket) = met.iter().find(|socket| held.contains(&socket.inode)) else { continue };
        let name = name(&path);
        if !own.contains(name.strip_suffix(".service").unwrap_or(&name)) {
            return Some((socket.at, name));
        }
    }
    None
}

/// Returns the unit that a process belongs to, else its own name.
fn name(process: &Path) -> String {
    let groups = fs::read_to_string(process.join("cgroup")).unwrap_or_default();
    let unit = groups.lines().filter_map(unit).next();
    unit.unwrap_or_else(|| fs::read_to_string(process.join("comm")).unwrap_or_default().trim().to_owned())
}

/// Reads a line of a process's control groups.
fn unit(line: &str) -> Option<String> {
    line.rsplit('/').find(|part| part.ends_with(".service")).map(str::to_owned)
}

fn number(descriptor: &Path) -> Option<u64> {
    let target = fs::read_link(descriptor).ok()?;
    target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// Reads a line of one of the kernel's tables: `N: ADDRESS:PORT … STATE … INODE`.
fn socket(line: &str, state: &str) -> Option<Socket> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let inode = words.get(9)?.parse().ok()?;
    if *words.get(3)? != state {
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
    Some(Socket { at: SocketAddr::new(address, port), inode })
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    const LINE: &str =
        "   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0";

    #[test]
    fn a_listener_is_read_from_the_kernels_table() {
        let at = |text: &str| text.parse().expect("an address");
        assert_eq!(socket(LINE, "0A"), Some(Socket { at: at("0.0.0.0:22"), inode: 4711 }));
        let zeros = "0".repeat(32);
        let v6 = format!("   1: {zeros}:08AE {zeros}:0000 0A 0:0 00:0 0 0 0 4711 1 0");
        assert_eq!(socket(&v6, "0A"), Some(Socket { at: at("[::]:2222"), inode: 4711 }));
        assert_eq!(socket(&LINE.replace(" 0A ", " 01 "), "0A"), None, "a connection");
        assert_eq!(socket("", "0A"), None);
    }

    #[test]
    fn a_port_is_taken_by_whoever_listens_there() {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
        for at in [tcp.local_addr().expect("its address"), udp.local_addr().expect("its address")] {
            let mut port = WantedPort { service: "x".into(), number: at.port(), addresses: vec![at.ip()] };
            let (found, name) = taken(&port, &BTreeSet::new()).expect("this test listens there");
            assert_eq!(found, at);
            let own = BTreeSet::from([name.strip_suffix(".service").unwrap_or(&name)]);
            assert_eq!(taken(&port, &own), None, "its own service");
            port.addresses = vec!["127.0.0.9".parse().expect("an address")];
            assert_eq!(taken(&port, &BTreeSet::new()), None, "another address");
        }
    }

    #[test]
    fn a_process_belongs_to_its_service() {
        assert_eq!(unit("0::/system.slice/dnsmasq.service"), Some("dnsmasq.service".into()));
        assert_eq!(unit("0::/user.slice/user-0.slice/session-1.scope"), None);
    }
}
