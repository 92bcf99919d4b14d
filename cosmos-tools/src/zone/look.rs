//! A look at one zone: what its own name server has, and what each of the parent's says.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::answer::{Said, records};
use super::list::{Zone, is_name};
use super::record::{DnsKey, Ds, SHA_256};
use super::tool::Tool;
use crate::text::shown;

/// How many name servers a zone may have: each is asked, and has its time to answer.
const SERVERS: usize = 32;

/// What one name server says: one of the parent's, or one that takes the zone from its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The server.
    pub name: String,
    /// The DS records of the zone that it has, or that its keys would have; or why there is no answer.
    pub ds: Result<BTreeSet<Ds>, String>,
}

/// What the zone's own name server has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Served {
    /// The keys that the zone has and its parent vouches for, or may.
    pub keys: Vec<DnsKey>,
    /// What the parent should say of them.
    pub ds: BTreeSet<Ds>,
    /// When the first signature of the SOA record or of the keys ends.
    pub until: Option<Timestamp>,
}

/// Asks the parent's name servers.
///
/// # Errors
/// Returns in words why it is not known which they are.
pub fn parents(drill: Tool<'_>, zone: &Zone) -> Result<Vec<Server>, String> {
    let servers = match zone.parents.as_slice() {
        [] => looked_up(drill, &zone.name)?,
        given => given.iter().map(ToString::to_string).collect(),
    };
    let parent = |server: String| Server { ds: ds_at(drill, &zone.name, &server), name: server };
    Ok(servers.into_iter().map(parent).collect())
}

fn ds_at(drill: Tool<'_>, zone: &str, server: &str) -> Result<BTreeSet<Ds>, String> {
    ds(&records(drill, zone, "DS", Some(server))?, zone)
}

/// Returns the DS records of `zone` in an answer.
///
/// # Errors
/// Returns in words that whoever answered does not speak for the parent.
pub fn ds(said: &Said, zone: &str) -> Result<BTreeSet<Ds>, String> {
    if !said.authentic {
        return Err("it does not speak for the parent zone".to_owned());
    }
    let own = said.records.iter().filter(|record| record.kind == "DS" && record.owner == zone);
    Ok(own.filter_map(|record| Ds::read(&words(&record.words))).collect())
}

/// Finds the name servers of the zone above by the resolver of this host.
fn looked_up(drill: Tool<'_>, zone: &str) -> Result<Vec<String>, String> {
    let mut above = zone;
    while let Some((_, rest)) = above.split_once('.') {
        above = rest;
        let names = servers(&records(drill, above, "NS", None)?, above)?;
        if !names.is_empty() {
            return Ok(names);
        }
    }
    Err("no name servers of the parent zone were found".to_owned())
}

/// Returns the names of the name servers of `zone` in an answer.
///
/// # Errors
/// Returns in words why these cannot all be asked: one that is left out could say something else than the others.
pub fn servers(said: &Said, zone: &str) -> Result<Vec<String>, String> {
    let own = said.records.iter().filter(|record| record.kind == "NS" && record.owner == zone);
    let names: Vec<&str> =
        own.filter_map(|record| record.words.first()).map(|name| name.trim_end_matches('.')).collect();
    if names.len() > SERVERS {
        return Err(format!("the parent zone has {} name servers, more than {SERVERS}", names.len()));
    }
    let name = |name: &str| {
        let lower = name.to_ascii_lowercase();
        if is_name(&lower) { Ok(lower) } else { Err(format!("'{}' is no name of a server", shown(name))) }
    };
    names.into_iter().map(name).collect()
}

/// Asks the zone's own name server.
///
/// # Errors
/// Returns in words why there is no answer.
pub fn served(drill: Tool<'_>, zone: &Zone) -> Result<Served, String> {
    let server = zone.server.to_string();
    let mut served = Served::default();
    for kind in ["DNSKEY", "SOA"] {
        served.take(&records(drill, &zone.name, kind, Some(&server))?, &zone.name);
    }
    Ok(served)
}

/// Asks the servers that take the zone from its own for its keys.
pub fn secondaries(drill: Tool<'_>, zone: &Zone) -> Vec<Server> {
    let keys = |server: &str| {
        let mut served = Served::default();
        served.take(&records(drill, &zone.name, "DNSKEY", Some(server))?, &zone.name);
        Ok(served.ds)
    };
    let names = zone.secondaries.iter().map(ToString::to_string);
    names.map(|name| Server { ds: keys(&name), name }).collect()
}

