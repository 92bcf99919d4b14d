//! `cosmos facts`: what templates see of this host (docs/formats.md §23).

use serde_json::Value;

use crate::cli::GlobalOptions;
use crate::exit::{Failure, Status};
use crate::report::json as report_json;
use crate::{agent, facts};

/// Prints the facts; takes no lock, and needs no settings: a host has facts before it is told anything.
///
/// # Errors
/// Returns a [`Failure`] when `--root` is no folder.
pub fn run(global: &GlobalOptions) -> Result<Status, Failure> {
    let known = agent::Agent::load(global).ok();
    let site = match &known {
        Some(agent) => agent.site.clone(),
        None => agent::native_site(global)?,
    };
    let found = facts::gather(&site, known.as_ref().and_then(|agent| agent.fqdn.as_ref()));
    let found = serde_json::to_value(&found).expect("facts are plain values");
    if global.json {
        let host = known.as_ref().map_or("localhost", agent::Agent::host);
        println!("{}", report_json::envelope("facts", host, Status::Done, found));
        return Ok(Status::Done);
    }
    lines("", &found).iter().for_each(|line| println!("{line}"));
    Ok(Status::Done)
}

/// Returns a line for each value, called as a template calls it.
fn lines(name: &str, value: &Value) -> Vec<String> {
    let below = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match value {
        Value::Object(entries) => entries.iter().flat_map(|(key, value)| lines(&below(key), value)).collect(),
        Value::Array(items) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            vec![format!("{name} = {}", items.join(", "))]
        }
        Value::String(text) => vec![format!("{name} = {text}")],
        Value::Null => vec![format!("{name} is not known")],
        other => vec![format!("{name} = {other}")],
    }
}
