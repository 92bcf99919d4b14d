//! Steps about what is there: owner and mode are set, files, symlinks and directories go.

use cosmos_model::snapshot::Attributes;
use nix::errno::Errno;

use super::{Execution, Place};
use crate::fs::{FsError, Kind, OnPath as _, extended, kind_of};

impl Execution<'_> {
    pub(super) fn set_attributes(&mut self, place: &Place<'_>, attributes: Attributes) -> Result<(), FsError> {
        let before = place.directory.stat(place.name).on("look at", place.path())?;
        let (Some(before), true) = (before, self.is_expected(&place.directory, place.name, place.step)?) else {
            self.refuse_moved(place);
            return Ok(());
        };
        if kind_of(&before) == Kind::File && before.st_nlink > 1 {
            let same_owner = (before.st_uid, before.st_gid) == (attributes.uid, attributes.gid);
            return self.break_link(place, attributes, same_owner);
        }
        let same = |stat: &nix::sys::stat::FileStat| (stat.st_dev, stat.st_ino) == (before.st_dev, before.st_ino);
        let set = place.directory.set_attributes(place.name, attributes, same);
        if !set.on("set owner and mode of", place.path())? {
            self.refuse_moved(place);
            return Ok(());
        }
        self.done(place)
    }

    /// Gives the path an inode of its own: its other names may be somebody's trap (A39).
    ///
    /// The content stays, and with it what it was given; but for capabilities under another owner, as for any `chown`.
    fn break_link(&mut self, place: &Place<'_>, attributes: Attributes, same_owner: bool) -> Result<(), FsError> {
        let mut bytes = Vec::new();
        let mut file = place.directory.open_file(place.name).on("open", place.path())?;
        std::io::Read::read_to_end(&mut file, &mut bytes).on("read", place.path())?;
        let kept: &[&str] = if same_owner { &[extended::LABEL, extended::CAPABILITIES] } else { &[extended::LABEL] };
        self.add_file(place, &bytes, attributes, kept)
    }

    pub(super) fn remove(&mut self, place: &Place<'_>) -> Result<(), FsError> {
        if !self.is_expected(&place.directory, place.name, place.step)? {
            self.refuse_moved(place);
            return Ok(());
        }
        place.directory.unlink(place.name).on("remove", place.path())?;
        self.gone(place)
    }

    pub(super) fn remove_directory(&mut self, place: &Place<'_>) -> Result<(), FsError> {
        if !self.is_expected(&place.directory, place.name, place.step)? {
            self.refuse_moved(place);
            return Ok(());
        }
        let was = place.directory.stat(place.name).on("look at", place.path())?;
        match place.directory.remove_directory(place.name) {
            Ok(()) => {
                was.iter().for_each(|was| self.batch.forget(was));
                self.gone(place)
            }
            // Somebody keeps something in it: it stays, and is no longer ours.
            Err(Errno::ENOTEMPTY | Errno::EEXIST) => self.done(place),
            Err(errno) => Err(errno).on("remove the directory", place.path()),
        }
    }

    fn gone(&mut self, place: &Place<'_>) -> Result<(), FsError> {
        self.removed.insert(self.plan.steps()[place.number].path());
        self.cursor.forget();
        self.done(place)
    }
}
