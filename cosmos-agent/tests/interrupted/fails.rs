//! Failed by the file system at any call: an error that names the object, nothing lost, and the next run finishes.

use crate::calls::{self, Call};
use crate::killed::{Which, chosen, print_coverage};
use crate::scene::{Hit, Scene, tree};

/// Calls whose failure costs nothing, so that nobody is told: the lock's text at a run's end; a pack's link, after which
/// it is renamed; and the second name of a pack that is in place, which goes with the next fetch.
const HARMLESS: [(&str, &str); 3] = [("ftruncate", "lock and stamp"), ("link", "store"), ("unlink", "store")];

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
    print_coverage(error, &chosen);
    for (call, kind) in &chosen {
        let Hit { root, status, said, call } = scene.hit(call, kind, &format!("error={error}"));
        let what = format!("{error} at {} {} of '{}' ({kind})", call.name, call.number, call.path);
        if status == Some(0) {
            assert!(HARMLESS.contains(&(&call.name, kind)) && tree(&root) == scene.new, "{what}: nobody was told");
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
