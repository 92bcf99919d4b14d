//! Planning: the difference of a model and a host, as a reader sees it.

mod support;

use cosmos_model::managed::ManagedSet;
use cosmos_model::planner::{PlanSettings, drift, plan};
use cosmos_model::snapshot::{Attributes, Observed};
use support::host::{Host, SETTINGS, file, link, path, root, shown};
use support::{stage_with, staged};

const HOST: &str = "ns1.example.org";

/// A host that was converged to `files`, with what is managed.
fn converged(files: &[(&str, &str)], before: &[(&str, Observed)]) -> (Host, ManagedSet) {
    let mut host = Host::new(before);
    let (_, managed) = host.converge(&staged(files, HOST), &ManagedSet::default());
    (host, managed)
}

#[test]
fn a_plan_reads_well() {
    let mut host = Host::new(&[
        ("etc/motd", file("old", 0o644)),
        ("etc/mode", file("m", 0o600)),
        ("etc/same", file("same", 0o644)),
        ("etc/gone", file("gone", 0o644)),
        ("etc/folder/x", file("x", 0o644)),
        ("dev/null", Observed::Other),
        ("lib", link("usr/lib", true)),
        ("usr/lib/x", file("x", 0o644)),
        ("srv/link", link("nowhere", false)),
    ]);
    let model = staged(
        &[
            ("overlay/etc/motd", "new"),
            ("overlay/etc/mode", "m"),
            ("overlay/etc/same", "same"),
            ("overlay/etc/folder", "file"),
            ("overlay/etc/new/file", "-> ../same"),
            ("overlay/dev/null", ""),
            ("overlay/lib/y", "y"),
            ("overlay/srv/link/z", "z"),
            ("delete/etc/gone", ""),
            ("delete/etc/never", ""),
        ],
        HOST,
    );
    let (first, managed) = host.converge(&model, &ManagedSet::default());
    assert_eq!(
        shown(&first),
        "- etc/gone (Delete by ., the old content is kept)\n\
         @ etc/mode (Release by .)\n\
         ~ etc/motd (Release by ., the old content is kept)\n\
         + etc/new (Release by .)\n\
         + etc/new/file (Release by .)\n\
         + lib/y (Release by .)\n\
         ! dev/null (Blocked: a device, pipe or socket is in the way)\n\
         ! etc/folder (Blocked: a directory is in the way)\n\
         ! srv/link (Blocked: a symlink to 'nowhere' is in the way of a directory)\n"
    );
    assert!(host.paths.contains_key(&path("usr/lib/y")), "A38: the symlinked folder is followed");
    assert!(host.plan(&model, &managed).is_empty());
}

#[test]
fn what_we_made_goes_with_the_model_and_what_was_there_stays() {
    let (mut host, managed) = converged(
        &[
            ("overlay/etc/a/ours", "1"),
            ("overlay/etc/a/edited", "2"),
            ("overlay/etc/b/c/d", "3"),
            ("overlay/etc/found", "4"),
        ],
        &[("etc/found", file("before", 0o644))],
    );
    host.paths.insert(path("etc/a/edited"), file("by hand", 0o644));
    let (plan, after) = host.converge(&staged(&[("overlay/etc/other", "")], HOST), &managed);
    assert_eq!(
        shown(&plan),
        "- etc/a/ours (Dropped by .)\n- etc/b/c/d (Dropped by .)\n- etc/b/c (Dropped by .)\n- etc/b (Dropped by .)\n\
         + etc/other (Release by .)\n\
         ! etc/a/edited (Kept: it left the model, but was changed on this host)\n\
         ! etc/found (Kept: it left the model, but was there before cosmos)\n"
    );
    assert_eq!(after.entries.keys().map(ToString::to_string).collect::<Vec<_>>(), ["etc/other"]);
}

#[test]
fn without_remove_dropped_paths_stay_and_stay_ours() {
    let (host, managed) = converged(&[("overlay/etc/a/b", "1")], &[]);
    let model = staged(&[("overlay/etc/c", "")], HOST);
    let settings = PlanSettings { remove_dropped: false, ..SETTINGS };
    let plan = plan(&model, &host.snapshot(&model, &managed), &managed, settings).expect("owners are known");
    assert_eq!(
        shown(&plan),
        "+ etc/c (Release by .)\n! etc/a/b (Kept: it left the model, and remove-dropped is off)\n"
    );
    assert!(plan.managed_after().entries.contains_key(&path("etc/a/b")));
}

