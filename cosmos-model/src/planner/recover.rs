//! After a killed run: the managed set as the journal and the host tell it (docs/formats.md §11).

use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use super::desired::NO_CONTENT;
use super::drift::hash_of;
use crate::by_path::ByPath;
use crate::managed::{ManagedEntry, ManagedKind, ManagedSet};
use crate::path::RelPath;
use crate::plan::Cause;
use crate::record::{ActionName, Described, Kind, StepRecord};
use crate::snapshot::{Attributes, HostSnapshot, Observed, Stat};

/// Returns the managed set with every step of the killed run that is seen to have happened.
///
/// Without this, the next run would take what the killed one wrote for something that was there before us.
#[must_use]
pub fn recover(managed: &ManagedSet, records: &[StepRecord], snapshot: &HostSnapshot) -> ManagedSet {
    let mut recovered = ManagedSet { entries: ByPath::new(), ..managed.clone() };
    // A tree while it lasts: the records of a long journal are not in the order of their paths.
    let mut entries: BTreeMap<RelPath, ManagedEntry> = managed.entries.clone().into_iter().collect();
    // What was put back is the host's, and was so before.
    for record in records.iter().filter(|record| record.cause != Cause::Restore) {
        let observed = snapshot.paths.get(&record.path).unwrap_or(&Observed::Absent);
        match (&record.new, record.landed(observed)) {
            (Some(new), true) => {
                let entry = written(&mut recovered, entries.get(&record.path), record, new);
                entries.insert(record.path.clone(), entry);
            }
            (None, true) => drop(entries.remove(&record.path)),
            (_, false) => {
                if let Some(entry) = entries.get_mut(&record.path) {
                    entry.unfinished = true;
                }
            }
        }
    }
    recovered.entries = entries.into_iter().collect();
    recovered
}

fn written(
    managed: &mut ManagedSet,
    previous: Option<&ManagedEntry>,
    record: &StepRecord,
    new: &Described,
) -> ManagedEntry {
    let there = match (&record.old, record.action) {
        (Some(old), _) if old.kind != Kind::Directory => Some(hash_of(old)),
        (Some(_), ActionName::Attributes) => Some(NO_CONTENT),
        _ => None,
    };
    let (found, found_kept) = match previous {
        _ if new.kind == Kind::Directory && record.action != ActionName::Attributes => (None, false),
        Some(entry) => (entry.found, entry.found_kept || (record.kept && entry.found == there)),
        None => (there, record.kept),
    };
    let kind = match new.kind {
        Kind::Symlink => ManagedKind::Symlink,
        Kind::Directory => ManagedKind::Directory,
        Kind::File | Kind::Other => ManagedKind::File,
    };
    ManagedEntry {
        kind,
        attributes: Attributes { mode: new.mode_bits(), uid: new.uid, gid: new.gid },
        size: new.size.unwrap_or(0),
        hash: hash_of(new),
        blob: None,
        stat: Stat::default(),
        layer: layer(managed, &record.layer),
        found,
        found_kept,
        secret: record.secret,
        task_made: false,
        unfinished: true,
        left_alone: previous.is_some_and(|entry| entry.left_alone),
    }
}

fn layer(managed: &mut ManagedSet, name: &str) -> u16 {
    let position = managed.layers.iter().position(|layer| **layer == *name);
    let position = position.unwrap_or_else(|| {
        managed.layers.push(Arc::from(name));
        managed.layers.len() - 1
    });
    u16::try_from(position).unwrap_or(u16::MAX)
}
