//! A proof as people and programs read it.

use std::collections::BTreeSet;

use cosmos_model::object_id::ObjectId;
use cosmos_model::trust::{JudgedStep, Refusal};
use serde_json::{Value, json};

use super::scope::Examined;
use crate::report::style::Palette;

/// Returns the member `verify` of docs/formats.md §13.
pub fn body(examined: &Examined) -> Value {
    let verdict = |accepted: bool| if accepted { "accepted" } else { "refused" };
    let steps = examined.steps.iter().map(|step| {
        json!({
            "object": step.object, "commit": step.commit, "ref": step.reference, "signer": step.signer,
            "signed_at": step.signed_at, "right": step.right.as_str(), "since": step.since, "policy": step.policy,
            "judged_by": step.judged_by, "refreshed": step.refreshed, "verdict": verdict(step.refusal.is_none()),
            "rule": step.refusal.as_ref().map(Refusal::rule), "reason": step.refusal.as_ref().map(Refusal::with_causes),
            "repair": step.refusal.as_ref().map(Refusal::repair),
        })
    });
    let refusals = examined.refusals.iter().map(|refused| {
        let mut value = json!(refused.record());
        value["rule"] = refused.reason.rule().into();
        value
    });
    json!({
        "commit": examined.commit, "verdict": verdict(examined.accepted),
        "steps": steps.collect::<Vec<_>>(), "refused": refusals.collect::<Vec<_>>(),
    })
}

/// Returns the lines of the proof: two a signature, then what stands in the way with its repair, then the verdict.
pub fn lines(examined: &Examined, palette: &Palette) -> Vec<String> {
    let mut lines: Vec<String> = examined.steps.iter().flat_map(|step| step_lines(step, palette)).collect();
    let mut said = BTreeSet::new();
    for refused in examined.refusals.iter().filter(|refused| !refused.overtaken) {
        let (reason, rule) = (refused.reason.with_causes(), refused.reason.rule());
        if said.insert((refused.object, reason.clone())) {
            let line = format!("refused {} of '{}': {reason} ({rule})", refused.object, refused.reference);
            lines.push(Palette::paint(palette.removed, &line));
            lines.push(format!("    {}", refused.repair()));
        }
    }
    lines.push(match (examined.commit, examined.accepted) {
        (Some(commit), true) => Palette::paint(palette.created, &format!("accepted {commit}")),
        (Some(commit), false) if examined.steps.is_empty() => {
            Palette::paint(palette.removed, &format!("not accepted {commit}: nothing here vouches for it"))
        }
        (Some(commit), false) if !examined.asked => {
            Palette::paint(palette.created, &format!("accepted {commit}, and not what is refused above"))
        }
        (Some(commit), false) => Palette::paint(palette.removed, &format!("not accepted {commit}")),
        (None, _) if examined.asked => Palette::paint(palette.removed, "not accepted"),
        (None, _) => Palette::paint(palette.removed, "nothing is accepted"),
    });
    lines
}

fn step_lines(step: &JudgedStep, palette: &Palette) -> [String; 2] {
    let about = step.reference.as_ref().map(|name| format!(" '{name}'")).unwrap_or_default();
    let when = step.signed_at.map(|time| format!(", signed {time}")).unwrap_or_default();
    let first = match (&step.refusal, &step.signer) {
        (None, Some(signer)) => {
            let good = Palette::paint(palette.created, "good");
            format!("{good}  {}{about}{when} by {}", step.commit, signer.user_id)
        }
        (refusal, _) => {
            let bad = Palette::paint(palette.removed, "bad ");
            let reason = refusal.as_ref().map(|one| format!("{} ({})", one.with_causes(), one.rule()));
            format!("{bad}  {}{about}: {}", step.commit, reason.unwrap_or_default())
        }
    };
    [first, format!("      {}", grounds(step))]
}

/// Says by what a signature was judged, and what it rests on.
fn grounds(step: &JudgedStep) -> String {
    let right = step.right.as_str();
    let who = step.signer.as_ref().map(|signer| match step.since {
        Some(since) => format!("{} holds {right} since {}", signer.fingerprint, short(since)),
        None => format!("{} holds {right} from the start", signer.fingerprint),
    });
    let by = match (step.policy, step.judged_by) {
        (Some(policy), Some(commit)) => format!("by policy {} of {}", short(policy), short(commit)),
        (Some(policy), None) => format!("by policy {}", short(policy)),
        (None, Some(commit)) => format!("by the keys folder of {}", short(commit)),
        (None, None) => "by the keyring".to_owned(),
    };
    let fresh = if step.refreshed { "; its own tree brought news of the certificate (T3)" } else { "" };
    match who {
        Some(who) => format!("{who}, {by}{fresh}"),
        None => format!("{right} was needed, {by}"),
    }
}

fn short(id: ObjectId) -> String {
    id.to_string()[..12].to_owned()
}
