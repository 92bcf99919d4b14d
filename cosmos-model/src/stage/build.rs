//! The staged model from merged folders: contents by hash, owners and modes by the layers' patterns.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::merge::{Folder, Merged};
use super::repository::{Repository, below_bytes};
use super::vault::Vault;
use super::{Inputs, Parts, built_in_module};
use crate::by_path::ByPath;
use crate::content::{Content, ContentHash, ContentSource};
use crate::host_name::HostName;
use crate::layer::{FilePolicy, FileRule, Owner};
use crate::object::ObjectKind;
use crate::object::tree::EntryKind;
use crate::object_id::ObjectId;
use crate::own_paths;
use crate::path::RelPath;
use crate::secret::Piece;
use crate::staged::{RestsOn, StagedEntry, StagedKind, StagedModel, StagedTaskFile};
use crate::template::{Rendered, Renderer, Template};
use crate::triggers::Triggers;
use crate::trust::VerifiedRevision;

/// The longest target the kernel takes.
const LONGEST_TARGET: usize = 4095;

/// Reads contents and applies attributes; mistakes go to the repository's list.
pub(super) fn model(
    repository: &mut Repository<'_>,
    revision: VerifiedRevision,
    host: Option<&HostName>,
    mut parts: Parts,
    inputs: &Inputs<'_>,
) -> StagedModel {
    let Files { entries, rendered, sealed, facts } = files(repository, host, &mut parts, inputs);
    let Parts { names, packages, mut left_out, delete, pre_tasks, post_tasks, others, retired, triggers, .. } = parts;
    left_out.sort_unstable();
    let named = delete
        .into_iter()
        .filter(|merged| matches!(merged.kind, EntryKind::File { .. }))
        .filter(|merged| !is_refused(repository, &names, "delete", merged))
        .map(|merged| (merged.path, merged.layer))
        .collect();
    let deletions = crate::staged::not_installed(&named, &entries);
    let pre_tasks = task_files(repository, &names, "pre-tasks.d", pre_tasks);
    let post_tasks = task_files(repository, &names, "post-tasks.d", post_tasks);
    refuse_rules_without_task(repository, &triggers, &pre_tasks, &post_tasks);
    let mut carried = BTreeMap::new();
    for merged in others {
        let executable = merged.kind == EntryKind::File { executable: true };
        if let Some(kind) = staged_kind(repository, &|| place(&names, "", &merged), &merged) {
            carried.insert(merged.path, (kind, executable));
        }
    }
    let built_in = names.iter().any(|name| built_in_module(name).is_some());
    StagedModel {
        revision,
        layers: names.into_iter().map(Arc::from).collect(),
        packages,
        entries,
        named,
        deletions,
        pre_tasks,
        post_tasks,
        others: carried,
        retired,
        left_out,
        rendered,
        sealed,
        rests_on: RestsOn { facts, built_in },
        held: BTreeMap::new(),
        triggers,
    }
}

/// Refuses tables about tasks that do not exist, or that cannot know yet what changed.
fn refuse_rules_without_task(
    repository: &mut Repository<'_>,
    triggers: &Triggers,
    before: &[StagedTaskFile],
    after: &[StagedTaskFile],
) {
    for rule in &triggers.tasks {
        let named = |files: &[StagedTaskFile]| files.iter().any(|file| file.path.as_bytes() == rule.name.as_bytes());
        let shown = crate::escape::for_terminal(rule.name.as_bytes());
        if !named(before) && !named(after) {
            let text = format!("there is no task '{shown}' in any layer of this host");
            repository.mistake(&rule.place, text, "correct the name, or remove the table");
        } else if named(before) && rule.when_changed.is_some() {
            let text = format!("'when-changed' means tasks after files, '{shown}' is in pre-tasks.d");
            repository.mistake(&rule.place, text, "move the task to post-tasks.d");
        }
    }
}

fn place(names: &[String], folder: &str, merged: &Merged) -> String {
    let layer = names.get(usize::from(merged.layer.0)).map_or("", |name| if name == "." { "" } else { name });
    below_bytes(&below_bytes(layer, folder.as_bytes()), merged.path.as_bytes())
}

/// The overlay, and what its templates became.
#[derive(Default)]
pub(super) struct Files {
    pub entries: ByPath<StagedEntry>,
    pub rendered: BTreeMap<ContentHash, Vec<u8>>,
    /// The pieces of those that print secrets.
    pub sealed: BTreeMap<ContentHash, Vec<Piece<ObjectId>>>,
    /// The facts that were looked at.
    pub facts: BTreeSet<String>,
}

