//! Several remotes and bundles, through the binary: the newest authentic revision wins, wherever it comes from (T14,
//! F3).

mod support;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::{NAME, Operator, Settled, World, kept, read};

/// Introduces a host to these remotes and lets it converge.
fn host(world: &World, trust: &str, operator: &Operator, remotes: &[&str]) -> PathBuf {
    let root = world.host(NAME);
    let words = world.clone_words(NAME, trust, operator);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (clone, rest) = (&words[..1], &words[2..]);
    let cloned = world.on(&root, &[clone, remotes, rest].concat());
    assert_eq!(cloned.status, 0, "{cloned:?}");
    root
}

/// Makes a mirror of the repository as it is now.
fn mirror(world: &World, name: &str) -> String {
    let path = world.path(name).display().to_string();
    world.git(&["clone", "--quiet", "--mirror", ".", &path]);
    path
}

fn remotes(world: &World, root: &Path) -> Vec<Value> {
    let ran = world.on(root, &["status", "--json"]);
    let document: Value = serde_json::from_str(&ran.stdout).expect("one JSON document");
    document["status"]["remotes"].as_array().expect("a list").clone()
}

#[test]
fn the_newest_authentic_revision_wins_and_status_names_the_remote_that_gave_it() {
    let world = World::new();
    let ada = world.operator("ada", "ed25519");
    let trust = world.found(&[&ada]);
    world.write("global/overlay/etc/motd", "old\n");
    world.commit(&ada, "Old");
    let stale = mirror(&world, "stale.git");
    world.write("global/overlay/etc/motd", "new\n");
    world.commit(&ada, "New");
    let fresh = mirror(&world, "fresh.git");
    let dead = "git://127.0.0.1:9/repo.git";
    let root = host(&world, &trust, &ada, &[dead, &stale, &fresh]);
    assert_eq!(world.on(&root, &["run"]).status, 0);
    assert_eq!(read(&root, "etc/motd"), "new\n");
    let shown = remotes(&world, &root);
    let short: Vec<_> = shown.iter().map(|one| (one["answered"].is_string(), one["gave_accepted"].clone())).collect();
    assert_eq!(short, [(false, json!(false)), (true, json!(false)), (true, json!(true))]);
    let status = world.on(&root, &["status"]).stdout;
    let line = status.lines().find(|line| line.contains("[world]/fresh.git")).expect("a line about it");
    assert!(line.starts_with("remote    [world]/fresh.git, answered 20"), "{line}");
    assert!(line.ends_with("Z, gave the accepted revision"), "{line}");
    assert!(status.contains("remote    git://127.0.0.1:9/repo.git\n"), "{status}");
}

#[test]
fn a51_two_remotes_with_heads_that_do_not_descend_from_each_other_are_reported_with_both_ids() {
    let settled = Settled::new();
    let world = &settled.world;
    let base = world.head();
    world.write("global/overlay/etc/motd", "one\n");
    let one = world.commit(&settled.ada, "One head");
    let first = mirror(world, "one.git");
    world.git(&["reset", "--quiet", "--hard", &base]);
    world.write("global/overlay/etc/motd", "other\n");
    let other = world.commit(&settled.ada, "Another head");
    let second = mirror(world, "other.git");
    let root = world.path("hosts/forked");
    std::fs::create_dir_all(&root).expect("a root");
    let introduction = format!("{}:{}", settled.trust, settled.ada.fingerprint);
    let words = ["clone", &first, &second, "--trust", &introduction, "--fqdn", NAME];
    let cloned = world.on(&root, &words);
    assert_eq!(cloned.status, 3, "{cloned:?}");
    let applied = world.on(&root, &["run"]);
    assert_eq!(applied.status, 3, "{applied:?}");
    let said = &applied.stderr;
    assert!(said.contains(&one[..12]) && said.contains(&other[..12]), "{said}");
    assert!(said.contains("does not descend from the accepted revision"), "{said}");
    let before = kept(&root);
    assert_eq!(world.on(&root, &["run"]).stderr, *said, "the verdict stays");
    assert_eq!(kept(&root), before, "and so does the host");
}

#[test]
fn a51_a_host_that_saw_one_head_refuses_the_other_that_a_remote_shows_it_later() {
    let settled = Settled::new();
    let base = settled.world.head();
    settled.world.write("global/overlay/etc/motd", "one\n");
    let one = settled.commit();
    assert_eq!(settled.run().status, 0);
    settled.world.git(&["reset", "--quiet", "--hard", &base]);
    settled.world.write("global/overlay/etc/motd", "other\n");
    let other = settled.commit();
    let ran = settled.refuses(&format!("it does not descend from the accepted revision {one}"));
    assert!(ran.stderr.contains(&other[..12]), "{ran:?}");
    assert_eq!(read(&settled.host, "etc/motd"), "one\n");
}

