//! What name servers say of signed zones, by the mouth of `drill`.

use std::collections::BTreeSet;

use cosmos_tools::fuzzing::{self as readers, Ds, Record, Said, Served};

use crate::{choose, said};

/// The zone that answers are about.
const ZONE: &str = "ods.example";

/// What `drill` prints, or with a first byte that is odd a line of the list of zones (docs/tools.md): what is read
/// prints back to what reads the same, what a program is called with is a name, and limits hold.
pub fn zone_answers(bytes: &[u8]) {
    let Some((which, rest)) = choose(bytes) else { return };
    let text = String::from_utf8_lossy(rest);
    if which & 1 == 1 { line(&text) } else { answer(&text) }
}

fn answer(text: &str) {
    let found = match readers::answer(text) {
        Ok(found) => found,
        Err(words) => return said::words(&words),
    };
    assert_eq!(readers::answer(&printed(&found)).as_ref(), Ok(&found));
    match readers::ds(&found, ZONE) {
        Ok(records) => {
            assert!(found.authentic);
            let again: BTreeSet<Ds> = records.iter().map(|ds| reread(&ds.to_string())).collect();
            assert_eq!(again, records);
        }
        Err(words) => said::words(&words),
    }
    match readers::servers(&found, "example") {
        Ok(names) => {
            assert!(names.len() <= 32);
            assert!(names.iter().all(|name| readers::is_name(name)), "a program is called with it: {names:?}");
        }
        Err(words) => said::words(&words),
    }
    let mut served = Served::default();
    served.take(&found, ZONE);
    assert!(served.ds.iter().all(|ds| ds.digest_type == 2 && ds.digest.len() == 64));
    assert!(served.ds.len() <= found.records.len());
}

/// An answer as `drill` would print it.
fn printed(found: &Said) -> String {
    let flags = if found.authentic { "qr aa" } else { "qr" };
    let line = |record: &Record| format!("{}. 1 IN {} {}\n", record.owner, record.kind, record.words.join(" "));
    let lines: String = found.records.iter().map(line).collect();
    format!(
        ";; ->>HEADER<<- opcode: QUERY, rcode: NOERROR, id: 1\n;; flags: {flags} ; QUERY: 1\n;; ANSWER SECTION:\n{lines}"
    )
}

/// A DS record, behind the words of an answer.
fn reread(words: &str) -> Ds {
    let text = format!("rcode: NOERROR,\n;; flags: aa ;\n;; ANSWER SECTION:\n{ZONE}. 1 IN DS {words}\n");
    let mut found = readers::answer(&text).and_then(|said| readers::ds(&said, ZONE)).unwrap_or_default();
    found.pop_first().expect("what was read as a record is one")
}

fn line(text: &str) {
    match readers::zone(text) {
        Ok(zone) => {
            // It becomes an argument and the name of a file.
            assert!(!zone.name.starts_with(['-', '.']) && !zone.name.contains('/') && zone.name.len() <= 253);
            let secondaries = zone.secondaries.iter().map(|server| format!(">{server}"));
            let others: Vec<String> = secondaries.chain(zone.parents.iter().map(ToString::to_string)).collect();
            let line = format!("{} /x {} {}", zone.name, zone.server, others.join(" "));
            assert_eq!(readers::zone(&line), Ok(zone));
        }
        Err(words) => said::words(&words),
    }
}
