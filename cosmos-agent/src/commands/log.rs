//! `cosmos log`: what changed on this host, when, and who signed it.

use serde_json::Value;

use crate::agent::Agent;
use crate::cli::{GlobalOptions, LogOptions};
use crate::exit::{Failure, Status};
use crate::report::{json, log};

/// Prints the log, oldest first. Takes no lock.
///
/// # Errors
/// Returns a [`Failure`] when the log cannot be read or is damaged.
pub fn run(options: &LogOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let agent = Agent::load(global)?;
    let about = options.path.as_ref().map(|path| {
        use std::os::unix::ffi::OsStrExt as _;
        let shown = cosmos_model::escape::for_terminal(path.as_os_str().as_bytes());
        shown.trim_start_matches('/').to_owned()
    });
    let entries = log::entries(&agent.site, about.as_deref()).map_err(|error| {
        Failure::new(Status::Failed, &error, "move the damaged line elsewhere; the lines around it are whole")
    })?;
    if global.json {
        println!("{}", json::envelope("log", agent.host(), Status::Done, Value::Array(entries)));
        return Ok(Status::Done);
    }
    entries.iter().flat_map(lines).for_each(|line| println!("{line}"));
    Ok(Status::Done)
}

/// Returns an entry as lines: when, what, which commit and whose signature, then each path.
fn lines(entry: &Value) -> Vec<String> {
    let text = |value: &Value| cosmos_model::escape::sentence(value.as_str().unwrap_or("-"));
    let commit: String = text(&entry["commit"]).chars().take(12).collect();
    let signers: Vec<String> = entry["signers"].as_array().into_iter().flatten().map(|s| text(&s["user_id"])).collect();
    let mut lines =
        vec![format!("{}  {}  {commit}  {}", text(&entry["time"]), text(&entry["command"]), signers.join(", "))];
    for change in entry["changes"].as_array().into_iter().flatten() {
        lines.push(format!("    {} {}  ({})", text(&change["action"]), text(&change["path"]), text(&change["cause"])));
    }
    for refused in entry["refused"].as_array().into_iter().flatten() {
        let (object, reference) = (text(&refused["object"]), text(&refused["reference"]));
        lines.push(format!("    refused {object:.12} of '{reference}': {}", text(&refused["reason"])));
    }
    if entry["error"].is_string() {
        lines.push(format!("    failed: {}", text(&entry["error"])));
    }
    lines
}
