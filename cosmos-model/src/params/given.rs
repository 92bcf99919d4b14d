//! Values as layers and rules give them, each with its place, before any declaration is known.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use toml::de::{DeTable, DeValue};

use super::Assignment;
use crate::document::{Document, Value};

/// A value as it was written, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// File, line and column.
    pub place: String,
    /// What stands there.
    pub value: GivenValue,
}

/// What a file can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenValue {
    /// True or false.
    Bool(bool),
    /// A whole number of 64 bits.
    Int(i64),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Given>),
    /// A table, by key.
    Table(BTreeMap<String, Given>),
    /// What no parameter can be: TOML's name for it.
    Other(&'static str),
}

impl GivenValue {
    /// Returns what kind of value this is, with its article.
    #[must_use]
    pub const fn described(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an integer",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(name) => name,
        }
    }
}

impl Given {
    /// Reads a value of a text.
    pub(crate) fn read(document: &Document<'_>, value: &Value<'_>) -> Self {
        let read = match value.get_ref() {
            DeValue::Boolean(value) => GivenValue::Bool(*value),
            DeValue::String(text) => GivenValue::Text(text.to_string()),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => GivenValue::Int(number),
                Err(_) => GivenValue::Other("a number of more than 64 bits"),
            },
            DeValue::Array(items) => GivenValue::List(items.iter().map(|item| Self::read(document, item)).collect()),
            DeValue::Table(table) => GivenValue::Table(Self::read_table(document, table)),
            DeValue::Float(_) => GivenValue::Other("a float"),
            DeValue::Datetime(_) => GivenValue::Other("a date"),
        };
        Self { place: document.place(&value.span()), value: read }
    }

    fn read_table(document: &Document<'_>, table: &DeTable<'_>) -> BTreeMap<String, Self> {
        table.iter().map(|(key, value)| (key.get_ref().to_string(), Self::read(document, value))).collect()
    }
}

/// Reads the key `params` of a layer or rule: what it gives to which module.
pub(crate) fn assignments<'t>(document: &mut Document<'t>, table: &DeTable<'t>) -> Vec<Assignment> {
    let Some(modules) = document.table(table, "params") else { return Vec::new() };
    let mut assignments = Vec::new();
    for (key, value) in modules {
        let Some(given) = document.as_table(value, "params.MODULE") else { continue };
        let values = Given::read_table(document, given);
        let place = document.place(&key.span());
        assignments.push(Assignment { module: key.get_ref().to_string(), place, values });
    }
    assignments
}