impl Served {
    /// Takes in what an answer about `zone` has of keys and signatures.
    pub fn take(&mut self, said: &Said, zone: &str) {
        for record in &said.records {
            let words = words(&record.words);
            match record.kind.as_str() {
                "DNSKEY" => {
                    let key = DnsKey::read(&words).filter(DnsKey::is_entry_point);
                    self.ds.extend(key.iter().map(|key| key.ds(zone)));
                    self.keys.extend(key);
                }
                // Type, algorithm, labels, TTL, end.
                "RRSIG" => {
                    let end = words.get(4).and_then(|word| time(word));
                    self.until = self.until.into_iter().chain(end).min();
                }
                _ => (),
            }
        }
    }
}

/// Tells whether `all` of the parent's servers have the record; one that gave no answer has not.
pub fn everywhere(parents: &[Server], wanted: &Ds) -> bool {
    let has = |parent: &Server| parent.ds.as_ref().is_ok_and(|found| found.contains(wanted));
    !parents.is_empty() && parents.iter().all(has)
}

/// Tells whether a server is known not to have the key with this record; one that gave no answer may have.
pub fn lacks(server: &Server, wanted: &Ds) -> bool {
    server.ds.as_ref().is_ok_and(|found| !found.contains(wanted))
}

/// Tells whether none of the parent's servers has a record of the key; one that gave no answer may have.
pub fn nowhere(parents: &[Server], tag: u16) -> bool {
    let lacks = |parent: &Server| parent.ds.as_ref().is_ok_and(|found| found.iter().all(|ds| ds.tag != tag));
    !parents.is_empty() && parents.iter().all(lacks)
}

/// Tells whether some server of the parent vouches for keys that the zone has not, and for none that it has.
pub fn is_bogus(parents: &[Server], served: &Served) -> bool {
    let found: BTreeSet<&Ds> = parents.iter().flat_map(|parent| parent.ds.iter().flatten()).collect();
    let of_sha_256 = found.iter().filter(|ds| ds.digest_type == SHA_256).count();
    of_sha_256 > 0 && !found.iter().any(|ds| served.ds.contains(*ds))
}

fn words(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// Reads the time of a signature, `YYYYMMDDHHMMSS` in UTC.
fn time(text: &str) -> Option<Timestamp> {
    let time = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::super::answer::Record;
    use super::*;

    fn ds(tag: u16) -> Ds {
        Ds { tag, algorithm: 13, digest_type: SHA_256, digest: "ab".into() }
    }

    fn says(tags: &[u16]) -> Server {
        Server { name: "192.0.2.1".into(), ds: Ok(tags.iter().copied().map(ds).collect()) }
    }

    fn silent() -> Server {
        Server { name: "192.0.2.2".into(), ds: Err("it gave no answer".into()) }
    }

    #[test]
    fn every_server_of_the_parent_has_to_say_so() {
        assert!(everywhere(&[says(&[1]), says(&[1, 2])], &ds(1)));
        assert!(!everywhere(&[says(&[1]), says(&[2])], &ds(1)));
        assert!(!everywhere(&[says(&[1]), silent()], &ds(1)));
        assert!(!everywhere(&[], &ds(1)));
        assert!(nowhere(&[says(&[2]), says(&[])], 1));
        assert!(!nowhere(&[says(&[2]), says(&[1])], 1));
        assert!(!nowhere(&[says(&[]), silent()], 1));
    }

    #[test]
    fn a_parent_that_vouches_for_another_key_makes_a_zone_bogus() {
        let served = Served { ds: [ds(1)].into(), ..Served::default() };
        assert!(is_bogus(&[says(&[2])], &served));
        assert!(!is_bogus(&[says(&[1, 2])], &served));
        assert!(!is_bogus(&[says(&[])], &served));
    }

    #[test]
    fn a_server_of_the_parent_that_cannot_be_asked_is_not_left_out() {
        let said = |names: &[&str]| Said {
            authentic: false,
            records: names
                .iter()
                .map(|name| Record { owner: "org".into(), kind: "NS".into(), words: vec![(*name).to_owned()] })
                .collect(),
        };
        assert_eq!(
            servers(&said(&["A.example.", "b.example."]), "org"),
            Ok(vec!["a.example".into(), "b.example".into()])
        );
        assert_eq!(servers(&said(&["a.example."]), "example"), Ok(Vec::new()));
        let refused = servers(&said(&["a.example.", "-p.\u{1b}example."]), "org");
        assert_eq!(refused, Err("'-p.\\u{1b}example' is no name of a server".into()));
        let many = servers(&said(&["a.example."; 33]), "org");
        assert_eq!(many, Err("the parent zone has 33 name servers, more than 32".into()));
    }

    #[test]
    fn the_time_of_a_signature_is_in_utc() {
        assert_eq!(time("20261128112446"), "2026-11-28T11:24:46Z".parse().ok());
        assert_eq!(time("never"), None);
    }
}
