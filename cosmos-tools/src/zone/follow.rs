//! `zone-follow`: what the parent should have is written down, and the enforcer hears of what the parent has.

use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;

use super::error::ZoneError;
use super::key::{Key, tell};
use super::list::Zone;
use super::look::{Served, Server, everywhere, nowhere, parents, secondaries, served};
use super::offer::Offer;
use super::signed;
use super::signer::Signer;
use super::verdict::Verdict;
use crate::cli::FollowOptions;
use crate::note::Notes;

/// Looks at each zone once; says what changed, and nothing otherwise.
///
/// # Errors
/// Returns a [`ZoneError`] when the list cannot be read or the signer not be asked; of what goes wrong with single
/// zones the first, when all were looked at.
pub fn run(options: &FollowOptions) -> Result<ExitCode, ZoneError> {
    let zones = signed::zones(&options.zone)?;
    let followed: Vec<_> = zones.iter().map(|(zone, keys)| follow(options, zone, keys)).collect();
    if let Some(prefix) = &options.note {
        let about: Vec<&str> = zones.iter().map(|(zone, _)| zone.name.as_str()).collect();
        let removed = Notes::open(prefix).and_then(|notes| notes.keep_only(&about));
        removed.map_err(ZoneError::file("remove old notes of", prefix))?;
    }
    followed.into_iter().collect::<Result<(), _>>()?;
    Ok(ExitCode::SUCCESS)
}

fn follow(options: &FollowOptions, zone: &Zone, keys: &[Key]) -> Result<(), ZoneError> {
    let (drill, now) = (options.zone.tool(&options.zone.drill), Timestamp::now());
    let (served, parents, secondaries) = (served(drill, zone), parents(drill, zone), secondaries(drill, zone));
    if let Some(prefix) = &options.note {
        let (served, parents) = (served.as_ref(), parents.as_deref());
        let verdict = Verdict { keys, served, secondaries: &secondaries, parents, now };
        leave_note(options, prefix, zone, &verdict)?;
    }
    // A name server that is not up yet is asked again the next time.
    let Ok(served) = served else { return Ok(()) };
    let offer = Offer::of(zone, keys, &served, &secondaries);
    offer.publish(&options.ds_folder)?;
    // Knot asks the parents itself.
    if options.tell && options.zone.signer() == Signer::Opendnssec {
        for key in keys {
            let Some(word) = news(key, parents.as_deref().unwrap_or_default(), &served) else { continue };
            tell(options.zone.tool(&options.zone.enforcer), word, key)?;
            println!("{}: {word} for key {}, since the parent says so", zone.name, key.tag);
        }
    }
    let Some(program) = &options.ds_command else { return Ok(()) };
    offer.hand_over(options.zone.tool(program), &options.ds_folder)
}

/// Tells `cosmos status` of a zone; what somebody should look at keeps the time since when.
fn leave_note(options: &FollowOptions, prefix: &Path, zone: &Zone, verdict: &Verdict<'_>) -> Result<(), ZoneError> {
    let note = verdict.note(&verdict.lines(&options.zone), &options.zone);
    let notes = Notes::open(prefix).map_err(ZoneError::file("open the notes", prefix))?;
    if note.due <= verdict.now && notes.says(&zone.name, &note.text) {
        return Ok(());
    }
    notes.write(&zone.name, &note).map_err(ZoneError::file("write a note about", zone.name.as_ref()))
}

/// Returns what the enforcer should hear about a key.
fn news(key: &Key, parents: &[Server], served: &Served) -> Option<&'static str> {
    // A key that the zone does not have cannot be what the parent's record is about.
    let own = || served.ds.iter().find(|ds| ds.tag == key.tag);
    if key.waits_for_ds() && own().is_some_and(|ds| everywhere(parents, ds)) {
        return Some("ds-seen");
    }
    (key.waits_for_no_ds() && nowhere(parents, key.tag)).then_some("ds-gone")
}

#[cfg(test)]
mod tests {
    use super::super::samples::{ds, key};
    use super::*;

    #[test]
    fn the_enforcer_hears_what_the_parent_says_of_keys_that_the_zone_has() {
        let served = Served { ds: [ds(1)].into(), ..Served::default() };
        let parents = [Server { name: "192.0.2.1".into(), ds: Ok([ds(1), ds(2)].into()) }];
        assert_eq!(news(&key(1, "ready", "waiting for ds-seen"), &parents, &served), Some("ds-seen"));
        assert_eq!(news(&key(2, "ready", "waiting for ds-seen"), &parents, &served), None, "not in the zone");
        assert_eq!(news(&key(1, "active", "2026-01-10 00:00:00"), &parents, &served), None);
        assert_eq!(news(&key(3, "retire", "waiting for ds-gone"), &parents, &served), Some("ds-gone"));
        assert_eq!(news(&key(2, "retire", "waiting for ds-gone"), &parents, &served), None);
    }
}
