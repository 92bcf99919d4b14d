//! Steps that make something: files and symlinks beside their path, to be put in place with their batch; directories.

use std::os::fd::AsFd as _;

use cosmos_model::content::{Content, ContentHash};
use cosmos_model::secret::Plaintext;
use cosmos_model::snapshot::{Attributes, Observed, Stat};
use nix::errno::Errno;

use super::super::StepError;
use super::super::batch::Pending;
use super::super::journal::temporary_name;
use super::{Execution, Place};
use crate::fs::{FsError, Kind, OnPath as _, extended, kind_of, stat_of, write};

impl Execution<'_> {
    pub(super) fn write_file(
        &mut self,
        place: &Place<'_>,
        content: &Content,
        attributes: Attributes,
    ) -> Result<(), StepError> {
        let path = place.step.path();
        let read = self.contents.read(path, content);
        let bytes = read.map_err(|source| StepError::Content { path: path.clone(), source })?;
        if ContentHash::of(&bytes) != content.hash {
            return Err(StepError::OtherContent { path: path.clone() });
        }
        // Capabilities were given to the content that goes.
        let written = self.add_file(place, &bytes, attributes, &[extended::LABEL]);
        if content.is_secret() {
            // Nobody is to find it in memory afterwards.
            drop(Plaintext::from(bytes));
        }
        Ok(written?)
    }

    /// Writes a temporary file, which takes over the attributes `kept` from the file that it will replace.
    pub(super) fn add_file(
        &mut self,
        place: &Place<'_>,
        bytes: &[u8],
        attributes: Attributes,
        kept: &[&str],
    ) -> Result<(), FsError> {
        let temporary = temporary_name(&self.run, place.number);
        let is_foreign = self.is_foreign(place)?;
        let replaces = matches!(place.step.expects(), Observed::File { .. });
        let written = place.directory.create(&temporary).and_then(|mut file| {
            write::write_all(&mut file, bytes)?;
            if is_foreign {
                extended::drop_access_lists(file.as_fd())?;
            }
            write::set_attributes(&file, attributes)?;
            if replaces {
                extended::take_over(&place.directory, place.name, file.as_fd(), kept)?;
            }
            let stat = stat_of(&nix::sys::stat::fstat(&file)?);
            Ok((file, stat))
        });
        if written.is_err() {
            // Best effort: it may not exist, and the error that matters is the one before.
            let _ = place.directory.unlink(&temporary);
        }
        let (file, stat) = written.on("write", place.path())?;
        self.pend(place, temporary, Some(file), stat)
    }

    /// Tells whether the step's folder belongs to somebody whose access lists say nothing about our files.
    pub(super) fn is_foreign(&self, place: &Place<'_>) -> Result<bool, FsError> {
        let folder = place.directory.stat_self().on("look at the folder of", place.path())?;
        Ok(folder.st_uid != self.root.default_owner().0)
    }

    pub(super) fn write_symlink(
        &mut self,
        place: &Place<'_>,
        target: &[u8],
        attributes: Attributes,
    ) -> Result<(), FsError> {
        let temporary = temporary_name(&self.run, place.number);
        let made = place.directory.make_symlink(target, &temporary).and_then(|()| {
            place.directory.own_symlink(&temporary, attributes)?;
            place.directory.stat(&temporary)?.ok_or(Errno::ENOENT)
        });
        if made.is_err() {
            // Best effort, as above.
            let _ = place.directory.unlink(&temporary);
        }
        let stat = stat_of(&made.on("make the symlink", place.path())?);
        self.pend(place, temporary, None, stat)
    }

    fn pend(
        &mut self,
        place: &Place<'_>,
        temporary: Vec<u8>,
        file: Option<std::fs::File>,
        stat: Stat,
    ) -> Result<(), FsError> {
        let pending = Pending { number: place.number, directory: place.directory.clone(), temporary, file, stat };
        self.batch.push(pending).on("look at the folder of", place.path())
    }

    pub(super) fn make_directory(&mut self, place: &Place<'_>, attributes: Attributes) -> Result<(), FsError> {
        if !self.is_expected(&place.directory, place.name, place.step)? {
            self.refuse_moved(place);
            return Ok(());
        }
        place.directory.make_directory(place.name, attributes.mode).on("make the directory", place.path())?;
        // From here on it is ours, also when the rest fails: what is not known to be ours never leaves the host.
        self.done(place)?;
        self.own_directory(place, place.name, attributes)
    }

    /// Gives the directory `name`, just made at the step's place, what it is to have.
    pub(super) fn own_directory(&self, place: &Place<'_>, name: &[u8], attributes: Attributes) -> Result<(), FsError> {
        if self.is_foreign(place)? {
            place.directory.drop_access_lists(name).on("set owner and mode of", place.path())?;
        }
        let is_ours = |stat: &nix::sys::stat::FileStat| kind_of(stat) == Kind::Directory;
        let set = place.directory.set_attributes(name, attributes, is_ours);
        set.map(|_| ()).on("set owner and mode of", place.path())
    }
}
