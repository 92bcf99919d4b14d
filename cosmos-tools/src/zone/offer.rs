//! What the parent of a zone should have: a file with DS records, and keys for a program that hands them over.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::error::ZoneError;
use super::key::Key;
use super::list::Zone;
use super::look::{Served, Server, lacks};
use super::record::Ds;
use super::tool::Tool;
use crate::text::shown;

/// How long the program that hands keys over has.
const LIMIT: Duration = Duration::from_secs(300);

/// Records for the parent: of keys that it should vouch for and that the zone has on each of its servers that answers.
#[derive(Debug)]
pub struct Offer<'a> {
    zone: &'a str,
    ds: String,
    keys: String,
}

impl<'a> Offer<'a> {
    /// Returns what the parent of a zone should have.
    pub fn of(zone: &'a Zone, keys: &[Key], served: &Served, secondaries: &[Server]) -> Self {
        let name = &zone.name;
        let wanted = |ds: &Ds| {
            keys.iter().any(|key| key.tag == ds.tag && key.is_to_be_vouched_for())
                && !secondaries.iter().any(|server| lacks(server, ds))
        };
        let own = served.ds.iter().filter(|ds| wanted(ds));
        let vouched = served.keys.iter().filter(|key| wanted(&key.ds(name)));
        Self {
            zone: name,
            ds: own.map(|ds| format!("{name}. IN DS {ds}\n")).collect(),
            keys: vouched.map(|key| format!("{name}. IN DNSKEY {key}\n")).collect(),
        }
    }

    /// Writes `FOLDER/ZONE.ds`, where it says something else.
    pub fn publish(&self, folder: &Path) -> Result<(), ZoneError> {
        let name = format!("{}.ds", self.zone);
        if !self.is_in(folder, &name) {
            self.write(folder, &name)?;
            println!("{}: the parent should have what is in '{}'", self.zone, folder.join(name).display());
        }
        Ok(())
    }

    /// Lets a program hand the keys over that it has not yet; one that fails is called again the next time.
    pub fn hand_over(&self, program: Tool<'_>, folder: &Path) -> Result<(), ZoneError> {
        let name = format!(".{}.handed", self.zone);
        if self.keys.is_empty() || self.is_in(folder, &name) {
            return Ok(());
        }
        let answer = program.hand(&[], self.keys.clone(), LIMIT)?;
        let said = shown(&format!("{}{}", answer.complaint, answer.output));
        if answer.status != 0 {
            let (program, zone, status) = (program.program.into(), self.zone.to_owned(), answer.status);
            return Err(ZoneError::HandOver { program, zone, status, answer: said });
        }
        self.write(folder, &name)?;
        let said = if said.is_empty() { said } else { format!(": {said}") };
        println!("{}: '{}' took its keys{said}", self.zone, program.program.display());
        Ok(())
    }

    fn is_in(&self, folder: &Path, name: &str) -> bool {
        fs::read_to_string(folder.join(name)).is_ok_and(|old| old == self.ds)
    }

    fn write(&self, folder: &Path, name: &str) -> Result<(), ZoneError> {
        let (file, new) = (folder.join(name), folder.join(format!(".{}.new", self.zone)));
        fs::write(&new, &self.ds).map_err(ZoneError::file("write", &new))?;
        fs::rename(&new, &file).map_err(ZoneError::file("write", &file))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::record::DnsKey;
    use super::super::samples::key;
    use super::*;

    fn zone() -> Zone {
        Zone {
            name: "example.org".into(),
            server: "192.0.2.1".parse().unwrap(),
            secondaries: Vec::new(),
            parents: Vec::new(),
        }
    }

    fn dnskey(letter: char) -> DnsKey {
        DnsKey::read(&["257", "3", "13", &letter.to_string().repeat(4)]).unwrap()
    }

    /// A zone with two such keys, of which the first is in force and the second goes.
    fn served() -> (Served, Vec<Key>, u16) {
        let own = [dnskey('A'), dnskey('B')];
        let ds: Vec<_> = own.iter().map(|key| key.ds("example.org")).collect();
        let (first, second) = (ds[0].tag, ds[1].tag);
        let served = Served { keys: own.into(), ds: ds.into_iter().collect(), until: None };
        (served, [key(first, "active", ""), key(second, "retire", ""), key(3, "ready", "")].into(), first)
    }

    #[test]
    fn only_records_of_keys_in_the_zone_are_offered_and_a_file_is_written_once() {
        let (place, (served, keys, tag)) = (tempfile::tempdir().unwrap(), served());
        let publish = || Offer::of(&zone(), &keys, &served, &[]).publish(place.path()).unwrap();
        publish();
        let file = place.path().join("example.org.ds");
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text, format!("example.org. IN DS {}\n", dnskey('A').ds("example.org")));
        assert!(text.contains(&format!("DS {tag} 13 2 ")));
        let written = fs::metadata(&file).unwrap().modified().unwrap();
        publish();
        assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), written);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_that_another_server_of_the_zone_lacks_is_not_offered() {
        let (served, keys, _) = served();
        let offered = |ds| {
            let secondaries = [Server { name: "192.0.2.2".into(), ds }];
            let (zone, lines) = (zone(), |text: &str| text.lines().count());
            let offer = Offer::of(&zone, &keys, &served, &secondaries);
            (lines(&offer.ds), lines(&offer.keys))
        };
        assert_eq!(offered(Ok(served.ds.clone())), (1, 1));
        assert_eq!(offered(Ok([dnskey('B').ds("example.org")].into())), (0, 0), "another version of the zone");
        assert_eq!(offered(Err("it says REFUSED".into())), (1, 1), "that settles nothing");
    }

    #[test]
    fn keys_are_handed_over_until_that_went_well_and_when_they_change() {
        let (place, (served, mut keys, _)) = (tempfile::tempdir().unwrap(), served());
        let path = place.path().join("hand-over");
        let program = |script: &str| {
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        };
        let got = || fs::read_to_string(place.path().join("got")).unwrap_or_default();
        let hand_over = |keys: &[Key]| {
            Offer::of(&zone(), keys, &served, &[]).hand_over(Tool { program: &path, user: None }, place.path())
        };
        program("echo nobody there >&2; exit 3");
        let refused = hand_over(&keys).unwrap_err().to_string();
        let words = "did not take the keys of 'example.org': exit status 3, nobody there";
        assert_eq!(refused, format!("'{}' {words}", path.display()));
        program("cat >> \"$(dirname \"$0\")/got\"");
        for _ in 0..2 {
            hand_over(&keys).unwrap();
            assert_eq!(got(), format!("example.org. IN DNSKEY {}\n", dnskey('A')), "once");
        }
        keys[1].state = "ready".into();
        hand_over(&keys).unwrap();
        assert_eq!(got().lines().count(), 3, "all that the parent should vouch for");
        keys.clear();
        hand_over(&keys).unwrap();
        assert_eq!(got().lines().count(), 3, "no key is nothing to hand over");
    }
}
