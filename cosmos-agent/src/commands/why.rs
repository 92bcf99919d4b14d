//! `cosmos why`: where a path of this host comes from, and which layers wanted it otherwise.

use cosmos_model::content::{Content, ContentSource};
use cosmos_model::escape;
use cosmos_model::managed::{ManagedEntry, ManagedSet};
use cosmos_model::object::tree::{NameRules, parse};
use cosmos_model::object::{self, ObjectKind};
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;
use cosmos_model::stage::built_in_module;
use cosmos_model::staged::{StagedKind, StagedModel};
use cosmos_model::trust::VerifiedRevision;
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::built_in;
use crate::cli::{GlobalOptions, WhyOptions};
use crate::commands::log::by_tasks;
use crate::commands::path;
use crate::exit::{Failure, Status};
use crate::managed::Managed;
use crate::operation;
use crate::pipeline::Pipeline;
use crate::report::{json as report_json, log};
use crate::store::Store;

/// Prints what is known about one path. Takes no lock.
///
/// # Errors
/// Returns a [`Failure`] when nothing was accepted yet, or the model cannot be staged.
pub fn run(options: &WhyOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let agent = Agent::load(global)?;
    let path = path::named(&options.path)?;
    let body = operation::peek(&agent, |pipeline, _| about(&agent, pipeline, &path))??;
    if agent.options.json {
        println!("{}", report_json::envelope("why", agent.host(), Status::Done, body));
    } else {
        lines(&body).iter().for_each(|line| println!("{line}"));
    }
    Ok(Status::Done)
}

fn about(agent: &Agent, pipeline: &mut Pipeline<'_>, path: &RelPath) -> Result<Value, Failure> {
    let managed = Managed::read(&agent.site.state_folder(agent.settings.backup_size))?.view().set();
    let (revision, model) = pipeline.model_in_force()?;
    let held = pipeline.record.state.held.get(path);
    let entry = managed.entries.get(path);
    if entry.is_none() && !model.entries().contains_key(path) {
        return Ok(unmanaged(path, &model, &managed));
    }
    let layer = model.layer_of(path).or_else(|| entry.and_then(|entry| layer_of(&managed, entry)));
    let staged = model.entries().get(path);
    let (blob, rendered) = match staged.map(|entry| &entry.kind) {
        Some(StagedKind::File(Content { source: ContentSource::Blob(id) | ContentSource::Secret(id), .. })) => {
            (Some(*id), false)
        }
        Some(StagedKind::File(Content { hash, .. })) => (None, model.rendered().contains_key(hash)),
        _ => (entry.and_then(|entry| entry.blob), false),
    };
    let is_folder = staged.is_some_and(|entry| entry.kind == StagedKind::Directory);
    let changed_by_task = entry.is_some_and(|entry| entry.task_made);
    let by_tasks = if changed_by_task { tasks_that_changed(agent, path) } else { Vec::new() };
    let layers = model.layers().iter().filter(|name| Some(&***name) != layer);
    let lost: Vec<&str> =
        layers.filter(|name| has(pipeline.store(), &revision, name, path)).map(|name| &**name).collect();
    Ok(json!({
        "path": path, "managed": entry.is_some(), "in_model": staged.is_some(), "folder": is_folder, "layer": layer,
        "lost": lost,
        "commit": revision.commit(), "tag": revision.tag(), "signers": revision.signers(),
        "generation": pipeline.record.state.generation_in_force(), "blob": blob, "template": rendered,
        "sha256": entry.map(|entry| entry.hash), "held": held,
        "task": staged.and_then(|entry| entry.changed_by.as_deref()),
        "changed_by_task": changed_by_task, "by_tasks": by_tasks,
        "found_before": entry.and_then(|entry| entry.found),
    }))
}

/// Returns the task that changed the path last, as the log has it: two where that could not be told, none where the log
/// does not reach back that far or cannot be read, of which `cosmos log` speaks.
fn tasks_that_changed(agent: &Agent, path: &RelPath) -> Vec<Value> {
    let mut entries = log::entries(&agent.site, Some(&path.to_string())).unwrap_or_default();
    let changes = entries.iter_mut().rev().find_map(|entry| entry["by_tasks"].as_array_mut()?.pop());
    changes.and_then(|mut change| change["tasks"].as_array_mut().map(std::mem::take)).unwrap_or_default()
}

