//! `cosmos module`: which modules there are, what one wants to be told, whether its examples hold, how to begin one.

use std::path::Path;

use cosmos_model::stage::{self, FoundModule};
use serde_json::json;

use crate::built_in;
use crate::cli::{GlobalOptions, ModuleCommand, ModuleOptions};
use crate::exit::{Failure, Status};
use crate::operator::{AsItIs, WorkTree};
use crate::report::json as report_json;

mod example;
mod new;
mod show;
mod test;

/// Does what the words say.
///
/// # Errors
/// Returns a [`Failure`] when a module is unknown, or cannot be begun.
pub fn run(options: &ModuleOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let folder = options.repository.clone().unwrap_or_else(|| ".".into());
    if let ModuleCommand::New { name } = &options.command {
        return new::run(&WorkTree::find(&folder)?, name);
    }
    if let ModuleCommand::Test { name, write } = &options.command {
        return test::run(&folder, name.as_deref(), *write, global);
    }
    let found = modules(&folder, options.repository.is_some())?;
    match &options.command {
        ModuleCommand::Show { name } => {
            let module = found.iter().find(|module| module.name == *name);
            show::run(module.ok_or_else(|| unknown(name))?, global);
        }
        _ => list(&found, global),
    }
    Ok(Status::Done)
}

/// Says that there is no such module.
fn unknown(name: &str) -> Failure {
    Failure::of(
        Status::Usage,
        format!("there is no module '{}'", safe(name)),
        "'cosmos module list' says which there are",
    )
}

/// Returns the modules of the clone, where there is one, and those that come with cosmos.
fn modules(folder: &Path, must_exist: bool) -> Result<Vec<FoundModule>, Failure> {
    let ours = Some(built_in::tree());
    match WorkTree::find(folder) {
        Ok(work) => {
            let files = AsItIs::read(&work)?;
            Ok(stage::modules(Some(files.tree()), ours, &files))
        }
        Err(error) if must_exist => Err(error.into()),
        Err(_) => Ok(stage::modules(None, ours, &built_in::Modules)),
    }
}

fn list(found: &[FoundModule], global: &GlobalOptions) {
    if global.json {
        let one = |module: &FoundModule| json!({"name": module.name, "layer": module.layer});
        let body = json!({"modules": found.iter().map(one).collect::<Vec<_>>()});
        println!("{}", report_json::envelope("module", "localhost", Status::Done, body));
        return;
    }
    for module in found {
        let hides = if module.hides_built_in { ", hides the one that comes with cosmos" } else { "" };
        println!("{}  {}{hides}", module.name, module.layer);
    }
}

fn safe(text: &str) -> String {
    cosmos_model::escape::for_terminal(text.as_bytes())
}
