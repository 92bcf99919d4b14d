//! A run as lines for people (docs/formats.md §18).

use std::fmt::Display;

use cosmos_model::path::RelPath;
use cosmos_model::plan::{Action, Cause, Note, NoteKind, Step};
use cosmos_model::snapshot::Observed;
use cosmos_model::triggers::{Due, PlannedTask, Work};
use cosmos_model::trust::RecordedRefusal;

use super::style::Palette;
use super::{PackageReport, Report, TaskReport};

/// Returns the lines of a run: changes, notes, tasks that spoke, refusals. Empty when nothing happened.
#[must_use]
pub fn lines(report: &Report, palette: &Palette, verbose: bool) -> Vec<String> {
    let mut lines = packages(&report.packages, palette);
    lines.extend(report.package_output.lines().map(|line| format!("    {line}")));
    lines.extend(report.steps.iter().map(|step| self::step(step, palette)));
    lines.extend(report.notes.iter().map(|note| self::note(note, palette)));
    // That one began to differ is a note.
    let ended = report.reported.iter().filter(|news| news.ended.is_some());
    lines.extend(ended.map(|news| Palette::paint(palette.faint, &news.to_string())));
    let spoke = |task: &&TaskReport| verbose || task.ending.is_some() || !task.ran;
    lines.extend(report.tasks.iter().filter(spoke).flat_map(|task| self::task(task, palette)));
    let remark = |text: &String| Palette::paint(palette.faint, &cosmos_model::escape::sentence(text));
    lines.extend(report.remarks.iter().map(remark));
    lines
}

/// Returns a number of things, as `1 path` or `2 paths`.
#[must_use]
pub fn counted(number: impl Display + PartialEq + From<u8>, what: &str) -> String {
    let ending = if number == 1.into() { "" } else { "s" };
    format!("{number} {what}{ending}")
}

/// Returns a line for each package: that it came, or why it did not, and who needs it.
#[must_use]
pub fn packages(packages: &[PackageReport], palette: &Palette) -> Vec<String> {
    let line = |PackageReport { package, tried, ending }: &PackageReport| {
        let (sign, style, remark) = match (tried, ending) {
            (true, None) => ('+', palette.created, String::new()),
            (true, Some(reason)) => ('!', palette.removed, format!("  did not come: {reason}")),
            (false, _) => ('!', palette.changed, "  is held back".to_owned()),
        };
        let sign = Palette::paint(style, &format!("{sign} package {}", package.name));
        let layers = cosmos_model::escape::for_terminal(package.layers.join(", ").as_bytes());
        format!("{sign}{}", Palette::paint(palette.faint, &format!("{remark}  for {layers}")))
    };
    packages.iter().map(line).collect()
}

/// Returns one line: a sign, the path, and what a reader cannot guess from the two.
#[must_use]
pub fn step(step: &Step, palette: &Palette) -> String {
    let (sign, style) = match step.action() {
        Action::Remove | Action::RemoveDirectory => ('-', palette.removed),
        Action::SetAttributes { .. } => ('@', palette.changed),
        _ if *step.expects() == Observed::Absent => ('+', palette.created),
        _ => ('~', palette.changed),
    };
    let trailing =
        if matches!(step.action(), Action::MakeDirectory { .. } | Action::RemoveDirectory) { "/" } else { "" };
    let mut remark = match (step.action(), step.cause()) {
        (Action::SetAttributes { attributes }, cause) => {
            let drift = if cause == Cause::Drift { ", drift repaired" } else { "" };
            format!("  mode {:04o} owner {}:{}{drift}", attributes.mode, attributes.uid, attributes.gid)
        }
        (Action::MakeSymlink { target, .. }, _) => format!("  -> {}", cosmos_model::escape::for_terminal(target)),
        (_, Cause::Drift) => "  drift repaired".into(),
        (_, Cause::Dropped) => "  no longer in the model".into(),
        (_, Cause::Restore) => "  as it was found".into(),
        (_, Cause::Rollback) => "  as it was before".into(),
        _ => String::new(),
    };
    if let Some(task) = step.task() {
        remark.push_str(&format!("  by {task}"));
    }
    let sign = Palette::paint(style, &format!("{sign} {}{trailing}", step.path()));
    format!("{sign}{}", Palette::paint(palette.faint, &remark))
}

/// Returns one line about a path that is no step.
#[must_use]
pub fn note(note: &Note, palette: &Palette) -> String {
    let word = match note.kind {
        NoteKind::Kept => "kept",
        NoteKind::Reported => "differs",
        NoteKind::Blocked => "blocked",
        NoteKind::Held => "held",
        NoteKind::Waiting => "waits",
    };
    format!("{} {word}: {}", Palette::paint(palette.changed, &format!("! {}", note.path)), note.text)
}

/// Returns what a plan sets off: services, probes and tasks that wait for a change; with `verbose` the rest, too.
#[must_use]
pub fn work(work: &Work, palette: &Palette, verbose: bool) -> Vec<String> {
    let line = |what: &dyn std::fmt::Display, because: &[RelPath]| {
        format!("> {what}{}", Palette::paint(palette.faint, &since(because)))
    };
    let mut lines = Vec::new();
    if verbose {
        let leaving = work.leaving.iter();
        lines.extend(leaving.map(|check| format!("> check {}  its layer leaves", check.name)));
        lines.extend(work.checks.iter().map(|check| line(&format!("check {}", check.name), &check.paths)));
    }
    lines.extend(work.stops.iter().map(|name| format!("> stop {name}  its layer is gone")));
    let others = work.due.iter().filter(|pending| !matches!(pending.due, Due::Task(_)));
    lines.extend(others.map(|pending| line(&pending.due, &pending.paths)));
    let told = |task: &&PlannedTask| verbose || !task.because.is_empty();
    lines.extend(work.tasks.iter().filter(told).map(|task| line(task, &task.because)));
    if !work.left_out.is_empty() {
        let names: Vec<String> = work.left_out.iter().map(ToString::to_string).collect();
        lines.push(format!("! left out, the root is not that of this host's services: {}", names.join(", ")));
    }
    lines
}

/// Names the paths that ask for something: one of them, and how many others.
#[must_use]
pub fn since<P: std::fmt::Display>(because: &[P]) -> String {
    match because {
        [] => String::new(),
        [path] => format!("  since {path} changed"),
        [path, others @ ..] => format!("  since {path} and {} more changed", others.len()),
    }
}

/// Returns a task's line, and its output when it failed.
#[must_use]
pub fn task(task: &TaskReport, palette: &Palette) -> Vec<String> {
    let Some(ending) = &task.ending else {
        if !task.ran {
            return vec![format!("> {}", task.name)];
        }
        return vec![format!("> {} ({:.1} s)", task.name, task.seconds)];
    };
    let mut lines = vec![Palette::paint(palette.removed, &format!("> {}: {ending}", task.name))];
    lines.extend(task.output.lines().map(|line| format!("    {line}")));
    lines
}

/// Returns the two lines about a refused revision.
#[must_use]
pub fn refused(refused: &RecordedRefusal) -> [String; 2] {
    let id = refused.object.to_string();
    [
        format!("error: revision {} of '{}' is refused: {}", &id[..12], refused.reference, refused.reason),
        format!("hint: {}", refused.repair),
    ]
}