fn unmanaged(path: &RelPath, model: &StagedModel, managed: &ManagedSet) -> Value {
    let mut above: Vec<RelPath> = path.ancestors().collect();
    above.reverse();
    let is_known = |folder: &RelPath| managed.entries.contains_key(folder) || model.entries().contains_key(folder);
    let nearest = above.into_iter().find(is_known);
    let layer = nearest.as_ref().and_then(|folder| model.layer_of(folder));
    let deleted = model.named_for_deletion().get(path);
    let deleted_by = deleted.and_then(|layer| model.layers().get(usize::from(layer.0))).map(|name| &**name);
    json!({"path": path, "managed": false, "in_model": false, "nearest": nearest, "layer": layer, "deleted_by": deleted_by})
}

fn layer_of<'m>(managed: &'m ManagedSet, entry: &ManagedEntry) -> Option<&'m str> {
    managed.layers.get(usize::from(entry.layer)).map(|name| &**name)
}

/// Tells whether a layer of the repository or of the agent has the path, as a file, a template or a secret.
fn has(store: &Store, revision: &VerifiedRevision, layer: &str, path: &RelPath) -> bool {
    let (root, layer) = match built_in_module(layer) {
        Some(module) => (built_in::tree(), module),
        None => (revision.tree(), if layer == "." { "" } else { layer.trim_matches('/') }),
    };
    ["overlay", "templates", "secrets"].iter().any(|folder| {
        let names = layer.split('/').filter(|name| !name.is_empty()).map(str::as_bytes).chain([folder.as_bytes()]);
        names.chain(path.components()).try_fold(root, |tree, name| child(store, tree, name)).is_some()
    })
}

fn child(store: &Store, tree: ObjectId, name: &[u8]) -> Option<ObjectId> {
    let bytes = object::read(store, tree, ObjectKind::Tree).ok()?;
    let entries = parse(&bytes, NameRules::Classic).ok()?;
    entries.iter().find(|entry| entry.name == name).map(|entry| entry.id)
}

/// Returns the lines for people: a word and what it is about on each.
fn lines(body: &Value) -> Vec<String> {
    let text = |value: &Value| escape::sentence(value.as_str().unwrap_or_default());
    let mut lines = vec![text(&body["path"])];
    let mut say = |word: &str, value: String| lines.push(format!("{word:<12}{value}"));
    if body["managed"] == false && body["in_model"] == false {
        say("managed", "no: no run changes it".to_owned());
        match body["nearest"].as_str() {
            Some(nearest) => {
                say("nearest", format!("{}, of layer {}", escape::sentence(nearest), text(&body["layer"])))
            }
            None => say("nearest", "nothing above it is managed".to_owned()),
        }
        if body["deleted_by"].is_string() {
            say("delete/", format!("layer {} names it: it is removed where it is found", text(&body["deleted_by"])));
        }
        return lines;
    }
    let tag = body["tag"].as_str().map(|tag| format!(" ({})", escape::sentence(tag))).unwrap_or_default();
    say("layer", text(&body["layer"]));
    for lost in body["lost"].as_array().into_iter().flatten() {
        say("lost", text(lost));
    }
    if body["in_model"] == false {
        say("model", "it left: see 'cosmos plan'".to_owned());
    } else if body["managed"] == false && body["folder"] == true {
        say("model", "it has paths below it; where the folder is there already, it stays as it is".to_owned());
    } else if body["managed"] == false {
        say("model", "it has it, this host not yet: see 'cosmos plan'".to_owned());
    }
    say("commit", format!("{}{tag}", text(&body["commit"])));
    for signer in body["signers"].as_array().into_iter().flatten() {
        say("signer", text(&signer["user_id"]));
    }
    say("generation", body["generation"].to_string());
    if body["blob"].is_string() {
        say("blob", text(&body["blob"]));
    }
    if body["template"] == true {
        say("template", "rendered on this host".to_owned());
    }
    if body["task"].is_string() {
        say("task", text(&body["task"]));
    } else if body["changed_by_task"] == true {
        let which = by_tasks(&json!({"tasks": body["by_tasks"]}));
        say("task", format!("changed by {which} after it was written: see 'cosmos log'"));
    }
    if body["found_before"].is_string() {
        say("before", "something was there before cosmos: 'cosmos restore' puts it back".to_owned());
    }
    if body["held"].is_object() {
        say("held", text(&body["held"]["reason"]));
    }
    lines
}
