//! Who signs the zones of a host: OpenDNSSEC or Knot.

use std::path::Path;

use clap::ValueEnum;

/// A program that makes keys and signs by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Signer {
    /// OpenDNSSEC, as the module dnssec-signer sets it up.
    Opendnssec,
    /// Knot, as the module dnssec-knot does.
    Knot,
}

impl Signer {
    /// Returns the one that has a list of zones on this host.
    pub fn here() -> Self {
        if Self::Knot.list().exists() { Self::Knot } else { Self::Opendnssec }
    }

    /// Returns the list of zones that its module writes.
    pub fn list(self) -> &'static Path {
        Path::new(match self {
            Self::Opendnssec => "/etc/opendnssec/zones.list",
            Self::Knot => "/etc/knot/zones.list",
        })
    }
}