#[test]
fn a_host_without_a_network_takes_a_signed_history_from_a_bundle_and_judges_it_the_same() {
    let settled = Settled::new();
    let world = &settled.world;
    let before = world.head();
    world.write("global/overlay/etc/motd", "from a stick\n");
    let commit = settled.commit();
    let bundle = world.path("fleet.bundle").display().to_string();
    world.git(&["bundle", "create", "--quiet", &bundle, &format!("{before}..main")]);
    world.write("global/overlay/etc/motd", "owned\n");
    let bad = world.commit_unsigned("Owned");
    let evil = world.path("evil.bundle").display().to_string();
    world.git(&["bundle", "create", "--quiet", &evil, &format!("{commit}..main")]);
    std::fs::rename(world.repo(), world.path("gone")).expect("the remote is out of reach");

    let updated = world.on(&settled.host, &["update", "--bundle", &bundle]);
    assert_eq!((updated.status, updated.stderr.as_str()), (0, ""), "{updated:?}");
    assert_eq!(settled.status()["accepted"]["commit"], commit);
    assert_eq!(read(&settled.host, "etc/motd"), "hello\n", "update applies nothing");
    world.on(&settled.host, &["run", "--bundle", &bundle]).prints("~ etc/motd\n");
    let shown = remotes(world, &settled.host);
    let gave: Vec<_> = shown.iter().map(|one| (one["answered"].is_string(), one["gave_accepted"].clone())).collect();
    assert_eq!(gave, [(true, json!(false)), (false, json!(true))]);
    assert!(shown[1]["url"].as_str().is_some_and(|url| url.starts_with("bundle:") && url.ends_with("/fleet.bundle")));

    let kept_before = kept(&settled.host);
    let refused = world.on(&settled.host, &["update", "--bundle", &evil]);
    assert_eq!(refused.status, 3, "{refused:?}");
    assert!(refused.stderr.starts_with(&format!("error: revision {} of 'refs/heads/main'", &bad[..12])), "{refused:?}");
    assert_eq!(kept(&settled.host), kept_before);
    assert_eq!(settled.status()["accepted"]["commit"], commit);
    let missing = world.on(&settled.host, &["update", "--bundle", "/nonexistent.bundle"]);
    assert_eq!(missing.status, 2, "{missing:?}");
}

#[test]
fn a_bundle_whose_bases_this_host_lacks_or_that_is_none_is_named_and_changes_nothing() {
    let settled = Settled::new();
    let world = &settled.world;
    settled.commit();
    let between = world.head();
    settled.commit();
    let bundle = world.path("late.bundle").display().to_string();
    world.git(&["bundle", "create", "--quiet", &bundle, &format!("{between}..main")]);
    let before = kept(&settled.host);
    let late = world.on(&settled.host, &["update", "--bundle", &bundle]);
    assert_eq!(late.status, 1, "{late:?}");
    assert!(late.stderr.contains(&format!("needs {between}, which this host does not have")), "{late:?}");
    std::fs::write(&bundle, "not a bundle\n").expect("a file");
    let none = world.on(&settled.host, &["update", "--bundle", &bundle]);
    assert_eq!(none.status, 1, "{none:?}");
    assert!(none.stderr.contains("malformed bundle header"), "{none:?}");
    assert_eq!(kept(&settled.host), before);
}

#[test]
fn a_task_sees_no_dead_process_beside_it() {
    let settled = Settled::new();
    let script = "#!/bin/sh\nsleep 0.2\nchildren=$(cat /proc/$PPID/task/$PPID/children)\n\
                  for child in $children; do grep State: /proc/$child/status; done >\"$COSMOS_ROOT/states\"\n";
    settled.world.write("global/pre-tasks.d/010look", script);
    settled.commit();
    assert_eq!(settled.run().status, 0);
    assert_eq!(settled.run().status, 0, "a run without news");
    let states = read(&settled.host, "states");
    if states.is_empty() {
        println!("skipped: this kernel does not list a process's children");
        return;
    }
    assert_eq!(states.lines().count(), 1, "the task itself: {states}");
    assert!(!states.contains('Z'), "{states}");
}
