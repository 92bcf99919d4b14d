//! The model folder, `$COSMOS_MODEL`: the verified, merged model as files, which tasks run from (C4, C5).

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use cosmos_model::content::{ContentHash, ContentSource};
use cosmos_model::object::ObjectSource;
use cosmos_model::path::RelPath;
use cosmos_model::staged::{StagedKind, StagedModel, StagedTaskFile};

use super::index::Index;
use super::sync::{self, FolderError, Listing, Strangers, Wanted, failed};

/// The folder of tasks that run before the overlay is installed.
pub const PRE_TASKS: &str = "pre-tasks.d";
/// The folder of tasks that run after it.
pub const POST_TASKS: &str = "post-tasks.d";

/// The mode of a directory that nobody gave another one. It says nothing about directories a host has (fault 5).
pub const NEW_DIRECTORY: u32 = 0o755;

/// Returns the model as the entries of a folder: what rsync made of the same layers.
#[must_use]
pub fn listing(model: &StagedModel) -> Listing {
    let mut listing = Listing::new();
    for (path, entry) in model.entries() {
        put(&mut listing, "overlay", path, wanted(&entry.kind, entry.mode));
    }
    for path in model.named_for_deletion().keys() {
        put(&mut listing, "delete", path, Some(Wanted::EmptyFile));
    }
    put_tasks(&mut listing, model);
    for (path, (kind, executable)) in model.others() {
        let mode = matches!(kind, StagedKind::File(_)).then(|| git_mode(*executable));
        listing.extend(wanted(kind, mode).map(|wanted| (path.clone(), wanted)));
    }
    sync::add_parents(&mut listing);
    listing
}

/// Returns the task folders only, for hosts whose tasks need no more.
#[must_use]
pub fn task_listing(model: &StagedModel) -> Listing {
    let mut listing = Listing::new();
    put_tasks(&mut listing, model);
    sync::add_parents(&mut listing);
    listing
}

fn put_tasks(listing: &mut Listing, model: &StagedModel) {
    for (folder, files) in [(PRE_TASKS, model.pre_tasks()), (POST_TASKS, model.post_tasks())] {
        for StagedTaskFile { path, kind, executable, .. } in files {
            put(listing, folder, path, wanted(kind, Some(git_mode(*executable))));
        }
    }
}

/// Writes the model into `folder`; what is not in it goes, whoever put it there (fault 2).
///
/// # Errors
/// Returns [`FolderError`] at the first path that cannot be read or written.
pub fn write(
    folder: &Path,
    index: &Path,
    model: &StagedModel,
    objects: &dyn ObjectSource,
) -> Result<Index, FolderError> {
    sync::sync(folder, index, &listing(model), objects, Strangers::Remove)
}

/// Returns the tasks of one folder of the model in the order they run: executable files, symlinks followed (C4).
///
/// # Errors
/// Returns [`FolderError::System`] when the folder cannot be read.
pub fn tasks(model: &Path, folder: &str) -> Result<Vec<PathBuf>, FolderError> {
    let folder = model.join(folder);
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed("read", &folder))?,
    };
    let mut tasks = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed("read", &folder))?;
        let name = entry.file_name();
        let named = name.as_bytes()[0].is_ascii_digit() && !name.as_bytes().ends_with(b"~");
        let path = entry.path();
        // A dangling symlink is no file, as for the original's test.
        let runs =
            |path: &Path| path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
        if named && runs(&path) {
            tasks.push(path);
        }
    }
    tasks.sort();
    Ok(tasks)
}

/// Reads the content of a file that a task changed in the model, and makes sure that it is still what was planned.
///
/// # Errors
/// Returns the system's error, or that the content changed since it was read for the plan.
pub fn content(model: &Path, path: &RelPath, expected: ContentHash) -> std::io::Result<Vec<u8>> {
    let bytes = std::fs::read(sync::inside(&model.join("overlay"), path))?;
    if ContentHash::of(&bytes) == expected {
        return Ok(bytes);
    }
    Err(std::io::Error::other("the file changed while the plan was carried out"))
}

fn put(listing: &mut Listing, folder: &str, path: &RelPath, wanted: Option<Wanted>) {
    let whole = [folder.as_bytes(), b"/", path.as_bytes()].concat();
    let whole = RelPath::new(&whole).expect("a path below a folder is a path");
    listing.extend(wanted.map(|wanted| (whole, wanted)));
}

fn wanted(kind: &StagedKind, mode: Option<u32>) -> Option<Wanted> {
    match kind {
        StagedKind::File(content) => match content.source {
            ContentSource::Blob(blob) => Some(Wanted::File { blob, mode: mode.unwrap_or(git_mode(false)) }),
            // A classic model has no templates and no secrets. What a task made is not part of the verified model; it
            // makes it again.
            ContentSource::Secret(_) | ContentSource::Rendered | ContentSource::Filled | ContentSource::Model => None,
        },
        StagedKind::Symlink(target) => Some(Wanted::Symlink(target.clone())),
        StagedKind::Directory => Some(Wanted::Directory(mode.unwrap_or(NEW_DIRECTORY))),
    }
}

const fn git_mode(executable: bool) -> u32 {
    if executable { 0o755 } else { 0o644 }
}
