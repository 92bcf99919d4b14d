//! Tests of the walk: what is followed and what is not.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;

fn tree() -> (tempfile::TempDir, Root) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("usr/lib/systemd")).unwrap();
    fs::create_dir_all(folder.path().join("run")).unwrap();
    fs::create_dir_all(folder.path().join("var")).unwrap();
    let root = Root::open(folder.path()).unwrap();
    (folder, root)
}

fn inode(directory: &Directory) -> u64 {
    directory.stat_self().unwrap().st_ino
}

fn same(root: &Root, one: &str, other: &str) {
    let reached = inode(&root.directory(one.as_bytes()).unwrap());
    assert_eq!(reached, inode(&root.directory(other.as_bytes()).unwrap()), "{one} is not {other}");
}

#[test]
fn a38_relative_absolute_and_chained_links_lead_to_directories_inside_the_root() {
    let (folder, root) = tree();
    symlink("usr/lib", folder.path().join("lib")).unwrap();
    symlink("/run", folder.path().join("var/run")).unwrap();
    symlink("../lib/systemd", folder.path().join("var/systemd")).unwrap();
    same(&root, "lib/systemd", "usr/lib/systemd");
    same(&root, "var/run", "run");
    same(&root, "var/systemd", "usr/lib/systemd");
}

#[test]
fn a37_a_link_that_climbs_above_the_root_stays_in_the_root() {
    let (folder, root) = tree();
    symlink("../../../../../../run", folder.path().join("var/up")).unwrap();
    symlink("/../..", folder.path().join("var/top")).unwrap();
    same(&root, "var/up", "run");
    same(&root, "var/top", "");
}

#[test]
fn a39_a_symlinked_directory_of_another_user_is_not_followed() {
    let (folder, root) = tree();
    symlink("/usr", folder.path().join("var/planted")).unwrap();
    let caller = nix::unistd::geteuid().as_raw();
    let wary = Root::trusting(folder.path(), caller + 1).unwrap();
    let Err(Obstacle::Blocked(reason)) = wary.directory(b"var/planted/lib") else { panic!("the link was followed") };
    assert_eq!(reason, format!("'planted' on the way is a symlink of user {caller}"));
    same(&root, "var/planted/lib", "usr/lib");
}

#[test]
fn a_loop_of_links_ends() {
    let (folder, root) = tree();
    symlink("b", folder.path().join("a")).unwrap();
    symlink("a", folder.path().join("b")).unwrap();
    assert!(matches!(root.directory(b"a/x"), Err(Obstacle::Blocked(reason)) if reason.contains("40 symlinks")));
}

#[test]
fn a_file_on_the_way_blocks_and_a_gap_is_missing() {
    let (folder, root) = tree();
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(matches!(root.directory(b"file/x"), Err(Obstacle::Blocked(reason)) if reason.contains("not a directory")));
    assert!(matches!(root.directory(b"usr/none/x"), Err(Obstacle::Missing)));
}

#[test]
fn a_cursor_reaches_what_a_walk_reaches_in_any_order() {
    let (folder, root) = tree();
    symlink("usr/lib", folder.path().join("lib")).unwrap();
    fs::create_dir_all(folder.path().join("usr/lib-x/deep")).unwrap();
    let mut cursor = Cursor::new(&root);
    for path in ["usr/lib/systemd/a", "usr/lib-x/deep/b", "usr/lib/c", "lib/systemd/d", "e", "usr/f", "lib/g"] {
        let expected = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let (reached, name) = cursor.folder_of(path.as_bytes()).unwrap();
        assert_eq!(name, path.rsplit('/').next().unwrap().as_bytes());
        assert_eq!(inode(reached), inode(&root.directory(expected.as_bytes()).unwrap()), "{path}");
    }
    assert!(matches!(cursor.folder_of(b"usr/none/deep/x"), Err(Obstacle::Missing)));
    assert!(cursor.folder_of(b"usr/lib/x").is_ok());
}
