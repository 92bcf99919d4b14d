//! What a run leaves for the next one: the state, the log and the stamp. A dry run has a record that is not kept.

use cosmos_model::content::ContentHash;
use cosmos_model::escape;
use cosmos_model::generation::{Generation, Generations};
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;
use cosmos_model::refs::RemoteRef;
use cosmos_model::time::Time;
use cosmos_model::trust::VerifiedRevision;

use crate::exit::{Failure, Status};
use crate::fs::{self, FsError};
use crate::generations::{self, GenerationsError};
use crate::report::{Report, log};
use crate::site::Site;
use crate::state::{State, StateError};

/// No listing is longer, in bytes; F2 limits the number of refs and git the length of a name.
const LARGEST_LISTING: u64 = 256 << 20;

/// The state in memory, and where it goes.
pub struct Record {
    saved: State,
    /// The state as this run has it; written by [`Record::save`].
    pub state: State,
    /// The refs of this run's look, to be written with the state.
    refs: Option<Vec<u8>>,
    /// The generations as this run has them, to be written with the state.
    generations: Option<Vec<u8>>,
    adds_generation: bool,
    site: Site,
    kept: bool,
}

/// The record could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep the record of this run")]
pub struct RecordError(#[from] FsError);

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        let hint = error.0.hint().unwrap_or_else(|| "make room or mend the file system, then run again".to_owned());
        Self::new(Status::Failed, &error, hint)
    }
}

impl Record {
    /// Reads the state. With `kept` false nothing will ever be written: the record of a dry run.
    ///
    /// # Errors
    /// Returns [`StateError`] when the state is unreadable or older than the log says.
    pub fn open(site: &Site, kept: bool) -> Result<Self, StateError> {
        let state = State::load(site)?;
        Ok(Self {
            saved: state.clone(),
            state,
            refs: None,
            generations: None,
            adds_generation: false,
            site: site.clone(),
            kept,
        })
    }

    /// Forgets what was accepted, for `clone --again`; the log stays, and its counter goes on (T1).
    ///
    /// # Errors
    /// Returns [`StateError`] when the log cannot be read, or the new state cannot be written.
    pub fn begin_again(site: &Site) -> Result<(), StateError> {
        let counter = log::last_entry(site)?.map_or(0, |last| last.counter);
        let state = State::starting_at(counter);
        let (saved, site) = (state.clone(), site.clone());
        let record = Self {
            saved,
            state: state.clone(),
            refs: None,
            generations: None,
            adds_generation: false,
            site: site.clone(),
            kept: true,
        };
        record.write(&[(&site.state_file(), &state.next().1)], None).map_err(StateError::Write)
    }

    /// Replaces the state file if the state changed, and the refs if there are new ones.
    ///
    /// # Errors
    /// Returns [`RecordError`] that names the file.
    pub fn save(&mut self) -> Result<(), RecordError> {
        self.save_with(None)
    }

    /// Writes the state, and a log line when the run changed, refused or failed something.
    ///
    /// # Errors
    /// Returns [`RecordError`] that names the file.
    pub fn close(&mut self, report: &Report, log_size: u64, now: Time) -> Result<(), RecordError> {
        if !self.kept || !report.is_noteworthy() {
            return self.save();
        }
        let accepted = self.state.trust.accepted().map(VerifiedRevision::commit);
        let counter = if self.is_saved() { self.state.counter } else { self.state.next().0.counter };
        let line = log::entry(report, accepted, counter, now) + "\n";
        if self.is_saved() {
            return Ok(log::append(&self.site, &line, log_size)?);
        }
        log::make_room(&self.site, log_size)?;
        self.save_with(Some(&line))
    }

    fn is_saved(&self) -> bool {
        self.state == self.saved && self.refs.is_none() && self.generations.is_none()
    }

    /// Replaces what changed, and appends `line` to the log later than that: no state is older than the log says (T1).
    fn save_with(&mut self, line: Option<&str>) -> Result<(), RecordError> {
        if !self.kept || self.is_saved() {
            (self.refs, self.generations) = (None, None);
            return Ok(());
        }
        let (refs, generations) = (self.refs.take(), self.generations.take());
        let (next, text) = self.state.next();
        let (refs_file, state_file) = (self.site.refs_file(), self.site.state_file());
        let generations_file = self.site.generations_file();
        // The state last: it says that these refs are no news any more, and which generation is the newest.
        let mut files: Vec<(&RelPath, &[u8])> = refs.iter().map(|refs| (&refs_file, refs.as_slice())).collect();
        files.extend(generations.iter().map(|list| (&generations_file, list.as_slice())));
        files.push((&state_file, &text));
        self.write(&files, line)?;
        (self.saved, self.state) = (next.clone(), next);
        Ok(())
    }

