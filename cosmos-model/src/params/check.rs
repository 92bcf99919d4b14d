//! A given value against the type that was declared.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{Bounds, Count, Given, GivenValue, Kind, Param, Value, scalar};

/// The most entries of one value, all levels together.
const MOST_ENTRIES: usize = 10_000;

/// The longest key of a `table of`.
const LONGEST_KEY: usize = 253;

/// What is wrong with a value, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub place: String,
    pub text: String,
}

/// Returns the value, or adds everything that is wrong with it; `key` is what messages call it.
pub(super) fn check(kind: &Kind, given: &Given, key: &str, wrong: &mut Vec<Wrong>) -> Option<Value> {
    if size(given) > MOST_ENTRIES {
        wrong.push(Wrong { place: given.place.clone(), text: format!("'{key}' has more than {MOST_ENTRIES} entries") });
        return None;
    }
    checked(kind, given, key, wrong)
}

fn size(given: &Given) -> usize {
    match &given.value {
        GivenValue::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        GivenValue::Table(entries) => 1 + entries.values().map(size).sum::<usize>(),
        _ => 1,
    }
}

fn checked(kind: &Kind, given: &Given, key: &str, wrong: &mut Vec<Wrong>) -> Option<Value> {
    match (kind, &given.value) {
        (Kind::Bool, GivenValue::Bool(value)) => Some(Value::Bool(*value)),
        (Kind::Int(bounds), GivenValue::Int(number)) => number_in(*number, *bounds, kind, given, key, wrong),
        (Kind::Port(bounds), GivenValue::Int(number)) => {
            let bounds = Bounds { min: bounds.min.max(Some(1)), max: Some(bounds.max.unwrap_or(65535).min(65535)) };
            number_in(*number, bounds, kind, given, key, wrong)
        }
        (Kind::List(inner, count), GivenValue::List(items)) => list(inner, *count, (given, items), key, wrong),
        (Kind::Table(inner, count), GivenValue::Table(table)) => entries(inner, *count, (given, table), key, wrong),
        (Kind::Record(fields), GivenValue::Table(table)) => record(fields, (given, table), key, wrong),
        (_, GivenValue::Text(text)) => match text_of(kind, text) {
            Some(Ok(())) => Some(Value::Text(text.clone())),
            Some(Err(why)) => say(given, format!("'{key}' must be {}: {why}", kind.with_article()), wrong),
            None => other(kind, given, key, wrong),
        },
        _ => other(kind, given, key, wrong),
    }
}

fn say(given: &Given, text: String, wrong: &mut Vec<Wrong>) -> Option<Value> {
    wrong.push(Wrong { place: given.place.clone(), text });
    None
}

fn other(kind: &Kind, given: &Given, key: &str, wrong: &mut Vec<Wrong>) -> Option<Value> {
    say(given, format!("'{key}' must be {}, this is {}", kind.with_article(), given.value.described()), wrong)
}

fn number_in(
    number: i64,
    bounds: Bounds,
    kind: &Kind,
    given: &Given,
    key: &str,
    wrong: &mut Vec<Wrong>,
) -> Option<Value> {
    if bounds.allow(number) {
        return Some(Value::Int(number));
    }
    say(given, format!("'{key}' must be {}: {number} is {}", kind.with_article(), outside(bounds)), wrong)
}

/// Says of a number that it is outside of bounds.
fn outside(bounds: Bounds) -> String {
    match (bounds.min, bounds.max) {
        (Some(min), Some(max)) => format!("not from {min} to {max}"),
        (Some(min), None) => format!("less than {min}"),
        (None, Some(max)) => format!("more than {max}"),
        (None, None) => String::from("out of bounds"),
    }
}

