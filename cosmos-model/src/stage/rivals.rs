//! Layers of one host that bring the same thing in different ways, though neither uses the other: one of them loses,
//! and nobody said so.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use super::order::Layer;
use super::repository::{Named, Repository, folder};
use super::{NothingKnown, native};
use crate::document::Mistake;
use crate::host_name::HostName;
use crate::object::ObjectSource;
use crate::object::tree::{EntryKind, NameRules};
use crate::object_id::ObjectId;

/// What to do about it.
const HINT: &str = "let one of them 'use' the other if it is to win, or use one of them";

/// Returns what layers of `host` bring twice; nothing where its layers cannot be worked out.
///
/// Its own layer, `global/` and the root are there to win or to lose, and say nothing here.
#[must_use]
pub fn rivals(
    tree: ObjectId,
    host: &HostName,
    agent: (u64, u64, u64),
    built_in: Option<ObjectId>,
    objects: &dyn ObjectSource,
) -> Vec<Mistake> {
    let mut repository = Repository::new(objects, &NothingKnown, NameRules::Native);
    let Ok(ordered) = native::order(&mut repository, tree, host, agent, built_in) else { return Vec::new() };
    let is_plain = |layer: &&Layer| {
        !matches!(layer.folder.as_str(), "" | "global") && Some(&layer.folder) != ordered.host.as_ref()
    };
    let layers: Vec<&Layer> = ordered.layers.iter().filter(is_plain).collect();
    let brought: Vec<_> = layers.iter().map(|layer| brought(&mut repository, layer)).collect();
    let mut found = Vec::new();
    for (at, (one, of_one)) in layers.iter().zip(&brought).enumerate() {
        for (other, of_other) in layers.iter().zip(&brought).skip(at + 1) {
            if uses(&layers, one, other) || uses(&layers, other, one) {
                continue;
            }
            let differs = |(path, what): &(&Vec<u8>, &Brought)| of_other.get(*path).is_some_and(|also| also != *what);
            for (path, _) in of_one.iter().filter(differs) {
                let shown = crate::escape::for_terminal(path);
                found.push(said(one, other, &format!("the file '{shown}'")));
            }
            for service in &one.file.services {
                if other.file.services.iter().any(|also| also.name == service.name && also != service) {
                    found.push(said(one, other, &format!("the service '{}'", service.name)));
                }
            }
        }
    }
    found
}

fn said(one: &Layer, other: &Layer, what: &str) -> Mistake {
    let text = format!("brings {what}, as does '{}' in another way; the first wins", other.folder);
    Mistake::at(one.folder.as_str(), text, HINT)
}

/// A file of a layer: its object, and whether that is a template.
type Brought = (ObjectId, bool);

/// Returns what a layer installs, by path.
fn brought(repository: &mut Repository<'_>, layer: &Layer) -> BTreeMap<Vec<u8>, Brought> {
    let mut found = BTreeMap::new();
    for (name, template) in [("overlay", false), ("templates", true)] {
        let Some(id) = folder(&layer.entries, name.as_bytes()) else { continue };
        let mut folders = Vec::from([(Vec::new(), id)]);
        while let Some((path, id)) = folders.pop() {
            for Named { name, kind, id, .. } in repository.tree("", id).unwrap_or_default() {
                let inner = if path.is_empty() { name } else { [path.as_slice(), b"/", &name].concat() };
                match kind {
                    EntryKind::Directory => folders.push((inner, id)),
                    _ => drop(found.insert(inner, (id, template))),
                }
            }
        }
    }
    found
}

/// Tells whether `one` uses `other`, itself or through others; layers that are used come later.
fn uses(layers: &[&Layer], one: &Layer, other: &Layer) -> bool {
    let is_called = |layer: &Layer, name: &str| layer.folder.rsplit('/').next() == Some(name);
    one.file.uses.iter().any(|used| {
        let through = layers.iter().find(|layer| is_called(layer, &used.name));
        is_called(other, &used.name) || through.is_some_and(|layer| uses(layers, layer, other))
    })
}
