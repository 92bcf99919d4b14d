//! `cosmos plan --host FQDN` and `--all`, in an operator's clone: what its files, as they are now, change on which
//! hosts.

use std::path::Path;

use cosmos_model::facts::Facts;
use cosmos_model::host_name::HostName;
use cosmos_model::object::{ObjectSource, RawObject};
use cosmos_model::object_id::ObjectId;
use cosmos_model::stage;

use super::fleet::FleetPlan;
use super::words::{Compared, print};
use crate::cli::{GlobalOptions, PlanOptions};
use crate::commands::params::host_name;
use crate::exit::{Failure, Status};
use crate::operator::{AsItIs, WorkTree};
use crate::site::Site;
use crate::state::State;
use crate::store::Store;
use crate::{built_in, facts};

/// Stands for the hosts of a repository that has no host layers.
const ANY_HOST: &str = "any-host";

/// Prints what changes; fetches nothing, writes nothing.
///
/// # Errors
/// Returns a [`Failure`] when there is no clone, or a host that is named does not exist.
pub fn run(options: &PlanOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let work = WorkTree::find(&options.repository.clone().unwrap_or_else(|| ".".into()))?;
    let files = AsItIs::read(&work)?;
    let objects = Objects { files: &files, store: released_objects(&work) };
    let compared = compared_with(&work, options.since.as_deref())?;
    let mut hosts = Vec::new();
    for host in chosen(options, &files)? {
        let known = facts_of(work.folder(), &host)?;
        hosts.push((host, known));
    }
    let before = compared.as_ref().map(|compared| compared.tree);
    let mut plan = FleetPlan::between(&objects, before, files.tree(), &hosts);
    let modules = stage::modules(Some(files.tree()), Some(built_in::tree()), &files);
    plan.remarks.extend(
        modules
            .into_iter()
            .filter(|module| module.hides_built_in)
            .map(|module| format!("'{}' hides the module of the same name that comes with cosmos", module.layer)),
    );
    print(&plan, compared.as_ref(), &objects, global);
    Ok(if plan.hindered.is_empty() { Status::Done } else { Status::Failed })
}

fn chosen(options: &PlanOptions, files: &AsItIs<'_>) -> Result<Vec<HostName>, Failure> {
    if !options.all {
        return options.hosts.iter().map(|name| host_name(name)).collect();
    }
    let hosts = stage::hosts(files.tree(), files);
    Ok(if hosts.is_empty() { vec![host_name(ANY_HOST)?] } else { hosts })
}

/// The files as they are, what git has, and what this clone verified.
struct Objects<'a> {
    files: &'a AsItIs<'a>,
    store: Option<Store>,
}

impl ObjectSource for Objects<'_> {
    fn object(&self, id: ObjectId) -> Result<Option<RawObject>, String> {
        match (self.files.object(id)?, &self.store) {
            (None, Some(store)) => store.object(id),
            (found, _) => Ok(found),
        }
    }
}

/// Returns the site of what the clone believes, if it was ever told.
fn believed(work: &WorkTree) -> Option<Site> {
    let folder = work.git_folder().join("cosmos");
    folder.is_dir().then(|| Site::of_clone(&folder).ok())?
}

fn released_objects(work: &WorkTree) -> Option<Store> {
    believed(work).map(|site| Store::at(site.store())).filter(Store::exists)
}

/// Returns what is compared with: what the words name, else the last release that the clone verified, else its commit.
fn compared_with(work: &WorkTree, since: Option<&str>) -> Result<Option<Compared>, Failure> {
    if let Some(words) = since {
        let shown = cosmos_model::escape::for_terminal(words.as_bytes());
        let unknown = || Failure::of(Status::Usage, format!("this clone has no '{shown}'"), "fetch it first");
        let (commit, tree) = work.revision(words).ok_or_else(unknown)?;
        return Ok(Some(Compared { name: shown.clone(), commit, tree }));
    }
    let state = believed(work).map(|site| State::load(&site)).transpose()?;
    if let Some(accepted) = state.as_ref().and_then(|state| state.trust.accepted()) {
        return Ok(Some(Compared {
            name: "the last release".to_owned(),
            commit: accepted.commit(),
            tree: accepted.tree(),
        }));
    }
    let head = work.revision("HEAD");
    Ok(head.map(|(commit, tree)| Compared { name: "the last commit".to_owned(), commit, tree }))
}

/// Returns the facts that are kept of a host in its layer.
fn facts_of(folder: &Path, host: &HostName) -> Result<Option<Facts>, Failure> {
    for layer in [folder.join("hosts").join(host.as_str()), folder.join(host.as_str())] {
        let file = layer.join("facts.json");
        let Ok(text) = std::fs::read(&file) else { continue };
        let found = facts::read(&text).map_err(|error| {
            let message = format!("cannot use '{}': {}", file.display(), crate::exit::with_causes(&error));
            Failure::of(Status::Failed, message, "write it anew: cosmos facts --json, on the host")
        })?;
        return Ok(Some(found));
    }
    Ok(None)
}