/// Returns what is wrong with a text of this type; `None` where the type is not written as text.
fn text_of(kind: &Kind, text: &str) -> Option<Result<(), String>> {
    let one_of = |words: &[String]| match words.is_empty() || words.iter().any(|word| word == text) {
        true => scalar::string(text),
        false => Err(format!("'{}' is none of them", crate::escape::for_terminal(text.as_bytes()))),
    };
    Some(match kind {
        Kind::String(words) | Kind::Enum(words) => one_of(words),
        Kind::Fqdn => scalar::fqdn(text),
        Kind::Ip => scalar::ip(text),
        Kind::Cidr => scalar::cidr(text),
        Kind::Interface => scalar::interface(text),
        Kind::Path => scalar::path(text),
        Kind::Fingerprint => scalar::fingerprint(text),
        Kind::Pkcs11Uri => scalar::pkcs11_uri(text),
        Kind::Duration(bounds) => match scalar::seconds(text) {
            None => Err(format!("'{}' is not a number and one of s, m, h, d", shown(text))),
            Some(seconds) if bounds.allow(seconds) => Ok(()),
            Some(_) => Err(format!("'{}' is {} seconds", shown(text), outside(*bounds))),
        },
        Kind::Bool | Kind::Int(_) | Kind::Port(_) | Kind::List(..) | Kind::Table(..) | Kind::Record(_) => return None,
    })
}

fn shown(text: &str) -> String {
    crate::escape::for_terminal(text.as_bytes())
}

fn list(
    inner: &Kind,
    count: Count,
    (given, items): (&Given, &[Given]),
    key: &str,
    wrong: &mut Vec<Wrong>,
) -> Option<Value> {
    let counted = number_of_entries(items.len(), count, given, key, wrong);
    let values: Vec<_> =
        items.iter().enumerate().map(|(at, item)| checked(inner, item, &format!("{key}[{at}]"), wrong)).collect();
    let values: Option<Vec<_>> = values.into_iter().collect();
    values.filter(|_| counted).map(Value::List)
}

fn entries(
    inner: &Kind,
    count: Count,
    (given, table): (&Given, &BTreeMap<String, Given>),
    key: &str,
    wrong: &mut Vec<Wrong>,
) -> Option<Value> {
    let mut sound = number_of_entries(table.len(), count, given, key, wrong);
    let mut values = BTreeMap::new();
    for (name, item) in table {
        let inside = format!("{key}.{}", shown(name));
        if name.is_empty() || name.len() > LONGEST_KEY || name.chars().any(char::is_control) {
            say(item, format!("'{inside}' is not a key: 1 to {LONGEST_KEY} bytes without control characters"), wrong);
            sound = false;
        }
        match checked(inner, item, &inside, wrong) {
            Some(value) => drop(values.insert(name.clone(), value)),
            None => sound = false,
        }
    }
    sound.then_some(Value::Table(values))
}

fn number_of_entries(number: usize, count: Count, given: &Given, key: &str, wrong: &mut Vec<Wrong>) -> bool {
    let least = count.at_least.filter(|least| number < *least).map(|least| format!("at least {least}"));
    let most = count.at_most.filter(|most| number > *most).map(|most| format!("at most {most}"));
    let Some(bound) = least.or(most) else { return true };
    say(given, format!("'{key}' must have {bound} entries, this has {number}"), wrong);
    false
}

fn record(
    fields: &[Param],
    (given, table): (&Given, &BTreeMap<String, Given>),
    key: &str,
    wrong: &mut Vec<Wrong>,
) -> Option<Value> {
    let before = wrong.len();
    for (name, item) in table.iter().filter(|(name, _)| !fields.iter().any(|field| field.name == **name)) {
        let known: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        say(item, format!("unknown key '{key}.{}'; it has {}", shown(name), known.join(", ")), wrong);
    }
    let mut values = BTreeMap::new();
    for field in fields {
        let inside = format!("{key}.{}", field.name);
        let value = match (table.get(&field.name), &field.default) {
            (Some(item), _) => checked(&field.kind, item, &inside, wrong),
            (None, Some(default)) => Some(default.clone()),
            (None, None) => say(given, format!("'{inside}' is missing: {}", field.described()), wrong),
        };
        values.extend(value.map(|value| (field.name.to_string(), value)));
    }
    (wrong.len() == before).then_some(Value::Record(values))
}
