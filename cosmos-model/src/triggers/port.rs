//! A port that a service of a layer wants on this host.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::net::IpAddr;

/// A port that a service listens at, by TCP, UDP or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedPort {
    /// The service.
    pub service: String,
    /// The port's number.
    pub number: u16,
    /// Its addresses; none means all of the host's.
    pub addresses: Vec<IpAddr>,
}

impl WantedPort {
    /// Tells whether a socket at `address` and `number` is in the way of this one.
    #[must_use]
    pub fn meets(&self, address: IpAddr, number: u16) -> bool {
        self.number == number && (self.addresses.is_empty() || self.addresses.iter().any(|own| overlap(*own, address)))
    }

    /// Returns, in words, a place at which both would listen.
    pub(crate) fn shared_with(&self, other: &Self) -> Option<String> {
        let word = |address: IpAddr| format!("port {} at {address}", self.number);
        let everywhere = || format!("port {}", self.number);
        if self.number != other.number {
            return None;
        }
        match (self.addresses.as_slice(), other.addresses.as_slice()) {
            ([], []) => Some(everywhere()),
            ([], [first, ..]) | ([first, ..], []) => Some(word(*first)),
            (own, others) => {
                let met = |address: &&IpAddr| others.iter().any(|one| overlap(*one, **address));
                own.iter().find(met).copied().map(word)
            }
        }
    }
}

/// Tells whether two sockets cannot have these addresses at one port: the same, or one that means all of its family.
fn overlap(one: IpAddr, other: IpAddr) -> bool {
    let all = |any: IpAddr, other: IpAddr| any.is_unspecified() && (any.is_ipv6() || other.is_ipv4());
    one == other || all(one, other) || all(other, one)
}

/// Reads the addresses of a list that a template's expression gave, one text each.
pub(crate) fn addresses<'t>(texts: impl Iterator<Item = &'t str>) -> Result<Vec<IpAddr>, String> {
    let read = |text: &str| {
        let address = text.split('/').next().unwrap_or_default();
        address.parse().map_err(|_| text.to_string())
    };
    texts.map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(number: u16, addresses: &[&str]) -> WantedPort {
        let addresses = super::addresses(addresses.iter().copied()).expect("addresses");
        WantedPort { service: "one".into(), number, addresses }
    }

    #[test]
    fn two_ports_meet_where_number_and_address_do() {
        let shared = |one: &WantedPort, other: &WantedPort| one.shared_with(other);
        assert_eq!(
            shared(&port(53, &["192.0.2.1/24"]), &port(53, &["192.0.2.1"])),
            Some("port 53 at 192.0.2.1".into())
        );
        assert_eq!(shared(&port(53, &["192.0.2.1"]), &port(53, &["192.0.2.2"])), None);
        assert_eq!(shared(&port(53, &["192.0.2.1"]), &port(54, &["192.0.2.1"])), None);
        assert_eq!(shared(&port(53, &[]), &port(53, &["::1"])), Some("port 53 at ::1".into()));
        assert_eq!(shared(&port(53, &[]), &port(53, &[])), Some("port 53".into()));
    }

    #[test]
    fn a_socket_for_all_addresses_meets_each_of_its_family() {
        let own = port(53, &["192.0.2.1"]);
        assert!(own.meets("0.0.0.0".parse().expect("all"), 53));
        assert!(own.meets("::".parse().expect("all, of both families"), 53));
        assert!(!port(53, &["::1"]).meets("0.0.0.0".parse().expect("all"), 53));
        assert!(!own.meets("127.0.0.53".parse().expect("another"), 53));
        assert!(port(53, &[]).meets("127.0.0.53".parse().expect("any"), 53));
    }
}
