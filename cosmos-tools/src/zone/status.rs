//! `zone-status`: the keys of each zone, what they wait for, and whether the parent vouches for the zone.

use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;

use super::error::ZoneError;
use super::key::Key;
use super::look::{Parent, Served, everywhere, is_bogus, parents, served};
use super::signed;
use crate::cli::ZoneStatusOptions;

/// The exit status when a zone needs somebody.
const WANTING: u8 = 6;

/// Prints a few lines for each zone.
///
/// # Errors
/// Returns a [`ZoneError`] when the list cannot be read or the signer not be asked.
pub fn run(options: &ZoneStatusOptions) -> Result<ExitCode, ZoneError> {
    let mut wanting = false;
    for (zone, own) in signed::zones(&options.zone)? {
        let served = served(&options.zone.drill, &zone);
        let parents = parents(&options.zone.drill, &zone);
        let lines = [key_lines(&own), signature_lines(served.as_ref(), Timestamp::now(), options.warn_within)];
        let parent = parent_lines(&own, parents.as_deref(), served.as_ref().ok());
        println!("{}", zone.name);
        for Line { text, wants } in lines.into_iter().flatten().chain(parent) {
            println!("    {text}");
            wanting |= wants;
        }
    }
    Ok(if wanting { ExitCode::from(WANTING) } else { ExitCode::SUCCESS })
}

/// A line, and whether it asks for somebody.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    text: String,
    wants: bool,
}

impl Line {
    const fn good(text: String) -> Self {
        Self { text, wants: false }
    }

    const fn bad(text: String) -> Self {
        Self { text, wants: true }
    }
}

fn key_lines(keys: &[Key]) -> Vec<Line> {
    if keys.is_empty() {
        return vec![Line::bad("no key yet".to_owned())];
    }
    let word = |key: &Key| match key.next.strip_prefix("waiting for ") {
        Some(what) => format!("waits for {what}"),
        None => format!("next change {}", key.next),
    };
    keys.iter().map(|key| Line::good(format!("key {} {}: {}, {}", key.tag, key.kind, key.state, word(key)))).collect()
}

fn signature_lines(served: Result<&Served, &String>, now: Timestamp, warn_within: Duration) -> Vec<Line> {
    let line = match served {
        Err(reason) => Line::bad(format!("the name server cannot be asked: {reason}")),
        Ok(Served { until: None, .. }) => Line::bad("not signed yet".to_owned()),
        Ok(Served { until: Some(until), .. }) => match until.duration_since(now) {
            left if left.is_negative() => Line::bad(format!("SIGNATURES ENDED {until}")),
            left if left.unsigned_abs() < warn_within => Line::bad(format!("signatures end SOON, {until}")),
            _ => Line::good(format!("signatures end {until}")),
        },
    };
    vec![line]
}

fn parent_lines(keys: &[Key], parents: Result<&[Parent], &String>, served: Option<&Served>) -> Vec<Line> {
    let parents = match parents {
        Err(reason) => return vec![Line::bad(format!("the parent cannot be asked: {reason}"))],
        Ok(parents) => parents,
    };
    let mut lines = Vec::new();
    for parent in parents {
        lines.push(match &parent.ds {
            Err(reason) => Line::bad(format!("parent {}: no answer, {reason}", parent.server)),
            Ok(found) if found.is_empty() => {
                Line::bad(format!("parent {}: no DS in parent: zone still insecure", parent.server))
            }
            Ok(found) => {
                let tags: Vec<String> = found.iter().map(|ds| ds.tag.to_string()).collect();
                Line::good(format!("parent {}: DS of key {}", parent.server, tags.join(", ")))
            }
        });
    }
    let Some(served) = served else { return lines };
    if is_bogus(parents, served) {
        let text = "the parent vouches for keys that the zone has not: RESOLVERS REFUSE THE ZONE";
        lines.push(Line::bad(text.to_owned()));
    }
    let wanted = |tag: u16| keys.iter().any(|key| key.tag == tag && key.is_to_be_vouched_for());
    let missing = served.ds.iter().filter(|ds| wanted(ds.tag) && !everywhere(parents, ds));
    lines.extend(missing.map(|ds| Line::good(format!("to give to the parent: DS {ds}"))));
    lines
}

#[cfg(test)]
mod tests {
    use super::super::samples::{ds, key};
    use super::*;

    fn texts(lines: Vec<Line>) -> Vec<(String, bool)> {
        lines.into_iter().map(|line| (line.text, line.wants)).collect()
    }

    #[test]
    fn keys_say_what_they_wait_for() {
        let (one, other) = (key(1, "ready", "waiting for ds-seen"), key(2, "active", "2027-02-26 10:21:03"));
        let expected = [
            ("key 1 KSK: ready, waits for ds-seen".to_owned(), false),
            ("key 2 KSK: active, next change 2027-02-26 10:21:03".to_owned(), false),
        ];
        assert_eq!(texts(key_lines(&[one, other])), expected);
        assert_eq!(texts(key_lines(&[])), [("no key yet".to_owned(), true)]);
    }

    #[test]
    fn signatures_that_end_are_told_of_in_time() {
        let now: Timestamp = "2026-01-10T00:00:00Z".parse().unwrap();
        let told = |until: &str| {
            let served = Served { ds: [].into(), until: until.parse().ok() };
            texts(signature_lines(Ok(&served), now, Duration::from_secs(3 * 86_400))).remove(0)
        };
        assert_eq!(told("2026-01-20T00:00:00Z"), ("signatures end 2026-01-20T00:00:00Z".into(), false));
        assert_eq!(told("2026-01-12T00:00:00Z"), ("signatures end SOON, 2026-01-12T00:00:00Z".into(), true));
        assert_eq!(told("2026-01-09T00:00:00Z"), ("SIGNATURES ENDED 2026-01-09T00:00:00Z".into(), true));
        assert_eq!(told(""), ("not signed yet".into(), true));
    }

    #[test]
    fn a_zone_is_insecure_until_the_parent_vouches_for_it_and_bogus_when_for_another_key() {
        let ready = key(1, "ready", "waiting for ds-seen");
        let served = Served { ds: [ds(1)].into(), until: None };
        let told = |found: &[u16]| {
            let found = found.iter().copied().map(ds).collect();
            let parents = [Parent { server: "192.0.2.1".into(), ds: Ok(found) }];
            texts(parent_lines(std::slice::from_ref(&ready), Ok(&parents), Some(&served)))
        };
        let give = ("to give to the parent: DS 1 13 2 ab".to_owned(), false);
        let insecure = ("parent 192.0.2.1: no DS in parent: zone still insecure".to_owned(), true);
        assert_eq!(told(&[]), [insecure, give.clone()]);
        assert_eq!(told(&[1]), [("parent 192.0.2.1: DS of key 1".to_owned(), false)]);
        let bogus = "the parent vouches for keys that the zone has not: RESOLVERS REFUSE THE ZONE".to_owned();
        assert_eq!(told(&[2]), [("parent 192.0.2.1: DS of key 2".to_owned(), false), (bogus, true), give]);
    }
}
