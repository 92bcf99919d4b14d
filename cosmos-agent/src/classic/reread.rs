//! What pre-tasks made of the model: the overlay is read again, and what differs from what we wrote is theirs (C5).

use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use cosmos_model::by_path::ByPath;
use cosmos_model::content::{Content, ContentHash, ContentSource};
use cosmos_model::layer::{FilePolicy, Owner};
use cosmos_model::path::RelPath;
use cosmos_model::staged::{LayerIndex, StagedEntry, StagedKind};

use crate::model_folder::index::{self, Index, Left};
use crate::model_folder::listing::{NEW_DIRECTORY, PRE_TASKS};
use crate::model_folder::sync::{self, FolderError, failed};
use crate::task::ran::{self, Ran};

/// The overlay, by path.
pub type Entries = ByPath<StagedEntry>;

/// The overlay as it is after the pre-tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reread {
    /// Every path; those that tasks changed name their task.
    pub entries: Entries,
    /// Devices, pipes and sockets that tasks made, which are not installed.
    pub strange: Vec<RelPath>,
}

/// Reads `model`/overlay and returns `written`, what we wrote there, with what the tasks in `ran` changed since.
///
/// One look at each path; a change belongs to the first task that ended after the path's change time, so that no
/// look is needed between tasks.
///
/// # Errors
/// Returns [`FolderError::System`] at the first path that cannot be read.
pub fn reread(model: &Path, index: &Index, written: &Entries, ran: &[Ran]) -> Result<Reread, FolderError> {
    let overlay = model.join("overlay");
    let mut reread = Reread::default();
    if sync::look(&overlay)?.is_none() {
        return Ok(reread);
    }
    let mut entries = Vec::new();
    let reader = Reader { index, written, ran };
    for entry in walkdir::WalkDir::new(&overlay).min_depth(1) {
        let entry = entry.map_err(|error| failed("read", &overlay)(error.into()))?;
        let found = entry.metadata().map_err(|error| failed("look at", entry.path())(error.into()))?;
        let relative = entry.path().strip_prefix(&overlay).expect("a walk stays below its start");
        let path = RelPath::new(relative.as_os_str().as_bytes()).expect("a name read from a folder is a component");
        match reader.entry(&path, entry.path(), &found)? {
            Some(staged) => entries.push((path, staged)),
            None => reread.strange.push(path),
        }
    }
    reread.entries = entries.into();
    Ok(reread)
}

struct Reader<'a> {
    index: &'a Index,
    written: &'a Entries,
    ran: &'a [Ran],
}

impl Reader<'_> {
    /// Returns what a path of the overlay is now, or `None` for what cannot be installed.
    fn entry(&self, path: &RelPath, full: &Path, found: &Metadata) -> Result<Option<StagedEntry>, FolderError> {
        let before = self.written.get(path);
        if let Some(entry) = before.filter(|entry| self.is_as_written(path, entry, found)) {
            return Ok(Some(entry.clone()));
        }
        let Some(kind) = kind(full, found, before)? else { return Ok(None) };
        let owner = |id, own| if id == own { Owner::Default } else { Owner::Id(id) };
        let now = StagedEntry {
            mode: explicit_mode(&kind, found.mode() & 0o7777),
            kind,
            owner: owner(found.uid(), nix::unistd::geteuid().as_raw()),
            group: owner(found.gid(), nix::unistd::getegid().as_raw()),
            policy: before.map_or(FilePolicy::Enforce, |entry| entry.policy),
            layer: self.layer(path),
            changed_by: None,
        };
        if before.is_some_and(|before| is_same(before, &now)) {
            return Ok(before.cloned());
        }
        Ok(Some(StagedEntry { changed_by: Some(self.task(found).into()), ..now }))
    }

    fn is_as_written(&self, path: &RelPath, entry: &StagedEntry, found: &Metadata) -> bool {
        if entry.kind == StagedKind::Directory {
            return false;
        }
        let whole = RelPath::new(&[b"overlay/", path.as_bytes()].concat()).expect("a path below a folder is a path");
        self.index.get(&whole).is_some_and(|left: &Left| left.stat == index::stat(found))
    }

    /// Returns the layer of the path, or of the nearest directory above that a layer has.
    fn layer(&self, path: &RelPath) -> LayerIndex {
        let own = self.written.get(path);
        let above = || path.ancestors().filter_map(|parent| self.written.get(&parent)).last();
        own.or_else(above).map_or(LayerIndex(0), |entry| entry.layer)
    }

    fn task(&self, found: &Metadata) -> String {
        let changed = ran::at((found.ctime(), u32::try_from(found.ctime_nsec()).unwrap_or(0)));
        let during = self.ran.iter().find(|ran| ran.until >= changed);
        // Something a task left running may still write after the last one ended.
        during.or(self.ran.last()).map_or_else(|| PRE_TASKS.to_owned(), |ran| ran.task.clone())
    }
}

fn kind(full: &Path, found: &Metadata, before: Option<&StagedEntry>) -> Result<Option<StagedKind>, FolderError> {
    if found.is_dir() {
        return Ok(Some(StagedKind::Directory));
    }
    if found.is_symlink() {
        let target = std::fs::read_link(full).map_err(failed("read", full))?;
        return Ok(Some(StagedKind::Symlink(target.as_os_str().as_bytes().to_vec())));
    }
    if !found.is_file() {
        return Ok(None);
    }
    let bytes = std::fs::read(full).map_err(failed("read", full))?;
    let read = Content { hash: ContentHash::of(&bytes), size: bytes.len() as u64, source: ContentSource::Model };
    let unchanged = before.and_then(|entry| match entry.kind {
        StagedKind::File(content) if content.hash == read.hash => Some(content),
        _ => None,
    });
    Ok(Some(StagedKind::File(unchanged.unwrap_or(read))))
}

/// Returns the mode that the model now asks for; a directory that has the mode of every new one asks for none.
fn explicit_mode(kind: &StagedKind, mode: u32) -> Option<u32> {
    match kind {
        StagedKind::Directory => (mode != NEW_DIRECTORY).then_some(mode),
        StagedKind::File(_) => Some(mode),
        StagedKind::Symlink(_) => None,
    }
}

fn is_same(before: &StagedEntry, now: &StagedEntry) -> bool {
    let mode = match (&before.kind, before.mode) {
        (StagedKind::File(_), None) => Some(0o644),
        (StagedKind::Directory, mode) => mode.filter(|mode| *mode != NEW_DIRECTORY),
        (StagedKind::Symlink(_), _) => None,
        (_, mode) => mode,
    };
    before.kind == now.kind && mode == now.mode && before.owner == now.owner && before.group == now.group
}
