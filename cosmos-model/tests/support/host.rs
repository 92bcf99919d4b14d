//! A host in memory: files by path, which checks what each step expects before it carries it out.

use std::collections::BTreeMap;

use cosmos_model::content::ContentHash;
use cosmos_model::managed::ManagedSet;
use cosmos_model::path::RelPath;
use cosmos_model::plan::{Action, Plan, Step};
use cosmos_model::planner::{PlanSettings, folders_giving_way, paths_of_interest, plan};
use cosmos_model::snapshot::{Attributes, HostSnapshot, Observed};
use cosmos_model::staged::StagedModel;

pub const SETTINGS: PlanSettings = PlanSettings { remove_dropped: true, brake: false };

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Host {
    pub paths: BTreeMap<RelPath, Observed>,
}

pub fn path(text: &str) -> RelPath {
    text.parse().expect("a path")
}

pub fn root(mode: u32) -> Attributes {
    Attributes { mode, uid: 0, gid: 0 }
}

pub fn file(text: &str, mode: u32) -> Observed {
    Observed::File { attributes: root(mode), size: text.len() as u64, hash: ContentHash::of(text.as_bytes()) }
}

pub fn link(target: &str, to_directory: bool) -> Observed {
    Observed::Symlink { attributes: root(0o777), target: target.into(), to_directory }
}

impl Host {
    pub fn new(paths: &[(&str, Observed)]) -> Self {
        let mut host = Self::default();
        for (text, observed) in paths {
            for above in path(text).ancestors() {
                host.paths.entry(above).or_insert(Observed::Directory(root(0o755)));
            }
            host.paths.insert(path(text), observed.clone());
        }
        host
    }

    /// Follows symlinked directories above `path`, relative to the root only.
    pub fn real(&self, path: &RelPath) -> RelPath {
        let link = path.ancestors().find_map(|above| match self.paths.get(&above) {
            Some(Observed::Symlink { target, to_directory: true, .. }) => Some((above, target.clone())),
            _ => None,
        });
        let Some((above, target)) = link else { return path.clone() };
        let rest = &path.as_bytes()[above.as_bytes().len()..];
        RelPath::new(&[&target[..], rest].concat()).expect("targets in tests are below the root")
    }

    pub fn observe(&self, path: &RelPath) -> Observed {
        let real = self.real(path);
        let obstacle = real.ancestors().find_map(|above| match self.paths.get(&above) {
            Some(Observed::Directory(_)) => None,
            None => Some(Observed::Absent),
            Some(_) => Some(Observed::Blocked(format!("'{above}' is no directory"))),
        });
        obstacle.unwrap_or_else(|| self.paths.get(&real).cloned().unwrap_or(Observed::Absent))
    }

    pub fn snapshot(&self, model: &StagedModel, managed: &ManagedSet) -> HostSnapshot {
        let paths = paths_of_interest(model, managed);
        let foreign = |folder: &RelPath| {
            let real = self.real(folder);
            let asked = |path: &RelPath| paths.iter().any(|one| **one == *path);
            self.paths.keys().find(|path| path.is_below(&real) && !asked(path)).cloned()
        };
        let giving_way = folders_giving_way(model, managed).into_iter();
        HostSnapshot {
            foreign: giving_way.filter_map(|folder| Some((folder.clone(), foreign(folder)?))).collect(),
            paths: paths.iter().map(|path| (path.clone().into_owned(), self.observe(path))).collect(),
            users: [("root".into(), 0), ("unbound".into(), 105)].into(),
            groups: [("root".into(), 0), ("unbound".into(), 110)].into(),
            ..HostSnapshot::default()
        }
    }

    pub fn plan(&self, model: &StagedModel, managed: &ManagedSet) -> Plan {
        plan(model, &self.snapshot(model, managed), managed, SETTINGS).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Carries out one step; panics when the host is not as the step expects.
    pub fn carry_out(&mut self, step: &Step) {
        let path = self.real(step.path());
        assert_eq!(&self.observe(&path), step.expects(), "{path} is not as expected by {step:?}");
        let there = self.paths.get(&path).cloned();
        let made = match step.action() {
            Action::WriteFile { content, attributes } => {
                Observed::File { attributes: *attributes, size: content.size, hash: content.hash }
            }
            Action::MakeSymlink { target, attributes } => Observed::Symlink {
                attributes: Attributes { mode: 0o777, ..*attributes },
                target: target.clone(),
                to_directory: false,
            },
            Action::MakeDirectory { attributes } => Observed::Directory(*attributes),
            Action::SetAttributes { attributes } => match there.expect("something is there") {
                Observed::File { size, hash, .. } => Observed::File { attributes: *attributes, size, hash },
                Observed::Directory(_) => Observed::Directory(*attributes),
                other => panic!("attributes of {other:?}"),
            },
            Action::Remove | Action::RemoveDirectory => {
                let holds = self.paths.keys().any(|other| other.is_below(&path));
                if !holds {
                    self.paths.remove(&path);
                }
                return;
            }
        };
        assert!(
            path.parent().is_none_or(|parent| matches!(self.paths.get(&parent), Some(Observed::Directory(_)))),
            "{path} has no folder"
        );
        self.paths.insert(path, made);
    }

    /// Plans and applies; returns the plan and what is managed afterwards.
    pub fn converge(&mut self, model: &StagedModel, managed: &ManagedSet) -> (Plan, ManagedSet) {
        let plan = self.plan(model, managed);
        plan.steps().iter().for_each(|step| self.carry_out(step));
        let after = plan.managed_after().clone();
        (plan, after)
    }
}

/// Shows a plan as a reader sees it (docs/formats.md §18), with the cause.
pub fn shown(plan: &Plan) -> String {
    let mut lines = String::new();
    for step in plan.steps() {
        let sign = match (step.action(), step.expects()) {
            (Action::Remove | Action::RemoveDirectory, _) => '-',
            (Action::SetAttributes { .. }, _) => '@',
            (_, Observed::Absent) => '+',
            _ => '~',
        };
        let kept = if step.keep() { ", the old content is kept" } else { "" };
        lines += &format!("{sign} {} ({:?} by {}{kept})\n", step.path(), step.cause(), step.layer());
    }
    for note in plan.notes() {
        lines += &format!("! {} ({:?}: {})\n", note.path, note.kind, note.text);
    }
    if let Some(brake) = plan.brake() {
        lines += &format!("stopped: {}, {} allowed\n", brake.rule, brake.allowed);
    }
    lines
}
