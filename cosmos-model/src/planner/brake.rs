//! The brake: a run that would remove much, or something a host cannot do without, stops first (docs/formats.md §4).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::managed::{ManagedKind, ManagedSet};
use crate::path::RelPath;
use crate::plan::{Brake, Cause, Step};
use crate::staged::StagedModel;

/// How many paths one run may remove unasked.
const MOST_REMOVALS: usize = 20;

/// One part in so many of the managed paths may go unasked; a single path always may.
const LARGEST_PART: usize = 10;

/// Folders and files without which a host may be out of reach.
const DANGEROUS: [&[u8]; 7] =
    [b"etc/ssh", b"etc/pam.d", b"etc/network", b"etc/netplan", b"etc/systemd/network", b"boot", b"etc/fstab"];

/// Returns why the removals among `steps` must not happen, if they must not.
pub(super) fn judge(steps: &[Step], managed: &ManagedSet, model: &StagedModel) -> Option<Brake> {
    let leaves = |step: &&Step| matches!(step.cause, Cause::Dropped | Cause::Delete);
    let removals: Vec<RelPath> = steps.iter().filter(leaves).map(|step| step.path.clone()).collect();
    let allowed = model.revision().removals();
    if removals.len() as u64 <= allowed {
        return None;
    }
    let rule = rule(&removals, managed)?;
    Some(Brake { removals, allowed, rule })
}

fn rule(removals: &[RelPath], managed: &ManagedSet) -> Option<String> {
    let files = managed.entries.values().filter(|entry| entry.kind != ManagedKind::Directory).count();
    let files = files + managed.left_out.files;
    if let Some(path) = removals.iter().find(|path| is_dangerous(path)) {
        return Some(format!("'{path}' would be removed, which the host may need to be reached"));
    }
    if removals.len() > MOST_REMOVALS {
        return Some(format!("{} paths would be removed, more than {MOST_REMOVALS}", removals.len()));
    }
    if removals.len() > 1 && removals.len() * LARGEST_PART > files {
        return Some(format!("{} of {files} managed paths would be removed, more than 10 %", removals.len()));
    }
    None
}

fn is_dangerous(path: &RelPath) -> bool {
    let inside =
        |folder: &&[u8]| path.as_bytes().strip_prefix(*folder).is_some_and(|rest| rest.is_empty() || rest[0] == b'/');
    DANGEROUS.iter().any(inside)
}
