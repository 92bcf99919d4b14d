//! `cosmos module test`: the examples of a module are worked out, and compared with what they expect.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cosmos_model::object::tree::{self, EntryKind, NameRules, TreeEntry};
use cosmos_model::object::{self, ObjectKind, ObjectSource};
use cosmos_model::object_id::ObjectId;
use serde_json::json;

use super::example::{Example, Files, Outcome, files_below};
use crate::built_in;
use crate::cli::GlobalOptions;
use crate::exit::{Failure, Status};
use crate::fs::by_path;
use crate::operator::{AsItIs, OperatorError, WorkTree};
use crate::report::diff;
use crate::report::json as report_json;
use crate::report::style::Palette;

/// Where modules and their examples come from.
struct Shelf<'a> {
    objects: &'a dyn ObjectSource,
    /// The folder of the repository's own modules, as it is on disk and among the objects.
    own: Option<(PathBuf, ObjectId)>,
}

/// What became of one example.
struct Verdict {
    name: String,
    /// What differs, in lines; empty where all is as expected.
    differences: String,
}

/// Tests the module `name`, or all of them; exit status 1 when an example fails.
///
/// # Errors
/// Returns a [`Failure`] when there is no such module, a module that is named has no example, or files cannot be read.
pub fn run(folder: &Path, name: Option<&str>, write: bool, global: &GlobalOptions) -> Result<Status, Failure> {
    let Ok(work) = WorkTree::find(folder) else {
        return Shelf { objects: &built_in::Modules, own: None }.test(name, write, global);
    };
    let files = AsItIs::read(&work)?;
    let models = entries(&files, files.tree()).remove("models");
    let own = models.map(|id| (work.folder().join("models"), id));
    Shelf { objects: &files, own }.test(name, write, global)
}

/// Returns what lies in a tree, by name.
fn entries(objects: &dyn ObjectSource, tree: ObjectId) -> BTreeMap<String, ObjectId> {
    let bytes = object::read(objects, tree, ObjectKind::Tree).unwrap_or_default();
    let entries = tree::parse(&bytes, NameRules::Native).unwrap_or_default();
    let named = |entry: &TreeEntry<'_>| Some((String::from_utf8(entry.name.to_vec()).ok()?, entry.id));
    entries.iter().filter(|entry| entry.kind == EntryKind::Directory).filter_map(named).collect()
}

impl Shelf<'_> {
    fn test(&self, name: Option<&str>, write: bool, global: &GlobalOptions) -> Result<Status, Failure> {
        let modules = self.modules();
        if let Some(name) = name.filter(|name| !modules.contains(*name)) {
            return Err(super::unknown(name));
        }
        let mut verdicts = Vec::new();
        for module in modules.iter().filter(|module| name.is_none_or(|name| name == *module)) {
            let examples = Example::all(self.files(module)?);
            if examples.is_empty() && name.is_some() {
                let text = format!("the module '{module}' has no example");
                let hint = format!("say in models/{module}/tests/NAME/layer.toml what a host would");
                return Err(Failure::of(Status::Usage, text, &hint));
            }
            for example in &examples {
                verdicts.push(self.judge(module, example, write)?);
            }
        }
        report(&verdicts, global);
        let failed = verdicts.iter().any(|verdict| !verdict.differences.is_empty());
        Ok(if failed { Status::Failed } else { Status::Done })
    }

    /// Returns the names of all modules: those of the repository, and those that come with cosmos.
    fn modules(&self) -> BTreeSet<String> {
        let own = self.own.iter().flat_map(|(_, id)| entries(self.objects, *id).into_keys());
        own.chain(entries(&built_in::Modules, built_in::tree()).into_keys()).collect()
    }

    /// Returns the files below a module's `tests/`.
    fn files(&self, module: &str) -> Result<Files, Failure> {
        let Some(folder) = self.tests(module) else { return Ok(built_in::examples(module)) };
        files_below(&folder).map_err(|source| OperatorError::File { path: folder, source }.into())
    }

    /// Returns where the examples of a module of the repository lie.
    fn tests(&self, module: &str) -> Option<PathBuf> {
        let (folder, _) = self.own.as_ref().filter(|(_, id)| entries(self.objects, *id).contains_key(module))?;
        Some(folder.join(module).join("tests"))
    }

    fn judge(&self, module: &str, example: &Example, write: bool) -> Result<Verdict, Failure> {
        let name = format!("{module}/{}", example.name);
        let found = match example.outcome(self.objects, self.own.as_ref().map(|(_, id)| *id)) {
            Ok(found) => found,
            Err(differences) => return Ok(Verdict { name, differences: format!("    {differences}\n") }),
        };
        let expected = example.expected();
        if found != expected
            && let Some(folder) = self.tests(module).filter(|_| write)
        {
            replace(&folder.join(&example.name), &expected, &found)?;
            println!("wrote {}", folder.join(&example.name).display());
            return Ok(Verdict { name, differences: String::new() });
        }
        Ok(Verdict { name, differences: differences(&expected, &found) })
    }
}

/// Puts what came of an example in the place of what was expected.
fn replace(folder: &Path, expected: &Outcome, found: &Outcome) -> Result<(), Failure> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| OperatorError::File { path, source }
    };
    for gone in expected.0.keys().filter(|path| !found.0.contains_key(*path)) {
        let path = folder.join(gone);
        std::fs::remove_file(&path).map_err(failed(&path))?;
    }
    for (path, bytes) in &found.0 {
        let path = folder.join(path);
        let above = path.parent().unwrap_or(folder);
        by_path::make_directories(above, 0o755).map_err(failed(above))?;
        std::fs::write(&path, bytes).map_err(failed(&path))?;
    }
    Ok(())
}

/// Returns what differs, a path at a time, in lines.
fn differences(expected: &Outcome, found: &Outcome) -> String {
    let paths: BTreeSet<&String> = expected.0.keys().chain(found.0.keys()).collect();
    let mut text = String::new();
    for path in paths {
        let palette = Palette::for_stdout();
        match (expected.0.get(path), found.0.get(path)) {
            (Some(old), Some(new)) if old == new => (),
            (Some(old), Some(new)) => {
                text.push_str(&format!("    ~ {path}\n"));
                text.push_str(&diff::unified(old, new, &palette));
            }
            (Some(_), None) => text.push_str(&format!("    - {path}  did not come\n")),
            (None, Some(new)) => {
                text.push_str(&format!("    + {path}  was not expected\n"));
                text.push_str(&diff::unified(b"", new, &palette));
            }
            (None, None) => (),
        }
    }
    text
}

fn report(verdicts: &[Verdict], global: &GlobalOptions) {
    let failed = verdicts.iter().filter(|verdict| !verdict.differences.is_empty()).count();
    if global.json {
        let one = |verdict: &Verdict| {
            let differences = Some(verdict.differences.as_str()).filter(|text| !text.is_empty());
            json!({"name": verdict.name, "passed": differences.is_none(), "differences": differences})
        };
        let status = if failed == 0 { Status::Done } else { Status::Failed };
        let body = json!({"examples": verdicts.iter().map(one).collect::<Vec<_>>()});
        println!("{}", report_json::envelope("module", "localhost", status, body));
        return;
    }
    for verdict in verdicts {
        let word = if verdict.differences.is_empty() { "ok  " } else { "FAIL" };
        println!("{word} {}", verdict.name);
        print!("{}", verdict.differences);
    }
    println!("{} passed, {failed} failed", verdicts.len() - failed);
}
