//! docs/first-file.md, and what it invites to at its end.

use std::time::{Duration, Instant};

use crate::reader::{Reader, commands, folder, read};

const PAGE: &str = include_str!("../../../docs/first-file.md");

/// What the page promises.
const PROMISED: Duration = Duration::from_secs(120);

#[test]
fn the_page_for_the_first_file_works_as_it_stands_in_under_two_minutes() {
    let home = folder();
    let reader = Reader::new(home.path().to_owned()).at_a_host(&["init"]);
    let started = Instant::now();
    let page = reader.types(&commands(PAGE));
    let took = started.elapsed();
    let unsigned = reader.types("cd fleet; git commit --quiet --allow-empty -m unsigned; sudo cosmos run");
    assert!(page.status.success(), "{}", String::from_utf8_lossy(&page.stderr));
    assert_eq!(read(&reader.host().join("etc/motd")), "This host is kept by Cosmos. Questions? Ask Ada.\n");
    assert!(took < PROMISED, "took {took:?}");
    assert_eq!(unsigned.status.code(), Some(3), "{}", String::from_utf8_lossy(&unsigned.stderr));
}
