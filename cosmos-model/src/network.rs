//! Addresses and networks, compared as numbers.

use alloc::format;
use alloc::string::{String, ToString as _};
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address and how many of its bits name its network; all of them for a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    length: u8,
}

/// Text that is neither an address nor one with a length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an address or network")]
pub struct InvalidNetwork(pub String);

impl core::str::FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidNetwork(crate::escape::for_terminal(text.as_bytes()));
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let bits = bits_of(&address);
        let length = match length {
            None => bits,
            Some(digits) if digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|length| *length <= bits).ok_or_else(invalid)?
            }
            Some(_) => return Err(invalid()),
        };
        Ok(Self { address, length })
    }
}

impl Network {
    /// Returns the address as written.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// Returns how many bits name the network.
    #[must_use]
    pub const fn length(&self) -> u8 {
        self.length
    }

    /// Tells whether this is IPv4.
    #[must_use]
    pub const fn is_v4(&self) -> bool {
        self.address.is_ipv4()
    }

    /// Returns the first address.
    #[must_use]
    pub fn first(&self) -> IpAddr {
        from_number(number(&self.address) & !self.host_bits(), self.is_v4())
    }

    /// Returns the last address.
    #[must_use]
    pub fn last(&self) -> IpAddr {
        from_number(number(&self.address) | self.host_bits(), self.is_v4())
    }

    /// Returns the mask of the network as an address.
    #[must_use]
    pub fn mask(&self) -> IpAddr {
        let all = if self.is_v4() { u128::from(u32::MAX) } else { u128::MAX };
        from_number(all & !self.host_bits(), self.is_v4())
    }

    /// Tells whether every address of `self` is one of `other`.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.is_v4() == other.is_v4()
            && number(&other.first()) <= number(&self.first())
            && number(&self.last()) <= number(&other.last())
    }

    fn host_bits(&self) -> u128 {
        let bits = u32::from(bits_of(&self.address) - self.length);
        1_u128.checked_shl(bits).map_or(u128::MAX, |one| one - 1)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

/// Tells whether two spans of addresses, each with its first and last, share one.
#[must_use]
pub fn share(one: (IpAddr, IpAddr), other: (IpAddr, IpAddr)) -> bool {
    one.0.is_ipv4() == other.0.is_ipv4() && number(&one.0) <= number(&other.1) && number(&other.0) <= number(&one.1)
}

/// Tells whether two addresses of one family are in this order.
#[must_use]
pub fn is_at_or_before(one: &IpAddr, other: &IpAddr) -> bool {
    one.is_ipv4() == other.is_ipv4() && number(one) <= number(other)
}

/// Returns the name under which the address is looked up backwards.
#[must_use]
pub fn reverse(address: &IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let mut name = String::with_capacity(72);
            for byte in address.octets().iter().rev() {
                name.push_str(&format!("{:x}.{:x}.", byte & 15, byte >> 4));
            }
            name + "ip6.arpa"
        }
    }
}

const fn bits_of(address: &IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: &IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(*address)),
        IpAddr::V6(address) => u128::from(*address),
    }
}

fn from_number(number: u128, is_v4: bool) -> IpAddr {
    match u32::try_from(number) {
        Ok(number) if is_v4 => IpAddr::V4(Ipv4Addr::from(number)),
        _ => IpAddr::V6(Ipv6Addr::from(number)),
    }
}

/// Returns the text of an address, as templates have it.
#[must_use]
pub fn shown(address: IpAddr) -> String {
    address.to_string()
}
