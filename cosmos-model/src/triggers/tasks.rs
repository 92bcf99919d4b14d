//! Which tasks a plan leads to, and why.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{Due, Kept, Pending};
use crate::content::ContentHash;
use crate::path::RelPath;
use crate::staged::{StagedKind, StagedModel, StagedTaskFile};

/// A task that will run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedTask {
    /// Whether it runs after the files.
    pub after: bool,
    /// Its file's path below its folder.
    pub path: RelPath,
    /// The changed paths it waits for; empty where it runs always, or until it ended well once.
    pub because: Vec<RelPath>,
}

impl fmt::Display for PlannedTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-tasks.d/{}", if self.after { "post" } else { "pre" }, self.path)
    }
}

/// Returns the tasks of `model` that run where `due` is to happen, in order.
pub(super) fn planned(model: &StagedModel, due: &[Pending], kept: &Kept) -> Vec<PlannedTask> {
    let of = |after: bool, files| model.runnable(files).filter_map(move |file| task(model, file, after, due, kept));
    of(false, model.pre_tasks()).chain(of(true, model.post_tasks())).collect()
}

fn task(model: &StagedModel, file: &StagedTaskFile, after: bool, due: &[Pending], kept: &Kept) -> Option<PlannedTask> {
    let always = || Some(PlannedTask { after, path: file.path.clone(), because: Vec::new() });
    let name = String::from_utf8_lossy(file.path.as_bytes());
    let Some(rule) = model.triggers().tasks.iter().find(|rule| rule.name == name) else { return always() };
    let before = kept.once.get(name.as_ref()).filter(|_| rule.once);
    if before.is_some_and(|before| script(model, file, after) == Some(*before)) {
        return None;
    }
    if rule.when_changed.is_none() {
        return always();
    }
    let asked = Due::Task(rule.name.clone());
    let pending = due.iter().find(|pending| pending.due == asked)?;
    Some(PlannedTask { after, path: file.path.clone(), because: pending.paths.clone() })
}

/// Returns the hash of a task's script, which may be the file beside it.
fn script(model: &StagedModel, file: &StagedTaskFile, after: bool) -> Option<ContentHash> {
    match &file.kind {
        StagedKind::File(content) => Some(content.hash),
        StagedKind::Symlink(target) => {
            let beside = if after { model.post_tasks() } else { model.pre_tasks() };
            let target = target.strip_prefix(b"./").unwrap_or(target);
            let file = beside.iter().find(|other| other.path.as_bytes() == target)?;
            if let StagedKind::File(content) = &file.kind { Some(content.hash) } else { None }
        }
        StagedKind::Directory => None,
    }
}
