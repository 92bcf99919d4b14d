//! Files that are written and not yet in place: many temporary files, one sync, then the renames.
//!
//! Syncing each of 10,000 files costs seven times as much as one `syncfs` for a thousand; a batch is bounded since its
//! files need their space twice (docs/decisions.md, Apply).

use std::collections::BTreeMap;
use std::fs::File;

use cosmos_model::snapshot::Stat;
use nix::errno::Errno;
use nix::sys::stat::FileStat;

use crate::fs::{Directory, write, writeback};

/// Most files of a batch.
const FILES: usize = 1_000;
/// Most bytes of a batch.
const BYTES: u64 = 64 << 20;
/// Most distinct folders of a batch; each is an open handle, and 1,024 are usual.
const FOLDERS: usize = 200;
/// Up to so many files are synced one by one: `syncfs` also writes what others left dirty.
const FEW: usize = 16;

/// A step whose temporary file, or symlink, lies beside its path.
#[derive(Debug)]
pub(super) struct Pending {
    /// The step's position in the plan.
    pub(super) number: usize,
    /// The folder of its path.
    pub(super) directory: Directory,
    /// The temporary name in it.
    pub(super) temporary: Vec<u8>,
    /// The file, while there are few; symlinks have none.
    pub(super) file: Option<File>,
    /// How the temporary file looked when it was done.
    pub(super) stat: Stat,
}

/// Pending steps in the plan's order.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pending: Vec<Pending>,
    bytes: u64,
    /// Each touched folder once, with the number of the step that touched it last.
    folders: BTreeMap<(u64, u64), (usize, Directory)>,
}

/// The number of a step that could not be put on disk, and why.
pub(super) type Unsynced = (usize, Errno);

impl Batch {
    /// Adds a step.
    pub(super) fn push(&mut self, pending: Pending) -> nix::Result<()> {
        let (number, directory) = (pending.number, pending.directory.clone());
        self.bytes += pending.stat.size;
        self.pending.push(pending);
        if self.pending.len() > FEW {
            self.pending.iter_mut().for_each(|pending| pending.file = None);
        }
        self.touch(number, directory)
    }

    /// Notes that step `number` changed entries of `directory`, so that it is synced at the end of the batch.
    pub(super) fn touch(&mut self, number: usize, directory: Directory) -> nix::Result<()> {
        let stat = directory.stat_self()?;
        self.folders.insert((stat.st_dev, stat.st_ino), (number, directory));
        Ok(())
    }

    /// Forgets the folder that looked like `stat`: it was removed, and needs not be on disk any more.
    pub(super) fn forget(&mut self, stat: &FileStat) {
        self.folders.remove(&(stat.st_dev, stat.st_ino));
    }

    /// Tells whether it is time to put the batch in place.
    pub(super) fn is_full(&self) -> bool {
        self.pending.len() >= FILES || self.bytes >= BYTES || self.has_many_folders()
    }

    /// Puts the temporary files' content on disk.
    pub(super) fn sync_files(&self) -> Result<(), Unsynced> {
        if self.pending.len() > FEW {
            return self.sync_systems();
        }
        self.pending.iter().filter_map(|pending| pending.file.as_ref()).for_each(writeback::begin);
        let mut files = self.pending.iter().filter_map(|pending| Some((pending.number, pending.file.as_ref()?)));
        files.try_for_each(|(number, file)| write::sync(file).map_err(|errno| (number, errno)))
    }

    fn sync_systems(&self) -> Result<(), Unsynced> {
        let mut systems = BTreeMap::new();
        for ((device, _), folder) in &self.folders {
            systems.entry(*device).or_insert(folder);
        }
        let sync =
            |(number, directory): &(usize, Directory)| directory.sync_file_system().map_err(|errno| (*number, errno));
        systems.into_values().try_for_each(sync)
    }

    /// Hands out the pending steps, in order.
    pub(super) fn take(&mut self) -> Vec<Pending> {
        self.bytes = 0;
        std::mem::take(&mut self.pending)
    }

    /// Tells whether so many folders are open that they have to be synced and let go.
    pub(super) fn has_many_folders(&self) -> bool {
        self.folders.len() >= FOLDERS
    }

    /// Puts the touched folders' entries on disk.
    ///
    /// Once at the end is enough: until then the journal tells what a power cut may have undone.
    pub(super) fn sync_folders(&mut self) -> Result<(), Unsynced> {
        if self.folders.len() <= FEW {
            let sync = |(number, directory): &(usize, Directory)| directory.sync().map_err(|errno| (*number, errno));
            self.folders.values().try_for_each(sync)?;
        } else {
            self.sync_systems()?;
        }
        self.folders.clear();
        Ok(())
    }
}
