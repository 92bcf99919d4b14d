//! Native layers: the host, what it uses, the rules that mean it, `global/` and the root (docs/formats.md §3, §4).

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use super::merge::{Folder, Merge, Merged, Places, Source};
use super::order::{Graph, Layer, Ordered};
use super::repository::{Named, Repository, below, find, folder};
use super::settings::{self, Told};
use super::{FOLDERS, Parts, StageError};
use crate::fleet::{self, Fleet, FleetError};
use crate::host_name::HostName;
use crate::object_id::ObjectId;
use crate::path::RelPath;
use crate::staged::LayerIndex;

type Version = (u64, u64, u64);

/// The folder of a layer whose files are rendered into files of the overlay.
const TEMPLATES: &[u8] = b"templates";

/// The folder of a layer whose files are decrypted into files of the overlay.
const SECRETS: &[u8] = b"secrets";

/// Works out the layers of `host`, in order, and merges their folders.
pub(super) fn layers(
    repository: &mut Repository<'_>,
    root: ObjectId,
    host: &HostName,
    agent: Version,
    built_in: Option<ObjectId>,
) -> Result<Parts, StageError> {
    let ordered = order(repository, root, host, agent, built_in)?;
    Ok(merge_layers(repository, ordered, &[]))
}

/// Merges what differs from the layers `before`; `None` where they are others, or used otherwise.
pub(super) fn changes(
    repository: &mut Repository<'_>,
    root: ObjectId,
    host: &HostName,
    agent: Version,
    built_in: Option<ObjectId>,
    before: &Ordered,
) -> Option<Parts> {
    let now = order(repository, root, host, agent, built_in).ok()?;
    let alike = |(one, other): (&Layer, &Layer)| one.folder == other.folder && one.file == other.file;
    let same = now.layers.len() == before.layers.len()
        && now.layers.iter().zip(&before.layers).all(alike)
        && now.retired == before.retired
        && now.by_rule == before.by_rule
        // A template in a folder that is as it was may print a secret that is not.
        && secrets(&now.layers).eq(secrets(&before.layers));
    same.then(|| merge_layers(repository, now, &before.layers))
}

/// Returns the folders with secrets, with the layers' positions.
fn secrets(layers: &[Layer]) -> impl Iterator<Item = (usize, ObjectId)> {
    layers.iter().enumerate().filter_map(|(position, layer)| Some((position, folder(&layer.entries, SECRETS)?)))
}

/// Works out the layers of `host`, in order.
pub(super) fn order(
    repository: &mut Repository<'_>,
    root: ObjectId,
    host: &HostName,
    agent: Version,
    built_in: Option<ObjectId>,
) -> Result<Ordered, StageError> {
    let Some(top) = repository.tree("", root) else { return Err(fault(repository)) };
    let fleet = read_fleet(repository, &top, agent)?;
    let Some(host_folder) = host_folder(repository, &top, host) else { return Err(fault(repository)) };
    let mut graph = Graph::new(repository, &top, root, built_in);
    let modules = graph.names();
    let (layers, retired) = graph.layers(host_folder.as_deref(), fleet.layers_of(host));
    Ok(Ordered { layers, retired, host: host_folder, by_rule: fleet.params_of(host).cloned().collect(), modules })
}

fn fault(repository: &mut Repository<'_>) -> StageError {
    StageError::mistakes(core::mem::take(&mut repository.mistakes))
}

pub(super) fn read_fleet(repository: &mut Repository<'_>, top: &[Named], agent: Version) -> Result<Fleet, StageError> {
    let Some(text) = repository.text("", top, "fleet.toml") else { return Ok(Fleet::default()) };
    let (fleet, mistakes, needed) = match fleet::parse(&text) {
        Ok(fleet) => {
            let needed = fleet.agent;
            (fleet, Vec::new(), needed)
        }
        Err(FleetError::Format(found)) => return Err(StageError::UnknownFormat { found }),
        Err(FleetError::Mistakes(mistakes, needed)) => (Fleet::default(), mistakes, needed),
    };
    match needed {
        Some(needed) if needed > agent => Err(StageError::AgentTooOld { needed, present: agent }),
        _ => {
            repository.mistakes.extend(mistakes);
            Ok(fleet)
        }
    }
}

/// Returns the folder of the host's own layer; `Some(None)` where the repository has no host layers at all.
fn host_folder(repository: &mut Repository<'_>, top: &[Named], host: &HostName) -> Option<Option<String>> {
    let hosts = folder(top, b"hosts").and_then(|id| repository.tree("hosts", id)).unwrap_or_default();
    let name = host.as_str();
    let in_hosts = folder(&hosts, name.as_bytes()).map(|_| below("hosts", name));
    let at_top = folder(top, name.as_bytes()).map(|_| name.to_string());
    match (in_hosts, at_top) {
        (Some(one), Some(other)) => {
            let text = format!("the host has two layers, '{one}' and '{other}'");
            repository.mistake(one, text, "move the files of one into the other");
            None
        }
        (Some(one), None) | (None, Some(one)) => Some(Some(one)),
        (None, None) => {
            let mut others: Vec<String> =
                hosts.iter().filter_map(host_name).map(|name| below("hosts", &name)).collect();
            others.extend(top.iter().filter(|entry| is_host_layer(repository, entry)).filter_map(host_name));
            if others.is_empty() {
                return Some(None);
            }
            let text = format!("it has host layers, but none for '{name}'");
            others.truncate(5);
            let hint =
                format!("add 'hosts/{name}', or correct the name of this host (there are: {})", others.join(", "));
            repository.mistake("the repository", text, hint);
            None
        }
    }
}

