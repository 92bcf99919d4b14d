//! Many hosts before and after a change: each is worked out as hosts do, and what is alike is put together.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use cosmos_model::content::ContentHash;
use cosmos_model::facts::Facts;
use cosmos_model::host_name::HostName;
use cosmos_model::object::{ObjectSource, RawObject};
use cosmos_model::object_id::ObjectId;
use cosmos_model::path::RelPath;
use cosmos_model::stage::{self, Change, Forecast, Inputs, KnownContent, StageError};
use cosmos_model::staged::{StagedEntry, StagedKind};

use crate::{agent, built_in};

/// One change, on the hosts that have it alike.
pub struct Common {
    /// The path.
    pub path: RelPath,
    /// How it changes.
    pub change: Change,
    /// What it is now.
    pub before: Option<StagedEntry>,
    /// What it would be.
    pub after: Option<StagedEntry>,
    /// Which hosts.
    pub hosts: Vec<HostName>,
}

/// What a change of the repository changes on hosts.
#[derive(Default)]
pub struct FleetPlan {
    /// How many hosts were looked at.
    pub looked_at: usize,
    /// By path, what most hosts have first.
    pub changes: Vec<Common>,
    /// Tasks that come, change or go, with the hosts.
    pub tasks: BTreeMap<String, Vec<HostName>>,
    /// What layers are asked before they leave, with the hosts.
    pub leaving: BTreeMap<String, Vec<HostName>>,
    /// What hinders hosts, with the hosts.
    pub hindered: Vec<(StageError, Vec<HostName>)>,
    /// What layers of hosts bring twice, with the hosts.
    pub rivals: BTreeMap<String, Vec<HostName>>,
    /// What else should be known.
    pub remarks: Vec<String>,
    /// The bytes of rendered files, by their hash.
    pub rendered: BTreeMap<ContentHash, Vec<u8>>,
}

impl FleetPlan {
    /// Compares what each host would be by `after` with what it is by `before`; a host that has no model there is new.
    pub fn between(
        objects: &dyn ObjectSource,
        before: Option<ObjectId>,
        after: ObjectId,
        hosts: &[(HostName, Option<Facts>)],
    ) -> Self {
        let memory = Memory::over(objects);
        let mut plan = Self { looked_at: hosts.len(), ..Self::default() };
        let mut alike: BTreeMap<Key, Common> = BTreeMap::new();
        for (host, facts) in hosts {
            let inputs = Inputs { facts: facts.as_ref(), built_in: Some(built_in::tree()), secrets: None };
            let of = |tree| stage::forecast(tree, host, agent::version(), &memory, &memory, &inputs);
            match of(after) {
                Ok(next) => {
                    let built_in = Some(built_in::tree());
                    for rival in stage::rivals(after, host, agent::version(), built_in, &memory) {
                        plan.rivals.entry(rival.to_string()).or_default().push(host.clone());
                    }
                    let known = before.and_then(|tree| of(tree).ok()).unwrap_or_default();
                    plan.add(host, known, next, &mut alike);
                }
                Err(error) => match plan.hindered.iter_mut().find(|(known, _)| *known == error) {
                    Some((_, hosts)) => hosts.push(host.clone()),
                    None => plan.hindered.push((error, vec![host.clone()])),
                },
            }
        }
        plan.changes = alike.into_values().collect();
        plan.changes.sort_by(|one, other| {
            one.path.cmp(&other.path).then(other.hosts.len().cmp(&one.hosts.len())).then(one.hosts.cmp(&other.hosts))
        });
        plan
    }

    fn add(&mut self, host: &HostName, before: Forecast, after: Forecast, alike: &mut BTreeMap<Key, Common>) {
        for changed in before.changes(&after) {
            let key = Key::of(changed.path, changed.before, changed.after);
            let common = alike.entry(key).or_insert_with(|| Common {
                path: changed.path.clone(),
                change: changed.change,
                before: changed.before.cloned(),
                after: changed.after.cloned(),
                hosts: Vec::new(),
            });
            common.hosts.push(host.clone());
        }
        for task in before.changed_tasks(&after) {
            self.tasks.entry(task.to_owned()).or_default().push(host.clone());
        }
        for said in before.asked(&after) {
            let text = format!("layer '{}' leaves, and is asked first: {}", said.layer, said.table.name);
            self.leaving.entry(text).or_default().push(host.clone());
        }
        self.rendered.extend(before.rendered);
        self.rendered.extend(after.rendered);
    }

    /// Returns how many paths change, and on how many hosts.
    pub fn count(&self) -> (usize, usize) {
        let paths: BTreeSet<&RelPath> = self.changes.iter().map(|change| &change.path).collect();
        let hosts = self.changes.iter().flat_map(|change| &change.hosts).chain(self.tasks.values().flatten());
        (paths.len(), hosts.collect::<BTreeSet<_>>().len())
    }
}

/// What makes two hosts' changes the same: the path, and what it is before and after, in words.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key(RelPath, String, String);

impl Key {
    fn of(path: &RelPath, before: Option<&StagedEntry>, after: Option<&StagedEntry>) -> Self {
        let side = |entry: Option<&StagedEntry>| {
            entry.map_or_else(String::new, |entry| {
                let content = match &entry.kind {
                    StagedKind::File(content) => content.hash.to_string(),
                    other => format!("{other:?}"),
                };
                format!("{content} {:?} {:?} {:?} {:?}", entry.mode, entry.owner, entry.group, entry.policy)
            })
        };
        Self(path.clone(), side(before), side(after))
    }
}

/// Objects and hashes that one host needed, for the next: most hosts have most layers in common.
pub struct Memory<'o> {
    objects: &'o dyn ObjectSource,
    read: RefCell<BTreeMap<ObjectId, RawObject>>,
    hashed: RefCell<BTreeMap<ObjectId, (u64, ContentHash)>>,
}

impl<'o> Memory<'o> {
    /// Starts with nothing known.
    pub const fn over(objects: &'o dyn ObjectSource) -> Self {
        Self { objects, read: RefCell::new(BTreeMap::new()), hashed: RefCell::new(BTreeMap::new()) }
    }
}

/// Larger objects are read again rather than kept.
const LARGEST_KEPT: usize = 1 << 20;

impl ObjectSource for Memory<'_> {
    fn object(&self, id: ObjectId) -> Result<Option<RawObject>, String> {
        if let Some(known) = self.read.borrow().get(&id) {
            return Ok(Some(known.clone()));
        }
        let found = self.objects.object(id)?;
        if let Some(object) = found.as_ref().filter(|object| object.bytes.len() <= LARGEST_KEPT) {
            self.read.borrow_mut().insert(id, object.clone());
        }
        Ok(found)
    }
}

impl KnownContent for Memory<'_> {
    fn content_of(&self, id: ObjectId) -> Option<(u64, ContentHash)> {
        if let Some(known) = self.hashed.borrow().get(&id) {
            return Some(*known);
        }
        let bytes = cosmos_model::object::read(self, id, cosmos_model::object::ObjectKind::Blob).ok()?;
        let known = (bytes.len() as u64, ContentHash::of(&bytes));
        self.hashed.borrow_mut().insert(id, known);
        Some(known)
    }
}
