//! Failed by the file system at any call: an error that names the object, nothing lost, and the next run finishes.

use crate::calls::{self, Call};
use crate::killed::{KINDS, Which, chosen, print_coverage};
use crate::scene::{Hit, Scene, tree};

/// Calls whose failure costs nothing, by their name and a part of their path, so that nobody is told: the lock's text
/// at a run's end; a new pack's file, which is tried again by another name; its link, after which it is renamed; and
/// the second name of a pack that is in place, which goes with the next fetch.
const HARMLESS: [(&str, &str); 4] =
    [("ftruncate", "run/cosmos/"), ("openat", "/pack_git2_"), ("link", "store.git/"), ("unlink", "store.git/")];

/// Returns what an error about `call` must say: the step's path, else where the agent's own file lies.
fn named(scene: &Scene, call: &Call, kind: &str) -> String {
    let step = [&call.from, &Some(call.path.clone())].into_iter().flatten().find_map(|path| scene.step_of(call, path));
    match (kind, step) {
        ("store", _) => "/var/cache/cosmos/store.git".to_owned(),
        ("folder", _) => format!("the folder of '{}/", call.path),
        (_, Some(step)) => format!("'{}'", step["path"].as_str().expect("a path")),
        (_, None) => call.path.rsplit_once('/').expect("it lies in a folder").0.to_owned(),
    }
}

fn fails_with(error: &str) {
    if calls::strace_is_missing() {
        return;
    }
    let scene = Scene::new();
    let chosen = chosen(&scene.recorded(), Which::Middle);
    print_coverage(error, &chosen, &KINDS);
    for (call, kind) in &chosen {
        let Hit { root, status, said, call } = scene.hit(call, kind, &format!("error={error}"));
        let what = format!("{error} at {} {} of '{}' ({kind})", call.name, call.number, call.path);
        if status == Some(0) {
            let harmless = HARMLESS.iter().any(|(name, part)| call.name == *name && call.path.contains(part));
            assert!(harmless && tree(&root) == scene.new, "{what}: nobody was told");
        } else {
            let lines: Vec<&str> = said.lines().collect();
            let two_lines = lines.len() == 2 && lines[0].starts_with("error: ") && lines[1].starts_with("hint: ");
            let named = named(&scene, &call, kind);
            assert!(
                status == Some(1) && two_lines && lines[0].contains(&named),
                "{what}: {status:?}, not {named}: {said}"
            );
        }
        scene.assert_old_or_new(&root, &what);
        scene.assert_converges(&root, &what);
    }
}

#[test]
fn an_input_output_error_at_any_changing_call_names_its_object_and_the_next_run_finishes() {
    fails_with("EIO");
}

#[test]
fn a_full_disk_at_any_changing_call_names_its_object_and_the_next_run_finishes() {
    fails_with("ENOSPC");
}

#[test]
fn where_the_file_system_cannot_exchange_only_a_folder_leaves_a_moment_without_old_and_new() {
    if calls::strace_is_missing() {
        return;
    }
    // As vfat before Linux 6.1, NFS and FUSE answer to each of the flags.
    let scene = Scene::lacking(&["renameat2:error=EINVAL"]);
    let changes_type = ["srv/to-folder", "srv/to-file", "srv/to-link", "srv/from-link"];
    let mut recorded = scene.recorded();
    let refused = |path: &str| recorded.iter().any(|(call, _)| call.name == "renameat2" && call.path == path);
    assert_eq!(changes_type.map(refused), [true, true, false, false], "where it was tried");
    recorded.retain(|(call, _)| {
        let names = [call.from.as_deref(), Some(&call.path)];
        call.name != "renameat2" && names.into_iter().flatten().any(|path| changes_type.contains(&path))
    });
    let mut gone = std::collections::BTreeSet::new();
    for (call, kind) in &recorded {
        let Hit { root, status, call, .. } = scene.hit(call, kind, "signal=KILL");
        let what = format!("without exchanges, killed at {} {} of '{}'", call.name, call.number, call.path);
        assert_eq!(status, None, "{what}: it was not killed");
        let now = tree(&root);
        gone.extend(changes_type.into_iter().filter(|path| !now.contains_key(*path)));
        scene.assert_converges(&root, &what);
    }
    println!("without exchanges: {} calls", recorded.len());
    assert_eq!(Vec::from_iter(gone), ["srv/to-file", "srv/to-folder"], "only where a folder comes or goes");
}
