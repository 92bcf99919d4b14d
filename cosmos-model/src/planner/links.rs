//! Symlinked directories on the host: two paths of one file must not be mistaken for two files (A38).
//!
//! On a host where `/lib` is a symlink to `usr/lib`, a file that moves in the model from `lib/x` to `usr/lib/x` has not left.

use alloc::collections::BTreeMap;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::path::RelPath;
use crate::snapshot::{HostSnapshot, Observed};
use crate::staged::StagedModel;

/// More links than the kernel follows.
const MOST_LINKS: usize = 40;

/// The symlinked directories that were observed, and where the model's paths really lie.
pub(super) struct Links {
    targets: BTreeMap<RelPath, Vec<u8>>,
    wanted: BTreeSet<RelPath>,
}

impl Links {
    /// Collects them; without any, this costs nothing more.
    pub(super) fn new(snapshot: &HostSnapshot, model: &StagedModel) -> Self {
        let mut links = Self { targets: BTreeMap::new(), wanted: BTreeSet::new() };
        for (path, observed) in &snapshot.paths {
            if let Observed::Symlink { target, to_directory: true, .. } = observed {
                links.targets.insert(path.clone(), target.clone());
            }
        }
        if !links.targets.is_empty() {
            links.wanted = model.entries().keys().filter_map(|path| links.real_path(path)).collect();
        }
        links
    }

    /// Tells whether `path` is, under its own or another name, one that the model wants.
    pub(super) fn is_wanted(&self, path: &RelPath) -> bool {
        !self.wanted.is_empty() && self.real_path(path).is_some_and(|real| self.wanted.contains(&real))
    }

    /// Returns where `path` lies once the directories above it are followed; `None` when that leads in circles.
    fn real_path(&self, path: &RelPath) -> Option<RelPath> {
        let mut real = path.clone();
        for _ in 0..MOST_LINKS {
            let Some((link, target)) = self.first_link_above(&real) else { return Some(real) };
            let rest = &real.as_bytes()[link.as_bytes().len() + 1..];
            let folder = if target.starts_with(b"/") { None } else { link.parent() };
            let start = folder.as_ref().map_or(&b""[..], RelPath::as_bytes);
            real = joined(&[start, target, rest])?;
        }
        None
    }

    fn first_link_above(&self, path: &RelPath) -> Option<(RelPath, &Vec<u8>)> {
        path.ancestors().find_map(|above| self.targets.get(&above).map(|target| (above.clone(), target)))
    }
}

/// Joins parts and takes `.` and `..` out; a `..` at the root stays there.
fn joined(parts: &[&[u8]]) -> Option<RelPath> {
    let mut components: Vec<&[u8]> = Vec::new();
    for component in parts.iter().flat_map(|part| part.split(|byte| *byte == b'/')) {
        match component {
            b"" | b"." => (),
            b".." => drop(components.pop()),
            name => components.push(name),
        }
    }
    RelPath::new(&components.join(&b'/')).ok()
}