#[test]
fn drift_is_repaired_and_kept_and_reported() {
    let files = [("overlay/etc/a", "1"), ("overlay/etc/b", "2"), ("overlay/etc/c", "3"), ("overlay/etc/d", "-> a")];
    let (mut host, managed) = converged(&files, &[]);
    let model = staged(&files, HOST);
    host.paths.insert(path("etc/a"), file("by hand", 0o644));
    host.paths.insert(path("etc/b"), file("2", 0o666));
    host.paths.remove(&path("etc/c"));
    host.paths.insert(path("etc/d"), file("", 0o644));
    let differences: Vec<String> = drift(&model, &host.snapshot(&model, &managed), &managed)
        .iter()
        .map(|one| format!("{} {:?}", one.path, one.what))
        .collect();
    assert_eq!(differences, ["etc/a Content", "etc/b Mode", "etc/c Missing", "etc/d Type"]);
    let (plan, managed) = host.converge(&model, &managed);
    assert_eq!(
        shown(&plan),
        "~ etc/a (Drift by ., the old content is kept)\n@ etc/b (Drift by .)\n+ etc/c (Drift by .)\n\
         ~ etc/d (Drift by ., the old content is kept)\n"
    );
    assert!(host.plan(&model, &managed).is_empty());
}

#[test]
fn a_path_with_something_in_its_way_stays_known_and_is_drift_until_that_is_gone() {
    let files = [("overlay/etc/ours", "1"), ("overlay/etc/new", "2"), ("overlay/etc/folder/x", "3")];
    let (mut host, managed) = converged(&files[..1], &[]);
    let folder = Observed::Directory(Attributes { mode: 0o755, uid: 0, gid: 0 });
    host.paths.insert(path("etc/ours"), folder.clone());
    host.paths.insert(path("etc/new"), folder);
    host.paths.insert(path("etc/folder"), link("nowhere", false));
    let model = staged(&files, HOST);
    let (plan, managed) = host.converge(&model, &managed);
    assert_eq!(
        shown(&plan),
        "! etc/folder (Blocked: a symlink to 'nowhere' is in the way of a directory)\n\
         ! etc/new (Blocked: a directory is in the way)\n! etc/ours (Blocked: a directory is in the way)\n"
    );
    assert!(managed.entries.contains_key(&path("etc/ours")), "it is known what was there");
    let differences: Vec<String> = drift(&model, &host.snapshot(&model, &managed), &managed)
        .iter()
        .map(|one| format!("{} {:?}", one.path, one.what))
        .collect();
    assert_eq!(differences, ["etc/folder Type", "etc/folder/x Type", "etc/new Type", "etc/ours Type"]);
    for gone in ["etc/ours", "etc/new", "etc/folder"] {
        host.paths.remove(&path(gone));
    }
    let (plan, managed) = host.converge(&model, &managed);
    assert_eq!(
        shown(&plan),
        "+ etc/folder (Release by .)\n+ etc/folder/x (Release by .)\n+ etc/new (Release by .)\n\
         + etc/ours (Release by .)\n"
    );
    assert_eq!(drift(&model, &host.snapshot(&model, &managed), &managed), []);
}

#[test]
fn what_a_task_of_ours_changed_is_no_drift_until_the_model_changes() {
    let (mut host, mut managed) = converged(&[("overlay/etc/a", "1")], &[]);
    let Observed::File { size, hash, .. } = file("by task", 0o600) else { panic!("a file") };
    let attributes = Attributes { mode: 0o600, uid: 5, gid: 6 };
    let changed = Observed::File { attributes, size, hash };
    host.paths.insert(path("etc/a"), changed);
    let entry = managed.entries.get_mut(&path("etc/a")).expect("managed");
    (entry.attributes, entry.size, entry.hash, entry.task_made) = (attributes, size, hash, true);
    assert!(host.plan(&staged(&[("overlay/etc/a", "1")], HOST), &managed).is_empty());
    let next = host.plan(&staged(&[("overlay/etc/a", "2")], HOST), &managed);
    assert_eq!(shown(&next), "~ etc/a (Release by .)\n");
}

