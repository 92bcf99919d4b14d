//! The table of attacks in docs/trust.md: it has a row for each, and every test that it names is there.

use std::fs;
use std::path::{Path, PathBuf};

/// How many attacks there are.
const ATTACKS: usize = 52;

/// Attacks that no test here can make: two objects of one name that nobody has published.
const ARGUED: [usize; 1] = [12];

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the project").to_owned()
}

/// Returns number and last cell of each row.
fn rows() -> Vec<(usize, String)> {
    let text = fs::read_to_string(project().join("docs/trust.md")).expect("the page");
    let cells = |line: &str| {
        let number = line.strip_prefix("| A")?.split(' ').next()?.parse().ok()?;
        Some((number, line.trim_end_matches([' ', '|']).rsplit(" | ").next()?.to_owned()))
    };
    text.lines().filter_map(cells).collect()
}

/// Returns what stands between backquotes and names a test.
fn tests(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).filter(|name| name.contains("::")).map(str::to_owned).collect()
}

/// Tells whether `crate::file::function` is a test that is run.
fn is_run(name: &str) -> bool {
    let parts: Vec<&str> = name.split("::").collect();
    let [krate, file @ .., function] = parts.as_slice() else { return false };
    let folder = project().join(format!("cosmos-{krate}"));
    let file = file.join("/");
    let places = [format!("tests/{file}.rs"), format!("src/{file}.rs"), format!("src/{file}/mod.rs")];
    places.iter().filter_map(|place| fs::read_to_string(folder.join(place)).ok()).any(|text| {
        let line = format!("fn {function}() {{");
        let before = text.split(&line).next().filter(|before| before.len() < text.len());
        let attributes = before.map(|before| before.rsplit("\n\n").next().unwrap_or_default());
        attributes.is_some_and(|attributes| attributes.contains("#[test]") && !attributes.contains("#[ignore"))
    })
}

#[test]
fn every_attack_has_a_row_and_every_test_named_there_is_run() {
    let rows = rows();
    assert_eq!(rows.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (1..=ATTACKS).collect::<Vec<_>>());
    for (number, cell) in &rows {
        let tests = tests(cell);
        let missing: Vec<&String> = tests.iter().filter(|name| !is_run(name)).collect();
        assert_eq!(missing, Vec::<&String>::new(), "row A{number} names tests that are not there");
        let numbered = tests.iter().any(|name| {
            let function = name.rsplit("::").next().unwrap_or_default();
            function.split('_').take_while(|word| word.starts_with('a')).any(|word| word == format!("a{number}"))
        });
        assert!(numbered || ARGUED.contains(number), "row A{number} names no test of that number");
    }
}

#[test]
fn a_test_that_is_not_there_or_not_run_is_seen() {
    assert!(is_run("agent::attacks::table::a_test_that_is_not_there_or_not_run_is_seen"));
    assert!(!is_run("agent::attacks::table::rows"), "a function that is no test");
    assert!(!is_run("agent::attacks::tables::a_test_that_is_not_there_or_not_run_is_seen"));
    assert!(!is_run("agent::attacks::table::a_test_that_is_not_there"));
}
