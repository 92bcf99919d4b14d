//! What there is to say of a zone: line by line for people, in few words for a note.

use std::time::Duration;

use jiff::Timestamp;

use super::key::Key;
use super::look::{Served, Server, everywhere, is_bogus, lacks};
use super::record::Ds;
use crate::cli::ZoneOptions;
use crate::note::Note;

/// What a note says of a zone that needs nobody.
const WELL: &str = "signed, and its parent vouches for it";

/// A line, whether it asks for somebody, and what a note says of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// The line.
    pub text: String,
    /// Whether the zone needs somebody.
    pub wants: bool,
    /// What a note says, which never has words of others.
    pub brief: Option<&'static str>,
}

impl Line {
    const fn good(text: String) -> Self {
        Self { text, wants: false, brief: None }
    }

    const fn bad(brief: &'static str, text: String) -> Self {
        Self { text, wants: true, brief: Some(brief) }
    }
}

/// What is known of a zone at one time.
#[derive(Debug, Clone, Copy)]
pub struct Verdict<'a> {
    /// Its keys.
    pub keys: &'a [Key],
    /// What its name server has.
    pub served: Result<&'a Served, &'a String>,
    /// What those have that take the zone from it.
    pub secondaries: &'a [Server],
    /// What the parent's have.
    pub parents: Result<&'a [Server], &'a String>,
    /// When all of that was so.
    pub now: Timestamp,
}