#[test]
fn a40_modes_of_existing_directories_stay_unless_a_layer_names_them() {
    let before = [("tmp", Observed::Directory(root(0o1777))), ("root", Observed::Directory(root(0o700)))];
    let files = [("overlay/tmp/a", ""), ("overlay/root/.ssh/config", ""), ("overlay/root/b", "")];
    let (host, managed) = converged(&files, &before);
    assert_eq!(host.paths[&path("tmp")], before[0].1);
    assert_eq!(host.paths[&path("root/.ssh")], Observed::Directory(root(0o700)));
    let named = [&files[..], &[("layer.toml", "[files.tmp]\nmode = '1770'\nowner = 'unbound:unbound'")]].concat();
    let plan = host.plan(&staged(&named, HOST), &managed);
    assert_eq!(shown(&plan), "@ tmp (Release by .)\n");
}

#[test]
fn names_that_the_host_does_not_have_stop_the_plan() {
    let model = staged(&[("overlay/etc/a", ""), ("layer.toml", "[files.'etc/*']\nowner = 'nobody-here:root'")], HOST);
    let host = Host::default();
    let managed = ManagedSet::default();
    let error = plan(&model, &host.snapshot(&model, &managed), &managed, SETTINGS).expect_err("the user is unknown");
    assert_eq!(error.to_string(), "the host has no user 'nobody-here', which should own 'etc/a'");
}

#[test]
fn policies_report_or_create_only() {
    let rules = "[files.'etc/r*']\npolicy = 'report'\n[files.'etc/c*']\npolicy = 'create-only'";
    let files = [
        ("layer.toml", rules),
        ("overlay/etc/r1", "1"),
        ("overlay/etc/r2", "2"),
        ("overlay/etc/r3", "3"),
        ("overlay/etc/c1", "1"),
        ("overlay/etc/c2", "2"),
    ];
    let mut host =
        Host::new(&[("etc/r1", file("other", 0o644)), ("etc/r2", file("2", 0o644)), ("etc/c1", file("other", 0o644))]);
    let model = staged(&files, HOST);
    let (plan, managed) = host.converge(&model, &ManagedSet::default());
    assert_eq!(
        shown(&plan),
        "+ etc/c2 (Release by .)\n! etc/r1 (Reported: has other content)\n! etc/r3 (Reported: is missing)\n"
    );
    host.paths.insert(path("etc/c2"), file("mine now", 0o600));
    assert!(host.plan(&model, &managed).is_empty());
}

#[test]
fn the_brake_stops_large_and_dangerous_removals_unless_the_release_allows_them() {
    let many: Vec<(String, String)> = (0..30).map(|n| (format!("overlay/etc/x/{n}"), n.to_string())).collect();
    let mut files: Vec<(&str, &str)> = many.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.push(("overlay/etc/ssh/sshd_config.d/a.conf", ""));
    let (host, managed) = converged(&files, &[]);
    let stopped = |left: &[(&str, &str)], allowed: u64| {
        let tree = support::Tree::new(left);
        let model = stage_with(&tree, &support::native(HOST), allowed).unwrap_or_else(|error| panic!("{error}"));
        let settings = PlanSettings { brake: true, ..SETTINGS };
        let plan = plan(&model, &host.snapshot(&model, &managed), &managed, settings).expect("owners are known");
        plan.brake().map(|brake| (brake.rule.clone(), brake.removals.len()))
    };
    assert_eq!(stopped(&files[1..], 0), None);
    assert_eq!(stopped(&files[4..], 0), Some(("4 of 31 managed paths would be removed, more than 10 %".into(), 4)));
    assert_eq!(stopped(&files[4..], 4), None);
    assert_eq!(stopped(&files[21..], 20), Some(("21 paths would be removed, more than 20".into(), 21)));
    let dangerous = "'etc/ssh/sshd_config.d/a.conf' would be removed, which the host may need to be reached";
    assert_eq!(stopped(&files[..30], 0), Some((dangerous.into(), 1)));
}

