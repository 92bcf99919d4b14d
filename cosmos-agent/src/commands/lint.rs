//! `cosmos lint`: what is likely wrong with an operator's files, as they are now, grouped by kind.

use std::collections::BTreeMap;

use cosmos_model::document::Mistake;
use cosmos_model::host_name::HostName;
use cosmos_model::stage::{self, Finding};
use serde_json::json;

use super::plan::fleet::Memory;
use crate::cli::{GlobalOptions, LintOptions};
use crate::exit::{Failure, Status};
use crate::operator::{AsItIs, WorkTree};
use crate::report::json as report_json;
use crate::report::style::Palette;
use crate::signers::Roster;
use crate::{agent, built_in, recipients};

/// Stands for the hosts of a repository that has no host layers.
const ANY_HOST: &str = "any-host";

/// Prints what was found; exit status 1 when there is anything.
///
/// # Errors
/// Returns a [`Failure`] when there is no clone, or its files cannot be read.
pub fn run(options: &LintOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let work = WorkTree::find(&options.repository.clone().unwrap_or_else(|| ".".into()))?;
    let files = AsItIs::read(&work)?;
    let memory = Memory::over(&files);
    let any = HostName::new(ANY_HOST).expect("a plain name");
    let mut found = stage::lint(files.tree(), &any, agent::version(), &memory, &memory, Some(built_in::tree()));
    found.extend(keys(&work));
    found.extend(recipients::findings(&work, &files));
    let status = if found.is_empty() { Status::Done } else { Status::Failed };
    if global.json {
        let finding = |one: &Finding| json!({"code": one.code, "place": one.mistake.place, "text": one.mistake.text, "hint": one.mistake.hint});
        let body = json!({"findings": found.iter().map(finding).collect::<Vec<_>>()});
        println!("{}", report_json::envelope("lint", "localhost", status, body));
        return Ok(status);
    }
    let palette = Palette::for_stdout();
    let mut groups: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    found.iter().for_each(|one| groups.entry(one.code).or_default().push(one));
    for (code, findings) in groups {
        println!("{}", Palette::paint(palette.strong, code));
        for Finding { mistake, .. } in findings {
            println!("    {mistake}");
            if !mistake.hint.is_empty() {
                println!("        {}", Palette::paint(palette.faint, &mistake.hint));
            }
        }
    }
    Ok(status)
}

/// Returns what will trouble hosts about the certificates of those who may sign; none where nobody is named.
fn keys(work: &WorkTree) -> Vec<Finding> {
    let Ok(roster) = Roster::read(work.folder()) else { return Vec::new() };
    let entries = roster.entries();
    let warnings = entries.iter().flat_map(|entry| entry.signer.warnings().into_iter().map(|text| (&entry.name, text)));
    let finding = |(name, text): (&String, String)| {
        let mistake = Mistake { place: name.clone(), text, hint: "cosmos signer list".to_owned() };
        Finding { code: "signer", mistake }
    };
    warnings.map(finding).collect()
}
