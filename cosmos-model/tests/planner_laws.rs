//! Laws of planning, on generated repositories and hosts.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use cosmos_model::content::ContentHash;
use cosmos_model::managed::{ManagedEntry, ManagedSet};
use cosmos_model::path::RelPath;
use cosmos_model::plan::{Action, Cause, Note, NoteKind, Plan, Step};
use cosmos_model::planner::{drift, recover};
use cosmos_model::record::StepRecord;
use cosmos_model::snapshot::Observed;
use cosmos_model::stage::{Inputs, stage, stage_since};
use cosmos_model::staged::{StagedKind, StagedModel};
use proptest::prelude::*;
use support::host::{Host, file, link, path, root};
use support::{Node, Nothing, Objects, Tree, native, revision, stage_tree};

/// Few names, so that revisions and hosts meet: files become folders, folders symlinks.
const PATHS: [&str; 9] = ["a", "a/b", "a/b/c", "a/d", "e", "e/b", "e/b/c", "l/b", "l"];

fn node() -> impl Strategy<Value = Node> {
    let bytes = prop::sample::select(vec!["1", "2", "3"]).prop_map(|text| text.as_bytes().to_vec());
    prop_oneof![
        4 => bytes.clone().prop_map(Node::File),
        1 => bytes.prop_map(Node::Executable),
        1 => prop::sample::select(vec!["a", "e", "nowhere"]).prop_map(|target| Node::Link(target.into())),
    ]
}

/// A repository of one layer; of paths that contradict each other the first stays.
fn repository() -> impl Strategy<Value = Tree> {
    prop::collection::vec((prop::sample::select(PATHS.to_vec()), node()), 0..7).prop_map(|list| {
        let mut tree = Tree::default();
        let mut taken: Vec<RelPath> = Vec::new();
        for (text, node) in list {
            let new = path(text);
            if !taken.iter().any(|old| old.is_below(&new) || new.is_below(old)) {
                tree.0.insert(format!("overlay/{text}").into_bytes(), node);
                taken.push(new);
            }
        }
        tree.0.insert(b"overlay/always".to_vec(), Node::File(b"1".to_vec()));
        tree
    })
}

fn observed() -> impl Strategy<Value = Observed> {
    prop_oneof![
        4 => prop::sample::select(vec!["1", "2", "by hand"]).prop_map(|text| file(text, 0o644)),
        1 => Just(file("1", 0o600)),
        2 => Just(Observed::Directory(root(0o700))),
        1 => Just(link("nowhere", false)),
        1 => Just(link("e", true)),
        1 => Just(Observed::Other),
    ]
}

fn edits() -> impl Strategy<Value = Vec<(&'static str, Option<Observed>)>> {
    prop::collection::vec((prop::sample::select(PATHS.to_vec()), prop::option::weighted(0.8, observed())), 0..5)
}

/// Changes a host as an administrator might, keeping it a tree: what is in the way goes, with all below it.
fn edit(host: &mut Host, edits: &[(&str, Option<Observed>)]) {
    for (text, observed) in edits {
        let changed = path(text);
        if matches!(observed, Some(Observed::Symlink { to_directory: true, .. })) && *text != "l" {
            continue;
        }
        host.paths.retain(|other, _| !other.is_below(&changed) && *other != changed);
        let Some(observed) = observed else { continue };
        for above in changed.ancestors() {
            if !matches!(host.paths.get(&above), Some(Observed::Directory(_))) {
                host.paths.insert(above, Observed::Directory(root(0o755)));
            }
        }
        if matches!(observed, Observed::Symlink { to_directory: true, .. }) {
            host.paths.retain(|other, _| !other.is_below(&path("e")));
            host.paths.insert(path("e"), Observed::Directory(root(0o755)));
        }
        host.paths.insert(changed, observed.clone());
    }
    // A symlink leads to a directory only while there is one, and to this one only from beside it.
    let leads = matches!(host.paths.get(&path("e")), Some(Observed::Directory(_)));
    for (place, observed) in &mut host.paths {
        if let Observed::Symlink { target, to_directory, .. } = observed {
            *to_directory = leads && target == b"e" && place.parent().is_none();
        }
    }
}

