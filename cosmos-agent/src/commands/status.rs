//! `cosmos status`: which revision is accepted, applied, refused, and whether this host is well. Takes no lock.

use cosmos_model::escape;
use cosmos_model::time::Time;
use cosmos_model::trust::VerifiedRevision;
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::apply::managed_file::ManagedFile;
use crate::cli::GlobalOptions;
use crate::exit::{Failure, Status};
use crate::fetch::url;
use crate::operation;
use crate::pause;
use crate::pipeline::prospects;
use crate::report::json as report_json;
use crate::report::style::Palette;
use crate::sandbox::Layer;
use crate::state::State;
use crate::store::Store;

/// Prints the state of this host.
///
/// # Errors
/// Returns a [`Failure`] when settings or state cannot be read.
pub fn run(global: &GlobalOptions) -> Result<Status, Failure> {
    let agent = Agent::load(global)?;
    let state = State::load(&agent.site)?;
    let body = body(&agent, &state)?;
    if agent.options.json {
        println!("{}", report_json::envelope("status", agent.host(), Status::Done, body));
    } else {
        lines(&agent, &body, &Palette::for_stdout()).iter().for_each(|line| println!("{line}"));
    }
    Ok(Status::Done)
}

/// Returns the member `status` of docs/formats.md §13.
fn body(agent: &Agent, state: &State) -> Result<Value, Failure> {
    let bytes = agent.site.state_folder(agent.settings.backup_size).read_managed()?.unwrap_or_default();
    let managed = ManagedFile::parse(&bytes).ok();
    let applied = managed.as_ref().and_then(ManagedFile::commit);
    let now = operation::now();
    let accepted = state.trust.accepted();
    let pause = pause::in_force(&agent.site.root, now);
    // Looking makes no store.
    let store = Some(Store::at(agent.site.store())).filter(Store::exists);
    let imported = store.map(|store| agent.trust.imported_by_hand(&state.trust, &store, now)).unwrap_or_default();
    let stale = accepted.and_then(|revision| agent.trust.staleness(revision, now)).map(|why| why.to_string());
    Ok(json!({
        "accepted": accepted.map(revision),
        "testing": state.trust.testing().map(revision),
        "applied": applied.map(|commit| json!({"commit": commit, "generation": state.generation})),
        "look": {"ok": state.look.failing_since.is_none(), "failing_since": state.look.failing_since},
        "remotes": remotes(agent, state),
        "sandbox": state.look.sandbox,
        "refused": state.trust.refused(),
        "imported": imported,
        "paused": pause.map(|pause| json!({"reason": pause.reason, "until": pause.until})),
        "failure": state.failure,
        "back_off": state.back_off,
        "needs": hindered(state, true),
        "mistakes": hindered(state, false),
        "stale": stale.is_some(),
        "stale_reason": stale,
        "signers": prospects(&state.trust, now),
        "managed": managed.map_or(0, |managed| managed.len()),
        "retired": state.retired,
        "cloned": state.is_another_machine(&agent.site),
        "agent": env!("CARGO_PKG_VERSION"),
    }))
}

/// Returns why the accepted revision cannot be applied, if that is what a newer agent helps against, or else mistakes.
fn hindered(state: &State, newer_agent: bool) -> Option<&str> {
    state.hindrance.as_ref().filter(|hindrance| hindrance.newer_agent == newer_agent).map(|it| it.why.as_str())
}

/// Returns each remote with when it answered last, and whether it gave the accepted revision; a bundle that was named
/// for once comes after them.
fn remotes(agent: &Agent, state: &State) -> Vec<Value> {
    let source = state.look.source.as_deref();
    let mut shown: Vec<String> = agent.remotes.iter().map(|remote| url::shown(&remote.url)).collect();
    shown.extend(source.filter(|source| !shown.iter().any(|url| url == source)).map(str::to_owned));
    let remote = |url: &String| {
        let file = agent.site.path_of(&agent.site.answered_file(url));
        let modified = std::fs::metadata(file).and_then(|found| found.modified()).ok();
        let answered = modified.and_then(|time| jiff::Timestamp::try_from(time).ok());
        let answered = answered.map(|time| Time::from_seconds(time.as_second()));
        json!({"url": url, "answered": answered, "gave_accepted": source == Some(url)})
    };
    shown.iter().map(remote).collect()
}

fn revision(revision: &VerifiedRevision) -> Value {
    json!({"commit": revision.commit(), "time": revision.signed_at(), "signers": revision.signers(), "tag": revision.tag()})
}

