//! What changes on many hosts, in words and as JSON.

use std::collections::BTreeMap;

use cosmos_model::content::ContentSource;
use cosmos_model::host_name::HostName;
use cosmos_model::layer::Owner;
use cosmos_model::object::{self, ObjectKind, ObjectSource};
use cosmos_model::object_id::ObjectId;
use cosmos_model::stage::Change;
use cosmos_model::staged::{StagedEntry, StagedKind};
use serde_json::{Value, json};

use super::fleet::{Common, FleetPlan};
use crate::cli::GlobalOptions;
use crate::exit::Status;
use crate::report::style::Palette;
use crate::report::text::counted;
use crate::report::{diff, json as report_json};

/// More hosts of one change are counted instead of named.
const NAMED: usize = 3;

/// What the files are compared with.
pub struct Compared {
    /// What people call it.
    pub name: String,
    /// The commit.
    pub commit: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
}

/// Prints the plan.
pub fn print(plan: &FleetPlan, compared: Option<&Compared>, objects: &dyn ObjectSource, global: &GlobalOptions) {
    if global.json {
        let status = if plan.hindered.is_empty() { Status::Done } else { Status::Failed };
        println!("{}", report_json::envelope("plan", "localhost", status, document(plan, compared)));
        return;
    }
    let palette = Palette::for_stdout();
    let (files, hosts) = plan.count();
    let with = compared.map_or_else(
        || "nothing was released yet".to_owned(),
        |with| format!("compared with {} ({})", with.name, &with.commit.to_string()[..12]),
    );
    println!("{} on {}, {with}", counted(files, "path"), counted(hosts, "host"));
    for common in &plan.changes {
        println!("{}", line(common, plan.looked_at, &palette));
        if let Some(difference) = difference(plan, common, objects, &palette) {
            print!("{difference}");
        }
    }
    for (task, hosts) in &plan.tasks {
        println!("> {task}  {}", named(hosts, plan.looked_at));
    }
    plan.remarks.iter().for_each(|remark| println!("! {remark}"));
    let told = plan.leaving.iter().chain(&plan.rivals);
    told.for_each(|(text, hosts)| println!("! {text}  {}", named(hosts, plan.looked_at)));
    for (error, hosts) in &plan.hindered {
        eprintln!("error: {} could not apply this", named(hosts, plan.looked_at));
        crate::stage::in_full(error).lines().for_each(|line| eprintln!("    {line}"));
    }
}

/// Says which hosts, by name where they are few.
fn named(hosts: &[HostName], all: usize) -> String {
    if hosts.len() == all && all > NAMED {
        return format!("all {all} hosts");
    }
    let names: Vec<&str> = hosts.iter().take(NAMED).map(HostName::as_str).collect();
    match hosts.len().checked_sub(NAMED) {
        Some(more) if more > 0 => format!("{} and {more} more", names.join(", ")),
        _ => names.join(", "),
    }
}

fn line(common: &Common, all: usize, palette: &Palette) -> String {
    let (sign, style) = match common.change {
        Change::Created => ("+", palette.created),
        Change::Content => ("~", palette.changed),
        Change::Attributes => ("@", palette.changed),
        Change::Removed => ("-", palette.removed),
    };
    let attributes = match (common.change, &common.before, &common.after) {
        (Change::Attributes, Some(before), Some(after)) => {
            format!("  {} -> {}", attributes(before), attributes(after))
        }
        _ => String::new(),
    };
    format!("{}{attributes}  {}", Palette::paint(style, &format!("{sign} {}", common.path)), named(&common.hosts, all))
}

fn attributes(entry: &StagedEntry) -> String {
    let mode = entry.mode.map_or_else(|| "-".to_owned(), |mode| format!("{mode:04o}"));
    let name = |owner: &Owner| match owner {
        Owner::Default => "root".to_owned(),
        Owner::Id(id) => id.to_string(),
        Owner::Name(name) => name.to_string(),
    };
    format!("{mode} {}:{}", name(&entry.owner), name(&entry.group))
}

/// Returns the difference of two files' contents.
fn difference(plan: &FleetPlan, common: &Common, objects: &dyn ObjectSource, palette: &Palette) -> Option<String> {
    let (before, after) = (common.before.as_ref()?, common.after.as_ref()?);
    if common.change != Change::Content {
        return None;
    }
    let bytes = |entry: &StagedEntry| match &entry.kind {
        StagedKind::File(content) => match content.source {
            ContentSource::Blob(id) => object::read(objects, id, ObjectKind::Blob).ok(),
            ContentSource::Secret(_) | ContentSource::Filled => None,
            ContentSource::Rendered | ContentSource::Model => plan.rendered.get(&content.hash).cloned(),
        },
        StagedKind::Symlink(target) => Some([b"-> ", target.as_slice(), b"\n"].concat()),
        StagedKind::Directory => None,
    };
    Some(diff::unified(&bytes(before)?, &bytes(after)?, palette))
}

fn document(plan: &FleetPlan, compared: Option<&Compared>) -> Value {
    let names = |hosts: &[HostName]| hosts.iter().map(HostName::as_str).map(str::to_owned).collect::<Vec<_>>();
    let hash = |entry: Option<&StagedEntry>| match entry.map(|entry| &entry.kind) {
        Some(StagedKind::File(content)) => Some(content.hash.to_string()),
        _ => None,
    };
    let word = |change: Change| match change {
        Change::Created => "created",
        Change::Content => "changed",
        Change::Attributes => "attributes",
        Change::Removed => "removed",
    };
    let change = |one: &Common| {
        json!({
            "path": one.path, "change": word(one.change), "hosts": names(&one.hosts),
            "old_hash": hash(one.before.as_ref()), "new_hash": hash(one.after.as_ref()),
        })
    };
    let texts = |told: &BTreeMap<String, Vec<HostName>>| {
        told.iter().map(|(text, hosts)| json!({"text": text, "hosts": names(hosts)})).collect::<Vec<_>>()
    };
    let (files, hosts) = plan.count();
    json!({
        "compared_with": compared.map(|with| json!({"name": with.name, "commit": with.commit})),
        "hosts": plan.looked_at, "changed_paths": files, "changed_hosts": hosts,
        "changes": plan.changes.iter().map(change).collect::<Vec<_>>(),
        "tasks": plan.tasks.iter().map(|(name, hosts)| json!({"name": name, "hosts": names(hosts)})).collect::<Vec<_>>(),
        "remarks": plan.remarks,
        "leaving": texts(&plan.leaving),
        "wanted_twice": texts(&plan.rivals),
        "mistakes": plan.hindered.iter()
            .map(|(error, hosts)| json!({"text": error.to_string(), "hosts": names(hosts)}))
            .collect::<Vec<_>>(),
    })
}