    /// Returns the generations that can be gone back to.
    ///
    /// # Errors
    /// Returns a [`GenerationsError`] when the file cannot be read or is damaged.
    pub fn generations(&self) -> Result<Generations, GenerationsError> {
        generations::read(&self.site, self.state.generation)
    }

    /// Numbers what was just applied and keeps it as a generation, those that `keep` leaves on the list;
    /// [`Record::save`] writes them with the state that names the newest. Returns what is wrong with the list that was
    /// there, if it is lost.
    pub fn add_generation(
        &mut self,
        revision: VerifiedRevision,
        rendering: Option<ContentHash>,
        keep: impl FnOnce(&mut Generations, Generation),
        now: Time,
    ) -> Option<GenerationsError> {
        let (mut list, lost) = match self.generations() {
            Ok(list) => (list, None),
            Err(error) => (Generations::default(), Some(error)),
        };
        self.state.generation += 1;
        keep(&mut list, Generation::new(self.state.generation, now, revision, rendering));
        self.generations = Some(generations::to_text(&list));
        self.adds_generation = true;
        lost
    }

    /// Tells whether this run added a generation.
    #[must_use]
    pub const fn adds_generation(&self) -> bool {
        self.adds_generation
    }

    /// Tells whether anything of this record will be written.
    #[must_use]
    pub const fn is_kept(&self) -> bool {
        self.kept
    }

    /// Remembers the refs of the last look, so that `verify` can judge them again without asking a remote (§9);
    /// [`Record::save`] writes them.
    pub fn remember_refs(&mut self, refs: &[RemoteRef]) {
        let mut text = Vec::with_capacity(refs.len() * 64);
        for reference in refs {
            text.extend_from_slice(format!("{} {}\n", reference.id, reference.shown_name()).as_bytes());
        }
        self.refs = Some(text);
    }

    /// Returns the refs of the last look; none before the first.
    ///
    /// # Errors
    /// Returns [`RecordError`] when the file cannot be read.
    pub fn refs(&self) -> Result<Vec<RemoteRef>, RecordError> {
        let text = self.site.home.read(&self.site.refs_file(), LARGEST_LISTING)?.unwrap_or_default();
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        // What does not read is left out: the judge then has one ref less to accept, never one more.
        let refs = lines.filter_map(|line| {
            let (id, name) = line.split_at_checked(40)?;
            let name = escape::undo(std::str::from_utf8(name.strip_prefix(b" ")?).ok()?)?;
            Some(RemoteRef { name, id: ObjectId::from_hex(id).ok()? })
        });
        Ok(refs.collect())
    }

    /// Touches the stamp: this run looked at the remote and ended well (docs/formats.md §15).
    ///
    /// # Errors
    /// Returns [`RecordError`] that names the file.
    pub fn stamp(&self, stamp: &RelPath) -> Result<(), RecordError> {
        if self.kept {
            fs::touch(&self.site.home, stamp)?;
        }
        Ok(())
    }

    /// Remembers by the times of empty files that these remotes answered: the state is not written for it.
    ///
    /// # Errors
    /// Returns [`RecordError`] that names the file.
    pub fn answered<'u>(&self, remotes: impl Iterator<Item = &'u str>) -> Result<(), RecordError> {
        for remote in remotes.filter(|_| self.kept) {
            let path = self.site.answered_file(remote);
            // The state folder first: what is made above the last one is everybody's.
            for folder in [self.site.state_file().parent(), path.parent()].iter().flatten() {
                fs::make_directories(&self.site.home, folder, 0o700)?;
            }
            fs::touch(&self.site.home, &path)?;
        }
        Ok(())
    }

    fn write(&self, files: &[(&RelPath, &[u8])], line: Option<&str>) -> Result<(), FsError> {
        if let Some(folder) = files.first().and_then(|(path, _)| path.parent()) {
            fs::make_directories(&self.site.home, &folder, 0o700)?;
        }
        match line {
            None => fs::replace_together(&self.site.home, files, 0o600),
            Some(line) => {
                let appended = (&self.site.log_file(), line.as_bytes());
                fs::replace_together_and_append(&self.site.home, files, 0o600, appended)
            }
        }
    }
}