#[test]
fn a38_a_file_that_moves_behind_a_symlinked_folder_is_not_lost() {
    let before = [("usr/lib", Observed::Directory(root(0o755))), ("lib", link("usr/lib", true))];
    let (mut host, managed) = converged(&[("overlay/lib/x", "1")], &before);
    let moved = staged(&[("overlay/usr/lib/x", "1")], HOST);
    let (plan, managed) = host.converge(&moved, &managed);
    assert_eq!(shown(&plan), "");
    assert_eq!(host.paths[&path("usr/lib/x")], file("1", 0o644));
    let (plan, _) = host.converge(&staged(&[("overlay/etc/y", "")], HOST), &managed);
    assert_eq!(shown(&plan), "- usr/lib/x (Dropped by .)\n+ etc (Release by .)\n+ etc/y (Release by .)\n");
    let both = staged(&[("overlay/usr/lib/x", "1"), ("overlay/lib/x", "2")], HOST);
    let plan = host.plan(&both, &ManagedSet::default());
    let note = "! lib/x (Blocked: on this host it is the same as 'usr/lib/x', which the model has too)\n";
    assert_eq!(shown(&plan), format!("+ usr/lib/x (Release by .)\n{note}"));
}

#[test]
fn the_symlink_of_an_earlier_revision_makes_way_for_a_folder() {
    let (mut host, managed) = converged(&[("overlay/etc/x", "-> y"), ("overlay/etc/y/z", "1")], &[]);
    host.paths.insert(path("etc/x"), link("y", true));
    let model = staged(&[("overlay/etc/x/z", "2"), ("overlay/etc/y/z", "1")], HOST);
    let (plan, managed) = host.converge(&model, &managed);
    assert_eq!(shown(&plan), "- etc/x (Release by .)\n+ etc/x (Release by .)\n+ etc/x/z (Release by .)\n");
    assert!(host.plan(&model, &managed).is_empty());
}

#[test]
fn a38_a_path_that_gets_another_name_while_something_is_in_its_way_stays_known() {
    let before = [("e/old", file("", 0o644)), ("l", link("e", true))];
    let (mut host, managed) = converged(&[("overlay/e/b", "1")], &before);
    host.paths.insert(path("e/b"), Observed::Other);
    let (plan, after) = host.converge(&staged(&[("overlay/l/b", "1")], HOST), &managed);
    assert_eq!(shown(&plan), "! l/b (Blocked: a device, pipe or socket is in the way)\n");
    assert_eq!(after.entries.get(&path("l/b")), managed.entries.get(&path("e/b")));
}

#[test]
fn a38_two_names_that_became_one_file_are_decided_once() {
    let (mut host, managed) = converged(&[("overlay/e/b", "1"), ("overlay/l/b", "2")], &[]);
    host.paths.remove(&path("l/b"));
    host.paths.insert(path("l"), link("e", true));
    host.paths.insert(path("e/b"), file("2", 0o644));
    let (plan, _) = host.converge(&staged(&[("overlay/other", "")], HOST), &managed);
    assert_eq!(
        shown(&plan),
        "+ other (Release by .)\n! e/b (Kept: it left the model, but was changed on this host)\n\
         ! l (Kept: it left the model, but was changed on this host)\n"
    );
    assert_eq!(host.paths[&path("e/b")], file("2", 0o644));
}

#[test]
fn a_folder_of_ours_gives_way_to_a_file_unless_something_in_it_stays() {
    let files = [("overlay/etc/x/ours", "1"), ("overlay/etc/x/edited", "2"), ("overlay/etc/x/y/z", "3")];
    let (mut host, managed) = converged(&files, &[]);
    let model = staged(&[("overlay/etc/x", "file")], HOST);
    let mut edited = host.clone();
    edited.paths.insert(path("etc/x/edited"), file("by hand", 0o644));
    assert_eq!(
        shown(&edited.plan(&model, &managed)),
        "- etc/x/ours (Dropped by .)\n- etc/x/y/z (Dropped by .)\n- etc/x/y (Dropped by .)\n\
         ! etc/x (Blocked: a directory is in the way, and 'etc/x/edited' in it stays)\n\
         ! etc/x/edited (Kept: it left the model, but was changed on this host)\n"
    );
    let mut special = host.clone();
    special.paths.remove(&path("etc/x/y/z"));
    special.paths.insert(path("etc/x/y"), Observed::Other);
    assert_eq!(
        shown(&special.plan(&model, &managed)),
        "- etc/x/edited (Dropped by .)\n- etc/x/ours (Dropped by .)\n\
         ! etc/x (Blocked: a directory is in the way, and 'etc/x/y' in it stays)\n\
         ! etc/x/y (Kept: it left the model, but was changed on this host)\n\
         ! etc/x/y/z (Kept: 'etc/x/y' is no directory)\n"
    );
    host.converge(&model, &managed);
    assert_eq!(host.paths[&path("etc/x")], file("file", 0o644));
}
