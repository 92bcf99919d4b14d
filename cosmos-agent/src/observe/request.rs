//! What is asked about a host: the paths and names that a plan needs to know.

use std::borrow::Cow;
use std::collections::BTreeSet;

use cosmos_model::layer::Owner;
use cosmos_model::managed::ManagedSet;
use cosmos_model::path::RelPath;
use cosmos_model::planner;
use cosmos_model::staged::StagedModel;

/// Which paths and names a plan needs to know about.
#[derive(Debug, Clone)]
pub struct ObserveRequest<'a> {
    /// The paths; sorted ones cost one walk a folder.
    pub paths: Vec<Cow<'a, RelPath>>,
    /// Folders of ours where the model wants something else: what nobody asked about in them is told, too.
    pub giving_way: Vec<&'a RelPath>,
    /// User names to resolve.
    pub users: BTreeSet<&'a str>,
    /// Group names to resolve.
    pub groups: BTreeSet<&'a str>,
    /// What we left there: saves hashing what `stat` shows to be untouched.
    pub managed: &'a ManagedSet,
    /// Whether every file is hashed all the same.
    pub verify_content: bool,
}

impl<'a> ObserveRequest<'a> {
    /// Asks for what a plan of `model` compares.
    #[must_use]
    pub fn of(model: &'a StagedModel, managed: &'a ManagedSet, verify_content: bool) -> Self {
        let paths = planner::paths_of_interest(model, managed);
        let giving_way = planner::folders_giving_way(model, managed);
        let name = |owner: &'a Owner| match owner {
            Owner::Name(name) => Some(&**name),
            Owner::Default | Owner::Id(_) => None,
        };
        let users = model.entries().values().filter_map(|entry| name(&entry.owner)).collect();
        let groups = model.entries().values().filter_map(|entry| name(&entry.group)).collect();
        Self { paths, giving_way, users, groups, managed, verify_content }
    }
}
