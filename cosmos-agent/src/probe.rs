//! The default probe: the host can still be reached by ssh, and can still reach its repository (docs/formats.md §4).

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use cosmos_model::triggers::Ways;

use crate::agent::Agent;
use crate::evidence::Look;
use crate::exit::with_causes;
use crate::listening;

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
    let held = sockets_of_sshd();
    if held.is_empty() {
        return BTreeSet::new();
    }
    listening::sockets(false)
        .into_iter()
        .filter(|socket| held.contains(&socket.inode))
        .map(|one| reached(one.at))
        .collect()
}

/// Returns the numbers of the sockets that processes called sshd hold.
fn sockets_of_sshd() -> BTreeSet<u64> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten().map(|process| process.path());
    let is_sshd = |path: &PathBuf| fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim() == "sshd");
    processes.filter(is_sshd).flat_map(|path| listening::held_by(&path)).collect()
}

/// Returns the address by which this host reaches what listens at `at`.
fn reached(at: SocketAddr) -> SocketAddr {
    let address = match at.ip() {
        IpAddr::V4(any) if any.is_unspecified() => IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::V6(any) if any.is_unspecified() => IpAddr::from(Ipv6Addr::LOCALHOST),
        address => address,
    };
    SocketAddr::new(address, at.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_everywhere_is_reached_at_this_host() {
        let at = |text: &str| text.parse::<SocketAddr>().expect("an address");
        assert_eq!(reached(at("0.0.0.0:22")), at("127.0.0.1:22"));
        assert_eq!(reached(at("[::]:2222")), at("[::1]:2222"));
        assert_eq!(reached(at("192.0.2.1:22")), at("192.0.2.1:22"));
    }
}
