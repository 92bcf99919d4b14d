//! A run as JSON (docs/formats.md §13).

use std::fmt::{self, Write as _};

use cosmos_model::content::ContentHash;
use cosmos_model::escape::is_active;
use cosmos_model::plan::{Action, Note, Plan, Step};
use cosmos_model::snapshot::{Attributes, Observed};
use cosmos_model::staged::Missing;
use cosmos_model::triggers::{Cause, Check, Due, Pending, PlannedTask, Work};
use serde_json::{Map, Value, json};

use super::{PackageReport, Report, TaskReport};
use crate::exit::{Failure, Status};

/// Wraps what a command has to say: version, command, host, exit status, and one member named after the command.
#[must_use]
pub fn envelope(command: &str, host: &str, status: Status, body: Value) -> Document {
    let mut document = Map::new();
    document.insert("format".into(), json!(1));
    document.insert("command".into(), json!(command));
    document.insert("host".into(), json!(host));
    document.insert("exit".into(), json!(status.code()));
    document.insert(command.into(), body);
    Document(Value::Object(document))
}

/// A document as it is printed: one line, in which what a terminal would act on is written as `\uNNNN` (A50).
#[derive(Debug, Clone, PartialEq)]
pub struct Document(Value);

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Such characters stand inside strings only, where JSON lets any character be written by its number; all of
        // them have four digits.
        self.0.to_string().chars().try_for_each(|character| match is_active(character) {
            true => write!(f, "\\u{:04x}", u32::from(character)),
            false => f.write_char(character),
        })
    }
}

/// Returns a plan's steps and notes, what it sets off, and why a layer must not leave by it, if one was `refused`.
#[must_use]
pub fn plan(plan: &Plan, missing: &[Missing], work: &Work, refused: Option<&Failure>) -> Value {
    let steps: Vec<Value> = plan.steps().iter().map(step).collect();
    let packages: Vec<Value> = missing.iter().map(|one| json!({"name": one.name, "layers": one.layers})).collect();
    json!({
        "commit": plan.commit(),
        "packages": packages,
        "steps": steps,
        "checks": work.checks.iter().map(check).collect::<Vec<_>>(),
        "tasks": work.tasks.iter().map(planned_task).collect::<Vec<_>>(),
        "leaving": work.leaving.iter().map(check).collect::<Vec<_>>(),
        "held": refused.map(|refused| json!({"message": refused.message, "hint": refused.hint})),
        "brake": plan.brake().map(|it| json!({"rule": it.rule, "removals": it.removals, "allowed": it.allowed})),
        "stops": work.stops,
        "due": work.due.iter().filter(|it| !matches!(it.due, Due::Task(_))).map(pending).collect::<Vec<_>>(),
        "left_out": work.left_out.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "notes": notes(plan.notes()),
    })
}

fn check(check: &Check) -> Value {
    let layer = match &check.cause {
        Cause::Layer(layer) | Cause::Leaving(layer) => Some(layer),
        Cause::WellKnown => None,
    };
    json!({"name": check.name, "layer": layer, "because": check.paths})
}

fn planned_task(task: &PlannedTask) -> Value {
    json!({"stage": if task.after { "post" } else { "pre" }, "name": task.to_string(), "because": task.because})
}

/// Returns something that is to happen, and the paths that ask for it.
#[must_use]
pub fn pending(pending: &Pending) -> Value {
    json!({"what": pending.due.to_string(), "because": pending.paths})
}

/// Returns what a run did.
#[must_use]
pub fn run(report: &Report) -> Value {
    let changed: Vec<Value> = report.steps.iter().map(step).collect();
    json!({
        "commit": report.commit,
        "generation": report.generation,
        "packages": packages(&report.packages),
        "changed": changed,
        "notes": notes(&report.notes),
        "tasks": report.tasks.iter().map(task).collect::<Vec<_>>(),
        "refused": report.refused,
        "remarks": report.remarks,
        "error": report.failure.as_ref().map(|failure| &failure.message),
        "hint": report.failure.as_ref().and_then(|failure| failure.hint.as_ref()),
    })
}

