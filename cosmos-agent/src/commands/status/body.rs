//! The member `status` of docs/formats.md §13: what one host knows of itself, for people, monitoring and
//! `cosmos fleet`.

use std::collections::BTreeMap;
use std::time::SystemTime;

use cosmos_model::refs::RemoteRef;
use cosmos_model::time::Time;
use cosmos_model::trust::{Evidence, Mode, VerifiedRevision};
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::apply::managed_file::ManagedFile;
use crate::exit::{Failure, Status};
use crate::fetch::url;
use crate::notes::{self, Noted};
use crate::pause;
use crate::pipeline::{Pipeline, prospects};
use crate::report::json as report_json;
use crate::state::{Hindrance, State};

/// Returns the member; nothing is fetched and nothing is changed.
///
/// # Errors
/// Returns a [`Failure`] when the managed set cannot be read.
pub fn of(agent: &Agent, pipeline: &mut Pipeline<'_>, now: Time) -> Result<Value, Failure> {
    let bytes = agent.site.state_folder(agent.settings.backup_size).read_managed()?.unwrap_or_default();
    let managed = ManagedFile::parse(&bytes).ok();
    let applied = managed.as_ref().and_then(ManagedFile::commit);
    // As the last run left it: looking for drift finds out anew.
    let hindrance = pipeline.record.state.hindrance.clone();
    // Looking makes no store where none is. A model that cannot be staged any more has no drift; `drift` says why.
    let there = pipeline.store().exists();
    let drift = applied.filter(|_| there).and_then(|_| match pipeline.is_untouched() {
        Ok(true) => Some(0),
        _ => pipeline.drifted().ok().map(|drifted| drifted.len()),
    });
    let notes = managed.as_ref().map_or_else(|| Ok(Vec::new()), |managed| notes(agent, managed, now))?;
    let trusted = trusted(agent, pipeline, now);
    let imported = if there {
        agent.trust.imported_by_hand(&pipeline.record.state.trust, pipeline.store(), now)
    } else {
        Vec::new()
    };
    let state = &pipeline.record.state;
    let accepted = state.trust.accepted();
    let pause = pause::in_force(&agent.site.root, now);
    let stale = accepted.and_then(|revision| agent.trust.staleness(revision, now)).map(|why| why.to_string());
    Ok(json!({
        "time": now,
        "follows": follows(agent),
        "accepted": accepted.map(revision),
        "testing": state.trust.testing().map(revision),
        "applied": applied.map(|commit| json!({"commit": commit, "generation": state.generation_in_force()})),
        "pending": state.triggers.pending.iter().map(report_json::pending).collect::<Vec<_>>(),
        "rollback": state.rolled_back(),
        "held": state.held.iter().filter(|(_, hold)| hold.holds(now)).collect::<BTreeMap<_, _>>(),
        "trusted": trusted,
        "imported": imported,
        "signers": prospects(&state.trust, now),
        "look": {
            "ok": state.look.failing_since.is_none(), "failing_since": state.look.failing_since,
            "last_good_run": last_good_run(agent),
        },
        "remotes": remotes(agent, state),
        "sandbox": state.look.sandbox,
        "refused": state.trust.refused(),
        "paused": pause.map(|pause| json!({"reason": pause.reason, "until": pause.until})),
        "failure": state.failure,
        "back_off": state.back_off,
        "needs": hindered(hindrance.as_ref(), true),
        "mistakes": hindered(hindrance.as_ref(), false),
        "stale": stale.is_some(),
        "stale_reason": stale,
        "managed": managed.map_or(0, |managed| managed.len()),
        "drift": drift,
        "notes": notes,
        "retired": state.retired,
        "cloned": state.is_another_machine(&agent.site),
        "agent": env!("CARGO_PKG_VERSION"),
    }))
}

/// Returns what programs of the applied model's modules have to say.
fn notes(agent: &Agent, managed: &ManagedFile<'_>, now: Time) -> Result<Vec<Value>, Failure> {
    let read = notes::read(&agent.site.home, &agent.site.notes(), managed.layer_names());
    let read = read.map_err(|error| Failure::new(Status::Failed, &error, "look at its owner and mode"))?;
    let one = |Noted { of, about, said }: Noted| match said {
        Ok(note) => json!({
            "of": of, "about": about, "text": note.text, "time": note.time, "due": note.due, "is_due": note.is_due(now),
        }),
        Err(why) => {
            let text = format!("what it left cannot be read: {why}");
            json!({"of": of, "about": about, "text": text, "time": null, "due": null, "is_due": true})
        }
    };
    Ok(read.into_iter().map(one).collect())
}

/// Returns why the revision in force cannot be applied, if that is what a newer agent helps against, or else mistakes.
fn hindered(hindrance: Option<&Hindrance>, newer_agent: bool) -> Option<&str> {
    hindrance.filter(|hindrance| hindrance.newer_agent == newer_agent).map(|it| it.why.as_str())
}

/// Returns each remote with when it answered last, and whether it gave the accepted revision; a bundle that was named
/// for once comes after them.
fn remotes(agent: &Agent, state: &State) -> Vec<Value> {
    let source = state.look.source.as_deref();
    let mut shown: Vec<String> = agent.remotes.iter().map(|remote| url::shown(&remote.url)).collect();
    shown.extend(source.filter(|source| !shown.iter().any(|url| url == source)).map(str::to_owned));
    let remote = |url: &String| {
        let file = agent.site.path_of(&agent.site.answered_file(url));
        let answered = std::fs::metadata(file).and_then(|found| found.modified()).ok().and_then(time_of);
        json!({"url": url, "answered": answered, "gave_accepted": source == Some(url)})
    };
    shown.iter().map(remote).collect()
}

fn time_of(modified: SystemTime) -> Option<Time> {
    jiff::Timestamp::try_from(modified).ok().map(|time| Time::from_seconds(time.as_second()))
}

fn revision(revision: &VerifiedRevision) -> Value {
    json!({"commit": revision.commit(), "time": revision.signed_at(), "signers": revision.signers(), "tag": revision.tag()})
}

/// Returns what this host takes for its releases: two hosts that say the same should run the same.
fn follows(agent: &Agent) -> Value {
    let (mode, branch, pattern) = match &agent.trust.mode {
        Mode::Commits { branch } => ("commits", Some(branch), None),
        Mode::Tags { pattern, .. } => ("tags", None, Some(pattern)),
    };
    let trust = &agent.trust;
    json!({"mode": mode, "branch": branch, "pattern": pattern, "fleet": trust.fleet, "threshold": trust.threshold})
}

/// Returns who may sign the next revision; null when the store cannot say it.
fn trusted(agent: &Agent, pipeline: &Pipeline<'_>, now: Time) -> Value {
    let none: [RemoteRef; 0] = [];
    let evidence = Evidence { refs: &none, objects: pipeline.store(), now };
    if !pipeline.store().exists() {
        return Value::Null;
    }
    let known = agent.trust.who_may_sign(&pipeline.record.state.trust, &evidence);
    known.map_or(Value::Null, |signers| json!(signers))
}

/// Returns when a run last looked at a remote and ended well: the stamp's time (docs/formats.md §15).
fn last_good_run(agent: &Agent) -> Option<Time> {
    let file = agent.site.home.open_file(&agent.settings.stamp).ok().flatten()?;
    time_of(file.metadata().ok()?.modified().ok()?)
}
