//! Who wins: the first source that gives a parameter, with its value whole (docs/formats.md §21).

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::check::check;
use super::{Given, Kind, Module, Value};
use crate::document::Mistake;

/// What one layer or rule gives to one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The module.
    pub module: String,
    /// Where the table stands.
    pub place: String,
    /// The values.
    pub values: BTreeMap<String, Given>,
}

/// Where a value comes from: a place of a file, or `None` for the declaration's default.
pub type Origin = Option<String>;

/// A value that won, or lost.
pub type Winner = (Value, Origin);

/// One parameter of a module on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// What it is for, with type and default.
    pub doc: String,
    /// Its value, and where that was given.
    pub winner: Winner,
    /// What it beat, the next first.
    pub beat: Vec<Winner>,
}

/// The parameters of a module on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The module's name.
    pub module: String,
    /// Its layer.
    pub layer: String,
    /// In the order of the declarations.
    pub params: Vec<Setting>,
}

/// Works out the parameters of `module`, called `name`, from `sources`, of which the first wins; `home` is where
/// something that is missing belongs. Losers are checked like winners.
///
/// Returns what is sound, and every mistake.
#[must_use]
pub fn merge(name: &str, module: &Module, sources: &[&Assignment], home: &str) -> (Vec<Setting>, Vec<Mistake>) {
    let mut mistakes = unknown(name, module, sources);
    let mut settings = Vec::with_capacity(module.params.len());
    for param in &module.params {
        let (key, mut wrong) = (format!("params.{name}.{}", param.name), Vec::new());
        let given: Vec<&Given> = sources.iter().filter_map(|source| source.values.get(&param.name)).collect();
        let checked: Vec<Option<Winner>> = given
            .iter()
            .map(|given| Some((check(&param.kind, given, &key, &mut wrong)?, Some(given.place.clone()))))
            .collect();
        let hint = param.described();
        mistakes.extend(wrong.into_iter().map(|one| Mistake::at(one.place, one.text, hint.clone())));
        let default = param.default.clone().map(|value| Some((value, None)));
        let mut candidates = checked.into_iter().chain(default);
        match candidates.next() {
            Some(Some(winner)) => {
                // That an optional parameter is absent by default is nothing that can be beaten.
                let beat = candidates.flatten().filter(|(value, _)| *value != Value::Absent).collect();
                let (name, kind) = (param.name.clone(), param.kind.clone());
                settings.push(Setting { name, kind, doc: hint, winner, beat });
            }
            Some(None) => (),
            None => mistakes.push(Mistake::at(home, format!("'{key}' is missing"), hint)),
        }
    }
    (settings, mistakes)
}

/// Returns the mistakes about values for which there is no parameter.
fn unknown(name: &str, module: &Module, sources: &[&Assignment]) -> Vec<Mistake> {
    let known: Vec<&str> = module.params.iter().map(|param| param.name.as_str()).collect();
    let given = sources.iter().flat_map(|source| &source.values);
    let unknown = given.filter(|(key, _)| !known.contains(&key.as_str()));
    let mistake = |(key, given): (&String, &Given)| {
        let key = crate::escape::for_terminal(key.as_bytes());
        let text = format!("the module '{name}' has no parameter '{key}'");
        Mistake::at(given.place.to_string(), text, format!("it has: {}", known.join(", ")))
    };
    unknown.map(mistake).collect()
}