fn lines_about_fetching(body: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let mut say = |word: &str, value: String| lines.push(format!("{word:<10}{}", escape::sentence(&value)));
    if let Some(since) = body["look"]["failing_since"].as_str() {
        say("remotes", format!("out of reach since {since}"));
    }
    for remote in body["remotes"].as_array().into_iter().flatten() {
        let answered = remote["answered"].as_str().map(|time| format!(", answered {time}")).unwrap_or_default();
        let gave = if remote["gave_accepted"] == true { ", gave the accepted revision" } else { "" };
        say("remote", format!("{}{answered}{gave}", remote["url"].as_str().unwrap_or_default()));
    }
    if let Some(layers) = body["sandbox"].as_array().filter(|layers| !layers.is_empty()) {
        say("sandbox", sandbox(layers));
    }
    lines
}

/// Words what the fetching child gives up, and what it does not.
fn sandbox(layers: &[Value]) -> String {
    let (given, kept): (Vec<Layer>, Vec<Layer>) =
        Layer::ALL.into_iter().partition(|layer| layers.iter().any(|name| name == layer.name()));
    let names = |layers: &[Layer]| layers.iter().map(|layer| layer.name()).collect::<Vec<_>>().join(", ");
    match kept[..] {
        [] => names(&given),
        _ => format!("{}; not {}", names(&given), names(&kept)),
    }
}

fn lines(agent: &Agent, body: &Value, palette: &Palette) -> Vec<String> {
    let text = |value: &Value| escape::sentence(value.as_str().unwrap_or_default());
    let mut lines = vec![Palette::paint(palette.strong, agent.host())];
    let accepted = &body["accepted"];
    match accepted.as_object() {
        None => lines.push("accepted  nothing yet".to_owned()),
        Some(_) => {
            let signers: Vec<String> =
                accepted["signers"].as_array().into_iter().flatten().map(|signer| text(&signer["user_id"])).collect();
            let tag = accepted["tag"].as_str().map(|tag| format!(" ({tag})")).unwrap_or_default();
            let (commit, time) = (text(&accepted["commit"]), text(&accepted["time"]));
            lines.push(match signers.is_empty() {
                true => {
                    Palette::paint(palette.removed, &format!("accepted  {commit}{tag}, NOT VERIFIED, taken {time}"))
                }
                false => format!("accepted  {commit}{tag}, signed {time} by {}", signers.join(", ")),
            });
        }
    }
    if body["testing"].is_object() {
        let (commit, time) = (text(&body["testing"]["commit"]), text(&body["testing"]["time"]));
        let tag = body["testing"]["tag"].as_str().map(|tag| format!(" ({tag})")).unwrap_or_default();
        lines.push(Palette::paint(palette.changed, &format!("testing   {commit}{tag}, signed {time}")));
    }
    let applied = &body["applied"]["commit"];
    lines.push(match applied.as_str() {
        None => "applied   nothing yet".to_owned(),
        Some(commit) if applied == &accepted["commit"] => {
            format!("applied   the same, {} paths ({commit:.12})", body["managed"])
        }
        Some(commit) => format!("applied   {commit}, {} paths", body["managed"]),
    });
    for refused in body["refused"].as_array().into_iter().flatten().filter(|one| one["overtaken"] != true) {
        let line = format!(
            "refused   {:.12} of '{}': {}",
            text(&refused["object"]),
            text(&refused["reference"]),
            text(&refused["reason"])
        );
        lines.push(Palette::paint(palette.removed, &line));
        lines.push(format!("          {}", text(&refused["repair"])));
    }
    lines.extend(lines_about_fetching(body));
    let mut say = |word: &str, value: String| lines.push(format!("{word:<10}{}", escape::sentence(&value)));
    for signer in body["imported"].as_array().into_iter().flatten() {
        let (fingerprint, name) = (text(&signer["fingerprint"]), text(&signer["user_id"]));
        say("imported", format!("{fingerprint} {name}: by hand, may sign the next release"));
    }
    if body["paused"].is_object() {
        say("paused", text(&body["paused"]["reason"]));
    }
    if body["failure"].is_object() {
        say("failing", format!("since {}: {}", text(&body["failure"]["since"]), text(&body["failure"]["message"])));
    }
    if body["stale"] == true {
        say("stale", format!("the accepted revision is past its time: {}", text(&body["stale_reason"])));
    }
    for sentence in body["signers"].as_array().into_iter().flatten() {
        say("signer", text(sentence));
    }
    for word in ["retired", "needs", "mistakes"] {
        for value in body[word].as_str().into_iter().flat_map(str::lines) {
            say(word, value.to_owned());
        }
    }
    if body["cloned"] == true {
        say(
            "machine",
            "this is not the machine the state was made on: run 'cosmos clone --again' with its own name".to_owned(),
        );
    }
    lines
}
