//! Every input of the corpus, and every one that once broke a law, keeps it now.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn every_target_has_a_corpus_and_keeps_its_laws_on_it() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, check) in cosmos_fuzz::TARGETS {
        let seeds = files(&here.join("corpus").join(name));
        assert!(!seeds.is_empty(), "{name} has no corpus; fuzz/seeds makes one");
        for path in seeds.into_iter().chain(files(&here.join("regressions").join(name))) {
            println!("{}", path.display());
            check(&std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn every_target_is_built_and_none_is_forgotten() {
    let manifest = include_str!("../Cargo.toml");
    let mut bins: Vec<&str> = manifest.lines().filter_map(|line| line.strip_prefix("path = \"targets/")).collect();
    let mut expected: Vec<String> = cosmos_fuzz::TARGETS.iter().map(|(name, _)| format!("{name}.rs\"")).collect();
    bins.sort_unstable();
    expected.sort_unstable();
    assert_eq!(bins, expected);
}
