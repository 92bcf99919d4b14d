//! `[param.NAME]`: what a module wants to be told (docs/formats.md §21).

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use toml::de::DeTable;

use super::check::{Wrong, check};
use super::{Bounds, Count, Given, Kind, Value, is_name, scalar};
use crate::document::Document;

/// The keys of a declaration.
const KEYS: [&str; 10] =
    ["type", "doc", "default", "optional", "values", "min", "max", "at-least", "at-most", "fields"];

/// The most parameters of one module.
const MOST: usize = 500;

/// One declared parameter, or a field of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// What it may be.
    pub kind: Kind,
    /// What it is for.
    pub doc: String,
    /// Its value where nobody gives one; [`Value::Absent`] for an optional one.
    pub default: Option<Value>,
}

impl Param {
    /// Tells whether somebody has to give a value.
    #[must_use]
    pub const fn is_required(&self) -> bool {
        self.default.is_none()
    }

    /// Returns the doc with type and default, as a hint.
    #[must_use]
    pub fn described(&self) -> String {
        let rest = match &self.default {
            None => String::from("required"),
            Some(Value::Absent) => String::from("optional"),
            Some(value) => format!("{value} by default"),
        };
        format!("{} ({}, {rest})", self.doc, self.kind)
    }
}

/// Reads the tables of `key` in the order in which they were written.
pub(crate) fn declarations<'t>(
    document: &mut Document<'t>,
    table: &DeTable<'t>,
    key: &str,
    within: &str,
) -> Vec<Param> {
    let Some(declared) = document.table(table, key) else { return Vec::new() };
    let mut tables: Vec<_> = declared.iter().collect();
    tables.sort_by_key(|(key, _)| key.span().start);
    if let Some((key, _)) = tables.get(MOST) {
        document.mistake(key.span(), format!("a module has at most {MOST} parameters"), "make lists or tables of some");
        return Vec::new();
    }
    let mut params = Vec::with_capacity(tables.len());
    for (key, value) in tables {
        let name = key.get_ref().as_ref();
        let shown = crate::escape::for_terminal(format!("{within}{name}").as_bytes());
        if !is_name(name) {
            let text = format!("'{shown}' is not the name of a parameter");
            document.mistake(key.span(), text, "1 to 64 of a-z, 0-9 and '-', a letter first");
            continue;
        }
        let Some(table) = document.as_table(value, &shown) else { continue };
        params.extend(declaration(document, table, name, &shown, key.span()));
    }
    params
}

fn declaration<'t>(
    document: &mut Document<'t>,
    table: &DeTable<'t>,
    name: &str,
    shown: &str,
    place: core::ops::Range<usize>,
) -> Option<Param> {
    document.only(table, &format!("{shown}."), &KEYS, &[]);
    let doc = document.string(table, "doc").map(|(text, _)| one_line(text));
    if doc.as_deref().is_none_or(str::is_empty) {
        document.mistake(place.clone(), format!("'{shown}' needs 'doc'"), "say in a line what the parameter is for");
    }
    let Some((text, span)) = document.string(table, "type") else {
        if !table.contains_key("type") {
            document.mistake(place, format!("'{shown}' needs 'type'"), "such as type = \"string\"");
        }
        return None;
    };
    let mut kind = match Kind::read(text) {
        Ok(kind) => kind,
        Err(why) => {
            document.mistake(span, why, "see docs/formats.md §21 for the types");
            return None;
        }
    };
    constrain(document, table, &mut kind, shown, &place);
    let default = default(document, table, &kind, shown);
    Some(Param { name: name.to_string(), kind, doc: doc?, default })
}

/// Returns a text as messages show it: in one line, and with nothing that a terminal would act on.
fn one_line(text: &str) -> String {
    crate::escape::for_terminal(text.split_whitespace().collect::<Vec<_>>().join(" ").as_bytes())
}

/// Reads the words that are allowed; they are shown in messages.
fn words<'t>(document: &mut Document<'t>, table: &DeTable<'t>) -> Vec<String> {
    let mut words = Vec::new();
    for (word, span) in document.strings(table, "values") {
        if word.is_empty() || word.chars().any(crate::escape::is_active) {
            document.mistake(span, "'values' are words without control characters", "write them as people type them");
        }
        words.push(crate::escape::for_terminal(word.as_bytes()));
    }
    words
}

