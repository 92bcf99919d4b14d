//! What Cosmos 1.5 did not have, on its hosts: going back, holding a path, putting back what was found.

use std::fs;

use crate::host::{Classic, silent};
use crate::support::Ran;

fn says(text: &str) -> Ran {
    Ran { stdout: text.to_owned(), ..silent(0) }
}

/// A host whose second release changes one file and adds another; a post-task notes each run's own word.
fn two_releases() -> Classic {
    let host = Classic::new();
    let task = |word: &str| {
        let script = format!("#!/bin/sh\necho {word} >> \"$COSMOS_BASE/ran\"\n");
        host.world.write("global/post-tasks.d/010note", &script);
    };
    host.world.write("global/overlay/etc/issue", "one\n");
    task("one");
    host.begins();
    host.world.write("global/overlay/etc/issue", "two\n");
    host.world.write("global/overlay/etc/new", "two\n");
    task("two");
    host.release("ops-2026-01-01-v02");
    host.converge();
    host
}

#[test]
fn a_classic_host_goes_back_stays_there_and_says_what_stays() {
    let host = two_releases();
    let said = "generation 1 instead of 2, until a newer revision is accepted or 'cosmos resume'; what tasks did to \
                packages, users and services is not undone, and files that only the newer revision has stay, since \
                remove-dropped is false\n";
    let back = host.cosmos(&["rollback"]);
    assert_eq!(back.status, 0, "{back:?}");
    assert_eq!(back.stdout.lines().last().map(|line| format!("{line}\n")).as_deref(), Some(said), "{back:?}");
    assert_eq!((host.read("etc/issue").as_str(), host.read("etc/new").as_str()), ("one\n", "two\n"));
    let model = |path: &str| fs::read_to_string(host.path("base/model/overlay").join(path)).ok();
    for _ in 0..2 {
        host.converge();
        assert_eq!(host.cosmos(&["run"]), silent(0));
        assert_eq!((host.read("etc/issue").as_str(), model("etc/issue").as_deref()), ("one\n", Some("one\n")));
    }
    assert_eq!(model("etc/new"), None);
    assert_eq!(host.git_in_clone(&["show", "HEAD:global/overlay/etc/issue"]), "one");
    let ran = fs::read_to_string(host.path("base/ran")).expect("tasks ran");
    assert_eq!(ran, "one\ntwo\none\none\none\none\none\n", "the tasks are those of the release in force");

    let ended = "the rollback ended: the next run makes this host the newest revision\n";
    assert_eq!(host.cosmos(&["resume"]), says(ended));
    host.converge();
    assert_eq!((host.read("etc/issue").as_str(), model("etc/new").as_deref()), ("two\n", Some("two\n")));

    assert_eq!(host.cosmos(&["rollback", "1"]).status, 0);
    host.world.write("global/overlay/etc/issue", "three\n");
    host.release("ops-2026-01-01-v03");
    host.converge();
    assert_eq!(host.read("etc/issue"), "three\n", "a newer release ends it");
}

#[test]
fn a_classic_host_that_removes_dropped_files_removes_them_on_the_way_back() {
    let host = two_releases();
    fs::write(host.path("conf/agent.toml"), "remove-dropped = true\n").expect("settings");
    let back = host.cosmos(&["rollback"]);
    assert!(back.status == 0 && back.stdout.ends_with("services is not undone\n"), "{back:?}");
    assert_eq!((host.read("etc/issue").as_str(), host.has("etc/new")), ("one\n", false));
    host.converge();
    assert!(!host.has("etc/new"));
}

#[test]
fn a_held_path_of_a_classic_host_is_left_alone_whatever_its_tasks_make_of_the_model() {
    let host = Classic::new();
    host.put("root/etc/issue", "the vendor's\n", 0o600);
    host.world.write("global/overlay/etc/issue", "one\n");
    host.world.write("global/pre-tasks.d/010issue", "#!/bin/sh\necho task >> overlay/etc/issue\n");
    host.begins();
    assert_eq!(host.read("etc/issue"), "one\ntask\n");
    host.put("root/etc/issue", "night shift\n", 0o644);
    assert_eq!(
        host.cosmos(&["hold", "/etc/issue", "trying it, Kim"]),
        says("'etc/issue' is left as it is: trying it, Kim\n")
    );
    host.world.write("global/overlay/etc/issue", "two\n");
    host.release("ops-2026-01-01-v02");
    host.converge();
    assert_eq!(host.read("etc/issue"), "night shift\n");
    assert_eq!(host.cosmos(&["restore", "etc/issue"]), says("~ etc/issue  as it was found\n"));
    host.converge();
    assert_eq!((host.read("etc/issue").as_str(), host.mode("etc/issue")), ("the vendor's\n", 0o600));
    let released = "'etc/issue' is the model's again: the next run makes it so\n";
    assert_eq!(host.cosmos(&["hold", "--release", "etc/issue"]), says(released));
    host.converge();
    assert_eq!(host.read("etc/issue"), "two\ntask\n");
}
