//! `[[require]]`: what must hold between the parameters of a module (docs/formats.md §21).

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use toml::de::DeTable;

use super::{Param, Value};
use crate::document::Document;

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Where it is declared.
    pub place: String,
    /// What must hold.
    pub demand: Demand,
    /// The list or table for each of whose entries it must.
    pub each: Option<String>,
    /// The parameter that a mistake is about.
    pub about: Option<String>,
}

/// What a condition asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Demand {
    /// That an expression is true.
    That {
        /// The expression.
        expression: String,
        /// A template for what is wrong.
        message: String,
    },
    /// That exactly one of these parameters is given.
    OneOf(Vec<String>),
}

/// Reads the tables of `require`; the names in them must be among `params`.
pub(crate) fn conditions<'t>(document: &mut Document<'t>, table: &DeTable<'t>, params: &[Param]) -> Vec<Condition> {
    let tables = document.tables(table, "require");
    tables.into_iter().filter_map(|(table, _)| condition(document, table, params)).collect()
}

fn condition<'t>(document: &mut Document<'t>, table: &DeTable<'t>, params: &[Param]) -> Option<Condition> {
    document.only(table, "require.", &["that", "message", "about", "each", "one-of"], &[]);
    let start = table.keys().map(toml::Spanned::span).min_by_key(|span| span.start).unwrap_or(0..0);
    let named = |document: &mut Document<'t>, key: &str| {
        let (name, span) = document.string(table, key)?;
        let known = params.iter().any(|param| param.name == name);
        if !known {
            document.mistake(span, format!("'{key}' must be the name of a parameter of this layer"), "");
        }
        known.then(|| name.to_string())
    };
    let (each, about) = (named(document, "each"), named(document, "about"));
    let that = document.string(table, "that").map(|(text, _)| text.to_string());
    let message = document.string(table, "message").map(|(text, _)| text.to_string());
    let choices = document.strings(table, "one-of");
    for (name, span) in &choices {
        let optional = params.iter().any(|param| param.name == *name && param.default == Some(Value::Absent));
        if !optional {
            document.mistake(span.clone(), "'one-of' must name optional parameters of this layer", "");
        }
    }
    let choices: Vec<String> = choices.into_iter().map(|(name, _)| name.to_string()).collect();
    let demand = match (that, message, choices.is_empty()) {
        (Some(expression), Some(message), true) => Demand::That { expression, message },
        (None, None, false) if each.is_none() => Demand::OneOf(choices),
        _ => {
            document.mistake(start, "a condition is 'that' with 'message', or 'one-of'", "see docs/formats.md §21");
            return None;
        }
    };
    Some(Condition { place: document.place(&start), demand, each, about })
}
