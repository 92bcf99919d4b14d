//! `cosmos verify`: revisions judged again, step by step, like a proof. Fetches nothing, remembers nothing.
//!
//! On a host it judges what the last look brought, in an operator's clone what the clone has.

use cosmos_model::refs::RemoteRef;
use cosmos_model::trust::{Mode, TrustPolicy};

use crate::agent::Agent;
use crate::cli::{GlobalOptions, VerifyOptions};
use crate::exit::{Failure, Status};
use crate::operation::{self, Manner};
use crate::operator::{Believed, WorkTree, believed};
use crate::report::json as report_json;
use crate::report::style::Palette;

mod proof;
mod scope;

use scope::{Examined, Grounds};

/// Judges from the introduction, as a new host would, and prints who signed each step and what it was judged by.
///
/// # Errors
/// Returns a [`Failure`] when there is no such revision, or nothing was fetched yet.
pub fn run(options: &VerifyOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let words = &options.believe;
    let said = words.repository.is_some() || words.trust.is_some();
    if said {
        return in_clone(options, global, &find(options)?);
    }
    match Agent::load(global) {
        Ok(agent) => on_host(options, &agent),
        // A machine that is no host may hold an operator's clone that was told whom to believe.
        Err(failure) => match find(options) {
            Ok(work) if work.git_folder().join("cosmos/trust.toml").exists() => in_clone(options, global, &work),
            _ => Err(failure),
        },
    }
}

fn find(options: &VerifyOptions) -> Result<WorkTree, Failure> {
    let folder = options.believe.repository.clone().unwrap_or_else(|| ".".into());
    Ok(WorkTree::find(&folder)?)
}

fn on_host(options: &VerifyOptions, agent: &Agent) -> Result<Status, Failure> {
    let mut examined = None;
    let report = operation::perform(agent, Manner::looking("verify"), |pipeline| {
        let refs = pipeline.record.refs()?;
        let host = pipeline.judged_for();
        let grounds =
            Grounds { policy: &agent.trust, host, refs: &refs, objects: pipeline.store(), now: operation::now() };
        examined = Some(grounds.examine(options.revision.as_deref())?);
        Ok(())
    })?;
    if let Some(failure) = report.failure {
        return Err(failure);
    }
    Ok(print(&examined.expect("the work above ended well"), agent.host(), agent.options.json))
}

fn in_clone(options: &VerifyOptions, global: &GlobalOptions, work: &WorkTree) -> Result<Status, Failure> {
    let Believed { agent, .. } = believed(work, &options.believe, options.ring.as_deref(), global)?;
    let refs = as_a_host_sees(&agent.trust, work)?;
    let grounds = Grounds { policy: &agent.trust, host: None, refs: &refs, objects: work, now: operation::now() };
    let examined = grounds.examine(options.revision.as_deref())?;
    Ok(print(&examined, agent.host(), global.json))
}

/// Returns the clone's refs that concern hosts.
fn as_a_host_sees(policy: &TrustPolicy, work: &WorkTree) -> Result<Vec<RemoteRef>, Failure> {
    let mut refs = work.refs()?;
    if let Mode::Commits { branch } = &policy.mode {
        let full = format!("refs/heads/{branch}");
        // A clone in which the branch was never checked out has what was fetched of it.
        if work.points(&full).is_none() {
            let fetched = work.points(&format!("refs/remotes/origin/{branch}"));
            refs.extend(fetched.map(|id| RemoteRef { name: full.into_bytes(), id }));
        }
    }
    Ok(policy.wanted(&refs, None))
}

fn print(examined: &Examined, host: &str, json: bool) -> Status {
    let status = if examined.accepted { Status::Done } else { Status::Refused };
    if json {
        println!("{}", report_json::envelope("verify", host, status, proof::body(examined)));
    } else {
        proof::lines(examined, &Palette::for_stdout()).iter().for_each(|line| println!("{line}"));
    }
    status
}
