//! An administrator's commands, killed at any call: all done or not at all once the next run has ended.

use std::fs;

use crate::calls;
use crate::killed::{Which, chosen, print_coverage};
use crate::scene::{Hit, Scene, two_revisions};
use crate::support::{Settled, put};

fn killed(scene: &Scene, what: &str, which: Which, kinds: &[&str]) {
    let ends = scene.ends();
    let chosen = chosen(&scene.recorded(), which);
    print_coverage(what, &chosen, kinds);
    for (call, kind) in &chosen {
        let Hit { root, status, call, .. } = scene.hit(call, kind, "signal=KILL");
        let what = format!("{what} killed at {} {} of '{}' ({kind})", call.name, call.number, call.path);
        assert_eq!(status, None, "{what}: it was not killed");
        scene.assert_old_or_new(&root, &what);
        scene.assert_done_or_not(&root, &ends, &what);
    }
}

/// A host with a file that was there before it was managed, which the model has left again.
fn with_something_found() -> Settled {
    let settled = Settled::new();
    put(&settled.host, "etc/issue", "the vendor's\n");
    settled.world.write("global/overlay/etc/issue", "ours\n");
    settled.commit();
    assert_eq!(settled.run().status, 0);
    settled.world.remove("global/overlay/etc/issue");
    settled.commit();
    assert_eq!(settled.run().status, 0);
    settled
}

#[test]
fn a48_a_rollback_killed_at_any_changing_call_is_finished_by_the_next_run_or_never_began() {
    if calls::strace_is_missing() {
        return;
    }
    let settled = two_revisions();
    assert_eq!(settled.run().status, 0);
    let scene = Scene::of(settled, &["rollback", "2"]);
    let kinds = ["create file", "create directory", "replace file", "remove file", "managed set", "state", "log"];
    killed(&scene, "rollback", Which::Middle, &kinds);
}

#[test]
fn a48_a_restore_killed_at_any_changing_call_is_done_or_not() {
    if calls::strace_is_missing() {
        return;
    }
    let scene = Scene::of(with_something_found(), &["restore", "etc/issue"]);
    killed(&scene, "restore", Which::Three, &["replace file, backup", "managed set", "log"]);
}

#[test]
fn a48_a_hold_killed_at_any_changing_call_holds_or_does_not_and_so_does_its_end() {
    if calls::strace_is_missing() {
        return;
    }
    let settled = Settled::new();
    let scene = Scene::of(settled, &["hold", "etc/motd", "trying it"]);
    killed(&scene, "hold", Which::Three, &["state", "log"]);
    let settled = Settled::new();
    assert_eq!(settled.world.on(&settled.host, &["hold", "etc/motd", "trying it"]).status, 0);
    fs::write(settled.host.join("etc/motd"), "an edit\n").expect("an edit");
    let scene = Scene::of(settled, &["hold", "--release", "etc/motd"]);
    let [held, released] = scene.ends();
    assert_ne!(held, released, "the next run undoes the edit");
    killed(&scene, "hold --release", Which::Three, &["state", "log"]);
}