/// Renders templates, hashes contents and applies attributes, and looks at the conditions of modules.
pub(super) fn files(
    repository: &mut Repository<'_>,
    host: Option<&HostName>,
    parts: &mut Parts,
    inputs: &Inputs<'_>,
) -> Files {
    let overlay = core::mem::take(&mut parts.overlay);
    let Parts { names, rules, told, narrow_secrets, secrets, retired, triggers, ports, .. } = parts;
    let vault = Vault { folders: secrets, holder: inputs.secrets };
    let renderer = host.filter(|_| told.sound).map(|host| Renderer::new(host, inputs.facts, &told.settings));
    if let Some(renderer) = &renderer {
        for (module, conditions) in &told.conditions {
            repository.mistakes.extend(renderer.broken(module, conditions, &told.home));
        }
        triggers.ports = super::ports::ports(repository, renderer, told, ports);
    }
    let (mut entries, mut kept) = (Vec::with_capacity(overlay.len()), Files::default());
    let mut absent: Vec<RelPath> = Vec::new();
    for merged in overlay {
        let folder = merged.from.name();
        if is_refused(repository, names, folder, &merged) {
            continue;
        }
        let is_file = merged.kind != EntryKind::Directory;
        let kind = if merged.from == Folder::Secrets && is_file {
            secret_kind(repository, inputs, &place(names, folder, &merged), &merged)
        } else if merged.from == Folder::Templates && is_file {
            // Where values are missing, every template would only say so again.
            let Some(renderer) = &renderer else { continue };
            let module = told.modules.get(usize::from(merged.layer.0)).and_then(Option::as_deref);
            let at = place(names, folder, &merged);
            // A host that left gets no secrets, nor the files that would print them.
            let vault = retired.is_none().then_some(&vault);
            let template = At { place: &at, module, merged: &merged };
            let kind = rendered_kind(repository, renderer, vault, &template, &mut kept);
            absent.extend(kind.is_none().then(|| merged.path.clone()));
            kind
        } else {
            staged_kind(repository, &|| place(names, folder, &merged), &merged)
        };
        if let Some(kind) = kind {
            let mut entry = plain_entry(kind, &merged);
            apply_rules(&mut entry, rules, &merged, *narrow_secrets);
            entries.push((merged.path, entry));
        }
    }
    kept.facts = renderer.map(|renderer| renderer.facts_seen()).unwrap_or_default();
    kept.entries = ByPath::from(entries);
    absent.iter().for_each(|path| remove_empty_folders(&mut kept.entries, path));
    kept
}

/// Takes out the folders above a path that is not there, as far as they hold nothing.
fn remove_empty_folders(entries: &mut ByPath<StagedEntry>, path: &RelPath) {
    let mut folder = path.parent();
    while let Some(above) = folder.filter(|above| !entries.keys().any(|other| other.is_below(above))) {
        entries.remove(&above);
        folder = above.parent();
    }
}

/// Opens a secret; `None` for a mistake.
fn secret_kind(
    repository: &mut Repository<'_>,
    inputs: &Inputs<'_>,
    place: &str,
    merged: &Merged,
) -> Option<StagedKind> {
    if !matches!(merged.kind, EntryKind::File { .. }) {
        repository.mistake(place, "a secret is a regular file", "put the symlink into overlay/");
        return None;
    }
    repository.secret(place, merged.id, inputs.secrets).map(StagedKind::File)
}

/// A template of a layer, and where it lies.
struct At<'a> {
    place: &'a str,
    module: Option<&'a str>,
    merged: &'a Merged,
}

/// Renders a template and keeps what it becomes by its hash; `None` for a mistake, or for no file.
fn rendered_kind(
    repository: &mut Repository<'_>,
    renderer: &Renderer<'_>,
    vault: Option<&Vault<'_>>,
    at: &At<'_>,
    kept: &mut Files,
) -> Option<StagedKind> {
    let At { place, module, merged } = *at;
    if !matches!(merged.kind, EntryKind::File { .. }) {
        repository.mistake(place, "a template is a regular file", "put the symlink into overlay/");
        return None;
    }
    let text = repository.bytes(place, merged.id, ObjectKind::Blob)?;
    match renderer.render(&Template { place, text: &text, module }) {
        Ok(Rendered::Absent) => None,
        Ok(Rendered::File(text)) => {
            let (hash, size) = (ContentHash::of(text.as_bytes()), text.len() as u64);
            kept.rendered.insert(hash, text.into_bytes());
            Some(StagedKind::File(Content { hash, size, source: ContentSource::Rendered }))
        }
        Ok(Rendered::Secret(printed)) => {
            let (content, pieces) = vault?.content(repository, place, printed)?;
            kept.sealed.insert(content.hash, pieces);
            Some(StagedKind::File(content))
        }
        Err(mistake) => {
            repository.mistakes.push(mistake);
            None
        }
    }
}

