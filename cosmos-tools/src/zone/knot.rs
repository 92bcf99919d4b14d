//! Knot's keys, in the words that OpenDNSSEC has for the same: Knot keeps the times of a key, and no state.

use std::time::Duration;

use jiff::Timestamp;

use super::error::ZoneError;
use super::key::Key;
use super::tool::Tool;
use crate::text::shown;

/// How long `keymgr` has.
const LIMIT: Duration = Duration::from_secs(60);

/// Where a key is in its life from a time on, the last first: a time that has come settles it.
const STATES: [(&str, &str); 9] = [
    ("remove", "dead"),
    ("post-active", "retire"),
    ("revoke", "retire"),
    ("retire", "retire"),
    ("retire-active", "retire"),
    ("active", "active"),
    ("ready", "ready"),
    ("publish", "publish"),
    ("pre-active", "publish"),
];

/// Returns the keys of a zone but for those that are dead; another key takes the place of one that its parent vouches for
/// after its `lifetime`.
///
/// # Errors
/// Returns a [`ZoneError`] when `keymgr` does not list them.
pub fn keys(keymgr: Tool<'_>, zone: &str, lifetime: Option<Duration>) -> Result<Vec<Key>, ZoneError> {
    let answer = keymgr.ask(&["--mono", zone, "list"].map(Into::into), LIMIT)?;
    if answer.status != 0 {
        let said = shown(&format!("{}{}", answer.complaint, answer.output));
        return Err(ZoneError::Keymgr { zone: zone.to_owned(), answer: said });
    }
    let now = Timestamp::now().as_second();
    let keys = answer.output.lines().filter_map(|line| key(zone, line, now, lifetime));
    Ok(keys.filter(|key| key.state != "dead").collect())
}

/// Reads a line of `keymgr ZONE list`: name, tag, kind, algorithm, then the times that were set, in seconds.
pub(crate) fn key(zone: &str, line: &str, now: i64, lifetime: Option<Duration>) -> Option<Key> {
    let mut words = line.split_whitespace();
    let (id, tag, kind, _) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let hex = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let kind = ["KSK", "ZSK", "CSK"].into_iter().find(|known| hex && *known == kind)?;
    let time = |word: &str| {
        let (name, at) = word.split_once('=')?;
        at.parse().ok().filter(|at: &i64| *at > 0).map(|at| (name.to_owned(), at))
    };
    let times: Vec<(String, i64)> = words.filter_map(time).collect();
    let has_come = |name: &str| times.iter().any(|(known, at)| known == name && *at <= now);
    let state = STATES.iter().find(|(name, _)| has_come(name)).map_or("generate", |(_, state)| state);
    let coming = times.iter().map(|(_, at)| *at).filter(|at| *at > now).min();
    let next = match (state, coming.and_then(|at| Timestamp::from_second(at).ok())) {
        (_, Some(at)) => at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        ("ready", None) if kind != "ZSK" => "waiting for ds-seen".to_owned(),
        (_, None) => "by policy".to_owned(),
    };
    let [zone, kind, state, id] = [zone, kind, state, id].map(str::to_owned);
    let key = Key { zone, kind, state, next, id, tag: tag.parse().ok()?, until: None };
    let since = times.iter().find(|(name, _)| name == "active").and_then(|(_, at)| Timestamp::from_second(*at).ok());
    let until = since.zip(lifetime).and_then(|(since, lifetime)| since.checked_add(lifetime).ok());
    Some(Key { until: until.filter(|_| key.is_in_force()), ..key })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "57f72a59605cc0d84eab332a0a0928626014954a";

    /// What is said of a key at second 1,000.
    fn said(rest: &str) -> Option<(String, String, String)> {
        let key = key("ods.example", &format!("{ID} 65047 {rest}"), 1_000, None)?;
        assert_eq!((key.zone.as_str(), key.id.as_str(), key.tag), ("ods.example", ID, 65047));
        Some((key.kind, key.state, key.next))
    }

    fn words(kind: &str, state: &str, next: &str) -> Option<(String, String, String)> {
        Some((kind.into(), state.into(), next.into()))
    }

    #[test]
    fn the_times_of_a_key_are_where_it_is_in_its_life() {
        let ksk = |times: &str| said(&format!("KSK ECDSAP256SHA256 {times}"));
        assert_eq!(ksk("publish=990"), words("KSK", "publish", "by policy"));
        assert_eq!(ksk("publish=990 ready=1000"), words("KSK", "ready", "waiting for ds-seen"));
        // The parent has its record, and resolvers are given time to know that.
        assert_eq!(ksk("publish=990 ready=995 active=1060"), words("KSK", "ready", "1970-01-01 00:17:40"));
        assert_eq!(ksk("publish=900 ready=910 active=990"), words("KSK", "active", "by policy"));
        let retiring = "publish=900 ready=910 active=920 retire-active=999 remove=4600";
        assert_eq!(ksk(retiring), words("KSK", "retire", "1970-01-01 01:16:40"));
        assert_eq!(ksk("publish=900 active=920 retire=950 remove=1000"), words("KSK", "dead", "by policy"));
        assert_eq!(ksk("created=0 publish=0"), words("KSK", "generate", "by policy"));
        let zsk = said("ZSK ECDSAP256SHA256 publish=990 active=1030");
        assert_eq!(zsk, words("ZSK", "publish", "1970-01-01 00:17:10"));
        assert_eq!(said("ZSK RSASHA256 public-only ready=990"), words("ZSK", "ready", "by policy"));
    }

    #[test]
    fn a_key_that_waits_for_its_parent_is_the_same_to_both_signers() {
        let key = key("ods.example", &format!("{ID} 1 KSK X publish=1 ready=2"), 1_000, None).unwrap();
        assert!(key.waits_for_ds() && key.is_to_be_vouched_for());
        let moving = super::key("ods.example", &format!("{ID} 1 KSK X ready=2 active=2000"), 1_000, None).unwrap();
        assert!(!moving.waits_for_ds() && moving.is_to_be_vouched_for());
    }

    #[test]
    fn a_key_in_force_is_followed_by_another_after_its_lifetime() {
        let until = |rest: &str, lifetime| {
            let line = format!("{ID} 1 {rest}");
            super::key("ods.example", &line, 1_000, lifetime).unwrap().until.map(Timestamp::as_second)
        };
        let day = Some(Duration::from_secs(86_400));
        assert_eq!(until("KSK X publish=1 active=900", day), Some(87_300));
        assert_eq!(until("KSK X publish=1 active=900", None), None, "by hand");
        assert_eq!(until("KSK X publish=1 active=900", Some(Duration::MAX)), None);
        assert_eq!(until("KSK X publish=1 ready=9 active=2000", day), None, "not yet");
        assert_eq!(until("ZSK X publish=1 active=900", day), None);
    }

    #[test]
    fn what_is_no_key_is_none() {
        for line in ["", "--all 1 KSK X", "00 70000 KSK X", "00 1 KEY X", "00 1 KSK", "Error: no such zone found"] {
            assert_eq!(key("ods.example", line, 0, None), None, "{line:?}");
        }
    }
}