fn model(tree: &Tree) -> StagedModel {
    stage_tree(tree, &native("host.example.org")).unwrap_or_else(|error| panic!("{error}"))
}

/// Carries out steps; one that meets something else than it expects is refused, as a host does.
fn carry_out(host: &mut Host, plan: &Plan, steps: usize) -> bool {
    let mut all_done = true;
    for step in plan.steps().iter().take(steps) {
        if host.observe(step.path()) == *step.expects() {
            host.carry_out(step)
        } else {
            all_done = false
        }
        let must_go = *step.action() == Action::RemoveDirectory && step.cause() == Cause::Release;
        if must_go && host.observe(step.path()) != Observed::Absent {
            all_done = false;
        }
    }
    all_done
}

fn changed(before: &Host, after: &Host) -> BTreeSet<RelPath> {
    let paths: BTreeSet<&RelPath> = before.paths.keys().chain(after.paths.keys()).collect();
    paths.into_iter().filter(|path| before.paths.get(*path) != after.paths.get(*path)).cloned().collect()
}

/// Shows what must be the same however often a run was killed.
fn ownership(plan: &Plan) -> BTreeMap<RelPath, (ContentHash, Option<ContentHash>)> {
    let shown = |entry: &ManagedEntry| (entry.hash, entry.found);
    plan.managed_after().entries.iter().map(|(path, entry)| (path.clone(), shown(entry))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_plan_of_an_applied_plan_is_empty(history in prop::collection::vec((edits(), repository()), 1..4)) {
        let (mut host, mut managed) = (Host::default(), ManagedSet::default());
        for (edits, tree) in &history {
            edit(&mut host, edits);
            let model = model(tree);
            let before = host.clone();
            let plan = host.plan(&model, &managed);
            let done = carry_out(&mut host, &plan, usize::MAX);
            let both_names = |path: &RelPath| [before.real(path), path.clone()];
            let planned: BTreeSet<RelPath> = plan.steps().iter().flat_map(|step| both_names(step.path())).collect();
            prop_assert!(changed(&before, &host).is_subset(&planned), "changed outside the plan");
            every_path_has_one_fate(&plan, &managed, &before)?;
            managed = plan.managed_after().clone();
            prop_assert!(done, "a step is refused: {:#?}", plan.steps());
            // Folders are looked into by name: one makes way a run later where what is in it left under another name.
            let late = host.plan(&model, &managed);
            let is_late = |step: &Step| managed.entries.get(step.path()).is_some_and(|entry| entry.unfinished);
            prop_assert!(late.steps().iter().all(is_late), "{:#?}", late.steps());
            carry_out(&mut host, &late, usize::MAX);
            managed = late.managed_after().clone();
            let again = host.plan(&model, &managed);
            prop_assert!(again.is_empty(), "{:#?}", again.steps());
        }
    }

    #[test]
    fn a_run_that_is_killed_after_any_step_is_finished_by_the_next(
        first in repository(), edits in edits(), second in repository(), part in 0.0..1.0f64,
    ) {
        let (mut host, mut managed) = (Host::default(), ManagedSet::default());
        managed = host.converge(&model(&first), &managed).1;
        edit(&mut host, &edits);
        let model = model(&second);
        let plan = host.plan(&model, &managed);
        let mut whole = host.clone();
        prop_assert!(carry_out(&mut whole, &plan, usize::MAX), "a step is refused: {:#?}", plan.steps());
        carry_out(&mut host, &plan, (part * plan.steps().len() as f64) as usize);
        let records: Vec<StepRecord> = plan.steps().iter().map(StepRecord::from).collect();
        let recovered = recover(&managed, &records, &host.snapshot(&model, &managed));
        let rest = host.plan(&model, &recovered);
        carry_out(&mut host, &rest, usize::MAX);
        prop_assert_eq!(&host, &whole);
        prop_assert_eq!(ownership(&rest), ownership(&plan));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_differs_from_the_applied_revision_is_planned_as_the_whole_model_is(
        edits in edits(), first in repository(), second in repository(), shared in prop::sample::subsequence(vec!["a", "e"], 0..=2),
    ) {
        let mut objects = Objects::default();
        let since = revision(with_templates(&first).write(&mut objects), 0);
        let next = revision(with_templates(&with_folders_of(&first, second, &shared)).write(&mut objects), 0);
        let layers = native("host.example.org");
        let whole = |revision| stage(revision, &layers, &objects, &Nothing, &Inputs::default()).unwrap_or_else(|error| panic!("{error}"));
        let mut host = Host::default();
        edit(&mut host, &edits);
        let managed = host.converge(&whole(&since), &ManagedSet::default()).1;
        let has_links = host.paths.values().any(|found| matches!(found, Observed::Symlink { to_directory: true, .. }));
        let part = stage_since(&since, &next, &layers, &objects, &Nothing, &Inputs::default()).filter(|_| !has_links);
        let Some(part) = part else { return Ok(()) };
        let (inside, outside) = divide(&managed, &part);
        let (plan, whole) = (host.plan(&part, &inside), host.plan(&whole(&next), &managed));
        prop_assert_eq!(plan.steps(), whole.steps());
        let mut after = plan.managed_after().clone();
        prop_assert_eq!(&after.left_out, &inside.left_out);
        after.entries.extend(outside);
        prop_assert_eq!(&after.entries, &whole.managed_after().entries);
    }
}

/// Returns the repository with some of its files as templates.
fn with_templates(tree: &Tree) -> Tree {
    let moved = tree.0.iter().map(|(path, node)| match (path.strip_prefix(b"overlay"), node) {
        (Some(rest), Node::File(bytes)) if bytes == b"3" => {
            ([b"templates", rest].concat(), Node::File(b"{{ host.short }} 3".to_vec()))
        }
        _ => (path.clone(), node.clone()),
    });
    Tree(moved.collect())
}

/// Returns `second` with the folders `shared` as they are in `first`.
fn with_folders_of(first: &Tree, second: Tree, shared: &[&str]) -> Tree {
    let is_shared = |path: &[u8]| {
        shared.iter().any(|folder| {
            let rest = path.strip_prefix(format!("overlay/{folder}").as_bytes());
            rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
        })
    };
    let (mut kept, other): (BTreeMap<_, _>, _) = (second.0, first.0.clone());
    kept.retain(|path, _| !is_shared(path));
    kept.extend(other.into_iter().filter(|(path, _)| is_shared(path)));
    Tree(kept)
}

/// Divides what is managed into the set that goes with a model of what differs, and the rest.
fn divide(managed: &ManagedSet, part: &StagedModel) -> (ManagedSet, Vec<(RelPath, ManagedEntry)>) {
    let mut inside = managed.clone();
    inside.left_out.folders = part.left_out().to_vec();
    let (outside, entries): (Vec<_>, Vec<_>) =
        inside.entries.into_iter().partition(|(path, _)| part.left_out().iter().any(|folder| path.is_below(folder)));
    inside.entries = entries.into();
    assert!(
        managed.entries.keys().all(|path| inside.left_out.has(path.as_bytes()) != inside.entries.contains_key(path))
    );
    (inside, outside)
}

/// Every managed path is remembered, removed, noted, gone already, or means the same file as another path.
fn every_path_has_one_fate(plan: &Plan, managed: &ManagedSet, host: &Host) -> Result<(), TestCaseError> {
    let after = plan.managed_after();
    for path in managed.entries.keys() {
        let steps = plan.steps().iter().filter(|step| step.path() == path);
        let removed =
            steps.clone().filter(|step| matches!(step.action(), Action::Remove | Action::RemoveDirectory)).count();
        let made = steps.count() - removed;
        prop_assert!(removed <= 1 && made <= 1, "{path} is changed more than once");
        let noted = plan.notes().iter().any(|note| note.path == *path && note.kind != NoteKind::Reported);
        let kept = after.entries.contains_key(path);
        let folder = matches!(host.observe(path), Observed::Directory(_) | Observed::Absent | Observed::Blocked(_));
        let same = after.entries.keys().any(|other| host.real(other) == *path);
        let other_name = same || host.real(path) != *path || matches!(host.observe(path), Observed::Symlink { .. });
        prop_assert!(kept || removed == 1 || noted || folder || other_name, "{path} is forgotten");
    }
    Ok(())
}

/// Returns every path that a model wants, was written by an earlier one, or is to be deleted.
fn concerned(models: &[&StagedModel], managed: &ManagedSet) -> BTreeSet<RelPath> {
    let named = models.iter().flat_map(|model| model.entries().keys().chain(model.deletions().keys()));
    named.chain(managed.entries.keys()).cloned().collect()
}

/// Tells whether what was found is of the kind and content that a model wants.
fn is_wanted(found: &Observed, wanted: &StagedKind) -> bool {
    match (found, wanted) {
        (Observed::File { hash, .. }, StagedKind::File(content)) => *hash == content.hash,
        (Observed::Symlink { target, .. }, StagedKind::Symlink(wanted)) => target == wanted,
        (Observed::Directory(_) | Observed::Symlink { to_directory: true, .. }, StagedKind::Directory) => true,
        _ => false,
    }
}

/// Plans until nothing is left to do, as runs do.
fn settle(host: &mut Host, model: &StagedModel, mut managed: ManagedSet) -> ManagedSet {
    for _ in 0..4 {
        managed = host.converge(model, &managed).1;
    }
    managed
}

proptest! {
    #[test]
    fn going_forth_and_back_is_the_identity_on_managed_paths_and_nothing_else_moves(
        first in repository(), second in repository(), strangers in edits()
    ) {
        let (earlier, later) = (model(&first), model(&second));
        let mut host = Host::new(&[]);
        let managed = settle(&mut host, &earlier, ManagedSet::default());
        edit(&mut host, &strangers.into_iter().filter(|(name, observed)| {
            // Where a symlink leads, an empty folder is made.
            let leads = matches!(observed, Some(Observed::Symlink { to_directory: true, .. }));
            let touched = [Some(path(name)), leads.then(|| path("e"))];
            !concerned(&[&earlier, &later], &managed).iter().any(|one| {
                touched.iter().flatten().any(|it| one == it || one.is_below(it) || it.is_below(one))
            })
        }).collect::<Vec<_>>());
        let before = host.clone();
        let forth = settle(&mut host, &later, managed);
        settle(&mut host, &earlier, forth);
        // Where symlinks lead is the host's to say.
        edit(&mut host, &[]);
        prop_assert_eq!(&host, &before);
    }

    #[test]
    fn a_part_that_goes_back_is_as_the_earlier_model_has_it_and_the_rest_as_the_later(
        first in repository(), second in repository(), chosen in prop::collection::btree_set(0..PATHS.len(), 0..5)
    ) {
        let (earlier, later) = (model(&first), model(&second));
        let chosen: BTreeSet<RelPath> = chosen.into_iter().map(|number| path(PATHS[number])).collect();
        let paths = later.differing(&earlier, &|path, _| chosen.contains(path));
        prop_assert!(paths.is_subset(&chosen));
        let mut mixed = later.clone();
        mixed.take_back(&earlier, &paths);
        for (path, entry) in mixed.entries() {
            let same = |other: &StagedModel| other.entries().get(path).is_some_and(|one| one.kind == entry.kind);
            let needed = mixed.entries().keys().any(|other| paths.contains(other) && other.is_below(path));
            let as_said = same(&later) || needed || (paths.contains(path) && same(&earlier));
            prop_assert!(as_said, "{}", path);
            for above in path.ancestors() {
                let folder = mixed.entries().get(&above).map(|folder| &folder.kind);
                prop_assert_eq!(folder, Some(&cosmos_model::staged::StagedKind::Directory), "{} of {}", above, path);
            }
        }
        let everything = later.differing(&earlier, &|_, _| true);
        let mut all = later.clone();
        all.take_back(&earlier, &everything);
        let kinds = |model: &StagedModel| {
            model.entries().iter().map(|(path, entry)| (path.clone(), entry.kind.clone())).collect::<Vec<_>>()
        };
        prop_assert_eq!(kinds(&all), kinds(&earlier));
        let mut host = Host::new(&[]);
        let managed = settle(&mut host, &later, ManagedSet::default());
        let managed = settle(&mut host, &mixed, managed);
        prop_assert!(host.plan(&mixed, &managed).is_empty());
    }

    #[test]
    fn every_path_that_is_managed_or_wanted_is_written_removed_or_kept_exactly_once(
        first in repository(), second in repository(), by_hand in edits()
    ) {
        let (earlier, later) = (model(&first), model(&second));
        let mut host = Host::new(&[]);
        let (_, managed) = host.converge(&earlier, &ManagedSet::default());
        edit(&mut host, &by_hand);
        let plan = host.plan(&later, &managed);
        for path in concerned(&[&later], &managed) {
            let steps: Vec<&Action> =
                plan.steps().iter().filter(|step| *step.path() == path).map(|step| step.action()).collect();
            // A path that changes type is removed and made; nothing else has two steps.
            let makes_way = matches!(steps[..], [Action::Remove | Action::RemoveDirectory, _]);
            prop_assert!(steps.len() <= 1 || makes_way, "{}: {:?}", path, steps);
            let notes = plan.notes().iter().filter(|note| note.path == path).count();
            prop_assert!(notes <= 1, "{}: {} notes", path, notes);
        }
    }

    #[test]
    fn what_a_run_leaves_undone_is_drift(
        first in repository(), second in repository(), by_hand in edits(), obstacles in edits()
    ) {
        let (earlier, later) = (model(&first), model(&second));
        let mut host = Host::new(&[]);
        edit(&mut host, &by_hand);
        let managed = settle(&mut host, &earlier, ManagedSet::default());
        edit(&mut host, &obstacles);
        let managed = settle(&mut host, &later, managed);
        let plan = host.plan(&later, &managed);
        // Two paths that are one on this host cannot both be what the model says.
        let same = |note: &&Note| note.text.contains("it is the same as");
        let is_another = |path: &RelPath| {
            plan.notes().iter().filter(same).any(|note| note.path == *path || path.is_below(&note.path))
        };
        let drifted: BTreeSet<RelPath> =
            drift(&later, &host.snapshot(&later, &managed), &managed).into_iter().map(|one| one.path).collect();
        let undone: Vec<&RelPath> = later
            .entries()
            .iter()
            .filter(|(path, entry)| !is_wanted(&host.observe(path), &entry.kind) && !is_another(path))
            .map(|(path, _)| path)
            .collect();
        for path in &undone {
            prop_assert!(drifted.contains(*path), "{} is not as the model says, and not in {:?}", path, drifted);
        }
    }

    #[test]
    fn what_is_held_is_left_as_it_is_and_is_the_models_again_afterwards(
        first in repository(), second in repository(), by_hand in edits(), held in 0..PATHS.len()
    ) {
        let (earlier, later) = (model(&first), model(&second));
        let mut host = Host::new(&[]);
        let managed = settle(&mut host, &earlier, ManagedSet::default());
        let held = path(PATHS[held]);
        edit(&mut host, &by_hand);
        let mut holding = later.clone();
        holding.hold([(held.clone(), "why".to_owned())].into());
        let plan = host.plan(&holding, &managed);
        let touches = plan.steps().iter().find(|step| *step.path() == held || step.path().is_below(&held));
        prop_assert!(touches.is_none(), "{:?}", touches);
    }
}