/// Refuses paths of the agent in what is installed and what is deleted; nothing is read.
pub(super) fn refuse_own_paths(repository: &mut Repository<'_>, parts: &Parts) {
    for merged in &parts.overlay {
        is_refused(repository, &parts.names, merged.from.name(), merged);
    }
    for merged in parts.delete.iter().filter(|merged| matches!(merged.kind, EntryKind::File { .. })) {
        is_refused(repository, &parts.names, "delete", merged);
    }
}

/// Refuses paths that belong to the agent.
fn is_refused(repository: &mut Repository<'_>, names: &[String], folder: &str, merged: &Merged) -> bool {
    let path = merged.path.as_bytes();
    let replaces = merged.kind != EntryKind::Directory && own_paths::has_one_below(path);
    let refused = replaces || own_paths::has(path);
    if refused {
        let text = "no layer may touch this path, it belongs to the agent of each host";
        repository.is_unfit(place(names, folder, merged), text, "remove it from the layer");
    }
    refused
}

fn staged_kind(repository: &mut Repository<'_>, place: &dyn Fn() -> String, merged: &Merged) -> Option<StagedKind> {
    match merged.kind {
        EntryKind::Directory => Some(StagedKind::Directory),
        EntryKind::File { .. } => repository.content(place, merged.id).map(StagedKind::File),
        EntryKind::Symlink => {
            let target = repository.bytes(&place(), merged.id, ObjectKind::Blob)?;
            if target.is_empty() || target.len() > LONGEST_TARGET || target.contains(&0) {
                repository.mistake(place(), "a symlink's target has 1 to 4095 bytes without NUL", "make it anew");
                return None;
            }
            Some(StagedKind::Symlink(target))
        }
    }
}

/// Returns an entry as git carries it; a secret is its owner's alone.
fn plain_entry(kind: StagedKind, merged: &Merged) -> StagedEntry {
    let is_secret = matches!(&kind, StagedKind::File(content) if content.is_secret());
    let mode = match merged.kind {
        EntryKind::File { executable } if is_secret => Some(if executable { 0o700 } else { 0o600 }),
        EntryKind::File { executable: true } => Some(0o755),
        EntryKind::File { executable: false } => Some(0o644),
        EntryKind::Symlink | EntryKind::Directory => None,
    };
    StagedEntry {
        kind,
        mode,
        owner: Owner::Default,
        group: Owner::Default,
        policy: FilePolicy::Enforce,
        layer: merged.layer,
        changed_by: None,
    }
}

/// Lets the first layer that says something about an attribute decide; in a layer, the last table.
fn apply_rules(entry: &mut StagedEntry, rules: &[Vec<FileRule>], merged: &Merged, narrow_secrets: bool) {
    let path = merged.path.as_bytes();
    let is_directory = merged.kind == EntryKind::Directory;
    let is_file = matches!(merged.kind, EntryKind::File { .. });
    let matching = || {
        let in_order = rules.iter().flat_map(|layer| layer.iter().rev());
        in_order.filter(|rule| rule.pattern.matches(path, is_directory))
    };
    match matching().find_map(|rule| rule.mode) {
        Some(mode) if is_file || is_directory => entry.mode = Some(mode),
        None if is_file && narrow_secrets && is_well_known_secret(path) => entry.mode = Some(0o600),
        _ => (),
    }
    if let Some(owner) = matching().find_map(|rule| rule.owner.clone()) {
        entry.owner = owner;
    }
    if let Some(group) = matching().find_map(|rule| rule.group.clone()) {
        entry.group = group;
    }
    if let Some(policy) = matching().find_map(|rule| rule.policy) {
        entry.policy = policy;
    }
}

/// Tells whether a file is never to be readable by others unless a layer says so (docs/formats.md §4).
fn is_well_known_secret(path: &[u8]) -> bool {
    path.ends_with(b"_key")
        || path.starts_with(b"root/.ssh/")
        || matches!(path, b"etc/shadow" | b"etc/shadow-" | b"etc/gshadow" | b"etc/gshadow-")
}

pub(super) fn task_files(
    repository: &mut Repository<'_>,
    names: &[String],
    folder: &str,
    merged: Vec<Merged>,
) -> Vec<StagedTaskFile> {
    let mut files = Vec::new();
    for one in merged.into_iter().filter(|one| one.kind != EntryKind::Directory) {
        if let Some(kind) = staged_kind(repository, &|| place(names, folder, &one), &one) {
            let executable = one.kind == EntryKind::File { executable: true };
            files.push(StagedTaskFile { path: one.path, kind, executable, layer: one.layer });
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files
}
