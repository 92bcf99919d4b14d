//! What a release changes: files by layer, what hosts lose, and who may sign.

use std::collections::{BTreeMap, BTreeSet};

use cosmos_model::host_name::HostName;
use cosmos_model::object::commit::Commit;
use cosmos_model::object::tree::{self, NameRules};
use cosmos_model::object::{self, ObjectKind, ObjectSource};
use cosmos_model::object_id::ObjectId;
use cosmos_model::release::{Changed, Difference, difference};
use cosmos_model::stage::{self, Inputs};
use cosmos_model::trust::TrustSet;
use serde_json::{Value, json};

use crate::commands::plan::fleet::Memory;
use crate::exit::{Failure, Status};
use crate::{agent, built_in};

/// The policy file's name.
const POLICY: &[u8] = b"openpgp-policy.toml";

/// Stands for the hosts of a repository that has no host layers.
const ANY_HOST: &str = "any-host";

/// What is new since the last release.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct News {
    /// Files by layer.
    pub files: Difference,
    /// What hosts lose, by host; hosts that lose nothing are left out.
    pub lost: BTreeMap<String, BTreeSet<String>>,
    /// What changes about who may sign, in words.
    pub signers: Vec<String>,
    /// Whether layers are known to hosts only (C12).
    pub classic: bool,
    /// Of how many hosts it is unknown what they lose, since they alone know their layers (C12).
    pub unknown: usize,
    /// How many commits are new.
    pub commits: usize,
}

impl News {
    /// Compares the tree of the last release, if there was one, with a new one.
    ///
    /// # Errors
    /// Returns a [`Failure`] when the new tree is one that hosts would not apply.
    pub fn between(
        objects: &dyn ObjectSource,
        old: Option<(ObjectId, ObjectId)>,
        new: (ObjectId, ObjectId),
    ) -> Result<Self, Failure> {
        let classic = !stage::is_native(new.1, objects);
        let rules = if classic { NameRules::Classic } else { NameRules::Native };
        let old_tree = old.map(|(_, tree)| tree);
        let hint = "mend it in the repository; nothing was signed";
        let files =
            difference(objects, rules, old_tree, new.1).map_err(|error| Failure::new(Status::Refused, &error, hint))?;
        let lost = if classic { BTreeMap::new() } else { lost(objects, old_tree, new.1)? };
        Ok(Self {
            lost,
            signers: signers(objects, old_tree, new.1, &files),
            classic,
            unknown: if classic { stage::hosts(new.1, objects).len() } else { 0 },
            commits: commits(objects, old.map(|(commit, _)| commit), new.0),
            files,
        })
    }

    /// Returns how many removals the release has to allow: the most that any host loses.
    #[must_use]
    pub fn removals(&self) -> u64 {
        self.lost.values().map(|paths| paths.len() as u64).max().unwrap_or(0)
    }

    /// Returns the changed files as JSON.
    pub fn changed(&self) -> impl Iterator<Item = Value> {
        let word = |one: &Changed| format!("{:?}", one.change).to_lowercase();
        self.files.iter().flat_map(move |(layer, files)| {
            files.iter().map(move |one| json!({"layer": layer, "path": one.path, "change": word(one)}))
        })
    }
}

/// Returns what each host would lose; a host for which nothing can be staged stops the release.
fn lost(
    objects: &dyn ObjectSource,
    old: Option<ObjectId>,
    new: ObjectId,
) -> Result<BTreeMap<String, BTreeSet<String>>, Failure> {
    let mut hosts = stage::hosts(new, objects);
    if hosts.is_empty() {
        hosts.push(HostName::new(ANY_HOST).expect("a plain name"));
    }
    let memory = Memory::over(objects);
    let mut lost = BTreeMap::new();
    for host in hosts {
        let inputs = Inputs { built_in: Some(built_in::tree()), ..Inputs::default() };
        let staged = stage::forecast(new, &host, agent::version(), &memory, &memory, &inputs);
        let after = staged.and_then(|_| stage::paths(new, &host, agent::version(), inputs.built_in, &memory));
        let after = after.map_err(|error| {
            let message = format!("'{host}' could not apply this release: {}", crate::stage::in_full(&error));
            Failure::of(Status::Refused, message, "mend the repository; nothing was signed")
        })?;
        // A host that had no model before has nothing to lose.
        let before = old.and_then(|old| stage::paths(old, &host, agent::version(), inputs.built_in, &memory).ok());
        let paths: BTreeSet<String> =
            before.map(|before| before.lost_in(&after).iter().map(ToString::to_string).collect()).unwrap_or_default();
        if !paths.is_empty() {
            lost.insert(host.to_string(), paths);
        }
    }
    Ok(lost)
}

