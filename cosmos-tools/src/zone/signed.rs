//! The zones of a host and their keys, as their signer knows them.

use std::collections::BTreeMap;

use super::error::ZoneError;
use super::key::{self, Key};
use super::knot;
use super::list::{self, Zone};
use super::signer::Signer;
use crate::cli::ZoneOptions;

impl ZoneOptions {
    /// Returns who signs.
    pub fn signer(&self) -> Signer {
        self.signer.unwrap_or_else(Signer::here)
    }
}

/// Returns the zones, each with the keys that are in it, were, or will be.
///
/// # Errors
/// Returns a [`ZoneError`] when the list cannot be read or the signer not be asked.
pub fn zones(options: &ZoneOptions) -> Result<Vec<(Zone, Vec<Key>)>, ZoneError> {
    let signer = options.signer();
    let zones = list::read(options.zones.as_deref().unwrap_or(signer.list()))?;
    match signer {
        Signer::Opendnssec => {
            let mut keys: BTreeMap<String, Vec<Key>> = BTreeMap::new();
            for key in key::keys(options.tool(&options.enforcer))? {
                keys.entry(key.zone.clone()).or_default().push(key);
            }
            let own = |zone: Zone| (keys.remove(&zone.name).unwrap_or_default(), zone);
            Ok(zones.into_iter().map(own).map(|(keys, zone)| (zone, keys)).collect())
        }
        Signer::Knot => {
            let own = |zone: Zone| {
                knot::keys(options.tool(&options.keymgr), &zone.name, options.ksk_lifetime).map(|keys| (zone, keys))
            };
            zones.into_iter().map(own).collect()
        }
    }
}
