//! `cosmos drift`: where this host differs from what was applied.

use std::collections::BTreeMap;

use cosmos_model::planner::{Difference, Drifted};

use crate::agent::Agent;
use crate::cli::GlobalOptions;
use crate::exit::{Failure, Status};
use crate::operation::{self, Manner};
use crate::report::json;

/// Prints each path that differs; exit status 5 when one does.
///
/// # Errors
/// Returns a [`Failure`] when nothing was applied yet or the host cannot be looked at.
pub fn run(global: &GlobalOptions) -> Result<Status, Failure> {
    let agent = Agent::load(global)?;
    let (mut drifted, mut held) = (Vec::new(), BTreeMap::new());
    let report = operation::perform(&agent, Manner::looking("drift"), |pipeline| {
        drifted = pipeline.drifted()?;
        held = pipeline.record.state.held.clone();
        Ok(())
    })?;
    if let Some(failure) = report.failure {
        return Err(failure);
    }
    let status = if drifted.is_empty() { Status::Done } else { Status::Drift };
    if agent.options.json {
        let body = serde_json::json!({ "paths": drifted, "held": held });
        println!("{}", json::envelope("drift", agent.host(), status, body));
    } else {
        drifted.iter().for_each(|path| println!("{}", line(path)));
        super::hold::lines(&held, operation::now()).iter().for_each(|line| println!("{line}"));
    }
    Ok(status)
}

fn line(drifted: &Drifted) -> String {
    let (sign, words) = match drifted.what {
        Difference::Content => ('~', "content differs"),
        Difference::Mode => ('@', "mode differs"),
        Difference::Owner => ('@', "owner differs"),
        Difference::Missing => ('-', "missing"),
        Difference::Type => ('~', "something else is there"),
    };
    format!("{sign} {}  {words}", drifted.path)
}
