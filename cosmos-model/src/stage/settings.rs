//! The parameters of a host: its modules' declarations, and what its layers and rules give, in order of precedence.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::order::{Layer, Ordered};
use super::repository::{Repository, below};
use crate::params::{self, Assignment, Condition, Settings};

/// What a host's modules were told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Told {
    /// For each layer, the module that it is.
    pub modules: Vec<Option<String>>,
    /// For each module, its parameters.
    pub settings: Vec<Settings>,
    /// For each module, what must hold between them.
    pub conditions: Vec<(String, Vec<Condition>)>,
    /// The host's own file.
    pub home: String,
    /// Whether every value is sound, so that conditions and templates can be looked at.
    pub sound: bool,
}

/// Works the parameters out; what is wrong goes to the repository's list.
pub(super) fn settings(repository: &mut Repository<'_>, ordered: &Ordered, exists: impl Fn(&str) -> bool) -> Told {
    let layers = &ordered.layers;
    let before = repository.mistakes.len();
    let home = below(ordered.host.as_deref().unwrap_or_default(), "layer.toml");
    let mut told = Told { home, ..Told::default() };
    for layer in layers {
        let name = layer.file.module.as_ref().and_then(|_| module_name(repository, layer, ordered));
        if let (Some(name), Some(module)) = (&name, &layer.file.module) {
            let sources: Vec<&Assignment> = sources(ordered).filter(|given| given.module == *name).collect();
            let used = layers.iter().flat_map(|layer| &layer.file.uses).find(|used| used.name == *name);
            let home = sources.first().map(|given| &given.place).or(used.map(|used| &used.place));
            let (params, mistakes) = params::merge(name, module, &sources, home.unwrap_or(&told.home));
            repository.mistakes.extend(mistakes);
            told.settings.push(Settings { module: name.clone(), layer: layer.folder.clone(), params });
            told.conditions.push((name.clone(), module.conditions.clone()));
        }
        told.modules.push(name);
    }
    for given in sources(ordered) {
        let is_used = || told.modules.iter().flatten().any(|name| *name == given.module);
        let is_own = || own(ordered).is_some_and(|layer| layer.file.params.contains(given));
        let shown = crate::escape::for_terminal(given.module.as_bytes());
        let has_layer = || layers.iter().any(|layer| layer.folder.rsplit('/').next() == Some(&given.module));
        let (text, hint) = match is_used() {
            false if !exists(&given.module) => {
                (format!("there is no module '{shown}'"), "'cosmos module list' says which there are".to_string())
            }
            false if is_own() && has_layer() => {
                (format!("the layer '{shown}' declares no parameters"), "remove the table, or declare them".to_string())
            }
            false if is_own() => {
                (format!("this host does not use a module '{shown}'"), format!("add \"{shown}\" to 'use'"))
            }
            _ => continue,
        };
        repository.mistake(given.place.clone(), text, hint);
    }
    told.sound = repository.mistakes.len() == before;
    told
}

/// Returns the host's own layer.
fn own(ordered: &Ordered) -> Option<&Layer> {
    let host = ordered.host.as_deref()?;
    ordered.layers.iter().find(|layer| layer.folder == host)
}

/// Returns what is given, the winners first: the host, the layers in order, rules, `global/`, the root.
fn sources(ordered: &Ordered) -> impl Iterator<Item = &Assignment> {
    let is_last = |layer: &&Layer| matches!(layer.folder.as_str(), "" | "global");
    let is_own = |layer: &&Layer| Some(&layer.folder) == ordered.host.as_ref();
    let middle = ordered.layers.iter().filter(move |layer| !is_last(layer) && !is_own(layer));
    let last = ["global", ""].into_iter().filter_map(|name| ordered.layers.iter().find(|one| one.folder == name));
    let first = own(ordered).into_iter().chain(middle).flat_map(|layer| &layer.file.params);
    first.chain(&ordered.by_rule).chain(last.flat_map(|layer| &layer.file.params))
}

/// Returns the name under which a layer's parameters are set.
fn module_name(repository: &mut Repository<'_>, layer: &Layer, ordered: &Ordered) -> Option<String> {
    if layer.folder.is_empty() || Some(&layer.folder) == ordered.host.as_ref() {
        let place = below(&layer.folder, "layer.toml");
        repository.mistake(place, "only a layer that others can use declares parameters", "move it to models/NAME");
        return None;
    }
    let name = layer.folder.rsplit('/').next().filter(|name| params::is_name(name));
    if name.is_none() {
        let place = below(&layer.folder, "layer.toml");
        repository.mistake(place, "this is not the name of a module", "1 to 64 of a-z, 0-9 and '-', a letter first");
    }
    name.map(ToString::to_string)
}