impl Verdict<'_> {
    /// Returns the lines, in their order.
    pub fn lines(&self, options: &ZoneOptions) -> Vec<Line> {
        let mut lines = self.key_lines(options.notice);
        lines.push(self.signature_line(options.warn_within));
        lines.extend(self.secondaries.iter().filter_map(|server| self.secondary_line(server)));
        lines.extend(self.parent_lines());
        lines
    }

    /// Returns what `cosmos status` is told, made of these lines.
    pub fn note(&self, lines: &[Line], options: &ZoneOptions) -> Note {
        let mut briefs: Vec<&str> = lines.iter().filter_map(|line| line.brief).collect();
        briefs.dedup();
        if briefs.is_empty() {
            let ends = self.served.ok().and_then(|served| served.until?.checked_sub(options.warn_within).ok());
            let changes = self.keys.iter().filter_map(|key| key.until?.checked_sub(options.notice).ok());
            let due = changes.chain(ends).min().unwrap_or(self.now);
            return Note { text: WELL.to_owned(), time: None, due };
        }
        Note { text: briefs.join("; "), time: None, due: self.now }
    }

    fn key_lines(&self, notice: Duration) -> Vec<Line> {
        if self.keys.is_empty() {
            return vec![Line::bad("no key yet", "no key yet".to_owned())];
        }
        let is_waiting = self.keys.iter().any(|key| key.waits_for_ds() || key.waits_for_no_ds());
        let line = |key: &Key| {
            let next = match key.next.strip_prefix("waiting for ") {
                Some(what) => format!("waits for {what}"),
                None => format!("next change {}", key.next),
            };
            let until = key.until.map(|until| format!(", another key from {until} on")).unwrap_or_default();
            let is_soon = |until: Timestamp| until.duration_since(self.now).unsigned_abs() < notice || until < self.now;
            let brief = match key {
                key if key.waits_for_ds() => Some("waits for its parent (ds-seen)"),
                key if key.waits_for_no_ds() => Some("waits for its parent (ds-gone)"),
                key if !is_waiting && key.until.is_some_and(is_soon) => Some("its parent needs another record soon"),
                _ => None,
            };
            Line { brief, ..Line::good(format!("key {} {}: {}, {next}{until}", key.tag, key.kind, key.state)) }
        };
        self.keys.iter().map(line).collect()
    }

    fn signature_line(&self, warn_within: Duration) -> Line {
        match self.served {
            Err(reason) => {
                Line::bad("no answer from its name server", format!("the name server cannot be asked: {reason}"))
            }
            Ok(Served { until: None, .. }) => Line::bad("not signed yet", "not signed yet".to_owned()),
            Ok(Served { until: Some(until), .. }) => match until.duration_since(self.now) {
                left if left.is_negative() => Line::bad("SIGNATURES ENDED", format!("SIGNATURES ENDED {until}")),
                left if left.unsigned_abs() < warn_within => {
                    Line::bad("signatures end soon", format!("signatures end SOON, {until}"))
                }
                _ => Line::good(format!("signatures end {until}")),
            },
        }
    }

    /// Returns what is wrong with a server that takes the zone over: signatures by keys that it has not are no use.
    fn secondary_line(&self, server: &Server) -> Option<Line> {
        let offered = self.served.ok()?.ds.iter().filter(|ds| self.is_wanted(ds));
        match &server.ds {
            // Nobody said that it would answer us.
            Err(reason) => Some(Line::good(format!("server {}: no answer, {reason}", server.name))),
            Ok(_) if offered.into_iter().any(|ds| lacks(server, ds)) => {
                let text = "has not this zone's keys: is its serial number higher, or the transfer refused?";
                Some(Line::bad("a server of it has other keys", format!("server {} {text}", server.name)))
            }
            Ok(_) => None,
        }
    }

    fn is_wanted(&self, ds: &Ds) -> bool {
        self.keys.iter().any(|key| key.tag == ds.tag && key.is_to_be_vouched_for())
    }

    fn parent_lines(&self) -> Vec<Line> {
        const SILENT: &str = "its parent cannot be asked";
        let parents = match self.parents {
            Err(reason) => return vec![Line::bad(SILENT, format!("the parent cannot be asked: {reason}"))],
            Ok(parents) => parents,
        };
        let line = |parent: &Server| match &parent.ds {
            Err(reason) => Line::bad(SILENT, format!("parent {}: no answer, {reason}", parent.name)),
            Ok(found) if found.is_empty() => {
                let text = "no DS in parent: zone still insecure";
                Line::bad(text, format!("parent {}: {text}", parent.name))
            }
            Ok(found) => {
                let tags: Vec<String> = found.iter().map(|ds| ds.tag.to_string()).collect();
                Line::good(format!("parent {}: DS of key {}", parent.name, tags.join(", ")))
            }
        };
        let mut lines: Vec<Line> = parents.iter().map(line).collect();
        let Ok(served) = self.served else { return lines };
        if is_bogus(parents, served) {
            let text = "the parent vouches for keys that the zone has not: RESOLVERS REFUSE THE ZONE";
            lines.push(Line::bad("RESOLVERS REFUSE THE ZONE", text.to_owned()));
        }
        let is_everywhere = |ds: &Ds| !self.secondaries.iter().any(|server| lacks(server, ds));
        let missing = served.ds.iter().filter(|ds| self.is_wanted(ds) && is_everywhere(ds) && !everywhere(parents, ds));
        lines.extend(missing.map(|ds| Line::good(format!("to give to the parent: DS {ds}"))));
        lines
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::samples::{ds, key};
    use super::*;
    use crate::cli::{Cli, Command};

    const NOW: &str = "2026-01-10T00:00:00Z";

    /// What the units say: three days for signatures, two weeks for keys.
    fn options() -> ZoneOptions {
        let words = "cosmos-tools zone-status --warn-within 3d --notice 14d".split(' ');
        let Command::ZoneStatus(options) = Cli::parse_from(words).command else { panic!("it is zone-status") };
        options
    }

    fn served(until: &str) -> Served {
        Served { ds: [ds(1)].into(), until: until.parse().ok(), ..Served::default() }
    }

    /// Lines and note of a zone whose parent has the records of these keys.
    fn told(keys: &[Key], served: &Served, tags: &[u16]) -> (Vec<(String, bool)>, Note) {
        let parents = [Server { name: "192.0.2.1".into(), ds: Ok(tags.iter().copied().map(ds).collect()) }];
        let now = NOW.parse().unwrap();
        let verdict = Verdict { keys, served: Ok(served), secondaries: &[], parents: Ok(&parents), now };
        let lines = verdict.lines(&options());
        let note = verdict.note(&lines, &options());
        (lines.into_iter().map(|line| (line.text, line.wants)).collect(), note)
    }

    fn note(text: &str, due: &str) -> Note {
        Note { text: text.into(), time: None, due: due.parse().unwrap() }
    }

    const FAR: &str = "2026-01-20T00:00:00Z";

    #[test]
    fn keys_say_what_they_wait_for() {
        let keys = [key(1, "ready", "waiting for ds-seen"), key(2, "active", "2027-02-26 10:21:03")];
        let (lines, said) = told(&keys, &served(FAR), &[1]);
        let expected = [
            ("key 1 KSK: ready, waits for ds-seen".to_owned(), false),
            ("key 2 KSK: active, next change 2027-02-26 10:21:03".to_owned(), false),
        ];
        assert_eq!(lines[..2], expected);
        assert_eq!(said, note("waits for its parent (ds-seen)", NOW));
        let (lines, said) = told(&[], &served(FAR), &[1]);
        assert_eq!((&lines[0], said), (&("no key yet".to_owned(), true), note("no key yet", NOW)));
    }

    #[test]
    fn signatures_that_end_are_told_of_in_time() {
        let own = [key(1, "active", "by policy")];
        let told = |until: &str| {
            let (mut lines, note) = told(&own, &served(until), &[1]);
            (lines.remove(1), note)
        };
        let good = ("signatures end 2026-01-20T00:00:00Z".into(), false);
        assert_eq!(told(FAR), (good, note(WELL, "2026-01-17T00:00:00Z")));
        let soon = ("signatures end SOON, 2026-01-12T00:00:00Z".into(), true);
        assert_eq!(told("2026-01-12T00:00:00Z"), (soon, note("signatures end soon", NOW)));
        let ended = ("SIGNATURES ENDED 2026-01-09T00:00:00Z".into(), true);
        assert_eq!(told("2026-01-09T00:00:00Z"), (ended, note("SIGNATURES ENDED", NOW)));
        assert_eq!(told(""), (("not signed yet".into(), true), note("not signed yet", NOW)));
    }

    #[test]
    fn another_key_is_told_of_in_time() {
        let until = |until: &str| Key { until: until.parse().ok(), ..key(1, "active", "by policy") };
        let far = served("2027-01-01T00:00:00Z");
        let (lines, said) = told(&[until("2026-03-01T00:00:00Z")], &far, &[1]);
        let line = "key 1 KSK: active, next change by policy, another key from 2026-03-01T00:00:00Z on".to_owned();
        assert_eq!((&lines[0], said), (&(line, false), note(WELL, "2026-02-15T00:00:00Z")));
        let soon = note("its parent needs another record soon", NOW);
        assert_eq!(told(&[until("2026-01-20T00:00:00Z")], &far, &[1]).1, soon);
        assert_eq!(told(&[until("2025-01-20T00:00:00Z")], &far, &[1]).1, soon);
    }

    #[test]
    fn a_zone_is_insecure_until_the_parent_vouches_for_it_and_bogus_when_for_another_key() {
        let ready = [key(1, "ready", "waiting for ds-seen")];
        let told = |tags: &[u16]| {
            let (mut lines, note) = told(&ready, &served(FAR), tags);
            (lines.split_off(2), note.text)
        };
        let give = ("to give to the parent: DS 1 13 2 ab".to_owned(), false);
        let insecure = ("parent 192.0.2.1: no DS in parent: zone still insecure".to_owned(), true);
        let waits = "waits for its parent (ds-seen)";
        assert_eq!(
            told(&[]),
            ([insecure, give.clone()].into(), format!("{waits}; no DS in parent: zone still insecure"))
        );
        assert_eq!(told(&[1]), ([("parent 192.0.2.1: DS of key 1".to_owned(), false)].into(), waits.into()));
        let bogus = "the parent vouches for keys that the zone has not: RESOLVERS REFUSE THE ZONE".to_owned();
        let lines = [("parent 192.0.2.1: DS of key 2".to_owned(), false), (bogus, true), give];
        assert_eq!(told(&[2]), (lines.into(), format!("{waits}; RESOLVERS REFUSE THE ZONE")));
    }

    #[test]
    fn a_key_that_another_server_of_the_zone_lacks_is_not_to_be_given() {
        let (keys, served, none) = ([key(1, "ready", "waiting for ds-seen")], served(FAR), [].into());
        let parents = [Server { name: "192.0.2.1".into(), ds: Ok(none) }];
        let told = |ds| {
            let secondaries = [Server { name: "192.0.2.2".into(), ds }];
            let (parents, now) = (Ok(&parents[..]), NOW.parse().unwrap());
            let verdict = Verdict { keys: &keys, served: Ok(&served), secondaries: &secondaries, parents, now };
            let mut lines = verdict.lines(&options()).split_off(2);
            let gives = lines.pop().unwrap().text.starts_with("to give");
            (lines.into_iter().map(|line| (line.text, line.wants)).next().unwrap(), gives)
        };
        let words = "server 192.0.2.2 has not this zone's keys: is its serial number higher, or the transfer refused?";
        assert_eq!(told(Ok([ds(2)].into())), ((words.into(), true), false));
        let silent = ("server 192.0.2.2: no answer, it says REFUSED".to_owned(), false);
        assert_eq!(told(Err("it says REFUSED".into())), (silent, true), "that settles nothing");
        let insecure = "parent 192.0.2.1: no DS in parent: zone still insecure".to_owned();
        assert_eq!(told(Ok([ds(1)].into())), ((insecure, true), true));
    }

    #[test]
    fn what_servers_say_is_for_people_only() {
        let reason = "\"it\" says \\".to_owned();
        let parents = [Server { name: "192.0.2.1".into(), ds: Err(reason.clone()) }];
        let now = NOW.parse().unwrap();
        let verdict = Verdict { keys: &[], served: Err(&reason), secondaries: &[], parents: Ok(&parents), now };
        let lines = verdict.lines(&options());
        let said = verdict.note(&lines, &options());
        assert_eq!(said, note("no key yet; no answer from its name server; its parent cannot be asked", NOW));
        assert!(lines[1].text.ends_with(&reason));
    }
}
