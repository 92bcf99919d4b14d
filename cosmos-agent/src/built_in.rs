//! The modules that come with the agent: `models/` of this project, compiled in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use cosmos_model::built_in::{BuiltIn, File};
use cosmos_model::object::{ObjectSource, RawObject};
use cosmos_model::object_id::ObjectId;

/// What the build script found.
mod found {
    use super::File;

    include!(concat!(env!("OUT_DIR"), "/built_in.rs"));
}

/// What tells these modules from those of another agent, without hashing any.
pub const IDENTITY: u64 = found::IDENTITY;

/// Returns the modules as objects; made at their first use, which a run without news has none of.
fn modules() -> &'static BuiltIn {
    static MODULES: OnceLock<BuiltIn> = OnceLock::new();
    MODULES.get_or_init(|| BuiltIn::of(found::FILES))
}

/// Returns the tree that holds a folder for each module.
#[must_use]
pub fn tree() -> ObjectId {
    modules().tree()
}

/// Returns an object of a module.
#[must_use]
pub fn object(id: ObjectId) -> Option<RawObject> {
    modules().object(id).ok().flatten()
}

/// Returns the files of the modules `names` that say something about hosts.
#[must_use]
pub fn files(names: &BTreeSet<&str>) -> Vec<File<'static>> {
    let is_for_hosts = |path: &str| names.contains(module(path)) && !path.ends_with("/README.md");
    found::FILES.iter().filter(|(path, ..)| is_for_hosts(path)).copied().collect()
}

/// Returns the modules with those that `earlier` has files of as another agent had them.
#[must_use]
pub fn with(earlier: &[File<'_>]) -> BuiltIn {
    let names: BTreeSet<&str> = earlier.iter().map(|(path, ..)| module(path)).collect();
    let others = found::FILES.iter().filter(|(path, ..)| !names.contains(module(path)));
    BuiltIn::of(&others.chain(earlier).copied().collect::<Vec<_>>())
}

fn module(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}

/// Returns the files below a module's `tests/`, by their path there.
#[must_use]
pub fn examples(module: &str) -> BTreeMap<String, Vec<u8>> {
    let below = |path: &'static str| path.strip_prefix(module)?.strip_prefix("/tests/");
    let files = found::EXAMPLES.iter().filter_map(|(path, bytes)| below(path).map(|path| (path, bytes)));
    files.map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).collect()
}

/// The modules as a source of objects, for those who have no other.
pub struct Modules;

impl ObjectSource for Modules {
    fn object(&self, id: ObjectId) -> Result<Option<RawObject>, String> {
        Ok(object(id))
    }
}
