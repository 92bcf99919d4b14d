//! What templates became and modules of the agent were, by content, 0600: each content once, for all generations that
//! have it (docs/formats.md §24).

use std::collections::BTreeSet;

use cosmos_model::content::ContentHash;
use cosmos_model::generation::{Generations, Rendering};
use cosmos_model::path::RelPath;

use super::folder::StateFolder;
use crate::fs::{self, Directory, FsError, OnPath as _};

/// The folder's name in the state folder.
const FOLDER: &str = "rendered";
/// No list of one generation's files is longer, in bytes: a hundred thousand files.
const LARGEST: u64 = 16 << 20;
/// How many files are put on disk together; each is an open handle meanwhile, and 1,024 are usual.
const TOGETHER: usize = 256;

/// The contents of rendered files and of modules below the state folder.
#[derive(Debug, Clone, Copy)]
pub struct RenderedFolder<'s>(pub &'s StateFolder);

impl RenderedFolder<'_> {
    /// Keeps what `rendering` names and `contents` returns, as far as it is not there, and `rendering` itself, under
    /// the hash that is returned. All of it is on disk then. What has a secret in it is not kept.
    ///
    /// # Errors
    /// Returns an [`FsError`] that names the file.
    pub fn keep<'c>(
        &self,
        rendering: &Rendering,
        contents: &dyn Fn(ContentHash) -> Option<&'c [u8]>,
    ) -> Result<ContentHash, FsError> {
        self.0.make()?;
        let directory = fs::make_directories(self.0.home(), &self.0.path(FOLDER), 0o700)?;
        let list = serde_json::to_vec(rendering).expect("the keys are text");
        let hash = ContentHash::of(&list);
        let named: BTreeSet<_> = rendering.contents().map(|(hash, _)| hash).collect();
        let files = named.into_iter().filter_map(|hash| Some((hash, contents(hash)?)));
        // The list last: what it names is there.
        let mut missing: Vec<(RelPath, &[u8])> = Vec::new();
        for (hash, bytes) in files.chain([(hash, list.as_slice())]) {
            let path = self.place(hash);
            let there = directory.stat(path.name()).on("look at", path.as_bytes())?;
            // What a power cut cut off is shorter; all else is hashed by whoever reads it.
            if there.is_none_or(|stat| u64::try_from(stat.st_size) != Ok(bytes.len() as u64)) {
                missing.push((path, bytes));
            }
        }
        for some in missing.chunks(TOGETHER) {
            let some: Vec<(&RelPath, &[u8])> = some.iter().map(|(path, bytes)| (path, *bytes)).collect();
            fs::replace_together(self.0.home(), &some, 0o600)?;
        }
        Ok(hash)
    }

    /// Returns what was kept as `hash`, if it is there as it was.
    #[must_use]
    pub fn rendering(&self, hash: ContentHash) -> Option<Rendering> {
        serde_json::from_slice(&self.bytes(hash, LARGEST)?).ok()
    }

    /// Returns the bytes of one file, of that hash and size, if they are there as they were.
    #[must_use]
    pub fn bytes(&self, hash: ContentHash, most: u64) -> Option<Vec<u8>> {
        let bytes = self.0.home().read(&self.place(hash), most).ok()??;
        (ContentHash::of(&bytes) == hash).then_some(bytes)
    }

    /// Lets the oldest generations of `list` go while what they need takes more than half of the bound of backups; the
    /// newest stays, and the newest before it whose probes have not `failed`.
    pub fn bound(&self, list: &mut Generations, failed: &BTreeSet<u64>) {
        let room = self.0.backup_size() / 2;
        let (mut taken, mut known, mut count) = (0, BTreeSet::new(), 0);
        for hash in list.kept().iter().rev().map(|one| one.rendering) {
            let news = self.needed(hash).into_iter().filter(|(hash, _)| known.insert(*hash));
            taken += news.map(|(_, size)| size).sum::<u64>();
            if taken > room {
                break;
            }
            count += 1;
        }
        list.keep_newest(count, failed);
    }

    /// Removes what no generation of `list` has.
    ///
    /// # Errors
    /// Returns an [`FsError`] when something cannot be removed.
    pub fn collect(&self, list: &Generations) -> Result<(), FsError> {
        let Some(directory) = self.directory() else { return Ok(()) };
        let renderings: BTreeSet<_> = list.kept().iter().filter_map(|one| one.rendering).collect();
        let needed = renderings.into_iter().flat_map(|hash| self.needed(Some(hash)));
        let needed: BTreeSet<Vec<u8>> = needed.map(|(hash, _)| hash.to_string().into_bytes()).collect();
        for name in directory.names().on("list", FOLDER.as_bytes())? {
            if !needed.contains(&name) {
                directory.unlink(&name).on("remove what nothing needs below", FOLDER.as_bytes())?;
            }
        }
        Ok(())
    }

    /// Returns how many bytes all of it takes.
    ///
    /// # Errors
    /// Returns an [`FsError`] when the folder cannot be listed.
    pub fn size(&self) -> Result<u64, FsError> {
        let Some(directory) = self.directory() else { return Ok(0) };
        let mut size = 0;
        for name in directory.names().on("list", FOLDER.as_bytes())? {
            let stat = directory.stat(&name).on("look at", FOLDER.as_bytes())?;
            size += stat.and_then(|stat| u64::try_from(stat.st_size).ok()).unwrap_or(0);
        }
        Ok(size)
    }

    /// Returns the contents that a generation needs, each with its size: its list, and what that names.
    fn needed(&self, hash: Option<ContentHash>) -> Vec<(ContentHash, u64)> {
        let Some((hash, rendering)) = hash.and_then(|hash| Some((hash, self.rendering(hash)?))) else {
            return Vec::new();
        };
        let list = serde_json::to_vec(&rendering).map_or(0, |text| text.len() as u64);
        rendering.contents().chain([(hash, list)]).collect()
    }

    fn directory(&self) -> Option<Directory> {
        self.0.home().directory(self.0.path(FOLDER).as_bytes()).ok()
    }

    fn place(&self, hash: ContentHash) -> RelPath {
        self.0.path(FOLDER).join(hash.to_string().as_bytes()).expect("a hash is one component")
    }
}
