//! Keys of zones, as OpenDNSSEC's enforcer lists them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::error::ZoneError;
use super::tool::Tool;
use crate::text::shown;

/// How long the enforcer has.
const LIMIT: Duration = Duration::from_secs(60);

/// A key of a zone, in the words of OpenDNSSEC's enforcer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The zone.
    pub zone: String,
    /// `KSK`, `ZSK` or `CSK`.
    pub kind: String,
    /// Where it is in its life.
    pub state: String,
    /// What it waits for, or the time of its next change.
    pub next: String,
    /// Its name on the token.
    pub id: String,
    /// Its tag.
    pub tag: u16,
    /// When another key is to take its place, if that is known.
    pub until: Option<Timestamp>,
}

impl Key {
    /// Tells whether the enforcer waits to hear that the parent has its DS record.
    pub fn waits_for_ds(&self) -> bool {
        self.next == "waiting for ds-seen"
    }

    /// Tells whether the enforcer waits to hear that the parent has its DS record no more.
    pub fn waits_for_no_ds(&self) -> bool {
        self.next == "waiting for ds-gone"
    }

    /// Tells whether the parent vouches for it, and goes on doing so.
    pub fn is_in_force(&self) -> bool {
        self.kind != "ZSK" && self.state == "active"
    }

    /// Tells whether the parent should have its DS record.
    pub fn is_to_be_vouched_for(&self) -> bool {
        self.kind != "ZSK" && matches!(self.state.as_str(), "ready" | "active")
    }
}

/// Returns the keys of all zones.
///
/// # Errors
/// Returns a [`ZoneError`] when the enforcer does not answer.
pub fn keys(enforcer: Tool<'_>) -> Result<Vec<Key>, ZoneError> {
    let text = told(enforcer, &["key", "list", "--verbose", "--parsable"])?;
    let changes = told(enforcer, &["rollover", "list"])?;
    let changes: BTreeMap<_, _> = changes.lines().filter_map(|line| change(line, &TimeZone::system())).collect();
    let until = |key: &Key| changes.get(&key.zone).copied().filter(|_| key.is_in_force());
    Ok(text.lines().filter_map(key).map(|key| Key { until: until(&key), ..key }).collect())
}

/// Tells the enforcer that the parent has a key's DS record, or has it no more: `ds-seen`, `ds-gone`.
///
/// # Errors
/// Returns a [`ZoneError`] when the enforcer does not take it.
pub fn tell(enforcer: Tool<'_>, word: &str, key: &Key) -> Result<(), ZoneError> {
    told(enforcer, &["key", word, "--zone", &key.zone, "--cka_id", &key.id]).map(drop)
}

fn told(enforcer: Tool<'_>, words: &[&str]) -> Result<String, ZoneError> {
    let arguments: Vec<OsString> = words.iter().map(OsString::from).collect();
    let answer = enforcer.ask(&arguments, LIMIT)?;
    if answer.status == 0 {
        return Ok(answer.output);
    }
    let said = shown(&format!("{}{}", answer.complaint, answer.output));
    Err(ZoneError::Enforcer { words: words.join(" "), answer: said })
}

/// Reads a line of the enforcer's list.
pub(crate) fn key(line: &str) -> Option<Key> {
    let words: Vec<&str> = line.split(';').collect();
    let [zone, kind, state, next, _, _, id, _, tag] = words.as_slice() else { return None };
    let hex = id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let tag = tag.trim().parse().ok().filter(|_| hex)?;
    let [kind, state, next] = [kind, state, next].map(|word| shown(word));
    Some(Key { zone: (*zone).to_owned(), kind, state, next, id: (*id).to_owned(), tag, until: None })
}

/// Reads a line of the enforcer's list of changes: the zone, and when it gets another key that its parent vouches for,
/// in the time of this host.
pub(crate) fn change(line: &str, zone: &TimeZone) -> Option<(String, Timestamp)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, "KSK", day, time] = words.as_slice() else { return None };
    let at = DateTime::strptime("%Y-%m-%d %H:%M:%S", format!("{day} {time}")).ok()?;
    Some(((*name).to_owned(), at.to_zoned(zone.clone()).ok()?.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_enforcer_says_when_a_zone_gets_another_key() {
        let line = "ods.example                     KSK      2027-11-28 17:11:22           ";
        let found = change(line, &TimeZone::fixed(jiff::tz::offset(1))).unwrap();
        assert_eq!(found, ("ods.example".into(), "2027-11-28T16:11:22Z".parse().unwrap()));
        for other in [&line.replace("KSK", "ZSK"), "ods.example KSK No rollover", "Keys:"] {
            assert_eq!(change(other, &TimeZone::UTC), None, "{other}");
        }
    }

    #[test]
    fn a_line_of_the_enforcer_is_a_key() {
        let line = "ods.example;KSK;ready;waiting for ds-seen;256;13;c6f95e838922aea7;token;32233";
        let found = key(line).unwrap();
        assert_eq!((found.zone.as_str(), found.id.as_str(), found.tag), ("ods.example", "c6f95e838922aea7", 32233));
        assert!(found.waits_for_ds() && !found.waits_for_no_ds() && found.is_to_be_vouched_for());
        assert_eq!(key(&line.replace("c6f95e838922aea7", "--all")), None);
        assert_eq!(key("Database set to: /var/lib/opendnssec/db/kasp.db"), None);
    }
}
