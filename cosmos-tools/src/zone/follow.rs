//! `zone-follow`: what the parent should have is written down, and the enforcer hears of what the parent has.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use super::error::ZoneError;
use super::key::{Key, tell};
use super::list::Zone;
use super::look::{Parent, Served, everywhere, nowhere, parents, served};
use super::signed;
use super::signer::Signer;
use crate::cli::FollowOptions;

/// Looks at each zone once; says what changed, and nothing otherwise.
///
/// # Errors
/// Returns a [`ZoneError`] when the list cannot be read, the signer not be asked, or a file not be written.
pub fn run(options: &FollowOptions) -> Result<ExitCode, ZoneError> {
    for (zone, keys) in signed::zones(&options.zone)? {
        follow(options, &zone, &keys)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn follow(options: &FollowOptions, zone: &Zone, keys: &[Key]) -> Result<(), ZoneError> {
    // A name server that is not up yet is asked again the next time.
    let Ok(served) = served(&options.zone.drill, zone) else { return Ok(()) };
    publish(&options.ds_folder, zone, keys, &served)?;
    // Knot asks the parents itself.
    let tells = options.tell && options.zone.signer() == Signer::Opendnssec;
    if !tells || !keys.iter().any(|key| key.waits_for_ds() || key.waits_for_no_ds()) {
        return Ok(());
    }
    let parents = parents(&options.zone.drill, zone).unwrap_or_default();
    for key in keys {
        let Some(word) = news(key, &parents, &served) else { continue };
        tell(&options.zone.enforcer, word, key)?;
        println!("{}: {word} for key {}, since the parent says so", zone.name, key.tag);
    }
    Ok(())
}

/// Returns what the enforcer should hear about a key.
fn news(key: &Key, parents: &[Parent], served: &Served) -> Option<&'static str> {
    // A key that the zone does not have cannot be what the parent's record is about.
    let own = || served.ds.iter().find(|ds| ds.tag == key.tag);
    if key.waits_for_ds() && own().is_some_and(|ds| everywhere(parents, ds)) {
        return Some("ds-seen");
    }
    (key.waits_for_no_ds() && nowhere(parents, key.tag)).then_some("ds-gone")
}

/// Writes the DS records that the parent should have: of keys that the zone has, and by SHA-256.
fn publish(folder: &Path, zone: &Zone, keys: &[Key], served: &Served) -> Result<(), ZoneError> {
    let wanted: Vec<u16> = keys.iter().filter(|key| key.is_to_be_vouched_for()).map(|key| key.tag).collect();
    let own = served.ds.iter().filter(|ds| wanted.contains(&ds.tag));
    let text: String = own.map(|ds| format!("{}. IN DS {ds}\n", zone.name)).collect();
    let (file, new) = (folder.join(format!("{}.ds", zone.name)), folder.join(format!(".{}.new", zone.name)));
    if fs::read_to_string(&file).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(&new, &text).map_err(ZoneError::file("write", &new))?;
    fs::rename(&new, &file).map_err(ZoneError::file("write", &file))?;
    println!("{}: the parent should have what is in '{}'", zone.name, file.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::samples::{ds, key};
    use super::*;

    #[test]
    fn the_enforcer_hears_what_the_parent_says_of_keys_that_the_zone_has() {
        let served = Served { ds: [ds(1)].into(), until: None };
        let parents = [Parent { server: "192.0.2.1".into(), ds: Ok([ds(1), ds(2)].into()) }];
        assert_eq!(news(&key(1, "ready", "waiting for ds-seen"), &parents, &served), Some("ds-seen"));
        assert_eq!(news(&key(2, "ready", "waiting for ds-seen"), &parents, &served), None, "not in the zone");
        assert_eq!(news(&key(1, "active", "2026-01-10 00:00:00"), &parents, &served), None);
        assert_eq!(news(&key(3, "retire", "waiting for ds-gone"), &parents, &served), Some("ds-gone"));
        assert_eq!(news(&key(2, "retire", "waiting for ds-gone"), &parents, &served), None);
    }

    #[test]
    fn only_records_of_keys_in_the_zone_are_offered_and_a_file_is_written_once() {
        let place = tempfile::tempdir().unwrap();
        let zone = Zone { name: "example.org".into(), server: "192.0.2.1".parse().unwrap(), parents: Vec::new() };
        let served = Served { ds: [ds(1), ds(2)].into(), until: None };
        let keys = [key(1, "active", ""), key(2, "retire", ""), key(3, "ready", "")];
        publish(place.path(), &zone, &keys, &served).unwrap();
        let file = place.path().join("example.org.ds");
        assert_eq!(fs::read_to_string(&file).unwrap(), "example.org. IN DS 1 13 2 ab\n");
        let written = fs::metadata(&file).unwrap().modified().unwrap();
        publish(place.path(), &zone, &keys, &served).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), written);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }
}
