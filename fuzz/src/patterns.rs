//! Patterns for tags, paths and hosts, compared with slow matchers that are plainly right.

use std::cmp::Ordering;

use cosmos_model::host_name::HostName;
use cosmos_model::pattern::{HostPatterns, PathPattern};
use cosmos_model::trust::{TagPattern, co_signed_name, compare_names};

use crate::said;

/// A tag pattern and three names, with NUL between: matching, and the order of names (T7).
pub fn tag_pattern(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut parts = text.splitn(4, '\0');
    let pattern = parts.next().unwrap_or_default();
    let names: Vec<&str> = parts.collect();
    match TagPattern::native(pattern) {
        Ok(found) => names.iter().for_each(|name| {
            let literal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            let expected = slow(pattern.as_bytes(), name.as_bytes(), literal);
            assert_eq!(found.matches(name), expected, "{pattern:?} {name:?}");
        }),
        Err(error) => said::error(&error),
    }
    match TagPattern::classic(pattern) {
        Ok(found) if !pattern.contains(['[', '\\', '?']) => names.iter().for_each(|name| {
            assert_eq!(
                found.matches(name),
                slow(pattern.as_bytes(), name.as_bytes(), |_| true),
                "{pattern:?} {name:?}"
            );
        }),
        Ok(found) => assert!(names.iter().filter(|name| found.matches(name)).count() <= names.len()),
        Err(error) => said::error(&error),
    }
    for name in &names {
        assert!(
            co_signed_name(name).is_none_or(|release| name.starts_with(release) && name.len() == release.len() + 17)
        );
    }
    in_order(&names);
}

/// The order of names is one: each pair either way round agrees, and three never go in a circle.
fn in_order(names: &[&str]) {
    for left in names {
        for right in names {
            let order = compare_names(left, right);
            assert_eq!(order.reverse(), compare_names(right, left), "{left:?} {right:?}");
            assert_eq!(order == Ordering::Equal, left == right, "{left:?} {right:?}");
            for third in names {
                if order == Ordering::Less && compare_names(right, third) == Ordering::Less {
                    assert_eq!(compare_names(left, third), Ordering::Less, "{left:?} {right:?} {third:?}");
                }
            }
        }
    }
}

/// A path pattern, a path and a host pattern, with NUL between (docs/formats.md §3, §4).
pub fn patterns(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut parts = text.splitn(4, '\0');
    let [path_pattern, path, host_pattern, host] = std::array::from_fn(|_| parts.next().unwrap_or_default());
    match PathPattern::new(path_pattern) {
        Ok(found) => {
            let body = path_pattern.strip_suffix('/');
            let matched = (found.matches(path.as_bytes(), false), found.matches(path.as_bytes(), true));
            assert!(body.is_none() || !matched.0, "a pattern for folders takes a file");
            let pattern = body.unwrap_or(path_pattern).as_bytes();
            if !pattern.iter().any(|byte| b"[?".contains(byte)) {
                let expected = slow_path(pattern, path.as_bytes());
                assert_eq!(matched.0 || matched.1, expected, "{path_pattern:?} {path:?}");
            }
        }
        Err(error) => said::error(&error),
    }
    let mut hosts = HostPatterns::default();
    match (hosts.push(host_pattern), HostName::new(host)) {
        (Ok(()), Ok(host)) => {
            let taken_out = host_pattern.starts_with('!');
            assert!(!(taken_out && hosts.matches(&host)), "an exception takes a host in");
            if !host_pattern.contains(['[', '{', '?', '!']) && !host_pattern.contains("**") {
                let pattern = host_pattern.to_ascii_lowercase();
                assert_eq!(
                    hosts.matches(&host),
                    slow(pattern.as_bytes(), host.as_str().as_bytes(), |byte| byte != b'.')
                );
            }
        }
        (pushed, named) => {
            pushed.err().iter().for_each(|error| said::error(error));
            named.err().iter().for_each(|error| said::error(error));
        }
    }
}

/// Matches `*` against any run of bytes that are `among` those it takes, every other byte against itself.
fn slow(pattern: &[u8], text: &[u8], among: impl Fn(u8) -> bool) -> bool {
    table(pattern, text, |at, byte| (pattern[at] == b'*').then(|| among(byte)))
}

/// Matches `*` against any run without `/`, and `**` against any run at all.
fn slow_path(pattern: &[u8], text: &[u8]) -> bool {
    // `***` is `**` and `*`; two stars together are one element.
    let mut elements = Vec::new();
    let mut rest = pattern;
    while let Some((first, tail)) = rest.split_first() {
        let both = rest.starts_with(b"**");
        elements.push(if both { None } else { Some(*first) });
        rest = if both { &tail[1..] } else { tail };
    }
    let plain: Vec<u8> = elements.iter().map(|element| element.unwrap_or(b'*')).collect();
    table(&plain, text, |at, byte| match elements[at] {
        None => Some(true),
        Some(b'*') => Some(byte != b'/'),
        Some(_) => None,
    })
}

/// Fills the table of which ends of the pattern match which ends of the text; `run` tells whether the run at a place
/// goes on over a byte, and `None` where there is no run.
fn table(pattern: &[u8], text: &[u8], run: impl Fn(usize, u8) -> Option<bool>) -> bool {
    let mut below: Vec<bool> = (0..=text.len()).map(|at| at == text.len()).collect();
    for place in (0..pattern.len()).rev() {
        let mut row = vec![false; text.len() + 1];
        for at in (0..=text.len()).rev() {
            let next = text.get(at).copied();
            row[at] = match run(place, next.unwrap_or(0)) {
                Some(over) => below[at] || (next.is_some() && over && row[at + 1]),
                None => next == Some(pattern[place]) && below[at + 1],
            };
        }
        below = row;
    }
    below[0]
}
