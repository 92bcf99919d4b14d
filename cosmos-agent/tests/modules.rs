//! The arrows of ARCHITECTURE.md go one way: no two modules of the agent lean on each other, directly or by way of
//! others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Returns which of the agent's modules each one names in its code; comments and tests do not count.
fn arrows() -> Arrows {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut arrows = Arrows::new();
    for entry in walkdir::WalkDir::new(&source).into_iter().map(|entry| entry.expect("a readable folder")) {
        let path = entry.path().strip_prefix(&source).expect("below the source");
        let module = path.components().next().map(|first| first.as_os_str().to_string_lossy().into_owned());
        let Some(module) = module.filter(|_| entry.file_type().is_file() && !path.ends_with("tests.rs")) else {
            continue;
        };
        let module = module.trim_end_matches(".rs").to_owned();
        let text = std::fs::read_to_string(entry.path()).expect("a source file");
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let named = code.flat_map(|line| line.split("crate::").skip(1)).filter_map(|rest| {
            let name: String =
                rest.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').collect();
            Some(name).filter(|name| !name.is_empty() && *name != module)
        });
        arrows.entry(module.clone()).or_default().extend(named.collect::<Vec<_>>());
    }
    arrows
}

/// Returns what remains when modules that lean on nothing that remains are taken away, again and again.
fn circles(mut arrows: Arrows) -> Arrows {
    loop {
        let left: BTreeSet<String> = arrows.keys().cloned().collect();
        arrows.values_mut().for_each(|named| named.retain(|name| left.contains(name)));
        arrows.retain(|_, named| !named.is_empty());
        if arrows.len() == left.len() {
            return arrows;
        }
    }
}

#[test]
fn no_module_leans_on_one_that_leans_on_it() {
    let arrows = arrows();
    assert!(arrows["pipeline"].contains("agent") && arrows["host"].contains("observe"), "the arrows are seen");
    assert_eq!(circles(arrows), Arrows::new());
}

#[test]
fn a_circle_is_seen_through_others() {
    let arrow = |from: &str, to: &str| (from.to_owned(), BTreeSet::from([to.to_owned()]));
    let straight = [arrow("a", "b"), arrow("b", "c"), ("c".to_owned(), BTreeSet::new())];
    assert_eq!(circles(Arrows::from(straight.clone())), Arrows::new());
    let mut circle = Arrows::from(straight);
    circle.insert("c".to_owned(), BTreeSet::from(["a".to_owned()]));
    assert_eq!(circles(circle).len(), 3);
}
