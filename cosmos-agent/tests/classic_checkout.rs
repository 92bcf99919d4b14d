//! The clone that other tools look at works for them, and is read for one URL only (C2).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod classic_support;

use std::path::Path;
use std::process::Command;

use classic_support::installed;
use classic_support::objects::Repository;
use cosmos_agent::classic::checkout::{self, CheckoutError, View};
use cosmos_model::object_id::ObjectId;

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "core.autocrlf=false"])
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("HOME", folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn id(text: &str) -> ObjectId {
    text.parse().unwrap()
}

/// A store with two commits, the second with a tag.
fn store(folder: &Path) -> (Repository, ObjectId, ObjectId, ObjectId) {
    git(folder, &["init", "-q", "-b", "main", "."]);
    let write = |name: &str, content: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    };
    write("global/overlay/etc/old", "old");
    write("global/overlay/etc/motd", "one");
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-qm", "first"]);
    let first = git(folder, &["rev-parse", "HEAD"]);
    write("global/overlay/etc/motd", "two");
    write("global/pre-tasks.d/010run me", "#!/bin/sh\n");
    std::fs::remove_file(folder.join("global/overlay/etc/old")).unwrap();
    std::os::unix::fs::symlink("motd", folder.join("global/overlay/etc/-grün")).unwrap();
    git(folder, &["add", "-A"]);
    git(folder, &["update-index", "--chmod=+x", "global/pre-tasks.d/010run me"]);
    git(folder, &["commit", "-qm", "second"]);
    git(folder, &["tag", "-a", "-m", "release", "ops-2026-01-01-v01"]);
    let second = git(folder, &["rev-parse", "HEAD"]);
    let tag = git(folder, &["rev-parse", "ops-2026-01-01-v01"]);
    (Repository(git2::Repository::open(folder).unwrap()), id(&first), id(&second), id(&tag))
}

#[test]
fn git_finds_a_clean_clone_at_the_release_and_its_remote_can_be_changed() {
    if !installed("git") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    std::fs::create_dir(&source).unwrap();
    let (objects, first, second, tag) = store(&source);
    let (repo, index) = (folder.path().join("repo"), folder.path().join("index"));
    let objects_folder = source.join(".git/objects");
    checkout::create(&repo, b"git://example.org/ops \"x\".git", "main").unwrap();
    assert!(matches!(checkout::create(&repo, b"x", "main"), Err(CheckoutError::Exists { .. })));

    let unverified = View { commit: first, branch: "main", tag: None };
    assert!(checkout::show(&repo, &index, unverified, &objects, &objects_folder).unwrap().is_empty());
    assert_eq!(git(&repo, &["status", "--porcelain", "--branch"]), "## main...origin/main");
    assert_eq!(std::fs::read_to_string(repo.join("global/overlay/etc/old")).unwrap(), "old");
    assert!(!checkout::is_at(&repo, first));

    let release = View { commit: second, branch: "main", tag: Some(("ops-2026-01-01-v01", tag)) };
    checkout::show(&repo, &index, release, &objects, &objects_folder).unwrap();
    assert!(checkout::is_at(&repo, second));
    assert_eq!(git(&repo, &["status", "--porcelain", "--branch"]), "## HEAD (no branch)");
    assert_eq!(git(&repo, &["log", "--format=%s"]), "second\nfirst");
    assert_eq!(git(&repo, &["describe"]), "ops-2026-01-01-v01");
    assert_eq!(git(&repo, &["fsck", "--strict"]), "");
    assert!(!repo.join("global/overlay/etc/old").exists());

    assert_eq!(git(&repo, &["remote", "get-url", "origin"]), "git://example.org/ops \"x\".git");
    assert_eq!(checkout::origin_url(&repo).unwrap(), b"git://example.org/ops \"x\".git");
    git(&repo, &["remote", "set-url", "origin", "https://git.example.org/ops#1.git"]);
    git(&repo, &["config", "url.https://evil.example.org/.insteadOf", "https://git.example.org/"]);
    assert_eq!(checkout::origin_url(&repo).unwrap(), b"https://git.example.org/ops#1.git");
}

#[test]
fn a_clone_that_git_made_is_taken_over_with_what_others_keep_in_it() {
    if !installed("git") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    std::fs::create_dir(&source).unwrap();
    let (objects, _, second, tag) = store(&source);
    let repo = folder.path().join("repo");
    git(folder.path(), &["clone", "-q", source.to_str().unwrap(), repo.to_str().unwrap()]);
    std::fs::write(repo.join("notes"), "of an operator").unwrap();
    std::fs::write(repo.join("global/overlay/etc/motd"), "edited").unwrap();
    let release = View { commit: second, branch: "main", tag: Some(("ops-2026-01-01-v01", tag)) };
    checkout::show(&repo, &folder.path().join("index"), release, &objects, &source.join(".git/objects")).unwrap();
    assert_eq!(git(&repo, &["status", "--porcelain"]), "?? notes");
    assert_eq!(checkout::origin_url(&repo).unwrap(), source.to_str().unwrap().as_bytes());
}

#[test]
fn names_that_lead_out_of_the_clone_are_no_branches() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["../../x", "a/../../b", "/etc", "-x", "a..b", "a b", ".x", "", "x.lock", "a\nb"] {
        let made = checkout::create(&folder.path().join("repo"), b"x", name);
        assert!(matches!(made, Err(CheckoutError::Name { .. })), "{name}");
        assert!(!folder.path().join("repo").exists());
    }
}
