//! Paths that are only reported: a run says when one begins to differ from what the model says, and when it ends.

use std::collections::BTreeMap;

use cosmos_model::layer::FilePolicy;
use cosmos_model::managed::ManagedSet;
use cosmos_model::path::RelPath;
use cosmos_model::plan::{Note, NoteKind, Plan};
use cosmos_model::snapshot::Stat;
use cosmos_model::staged::StagedModel;

use super::Pipeline;
use crate::exit::Failure;
use crate::fs::{Cursor, FsError, OnPath as _, Root, stat_of};
use crate::report::reported::{Differs, News, Reported};

impl Pipeline<'_> {
    /// Tells whether every path that is only reported looks as the last plan saw it; a plan tells what became of it.
    pub(super) fn reported_look_as_seen(&self) -> Result<bool, FsError> {
        let mut cursor = Cursor::new(&self.agent.site.root);
        for (path, reported) in &self.record.state.reported {
            if look(&mut cursor, path)? != reported.seen {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Plans, and remembers how the paths differ that are only reported.
    pub(super) fn plan_and_report(&mut self, model: &StagedModel, managed: &ManagedSet) -> Result<Plan, Failure> {
        // Looked at before the plan looks: what moves in between looks otherwise to the next run.
        let seen = seen(&self.agent.site.root, model)?;
        let plan = self.plan(model, managed)?;
        let before = std::mem::take(&mut self.record.state.reported);
        let is_left_out = |path: &RelPath| model.left_out().iter().any(|folder| path.is_below(folder));
        let mut now: BTreeMap<RelPath, Reported> = before
            .iter()
            .filter(|(path, _)| is_left_out(path))
            .map(|(path, one)| (path.clone(), one.clone()))
            .collect();
        for (path, seen) in seen {
            let old = before.get(&path).and_then(|one| one.differs.clone());
            let differs = match word_on(&path, plan.notes()) {
                Word::Same => None,
                Word::Differs(what) => Some(old.clone().map_or_else(
                    || Differs { what: what.to_owned(), since: self.now, spoken: false },
                    |old| Differs { what: what.to_owned(), ..old },
                )),
                Word::Unknown => old.clone(),
            };
            if old.is_some() != differs.is_some() {
                let ended = if differs.is_none() { old } else { None };
                let began = differs.as_ref().map(|differs| differs.what.clone());
                self.report.reported.push(News { path: path.clone(), began, ended });
            }
            now.insert(path, Reported { seen, differs });
        }
        self.record.state.reported = now;
        Ok(plan)
    }
}

/// What a plan says about a path that is only reported.
enum Word<'n> {
    /// It is as the model says.
    Same,
    /// It is not.
    Differs(&'n str),
    /// The plan did not look: the path is held, waits, or something is in the way.
    Unknown,
}

fn word_on<'n>(path: &RelPath, notes: &'n [Note]) -> Word<'n> {
    let differs = notes.iter().find(|note| note.kind == NoteKind::Reported && note.path == *path);
    let other = |note: &Note| note.kind != NoteKind::Reported && (note.path == *path || path.is_below(&note.path));
    match differs {
        Some(note) => Word::Differs(&note.text),
        None if notes.iter().any(other) => Word::Unknown,
        None => Word::Same,
    }
}

/// Returns how the paths look that `model` only reports.
fn seen(root: &Root, model: &StagedModel) -> Result<BTreeMap<RelPath, Option<Stat>>, FsError> {
    let mut cursor = Cursor::new(root);
    let reported = model.entries().iter().filter(|(_, entry)| entry.policy == FilePolicy::Report);
    reported.map(|(path, _)| Ok((path.clone(), look(&mut cursor, path)?))).collect()
}

fn look(cursor: &mut Cursor<'_>, path: &RelPath) -> Result<Option<Stat>, FsError> {
    // What cannot be reached looks like what is not there, and the plan says why.
    let Ok((directory, name)) = cursor.folder_of(path.as_bytes()) else { return Ok(None) };
    Ok(directory.stat(name).on("look at", path.as_bytes())?.map(|stat| stat_of(&stat)))
}
