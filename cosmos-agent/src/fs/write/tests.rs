//! Tests of replacing and appending: faults and planted links.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::*;

fn path(text: &str) -> RelPath {
    RelPath::new(text.as_bytes()).unwrap()
}

#[test]
fn a_replaced_file_is_the_old_one_after_a_fault_at_any_change() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::open(folder.path()).unwrap();
    make_directories(&root, &path("var/lib/cosmos"), 0o755).unwrap();
    let state = path("var/lib/cosmos/state.json");
    replace(&root, &state, b"old", 0o600).unwrap();
    for fault in 0.. {
        crate::fs::faults::arm(fault, Errno::ENOSPC, false);
        let result = replace(&root, &state, b"new", 0o600);
        let calls = crate::fs::faults::disarm();
        if calls <= fault {
            result.unwrap();
            break;
        }
        let error = result.unwrap_err();
        assert_eq!(error.to_string(), "cannot write 'var/lib/cosmos/state.json'");
        assert!(error.hint().unwrap().starts_with("free space or inodes"));
        assert_eq!(fs::read_dir(folder.path().join("var/lib/cosmos")).unwrap().count(), 1, "a temporary file stays");
    }
    assert_eq!(root.read(&state, 10).unwrap().unwrap(), b"new");
    assert_eq!(mode(&folder.path().join("var/lib/cosmos/state.json")), 0o600);
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a39_nothing_is_written_or_read_through_a_planted_link() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::open(folder.path()).unwrap();
    fs::write(folder.path().join("victim"), "victim").unwrap();
    symlink("victim", folder.path().join("log")).unwrap();
    assert!(append(&root, &path("log"), b"x", 0o600).is_err());
    assert!(open_private(&root, &path("log")).is_err());
    assert!(root.read(&path("log"), 100).is_err());
    replace(&root, &path("log"), b"mine", 0o600).unwrap();
    assert_eq!(fs::read(folder.path().join("victim")).unwrap(), b"victim");
    assert_eq!(fs::read(folder.path().join("log")).unwrap(), b"mine");
}

#[test]
fn folders_above_ours_are_everybodys_whatever_the_umask_and_existing_ones_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::open(folder.path()).unwrap();
    fs::create_dir(folder.path().join("srv")).unwrap();
    fs::set_permissions(folder.path().join("srv"), fs::Permissions::from_mode(0o711)).unwrap();
    // The umask belongs to the process: other tests of this one write below folders of their own.
    let before = nix::sys::stat::umask(Mode::from_bits_truncate(0o077));
    let made = ["var/lib/cosmos", "srv/cosmos"].map(|ours| make_directories(&root, &path(ours), 0o700).map(|_| ()));
    let by_name = crate::fs::by_path::make_directories(&folder.path().join("var/lib/other"), 0o700);
    nix::sys::stat::umask(before);
    assert!(made.into_iter().all(|made| made.is_ok()) && by_name.is_ok());
    let modes = ["var", "var/lib", "var/lib/cosmos", "var/lib/other", "srv", "srv/cosmos"]
        .map(|name| mode(&folder.path().join(name)));
    assert_eq!(modes, [0o755, 0o755, 0o700, 0o700, 0o711, 0o700]);
}
