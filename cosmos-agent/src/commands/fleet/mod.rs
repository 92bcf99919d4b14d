//! `cosmos fleet`: many hosts' `status --json`, compared. Reads what was collected; asks no host and changes nothing.

use std::collections::BTreeMap;

use serde_json::json;

use crate::cli::{FleetOptions, GlobalOptions};
use crate::exit::{Failure, Status};
use crate::report::json as report_json;
use crate::report::style::Palette;

mod compare;
mod condition;
mod document;
mod history;
mod read;
mod text;

use history::History;

/// Compares the hosts whose documents are named; status 1 when some could not be read, 3 when hosts disagree (A51).
///
/// # Errors
/// Returns a [`Failure`] when a source or the clone does not exist, or a key is no full fingerprint.
pub fn run(options: &FleetOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let key = options.key.as_deref().map(fingerprint).transpose()?;
    let history = options.repository.as_deref().map(History::open).transpose()?;
    let collected = read::all(&options.sources)?;
    let groups = compare::groups(&collected.documents, history.as_ref(), key.as_deref());
    let mut agents: BTreeMap<String, usize> = BTreeMap::new();
    for document in &collected.documents {
        *agents.entry(document.status.agent.clone()).or_default() += 1;
    }
    let disagree = groups.iter().any(|group| !group.forks.is_empty());
    let unread = !collected.unreadable.is_empty();
    let status = if disagree { Status::Refused } else { [Status::Done, Status::Failed][usize::from(unread)] };
    if global.json {
        let body = json!({"groups": groups, "agents": agents, "unreadable": collected.unreadable});
        println!("{}", report_json::envelope("fleet", "", status, body));
    } else {
        let lines = text::lines(&groups, &agents, &collected.unreadable, &Palette::for_stdout());
        lines.iter().for_each(|line| println!("{line}"));
    }
    Ok(status)
}

/// Reads a full fingerprint: shorter ids can be made to order (A15).
fn fingerprint(text: &str) -> Result<String, Failure> {
    let digits: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    if matches!(digits.len(), 40 | 64) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(digits.to_ascii_uppercase());
    }
    let shown = cosmos_model::escape::for_terminal(text.as_bytes());
    let hint = "name all 40 or 64 digits, as 'gpg --list-keys' prints them";
    Err(Failure::of(Status::Usage, format!("'{shown}' is no whole fingerprint"), hint))
}
