//! `cosmos hold`: a path that runs leave as it is, with a reason and perhaps an end.

use std::collections::BTreeMap;

use cosmos_model::path::RelPath;
use cosmos_model::time::Time;
use serde_json::json;

use crate::agent::Agent;
use crate::cli::{GlobalOptions, HoldOptions};
use crate::commands::path;
use crate::exit::{Failure, Status};
use crate::managed::Managed;
use crate::operation::{self, Manner};
use crate::report::json;
use crate::state::Hold;

/// Holds a path, lets it go, or lists what is held.
///
/// # Errors
/// Returns a [`Failure`] when the path is not managed or not held, the reason is empty, or the end is past.
pub fn run(options: &HoldOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let agent = Agent::load(global)?;
    let Some(named) = &options.path else {
        return operation::peek(&agent, |pipeline, now| list(&agent, &pipeline.record.state.held, now));
    };
    let path = path::named(named)?;
    let now = operation::now();
    let hold = if options.release { None } else { Some(hold(options, now)?) };
    let report = operation::perform(&agent, Manner::changing("hold", global, false), |pipeline| {
        let said = match hold {
            Some(hold) => {
                refuse_unmanaged(&agent, &path)?;
                let said = format!("'{path}' is {hold}");
                pipeline.record.state.held.insert(path.clone(), hold);
                said
            }
            None => {
                let state = &mut pipeline.record.state;
                state.held.remove(&path).ok_or_else(|| not_held(&path))?;
                state.replan = true;
                format!("'{path}' is the model's again: the next run makes it so")
            }
        };
        pipeline.report.remarks.push(said);
        pipeline.report.marked = true;
        Ok(())
    })?;
    Ok(operation::print(&agent, &report))
}

fn hold(options: &HoldOptions, now: Time) -> Result<Hold, Failure> {
    let usage = |message: &str, hint: &str| Failure::of(Status::Usage, message, hint);
    let reason = options.reason.as_deref().unwrap_or_default().trim();
    if reason.is_empty() {
        return Err(usage("a hold needs a reason", "cosmos hold /etc/motd 'trying a shorter one, Kim'"));
    }
    let until = super::until::named(options.until.as_deref())?;
    let hold = Hold { reason: reason.to_owned(), since: now, until };
    if !hold.holds(now) {
        return Err(usage("the hold would have ended already", "times are in UTC, such as 2026-01-10T18:00:00Z"));
    }
    Ok(hold)
}

/// A path that no run would touch needs no hold: most likely it is misspelt.
fn refuse_unmanaged(agent: &Agent, path: &RelPath) -> Result<(), Failure> {
    let bytes = Managed::read(&agent.site.state_folder(agent.settings.backup_size))?;
    let set = bytes.view().set();
    if set.entries.keys().any(|managed| managed == path || managed.is_below(path)) {
        return Ok(());
    }
    let hint = format!("no run would change it; see 'cosmos why /{path}'");
    Err(Failure::of(Status::Usage, format!("'{path}' is not managed on this host"), hint))
}

fn not_held(path: &RelPath) -> Failure {
    Failure::of(Status::Usage, format!("'{path}' is not held"), "see 'cosmos hold' for what is")
}

fn list(agent: &Agent, held: &BTreeMap<RelPath, Hold>, now: Time) -> Status {
    if agent.options.json {
        println!("{}", json::envelope("hold", agent.host(), Status::Done, json!({ "held": held })));
    } else {
        lines(held, now).iter().for_each(|line| println!("{line}"));
    }
    Status::Done
}

/// Returns a line about each path that is held at `now`.
pub fn lines(held: &BTreeMap<RelPath, Hold>, now: Time) -> Vec<String> {
    held.iter().filter(|(_, hold)| hold.holds(now)).map(|(path, hold)| format!("! {path} held: {hold}")).collect()
}
