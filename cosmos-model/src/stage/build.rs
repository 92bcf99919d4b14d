//! The staged model from merged folders: contents by hash, owners and modes by the layers' patterns.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::Parts;
use super::merge::Merged;
use super::repository::{Repository, below_bytes};
use crate::layer::FileRule;
use crate::object::ObjectKind;
use crate::object::tree::EntryKind;
use crate::path::RelPath;
use crate::staged::{FilePolicy, Owner, StagedEntry, StagedKind, StagedModel, StagedTaskFile};
use crate::trust::VerifiedRevision;

/// Folders of the agent's own, which no layer may install into or delete from.
const OWN_FOLDERS: [&[u8]; 4] = [b"var/lib/cosmos", b"var/cache/cosmos", b"run/cosmos", b"var/run/cosmos"];

/// The host's own word about trust.
const TRUST_FILE: &[u8] = b"etc/cosmos/trust.toml";

/// The longest target the kernel takes.
const LONGEST_TARGET: usize = 4095;

/// Reads contents and applies attributes; mistakes go to the repository's list.
pub(super) fn model(repository: &mut Repository<'_>, revision: VerifiedRevision, parts: Parts) -> StagedModel {
    let Parts { names, rules, overlay, mut left_out, delete, pre_tasks, post_tasks, others, retired, narrow_secrets } =
        parts;
    left_out.sort_unstable();
    let entries = overlay_entries(repository, &names, &rules, overlay, narrow_secrets);
    let named = delete
        .into_iter()
        .filter(|merged| matches!(merged.kind, EntryKind::File { .. }))
        .filter(|merged| !is_refused(repository, &names, "delete", merged))
        .map(|merged| (merged.path, merged.layer))
        .collect();
    let deletions = crate::staged::not_installed(&named, &entries);
    let pre_tasks = task_files(repository, &names, "pre-tasks.d", pre_tasks);
    let post_tasks = task_files(repository, &names, "post-tasks.d", post_tasks);
    let mut carried = BTreeMap::new();
    for merged in others {
        let executable = merged.kind == EntryKind::File { executable: true };
        if let Some(kind) = staged_kind(repository, &|| place(&names, "", &merged), &merged) {
            carried.insert(merged.path, (kind, executable));
        }
    }
    StagedModel {
        revision,
        layers: names,
        entries,
        named,
        deletions,
        pre_tasks,
        post_tasks,
        others: carried,
        retired,
        left_out,
    }
}

fn place(names: &[String], folder: &str, merged: &Merged) -> String {
    let layer = names.get(usize::from(merged.layer.0)).map_or("", |name| if name == "." { "" } else { name });
    below_bytes(&below_bytes(layer, folder.as_bytes()), merged.path.as_bytes())
}

fn overlay_entries(
    repository: &mut Repository<'_>,
    names: &[String],
    rules: &[Vec<FileRule>],
    overlay: Vec<Merged>,
    narrow_secrets: bool,
) -> BTreeMap<RelPath, StagedEntry> {
    let mut entries = Vec::with_capacity(overlay.len());
    for merged in overlay {
        if is_refused(repository, names, "overlay", &merged) {
            continue;
        }
        if let Some(kind) = staged_kind(repository, &|| place(names, "overlay", &merged), &merged) {
            let mut entry = plain_entry(kind, &merged);
            apply_rules(&mut entry, rules, &merged, narrow_secrets);
            entries.push((merged.path, entry));
        }
    }
    // Collecting sorted pairs fills the map's nodes; inserting one by one leaves them half empty.
    entries.into_iter().collect()
}

/// Refuses paths that belong to the agent.
fn is_refused(repository: &mut Repository<'_>, names: &[String], folder: &str, merged: &Merged) -> bool {
    let path = merged.path.as_bytes();
    let inside = |own: &[u8]| path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest[0] == b'/');
    let above = |own: &[u8]| own.strip_prefix(path).is_some_and(|rest| rest.starts_with(b"/"));
    let all = || OWN_FOLDERS.iter().copied().chain([TRUST_FILE]);
    let replaces = merged.kind != EntryKind::Directory && all().any(above);
    let refused = replaces || all().any(inside);
    if refused {
        let text = "no layer may touch this path, it belongs to the agent of each host";
        repository.mistake(place(names, folder, merged), text, "remove it from the layer");
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

/// Returns an entry as git carries it.
fn plain_entry(kind: StagedKind, merged: &Merged) -> StagedEntry {
    let mode = match merged.kind {
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

fn task_files(
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
