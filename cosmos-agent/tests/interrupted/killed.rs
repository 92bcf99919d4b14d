//! Killed at any call: every file is old or new, and the next run finishes.

use std::collections::BTreeMap;

use crate::calls::{self, Call};
use crate::scene::{Hit, Scene};

/// Which calls of each kind the short form tries.
#[derive(Clone, Copy)]
pub enum Which {
    /// The first, the middle and the last.
    Three,
    /// The middle one.
    Middle,
}

/// Chooses the calls to try, by their name and the kind of their object; `LONG=1` takes all of them.
pub fn chosen(recorded: &[(Call, String)], which: Which) -> Vec<(Call, String)> {
    let mut kinds = BTreeMap::<(&str, &str), Vec<&(Call, String)>>::new();
    for call in recorded {
        kinds.entry((&call.1, &call.0.name)).or_default().push(call);
    }
    let all = std::env::var_os("LONG").is_some();
    let mut chosen = Vec::new();
    for calls in kinds.into_values() {
        let (last, middle) = (calls.len() - 1, calls.len() / 2);
        let some = match which {
            Which::Three => [0, middle, last],
            Which::Middle => [middle; 3],
        };
        chosen.extend((0..=last).filter(|at| all || some.contains(at)).map(|at| calls[at].clone()));
    }
    chosen.sort();
    chosen
}

/// Kinds of object that a run of all kinds of steps changes: none may be missing from what is tried.
pub const KINDS: [&str; 21] = [
    "create file",
    "create symlink",
    "create directory",
    "replace file",
    "replace file, backup",
    "replace file, drift, backup",
    "replace symlink",
    "attributes file",
    "remove file",
    "remove symlink",
    "remove directory",
    "remove file, delete/, backup",
    "backup",
    "journal",
    "managed set",
    "state",
    "log",
    "what templates became",
    "model folder",
    "store",
    "folder",
];

/// Prints how many calls of each kind are tried, and asserts that no kind is missing.
pub fn print_coverage(what: &str, chosen: &[(Call, String)], kinds: &[&str]) {
    let mut table = BTreeMap::<&str, BTreeMap<&str, usize>>::new();
    for (call, kind) in chosen {
        *table.entry(kind).or_default().entry(&call.name).or_default() += 1;
    }
    println!("{what}: {} calls", chosen.len());
    for (kind, calls) in &table {
        let calls: Vec<String> = calls.iter().map(|(name, count)| format!("{name} {count}")).collect();
        println!("  {kind:28} {}", calls.join(", "));
    }
    let missing: Vec<&&str> = kinds.iter().filter(|kind| !table.contains_key(**kind)).collect();
    assert!(missing.is_empty(), "no call about {missing:?}: {:?}", table.keys());
}

#[test]
fn a48_killed_at_any_changing_call_each_file_is_old_or_new_and_the_next_run_finishes() {
    if calls::strace_is_missing() {
        return;
    }
    let scene = Scene::new();
    let chosen = chosen(&scene.recorded(), Which::Three);
    print_coverage("killed", &chosen, &KINDS);
    for (call, kind) in &chosen {
        let Hit { root, status, call, .. } = scene.hit(call, kind, "signal=KILL");
        let what = format!("killed at {} {} of '{}' ({kind})", call.name, call.number, call.path);
        assert_eq!(status, None, "{what}: it was not killed");
        scene.assert_old_or_new(&root, &what);
        scene.assert_converges(&root, &what);
    }
}
