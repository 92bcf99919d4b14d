//! A release judged before it leaves this machine: by the same judge as every host's.

use cosmos_model::trust::{Evidence, Judgement, Refusal, TrustPolicy, VerifiedRevision};

use super::Desk;
use super::proposal::{Made, Proposal};
use crate::exit::{Failure, Status};
use crate::operation;
use crate::operator::Draft;

/// What hosts will say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They take it.
    Accepted,
    /// They take it when this many more operators sign.
    Waits(usize),
}

/// Judges what was made on top of what the remote has.
///
/// # Errors
/// Returns a [`Failure`] with the judge's reason when hosts would refuse it, whoever else signs.
pub fn judge(desk: &Desk<'_>, draft: &Draft<'_>, made: &Made) -> Result<Verdict, Failure> {
    let evidence = Evidence { refs: &made.refs, objects: draft, now: operation::now() };
    let judgement = desk.agent.trust.judge(&desk.view.state, &evidence);
    if is_accepted(&judgement, made) {
        return Ok(Verdict::Accepted);
    }
    let reason = reason(&judgement, made);
    let missing = match &reason {
        Some(Refusal::TooFewSignatures { have, need } | Refusal::TooFewForPolicy { have, need }) => need - have,
        _ => return Err(refused(&judgement, made)),
    };
    // Whether anything but the number of signatures is wrong shows when one is enough.
    let alone = TrustPolicy { threshold: 1, policy_threshold: Some(1), ..desk.agent.trust.clone() };
    let judgement = alone.judge(&desk.view.state, &evidence);
    if is_accepted(&judgement, made) { Ok(Verdict::Waits(missing)) } else { Err(refused(&judgement, made)) }
}

/// Refuses a further signature by somebody who signed already: hosts count people (T4).
///
/// # Errors
/// Returns a [`Failure`] of status `Usage`.
pub fn refuse_second_time(
    desk: &Desk<'_>,
    draft: &Draft<'_>,
    proposal: &Proposal,
    fingerprint: &str,
) -> Result<(), Failure> {
    let evidence = Evidence { refs: &desk.view.refs, objects: draft, now: operation::now() };
    let alone = TrustPolicy { threshold: 1, policy_threshold: Some(1), ..desk.agent.trust.clone() };
    let revision = alone.judge(&desk.view.state, &evidence).revision;
    let is_it = |revision: &VerifiedRevision| revision.commit() == proposal.commit;
    let signers = revision.filter(is_it).map(|revision| revision.signers().to_vec()).unwrap_or_default();
    if signers.iter().any(|signer| signer.fingerprint == fingerprint) {
        let hint = "another operator signs; 'cosmos signer list' shows who may";
        return Err(Failure::of(Status::Usage, format!("{fingerprint} signed it already"), hint));
    }
    Ok(())
}

fn is_accepted(judgement: &Judgement, made: &Made) -> bool {
    judgement.revision.as_ref().is_some_and(|revision| revision.commit() == made.commit)
        && !judgement.refusals.iter().any(|refused| refused.object == made.object && !refused.overtaken)
}

fn reason(judgement: &Judgement, made: &Made) -> Option<Refusal> {
    let about = |object| object == made.object || object == made.commit;
    let own = judgement.refusals.iter().rfind(|refused| about(refused.object));
    own.or_else(|| judgement.refusals.iter().rfind(|refused| !refused.overtaken)).map(|refused| refused.reason.clone())
}

fn refused(judgement: &Judgement, made: &Made) -> Failure {
    let reason = reason(judgement, made);
    let (why, repair) = reason.map_or_else(
        || ("they stay at what they have".to_owned(), "see 'cosmos verify'".to_owned()),
        |reason| (format!("{} ({})", reason.with_causes(), reason.rule()), reason.repair()),
    );
    Failure::of(Status::Refused, format!("hosts would refuse it, so nothing was pushed: {why}"), repair)
}
