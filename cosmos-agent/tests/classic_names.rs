//! The list of tests in docs/classic.md is whole and true: each number has tests, and each test of a number is named.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Returns the rows of the manual's list: number as tests write it, and the names.
fn listed() -> BTreeMap<String, BTreeSet<String>> {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/classic.md");
    let manual = std::fs::read_to_string(manual).expect("the manual");
    let (_, list) = manual.split_once("\n## Tests\n").expect("a list of tests");
    let rows = list.lines().filter(|line| line.starts_with("| C") || line.starts_with("| fault "));
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let number = cells.next().expect("a number").to_lowercase().replace(' ', "_");
        (number, cells.next().expect("names").split(", ").map(|name| name.trim_matches('`').to_owned()).collect())
    })
    .collect()
}

/// Returns the names of all test functions of both crates' test folders, with the file each is in.
fn written() -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for folder in ["tests", "../cosmos-model/tests"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.expect("a readable folder")) {
            if entry.path().extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(entry.path()).expect("a source file");
                let tests = text.split("#[test]\n").skip(1).filter_map(|rest| rest.trim_start().strip_prefix("fn "));
                let names = tests.filter_map(|rest| rest.split_once('(')).map(|(name, _)| name.to_owned());
                found.extend(names.map(|name| (name, entry.path().to_owned())));
            }
        }
    }
    found
}

#[test]
fn each_number_of_the_manual_has_tests_that_exist_and_names_all_that_carry_it() {
    let (listed, written) = (listed(), written());
    let numbers = (1..=12).map(|number| format!("c{number}")).chain((1..=9).map(|number| format!("fault_{number}")));
    assert_eq!(listed.keys().cloned().collect::<BTreeSet<_>>(), numbers.collect());
    for (number, names) in &listed {
        let missing: Vec<&String> = names.iter().filter(|name| !written.contains_key(*name)).collect();
        assert!(missing.is_empty(), "{number} names tests that are not there: {missing:?}");
        let carries = |(name, file): &(&String, &PathBuf)| {
            file.parent().is_some_and(|folder| folder.ends_with("classic_host"))
                && name.starts_with(&format!("{number}_"))
        };
        let carrying: BTreeSet<String> = written.iter().filter(carries).map(|(name, _)| name.clone()).collect();
        let unnamed: Vec<&String> = carrying.difference(names).collect();
        assert!(!carrying.is_empty() && unnamed.is_empty(), "{number} does not name {unnamed:?}");
    }
}
