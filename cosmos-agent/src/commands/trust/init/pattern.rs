//! Which of a repository's tags are its releases, guessed from their names; and the name after the newest.

use std::collections::BTreeMap;

use cosmos_model::object::tag::Tag;
use cosmos_model::object::{self, ObjectKind};
use cosmos_model::refs::RemoteRef;
use cosmos_model::trust::{TagPattern, compare_names};

use crate::operator::WorkTree;

/// Returns the pattern that most signed tags fit: what stands before their first digit, and a star.
pub fn guess(clone: &WorkTree, refs: &[RemoteRef]) -> Option<String> {
    let mut families: BTreeMap<&str, usize> = BTreeMap::new();
    for reference in refs {
        let Some(name) = reference.tag_name().filter(|name| !name.starts_with("cosign/") && !name.contains('+')) else {
            continue;
        };
        let prefix = name.split(|letter: char| letter.is_ascii_digit()).next().unwrap_or_default();
        if is_signed(clone, reference) && prefix.len() < name.len() && TagPattern::native(&format!("{prefix}*")).is_ok()
        {
            *families.entry(prefix).or_default() += 1;
        }
    }
    // Of two equally large families the first in the alphabet: the answer must not depend on the order of refs.
    let largest = families.into_iter().rev().max_by_key(|(_, tags)| *tags);
    largest.map(|(prefix, _)| format!("{prefix}*"))
}

fn is_signed(clone: &WorkTree, reference: &RemoteRef) -> bool {
    let Ok(text) = object::read(clone, reference.id, ObjectKind::Tag) else { return false };
    Tag::parse(&text).is_ok_and(|tag| tag.signature.is_some())
}

/// Returns the refs whose tags match, oldest name first; co-signatures are not among them.
pub fn matching<'r>(refs: &'r [RemoteRef], pattern: &TagPattern) -> Vec<&'r RemoteRef> {
    let is_release = |one: &&RemoteRef| {
        one.tag_name().is_some_and(|name| pattern.matches(name) && cosmos_model::trust::co_signed_name(name).is_none())
    };
    let mut releases: Vec<&RemoteRef> = refs.iter().filter(is_release).collect();
    releases.sort_by(|left, right| {
        compare_names(left.tag_name().unwrap_or_default(), right.tag_name().unwrap_or_default())
    });
    releases
}

/// Returns a name that comes after `newest` and fits the pattern with the prefix `prefix`.
pub fn next_name(newest: Option<&str>, prefix: &str) -> String {
    let Some(newest) = newest else { return format!("{prefix}1") };
    let digits = newest.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (head, number) = newest.split_at(newest.len() - digits);
    match number.parse::<u64>() {
        Ok(number) => format!("{head}{:0digits$}", number.saturating_add(1)),
        Err(_) => format!("{newest}.1"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_name_comes_after_the_newest_and_keeps_its_width() {
        let table = [
            (None, "release-1"),
            (Some("release-9"), "release-10"),
            (Some("cosmos-ops-2025-01-02-v03"), "cosmos-ops-2025-01-02-v04"),
            (Some("release-alpha"), "release-alpha.1"),
        ];
        for (newest, next) in table {
            assert_eq!(next_name(newest, "release-"), next);
            assert!(newest.is_none_or(|newest| compare_names(next, newest).is_gt()));
        }
    }
}