/// Returns what became of each package.
#[must_use]
pub fn packages(packages: &[PackageReport]) -> Vec<Value> {
    let package = |one: &PackageReport| {
        let PackageReport { package, tried, ending } = one;
        json!({"name": package.name, "layers": package.layers, "tried": tried, "ending": ending})
    };
    packages.iter().map(package).collect()
}

/// Returns one step.
#[must_use]
pub fn step(step: &Step) -> Value {
    let old = observed(step.expects());
    let (action, kind, new) = match step.action() {
        Action::WriteFile { content, attributes } => {
            (write_word(step), "file", file(attributes, content.size, content.hash))
        }
        Action::MakeSymlink { target, attributes } => (write_word(step), "symlink", symlink(attributes, target)),
        Action::MakeDirectory { attributes } => ("create", "directory", directory(attributes)),
        Action::SetAttributes { attributes } => {
            ("attributes", kind_of(step.expects()), with_attributes(&old, attributes))
        }
        Action::Remove => ("remove", kind_of(step.expects()), Value::Null),
        Action::RemoveDirectory => ("remove", "directory", Value::Null),
    };
    let mut value = json!({
        "path": step.path(), "action": action, "kind": kind, "layer": step.layer(), "old": old, "new": new,
        "cause": step.cause(),
    });
    if let Some(task) = step.task() {
        value["task"] = json!(task);
    }
    if step.keep() {
        value["kept"] = json!(true);
    }
    if step.is_secret() {
        value["secret"] = json!(true);
    }
    value
}

/// Returns one task.
#[must_use]
pub fn task(task: &TaskReport) -> Value {
    json!({"name": task.name, "exit": task.exit, "ending": task.ending, "seconds": task.seconds, "output": task.output})
}

/// Returns what was found at a path, or null.
#[must_use]
pub fn observed(observed: &Observed) -> Value {
    match observed {
        Observed::Absent => Value::Null,
        Observed::File { attributes, size, hash } => file(attributes, *size, *hash),
        Observed::Symlink { attributes, target, .. } => symlink(attributes, target),
        Observed::Directory(attributes) => directory(attributes),
        Observed::Other => json!({"kind": "other"}),
        Observed::Blocked(why) => json!({"kind": "blocked", "why": why}),
    }
}

fn notes(notes: &[Note]) -> Vec<Value> {
    notes.iter().map(|note| json!({"path": note.path, "kind": note.kind, "text": note.text})).collect()
}

fn write_word(step: &Step) -> &'static str {
    if *step.expects() == Observed::Absent { "create" } else { "replace" }
}

fn kind_of(observed: &Observed) -> &'static str {
    match observed {
        Observed::Symlink { .. } => "symlink",
        Observed::Directory(_) => "directory",
        _ => "file",
    }
}

fn file(attributes: &Attributes, size: u64, hash: ContentHash) -> Value {
    let mut value = base("file", attributes);
    value.insert("size".into(), json!(size));
    value.insert("sha256".into(), json!(hash));
    Value::Object(value)
}

fn symlink(attributes: &Attributes, target: &[u8]) -> Value {
    let mut value = base("symlink", attributes);
    value.insert("target".into(), json!(cosmos_model::escape::for_terminal(target)));
    Value::Object(value)
}

fn directory(attributes: &Attributes) -> Value {
    Value::Object(base("directory", attributes))
}

fn base(kind: &str, attributes: &Attributes) -> Map<String, Value> {
    let mut value = Map::new();
    value.insert("kind".into(), json!(kind));
    value.insert("mode".into(), json!(format!("{:04o}", attributes.mode)));
    value.insert("uid".into(), json!(attributes.uid));
    value.insert("gid".into(), json!(attributes.gid));
    value
}

fn with_attributes(old: &Value, attributes: &Attributes) -> Value {
    let mut new = old.clone();
    if let Value::Object(members) = &mut new {
        members.extend(base(members["kind"].as_str().unwrap_or("file").to_owned().as_str(), attributes));
    }
    new
}
