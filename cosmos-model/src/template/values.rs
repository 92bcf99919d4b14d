//! Parameters and the host's name as the template engine has them.

use alloc::vec::Vec;

use minijinja::Value;

use crate::host_name::HostName;
use crate::params::{self, Settings};

/// Returns the parameters of one module.
pub(super) fn settings(settings: &Settings) -> Value {
    let pairs = settings.params.iter();
    Value::from_pairs(pairs.map(|setting| (params::in_templates(&setting.name), value(&setting.winner.0))))
}

/// Returns one value; the fields of a declared table have hyphens no more than parameters have.
pub(super) fn value(given: &params::Value) -> Value {
    match given {
        params::Value::Absent => Value::from(()),
        params::Value::Bool(value) => Value::from(*value),
        params::Value::Int(number) => Value::from(*number),
        params::Value::Text(text) => Value::from(text.as_str()),
        params::Value::List(items) => Value::from(items.iter().map(value).collect::<Vec<_>>()),
        params::Value::Table(table) => Value::from_pairs(table.iter().map(|(key, item)| (key.clone(), value(item)))),
        params::Value::Record(fields) => {
            Value::from_pairs(fields.iter().map(|(key, item)| (params::in_templates(key), value(item))))
        }
    }
}

/// Returns the host's name and its parts.
pub(super) fn host(host: &HostName) -> Value {
    let (short, domain) = host.as_str().split_once('.').unwrap_or((host.as_str(), ""));
    Value::from_pairs([("name", host.as_str()), ("short", short), ("domain", domain)])
}