fn host_name(entry: &Named) -> Option<String> {
    let text = core::str::from_utf8(&entry.name).ok()?;
    HostName::new(text).ok().filter(|_| folder(core::slice::from_ref(entry), &entry.name).is_some())?;
    Some(text.to_string())
}

/// Tells whether a folder at the top is a classic host layer: named like a host, and with something of a layer in it.
fn is_host_layer(repository: &mut Repository<'_>, entry: &Named) -> bool {
    let Some(name) = host_name(entry).filter(|name| name.contains('.') && !name.ends_with(".d")) else { return false };
    let entries = repository.tree(&name, entry.id).unwrap_or_default();
    find(&entries, b"layer.toml").is_some() || FOLDERS.iter().any(|inner| folder(&entries, inner).is_some())
}

fn merge_layers(repository: &mut Repository<'_>, ordered: Ordered, before: &[Layer]) -> Parts {
    let told = match ordered.retired {
        Some(_) => Told { modules: vec![None; ordered.layers.len()], sound: true, ..Told::default() },
        None => settings::settings(repository, &ordered, |name| ordered.modules.contains(name)),
    };
    let Ordered { layers, retired, .. } = ordered;
    // A host that left gets no secrets any more, whatever layers it still has.
    let beside: &[(Folder, &[u8])] = match retired {
        Some(_) => &[(Folder::Templates, TEMPLATES)],
        None => &[(Folder::Templates, TEMPLATES), (Folder::Secrets, SECRETS)],
    };
    let of_layer = |layer: &Layer| {
        let place = super::repository::below_bytes(&layer.folder, SECRETS);
        Some((place, folder(&layer.entries, SECRETS)?))
    };
    let secrets = if retired.is_some() { Vec::new() } else { layers.iter().filter_map(of_layer).collect() };
    let mut parts = Parts { retired, narrow_secrets: true, told, secrets, ..Parts::default() };
    (parts.overlay, parts.left_out) = merge_folder(repository, &layers, FOLDERS[0], beside, before);
    parts.delete = merge_folder(repository, &layers, FOLDERS[1], &[], &[]).0;
    parts.pre_tasks = merge_folder(repository, &layers, FOLDERS[2], &[], &[]).0;
    parts.post_tasks = merge_folder(repository, &layers, FOLDERS[3], &[], &[]).0;
    for (position, mut layer) in layers.into_iter().enumerate() {
        for package in core::mem::take(&mut layer.file.packages) {
            parts.packages.entry(package).or_default().insert(layer_index(position));
        }
        let name = if layer.folder.is_empty() { String::from(".") } else { layer.folder };
        parts.triggers.add(&name, &mut layer.file);
        let ports = core::mem::take(&mut layer.file.ports).into_iter();
        parts.ports.extend(ports.map(|port| (position, crate::triggers::Said::by(&name, port))));
        parts.names.push(name);
        parts.rules.push(layer.file.files);
    }
    parts
}

/// Numbers a layer; a host has far fewer than there are numbers.
fn layer_index(position: usize) -> LayerIndex {
    LayerIndex(u16::try_from(position).unwrap_or(u16::MAX))
}

/// Merges the folder `name` of all layers with those `beside` it, and returns the folders in it that are as in the
/// layers `before`.
fn merge_folder(
    repository: &mut Repository<'_>,
    layers: &[Layer],
    name: &[u8],
    beside: &[(Folder, &[u8])],
    before: &[Layer],
) -> (Vec<Merged>, Vec<RelPath>) {
    let place = |layer: &Layer, name: &[u8]| super::repository::below_bytes(&layer.folder, name);
    let places: Vec<Places> =
        layers.iter().map(|layer| [name, TEMPLATES, SECRETS].map(|name| place(layer, name))).collect();
    let folders = || [(Folder::Plain, name)].into_iter().chain(beside.iter().copied());
    for layer in layers {
        let is_no_folder = |name| folder(&layer.entries, name).is_none() && find(&layer.entries, name).is_some();
        for (_, name) in folders().filter(|(_, name)| is_no_folder(name)) {
            repository.mistake(place(layer, name), "this must be a folder", "");
        }
    }
    let sources = |layers: &[Layer]| {
        let mut sources = Vec::with_capacity(layers.len());
        for (position, layer) in layers.iter().enumerate() {
            let layer_index = layer_index(position);
            let source = |(from, name)| Some(Source { layer: layer_index, tree: folder(&layer.entries, name)?, from });
            sources.extend(folders().filter_map(source));
        }
        sources
    };
    let mut merge = Merge::new(repository, &places);
    merge.folders(None, &sources(layers), &sources(before));
    (merge.merged, merge.left_out)
}
