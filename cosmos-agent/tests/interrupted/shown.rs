//! What `plan` prints is what apply does: the calls that change final names are the plan's steps, no more and no less.

use crate::calls::{self, Call};
use crate::scene::{Scene, leftovers};

/// What a call does to a final name; `None` for a temporary file, and for what only puts things on disk.
fn effect(call: &Call) -> Option<(String, &str)> {
    let is_temporary = |path: &str| path.rsplit('/').next().is_some_and(|name| name.starts_with(".cosmos-"));
    let word = match call.name.as_str() {
        "fsync" | "fdatasync" | "syncfs" => return None,
        "renameat" | "renameat2" if call.from.as_deref().is_some_and(is_temporary) => "put",
        "unlinkat" => "remove",
        "mkdirat" => "make",
        "fchownat" | "fchmodat" => "attributes",
        // Nothing else may happen to a final name: it would be seen half done.
        other => return (!is_temporary(&call.path)).then(|| (call.path.clone(), other)),
    };
    (!is_temporary(&call.path)).then(|| (call.path.clone(), word))
}

#[test]
fn what_plan_prints_is_what_the_calls_of_apply_show() {
    if calls::strace_is_missing() {
        return;
    }
    let scene = Scene::new();
    let mut planned = Vec::new();
    let is_made = |path: &str| scene.steps.iter().any(|step| step["path"] == path && step["action"] == "create");
    let is_removed = |path: &str| scene.steps.iter().any(|step| step["path"] == path && step["action"] == "remove");
    for step in &scene.steps {
        let path = step["path"].as_str().expect("a path").to_owned();
        match (step["action"].as_str().expect("an action"), step["kind"].as_str().expect("a kind")) {
            // One call for both steps of a path that becomes another type: the new changes places with the old.
            ("remove", _) if is_made(&path) => {}
            ("create", _) if is_removed(&path) => planned.push((path, "put")),
            ("create", "directory") => planned.extend([(path.clone(), "make"), (path, "attributes")]),
            ("create" | "replace", _) => planned.push((path, "put")),
            ("attributes", _) => planned.push((path, "attributes")),
            _ => planned.push((path, "remove")),
        }
    }
    let root = scene.copy();
    assert_eq!(calls::traced(&root, &["run"], &scene.log(), &[]), (Some(0), String::new()));
    let own = |path: &str| ["var/lib/cosmos", "var/cache/cosmos", "run/cosmos"].iter().any(|own| path.starts_with(own));
    let calls = calls::read(&scene.log(), &root);
    let of_host = calls.iter().filter(|call| call.succeeded && !own(&call.path));
    let mut done: Vec<_> = of_host.filter_map(effect).collect();
    // Owner and mode are two calls of one step.
    done.dedup();
    let removals = |list: &[(String, &str)]| list.iter().position(|(_, word)| *word != "remove");
    assert_eq!(removals(&done), removals(&planned), "what goes, goes first");
    println!("{} steps, {} changes of final names", scene.steps.len(), done.len());
    planned.sort();
    done.sort();
    assert_eq!(done, planned);
    assert_eq!(leftovers(&root), Vec::<String>::new());
}
