//! A parameter's value after it was checked.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// A value of a declared type.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub enum Value {
    /// An optional parameter that nobody gave.
    Absent,
    /// True or false.
    Bool(bool),
    /// A number, a port.
    Int(i64),
    /// Everything that is written as a string.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A table with any keys.
    Table(BTreeMap<String, Value>),
    /// A table with declared fields.
    Record(BTreeMap<String, Value>),
}

impl core::fmt::Display for Value {
    /// Writes the value as TOML would have it, on one line.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Absent => f.write_str("(none)"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Text(text) => quoted(f, text),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Table(entries) | Self::Record(entries) => {
                f.write_str("{")?;
                let present = entries.iter().filter(|(_, value)| **value != Self::Absent);
                for (index, (key, value)) in present.enumerate() {
                    f.write_str(if index == 0 { " " } else { ", " })?;
                    if super::is_name(key) {
                        f.write_str(key)?
                    } else {
                        quoted(f, key)?
                    }
                    write!(f, " = {value}")?;
                }
                f.write_str(" }")
            }
        }
    }
}

fn quoted(f: &mut core::fmt::Formatter<'_>, text: &str) -> core::fmt::Result {
    let shown = crate::escape::for_terminal(text.as_bytes());
    write!(f, "\"{}\"", shown.replace('"', "\\\""))
}