/// Puts into the type what else the declaration says about it.
fn constrain<'t>(
    document: &mut Document<'t>,
    table: &DeTable<'t>,
    kind: &mut Kind,
    shown: &str,
    place: &core::ops::Range<usize>,
) {
    let count = Count { at_least: entries(document, table, "at-least"), at_most: entries(document, table, "at-most") };
    in_order(document, place, shown, ["at-least", "at-most"], (count.at_least, count.at_most));
    match kind {
        Kind::List(_, counted) | Kind::Table(_, counted) => *counted = count,
        _ if count != Count::default() => refuse(document, place, shown, "at-least and at-most", "lists and tables"),
        _ => (),
    }
    let words = words(document, table);
    let innermost = kind.innermost();
    let bounds = bounds(document, table, innermost);
    in_order(document, place, shown, ["min", "max"], (bounds.min, bounds.max));
    match innermost {
        Kind::Int(allowed) | Kind::Port(allowed) | Kind::Duration(allowed) => *allowed = bounds,
        _ if bounds != Bounds::default() => refuse(document, place, shown, "min and max", "int, port and duration"),
        _ => (),
    }
    match innermost {
        Kind::Enum(_) if words.is_empty() => {
            document.mistake(place.clone(), format!("'{shown}' needs 'values'"), "write values = [\"…\", \"…\"]");
        }
        Kind::Enum(allowed) | Kind::String(allowed) => *allowed = words,
        _ if !words.is_empty() => refuse(document, place, shown, "values", "enum and string"),
        _ => (),
    }
    match innermost {
        Kind::Record(fields) => {
            *fields = declarations(document, table, "fields", &format!("{shown}.fields."));
            if fields.is_empty() && !table.contains_key("fields") {
                document.mistake(
                    place.clone(),
                    format!("'{shown}' needs 'fields'"),
                    format!("write [{shown}.fields.NAME]"),
                );
            }
        }
        _ if table.contains_key("fields") => refuse(document, place, shown, "fields", "table"),
        _ => (),
    }
}

fn refuse(document: &mut Document<'_>, place: &core::ops::Range<usize>, shown: &str, what: &str, whose: &str) {
    document.mistake(place.clone(), format!("'{shown}' cannot have {what}"), format!("they belong to {whose}"));
}

/// Refuses bounds that nothing is between.
fn in_order<N: PartialOrd>(
    document: &mut Document<'_>,
    place: &core::ops::Range<usize>,
    shown: &str,
    [least, greatest]: [&str; 2],
    bounds: (Option<N>, Option<N>),
) {
    if matches!(bounds, (Some(low), Some(high)) if low > high) {
        document.mistake(place.clone(), format!("'{shown}' has '{least}' above '{greatest}'"), "exchange them");
    }
}

fn entries<'t>(document: &mut Document<'t>, table: &DeTable<'t>, key: &str) -> Option<usize> {
    document.integer(table, key).and_then(|(number, _)| usize::try_from(number).ok())
}

/// Reads `min` and `max`: durations are written as such.
fn bounds<'t>(document: &mut Document<'t>, table: &DeTable<'t>, kind: &Kind) -> Bounds {
    let mut bound = |key: &str| {
        let value = table.get(key)?;
        let given = Given::read(document, value);
        let number = match (&given.value, kind) {
            (super::GivenValue::Text(text), Kind::Duration(_)) => scalar::seconds(text),
            (super::GivenValue::Int(number), Kind::Int(_) | Kind::Port(_)) => Some(*number),
            // What cannot have bounds is told so by the caller.
            (super::GivenValue::Int(number), _) if !matches!(kind, Kind::Duration(_)) => Some(*number),
            _ => None,
        };
        if number.is_none() {
            let text = format!("'{key}' must be a whole number, or for a duration such as \"5m\"");
            document.mistake(value.span(), text, "");
        }
        number
    };
    Bounds { min: bound("min"), max: bound("max") }
}

fn default<'t>(document: &mut Document<'t>, table: &DeTable<'t>, kind: &Kind, shown: &str) -> Option<Value> {
    let optional = match table.get("optional") {
        None => false,
        Some(value) => match value.get_ref().as_bool() {
            Some(optional) => optional,
            None => {
                document.mistake(value.span(), "'optional' must be true or false", "write optional = true");
                false
            }
        },
    };
    let Some(value) = table.get("default") else { return optional.then_some(Value::Absent) };
    if optional {
        document.mistake(value.span(), format!("'{shown}' has a default, and is optional"), "take one of the two out");
    }
    let (given, mut wrong) = (Given::read(document, value), Vec::new());
    let checked = check(kind, &given, "default", &mut wrong);
    for Wrong { place, text } in wrong {
        document.mistakes.push(crate::document::Mistake::at(place, text, format!("the type of '{shown}' is {kind}")));
    }
    // A default that is wrong is no reason to call the parameter required.
    Some(checked.unwrap_or(Value::Absent))
}
