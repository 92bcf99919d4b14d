//! `cosmos verify`: a revision judged again, step by step, like a proof. Fetches nothing, remembers nothing.

use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;
use cosmos_model::trust::{JudgedStep, Judgement, Mode, TrustState};
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::cli::{GlobalOptions, VerifyOptions};
use crate::exit::{Failure, Status};
use crate::operation::{self, Manner};
use crate::report::json as report_json;
use crate::report::style::Palette;

/// Judges from the introduction, as a new host would, and prints who signed each step and what it was judged by.
///
/// # Errors
/// Returns a [`Failure`] when the revision is no commit id, or nothing was fetched yet.
pub fn run(options: &VerifyOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let agent = Agent::load(global)?;
    let mut judged = None;
    let report = operation::perform(&agent, Manner::looking("verify"), |pipeline| {
        let refs = match &options.revision {
            Some(text) => vec![as_tip(&agent, commit(text)?)],
            None => pipeline.record.refs()?,
        };
        // From the introduction: the proof must not rest on what this host believed before.
        judged = Some(pipeline.judge(&TrustState::default(), &refs));
        Ok(())
    })?;
    if let Some(failure) = report.failure {
        return Err(failure);
    }
    let judgement = judged.expect("the work above ended well");
    let refused = judgement.refusals.iter().any(|refused| !refused.overtaken);
    let status = if refused || judgement.revision.is_none() { Status::Refused } else { Status::Done };
    if agent.options.json {
        println!("{}", report_json::envelope("verify", agent.host(), status, body(&judgement)));
    } else {
        lines(&judgement, &Palette::for_stdout()).iter().for_each(|line| println!("{line}"));
    }
    Ok(status)
}

fn commit(text: &str) -> Result<ObjectId, Failure> {
    let hint = "name a commit by its 40 digits, as 'git rev-parse' prints it";
    text.parse().map_err(|error: cosmos_model::object_id::InvalidObjectId| Failure::new(Status::Usage, &error, hint))
}

/// Lets a commit stand where the remote's own ref would.
fn as_tip(agent: &Agent, id: ObjectId) -> RemoteRef {
    let name = match &agent.trust.mode {
        Mode::Commits { branch } => format!("refs/heads/{branch}"),
        Mode::Tags { .. } => "refs/tags/given".to_owned(),
    };
    RemoteRef { name: name.into_bytes(), id }
}

fn body(judgement: &Judgement) -> Value {
    let verdict = |refused: bool| if refused { "refused" } else { "accepted" };
    let steps = judgement.steps.iter().map(|step| {
        json!({
            "object": step.object, "commit": step.commit, "ref": step.reference, "signer": step.signer,
            "right": step.right.as_str(), "policy": step.policy, "verdict": verdict(step.refusal.is_some()),
            "reason": step.refusal.as_ref().map(cosmos_model::trust::Refusal::with_causes),
            "repair": step.refusal.as_ref().map(cosmos_model::trust::Refusal::repair),
        })
    });
    let revision = judgement.revision.as_ref();
    let refused = judgement.refusals.iter().any(|refused| !refused.overtaken) || revision.is_none();
    json!({
        "commit": revision.map(cosmos_model::trust::VerifiedRevision::commit), "verdict": verdict(refused),
        "steps": steps.collect::<Vec<_>>(),
    })
}

fn lines(judgement: &Judgement, palette: &Palette) -> Vec<String> {
    let mut lines: Vec<String> = judgement.steps.iter().map(|step| line(step, palette)).collect();
    for refused in judgement.refusals.iter().filter(|refused| !refused.overtaken) {
        lines.push(Palette::paint(
            palette.removed,
            &format!("refused {} of '{}': {}", refused.object, refused.reference, refused.reason.with_causes()),
        ));
        lines.push(format!("    {}", refused.repair()));
    }
    lines.push(match &judgement.revision {
        Some(revision) => Palette::paint(palette.created, &format!("accepted {}", revision.commit())),
        None => Palette::paint(palette.removed, "nothing is accepted"),
    });
    lines
}

fn line(step: &JudgedStep, palette: &Palette) -> String {
    let signer = step
        .signer
        .as_ref()
        .map_or("nobody known".to_owned(), |signer| format!("{} {}", signer.fingerprint, signer.user_id));
    let policy = step.policy.map_or("the keys folder".to_owned(), |policy| format!("policy {policy:.12}"));
    match &step.refusal {
        None => {
            format!("{}  {}  signed by {signer}, by {policy}", Palette::paint(palette.created, "good"), step.commit)
        }
        Some(refusal) => {
            let (bad, reason) = (Palette::paint(palette.removed, "bad "), refusal.with_causes());
            format!("{bad}  {}  {signer}: {reason}", step.commit)
        }
    }
}
