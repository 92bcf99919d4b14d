//! The name of the next release (docs/formats.md §6): the newest one's date and number, or its last number, go on.

use alloc::format;
use alloc::string::String;

use crate::trust::TagPattern;

/// How many taken names are stepped over before the operator is asked.
const TRIES: usize = 1000;

/// Returns the name that comes after `newest` on the day `today` (`2026-01-10`), and that nobody has taken.
///
/// `None` when no name can be derived that matches the pattern: the operator has to say one.
#[must_use]
pub fn next_name(
    pattern: &TagPattern,
    newest: Option<&str>,
    today: &str,
    taken: &dyn Fn(&str) -> bool,
) -> Option<String> {
    let first = || format!("{}{today}-v01", pattern.literal_prefix());
    let mut name = newest.map_or_else(|| Some(first()), |newest| after(newest, today))?;
    for _ in 0..TRIES {
        if !taken(&name) {
            return pattern.matches(&name).then_some(name);
        }
        name = after(&name, today)?;
    }
    None
}

fn after(name: &str, today: &str) -> Option<String> {
    if let Some((prefix, date, number)) = dated(name) {
        // A name that is dated ahead keeps its date, so that names go on growing (T7).
        return Some(match date < today {
            true => format!("{prefix}{today}-v01"),
            false => format!("{prefix}{date}-v{}", increment(number)),
        });
    }
    let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (head, number) = name.split_at(name.len() - digits);
    (digits > 0).then(|| format!("{head}{}", increment(number)))
}

/// Splits `PREFIX` `YYYY-MM-DD` `-v` `NN`.
fn dated(name: &str) -> Option<(&str, &str, &str)> {
    let (head, number) = name.rsplit_once("-v")?;
    let at = head.len().checked_sub("2026-01-10".len())?;
    let (prefix, date) = head.split_at_checked(at)?;
    let shape = |(place, byte): (usize, u8)| match place {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    let is_date = date.bytes().enumerate().all(shape);
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_date && is_number).then_some((prefix, date, number))
}

/// Adds one to a decimal number of any length, keeping its width.
fn increment(number: &str) -> String {
    let nines = number.bytes().rev().take_while(|byte| *byte == b'9').count();
    let (head, tail) = number.split_at(number.len() - nines);
    let zeros = "0".repeat(tail.len());
    match head.as_bytes().last() {
        None => format!("1{zeros}"),
        Some(last) => format!("{}{}{zeros}", &head[..head.len() - 1], last - b'0' + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::compare_names;

    fn next(pattern: &str, newest: Option<&str>, taken: &[&str]) -> Option<String> {
        let pattern = TagPattern::parse(pattern, true).expect("a pattern");
        next_name(&pattern, newest, "2026-01-10", &|name| taken.contains(&name))
    }

    #[test]
    fn names_go_on_from_the_newest() {
        let table = [
            ("cosmos-ops-*", None, "cosmos-ops-2026-01-10-v01"),
            ("cosmos-ops-*", Some("cosmos-ops-2025-12-31-v07"), "cosmos-ops-2026-01-10-v01"),
            ("cosmos-ops-*", Some("cosmos-ops-2026-01-10-v09"), "cosmos-ops-2026-01-10-v10"),
            ("cosmos-ops-*", Some("cosmos-ops-2062-01-10-v99"), "cosmos-ops-2062-01-10-v100"),
            ("release-*", Some("release-9"), "release-10"),
            ("early/release-*", Some("early/release-1.09"), "early/release-1.10"),
        ];
        for (pattern, newest, expected) in table {
            assert_eq!(next(pattern, newest, &[]).as_deref(), Some(expected));
            assert!(newest.is_none_or(|newest| compare_names(expected, newest).is_gt()), "{expected}");
        }
        assert_eq!(next("release-*", Some("release-8"), &["release-9", "release-10"]).as_deref(), Some("release-11"));
    }

    #[test]
    fn where_no_name_follows_the_operator_has_to_say_one() {
        assert_eq!(next("release-*", Some("release-alpha"), &[]), None);
        assert_eq!(next("v*-prod", None, &[]), None);
    }
}
