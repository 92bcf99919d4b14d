//! The way of a run that changes nothing: one `statat` for each managed path, no content, no allocation per path.

use cosmos_model::managed::ManagedKind;
use nix::sys::stat::FileStat;

use super::observe::attributes_of;
use crate::apply::managed_file::{ManagedFile, ManagedRecord};
use crate::fs::{Cursor, FsError, Kind, Obstacle, OnPath as _, Root, kind_of, stat_of};

/// Returns the first managed path that does not look as we left it; `None` when all do.
///
/// A path whose policy leaves it to the host only has to be there.
///
/// # Errors
/// Returns the first path that the kernel does not let us look at.
pub fn first_difference<'a>(root: &Root, managed: &ManagedFile<'a>) -> Result<Option<&'a [u8]>, FsError> {
    look_along(&mut Cursor::new(root), managed)
}

/// Tells whether every managed path looks as we left it, and none was reached through a symlink.
///
/// # Errors
/// As [`first_difference`].
pub fn is_plainly_untouched(root: &Root, managed: &ManagedFile<'_>) -> Result<bool, FsError> {
    let mut cursor = Cursor::new(root);
    Ok(look_along(&mut cursor, managed)?.is_none() && !cursor.met_links())
}

fn look_along<'a>(cursor: &mut Cursor<'_>, managed: &ManagedFile<'a>) -> Result<Option<&'a [u8]>, FsError> {
    for record in managed.records() {
        let (directory, name) = match cursor.folder_of(record.path) {
            Ok(reached) => reached,
            Err(Obstacle::Failed(error)) => return Err(error),
            Err(Obstacle::Missing | Obstacle::Blocked(_)) => return Ok(Some(record.path)),
        };
        let stat = directory.stat(name).on("look at", record.path)?;
        if !stat.is_some_and(|stat| is_as_left(&record, &stat)) {
            return Ok(Some(record.path));
        }
    }
    Ok(None)
}

/// A directory's times change with what is put into it, so its owner and mode are compared; all else by `stat`,
/// whose change time moves with owner and mode too.
fn is_as_left(record: &ManagedRecord<'_>, stat: &FileStat) -> bool {
    if record.left_alone {
        return true;
    }
    let looks_alike = match record.kind {
        ManagedKind::Directory => kind_of(stat) == Kind::Directory && attributes_of(stat) == record.attributes,
        ManagedKind::File | ManagedKind::Symlink => stat_of(stat) == record.stat,
    };
    looks_alike && !record.unfinished
}