/// Says what changes about who may sign.
fn signers(objects: &dyn ObjectSource, old: Option<ObjectId>, new: ObjectId, files: &Difference) -> Vec<String> {
    let before = old.and_then(|tree| policy(objects, tree)).unwrap_or_default();
    let after = policy(objects, new).unwrap_or_default();
    let mut lines = Vec::new();
    let names: BTreeSet<&String> = before.authorizations.keys().chain(after.authorizations.keys()).collect();
    for name in names {
        let shown = cosmos_model::escape::for_terminal(name.as_bytes());
        let (one, other) = (before.authorizations.get(name), after.authorizations.get(name));
        let rights = |set: Option<&cosmos_model::trust::Authorization>| {
            set.map(|one| one.rights.iter().map(|right| right.as_str()).collect::<BTreeSet<_>>()).unwrap_or_default()
        };
        let members =
            |set: Option<&cosmos_model::trust::Authorization>| set.map(|one| one.members.clone()).unwrap_or_default();
        let (was, is) = (rights(one), rights(other));
        let listed = |words: Vec<&str>| words.join(", ");
        for fingerprint in members(other).difference(&members(one)) {
            lines.push(format!("+ {shown}  {fingerprint}  may {}", listed(is.iter().copied().collect())));
        }
        for fingerprint in members(one).difference(&members(other)) {
            lines.push(format!("- {shown}  {fingerprint}"));
        }
        if one.is_some() && other.is_some() {
            let more: Vec<&str> = is.difference(&was).copied().collect();
            let less: Vec<&str> = was.difference(&is).copied().collect();
            lines.extend((!more.is_empty()).then(|| format!("~ {shown}  may now {}", listed(more))));
            lines.extend((!less.is_empty()).then(|| format!("~ {shown}  may no longer {}", listed(less))));
        }
    }
    lines.extend(after.goodlist.difference(&before.goodlist).map(|commit| format!("+ vouches for {commit}")));
    let in_keys = |one: &&Changed| one.path.contains("etc/cosmos/keys/");
    lines.extend(files.values().flatten().filter(in_keys).map(|one| format!("{} {}", one.change.sign(), one.path)));
    lines
}

fn policy(objects: &dyn ObjectSource, tree: ObjectId) -> Option<TrustSet> {
    let bytes = object::read(objects, tree, ObjectKind::Tree).ok()?;
    let entries = tree::parse(&bytes, NameRules::Classic).ok()?;
    let blob = entries.iter().find(|entry| entry.name == POLICY)?.id;
    TrustSet::from_policy(&object::read(objects, blob, ObjectKind::Blob).ok()?).ok()
}

/// Counts the commits that `new` has and `old` has not.
fn commits(objects: &dyn ObjectSource, old: Option<ObjectId>, new: ObjectId) -> usize {
    let below = old.map(|old| ancestors(objects, old, &BTreeSet::new())).unwrap_or_default();
    ancestors(objects, new, &below).len()
}

/// Returns a commit and all it descends from, down to `known`, as far as the objects are there.
pub fn ancestors(objects: &dyn ObjectSource, commit: ObjectId, known: &BTreeSet<ObjectId>) -> BTreeSet<ObjectId> {
    let mut seen = BTreeSet::new();
    let mut open = vec![commit];
    while let Some(id) = open.pop() {
        if known.contains(&id) || !seen.insert(id) {
            continue;
        }
        let Ok(bytes) = object::read(objects, id, ObjectKind::Commit) else { continue };
        open.extend(Commit::parse(&bytes).map(|commit| commit.parents).unwrap_or_default());
    }
    seen
}
