//! `cosmos log`: what changed on this host, when, and who signed it; of one path, all an auditor asks.

use cosmos_model::escape;
use cosmos_model::object::commit::Commit;
use cosmos_model::object::{self, ObjectKind};
use cosmos_model::object_id::ObjectId;
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::cli::{GlobalOptions, LogOptions};
use crate::commands::path;
use crate::exit::{Failure, Status};
use crate::report::{json as report_json, log, text as report_text};
use crate::store::Store;

/// Prints the log, oldest first. Takes no lock.
///
/// # Errors
/// Returns a [`Failure`] when the log cannot be read or is damaged.
pub fn run(options: &LogOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let agent = Agent::load(global)?;
    let about = options.path.as_deref().map(path::named).transpose()?.map(|path| path.to_string());
    let mut entries = log::entries(&agent.site, about.as_deref()).map_err(|error| {
        Failure::new(Status::Failed, &error, "move the damaged line elsewhere; the lines around it are whole")
    })?;
    if about.is_some() {
        let store = Store::at(agent.site.store());
        entries.iter_mut().for_each(|entry| entry["author"] = author(&store, entry));
    }
    if global.json {
        println!("{}", report_json::envelope("log", agent.host(), Status::Done, Value::Array(entries)));
        return Ok(Status::Done);
    }
    let lines: fn(&Value) -> Vec<String> = if about.is_some() { lines_of_path } else { lines };
    entries.iter().flat_map(lines).for_each(|line| println!("{line}"));
    Ok(Status::Done)
}

fn text(value: &Value) -> String {
    escape::sentence(value.as_str().unwrap_or("-"))
}

fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Returns an entry as lines: when, what, which commit and whose signature, then each path.
fn lines(entry: &Value) -> Vec<String> {
    let (time, command, commit, signers) =
        (text(&entry["time"]), text(&entry["command"]), short(revision(entry)), signers(entry));
    let mut lines = vec![format!("{time}  {command}  {commit}  {signers}").trim_end().to_owned()];
    for change in each(&entry["changes"]) {
        lines.push(format!("    {} {}  ({})", text(&change["action"]), text(&change["path"]), text(&change["cause"])));
    }
    for changed in each(&entry["by_tasks"]) {
        lines.push(format!("    changed {}  (by {})", text(&changed["path"]), by_tasks(changed)));
    }
    for news in each(&entry["reported"]) {
        lines.push(format!("    {} {}", text(&news["path"]), differs(news)));
    }
    for late in each(&entry["caught_up"]) {
        let because: Vec<String> = each(&late["because"]).map(text).collect();
        lines.push(format!("    caught up: {}{}", text(&late["what"]), report_text::since(&because)));
    }
    for refused in each(&entry["refused"]) {
        let (object, reference) = (text(&refused["object"]), text(&refused["reference"]));
        lines.push(format!("    refused {object:.12} of '{reference}': {}", text(&refused["reason"])));
    }
    lines.extend(each(&entry["remarks"]).map(|remark| format!("    {}", text(remark))));
    if entry["error"].is_string() {
        lines.push(format!("    failed: {}", text(&entry["error"])));
    }
    lines
}

/// Returns the revision that a command was about; where it was about none, the one accepted then.
fn revision(entry: &Value) -> &Value {
    if entry["revision"].is_string() { &entry["revision"] } else { &entry["commit"] }
}

fn signers(entry: &Value) -> String {
    each(&entry["signers"]).map(|signer| text(&signer["user_id"])).collect::<Vec<_>>().join(", ")
}

/// Returns what became of one path: when and as which generation; from which hash to which, and why; by whose word.
fn lines_of_path(entry: &Value) -> Vec<String> {
    let commit = short(revision(entry));
    let release = entry["release"].as_str().map(|name| format!("{} ", escape::sentence(name))).unwrap_or_default();
    let (time, command) = (text(&entry["time"]), text(&entry["command"]));
    let mut lines = vec![format!("{time}  {command}, generation {}", entry["generation"])];
    for change in each(&entry["changes"]) {
        let what = format!("{} -> {}", described(&change["old"]), described(&change["new"]));
        lines.push(format!("    {what}  {}", cause(change)));
    }
    for changed in each(&entry["by_tasks"]) {
        let what = format!("{} -> {}", short(&changed["old"]), short(&changed["new"]));
        lines.push(format!("    {what}  by {}", by_tasks(changed)));
    }
    lines.extend(each(&entry["reported"]).map(|news| format!("    {}", differs(news))));
    if entry["revision"].is_string() {
        lines.push(format!("    {release}{commit}, signed by {}", signers(entry)));
    }
    if let Some(author) = entry["author"]["claimed"].as_str() {
        lines.push(format!("    author, as claimed: {}", escape::sentence(author)));
    }
    lines
}

/// Says how a path that is only reported differs from then on, or that it does not any more.
fn differs(news: &Value) -> String {
    news["differs"].as_str().map_or_else(|| "is as the model says again".to_owned(), escape::sentence)
}

/// Names the task that changed a path, as the `by_tasks` of an entry has it.
pub fn by_tasks(changed: &Value) -> String {
    let names: Vec<String> = each(&changed["tasks"]).map(text).collect();
    match &names[..] {
        [] => "a task".to_owned(),
        [name] => format!("task {name}"),
        _ => format!("a task, {}", names.join(" or ")),
    }
}

fn short(hash: &Value) -> String {
    text(hash).chars().take(12).collect()
}

/// Returns what was or is at the path in a few words.
fn described(found: &Value) -> String {
    let attributes = || format!("{} {}:{}", text(&found["mode"]), found["uid"], found["gid"]);
    match found["kind"].as_str() {
        None => "nothing".to_owned(),
        Some("file") => format!("{} {}", short(&found["sha256"]), attributes()),
        Some("symlink") => format!("symlink to {}", text(&found["target"])),
        Some(kind) => format!("{} {}", escape::sentence(kind), attributes()),
    }
}

fn cause(change: &Value) -> String {
    let layer = text(&change["layer"]);
    match (change["task"].as_str(), change["cause"].as_str()) {
        (Some(task), _) => format!("task {}", escape::sentence(task)),
        (None, Some("drift")) => format!("foreign edit, mended by layer {layer}"),
        (None, Some("dropped")) => format!("left the model, was of layer {layer}"),
        (None, Some("delete")) => format!("named by delete/ of layer {layer}"),
        (None, Some("rollback")) => format!("rollback, layer {layer}"),
        (None, Some("restore")) => "restored as it was found".to_owned(),
        (None, _) => format!("release, layer {layer}"),
    }
}

/// Returns the author that the commit names. Nobody vouches for that: it is the signature that counts.
fn author(store: &Store, entry: &Value) -> Value {
    let id = entry["revision"].as_str().and_then(|id| ObjectId::from_hex(id.as_bytes()).ok());
    let bytes = id.filter(|_| store.exists()).and_then(|id| object::read(store, id, ObjectKind::Commit).ok());
    let name = bytes.and_then(|bytes| {
        Commit::parse(&bytes).ok()?;
        bytes.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"author ")).map(named)
    });
    name.map_or(Value::Null, |name| json!({ "claimed": name }))
}

/// Returns name and address of an author's line, without the time after them.
fn named(line: &[u8]) -> String {
    let end = line.iter().rposition(|byte| *byte == b'>').map_or(line.len(), |end| end + 1);
    escape::for_terminal(&line[..end])
}
