//! Labels, capabilities, access lists and holes: what of a file is more than content, owner and mode.

use std::os::unix::fs::{FileExt as _, chown};

use rustix::fs::{XattrFlags, getxattr, setxattr};

use super::*;

const LABEL: &str = "security.selinux";
const CAPABILITIES: &str = "security.capability";
const ACCESS_LIST: &str = "system.posix_acl_access";
const DEFAULT_LIST: &str = "system.posix_acl_default";

/// `cap_net_bind_service=ep`, as the kernel keeps it.
const BIND_SERVICE: [u8; 20] = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// `user::rwx user:1234:r-- group::r-x mask::rwx other::---`, as the kernel keeps it.
const READABLE_FOR_1234: [u8; 44] = [
    2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 4, 0, 210, 4, 0, 0, 4, 0, 5, 0, 255, 255, 255, 255, 16, 0, 7, 0,
    255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255,
];

fn set(path: &Path, name: &str, value: &[u8]) -> bool {
    let set = setxattr(path, name, value, XattrFlags::empty());
    if let Err(error) = set {
        eprintln!("skipped: '{name}' cannot be set here: {error}");
    }
    set.is_ok()
}

fn get(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = [0; 200];
    getxattr(path, name, &mut value).ok().map(|length| value[..length].to_vec())
}

#[test]
fn a_new_content_keeps_the_label_and_loses_the_capabilities_of_the_old_one() {
    let mut machine = Machine::new();
    let model = machine.model(1, &[("usr/bin/tool", Want::Mode("one", 0o755))]);
    machine.converge(&model);
    let tool = machine.at("usr/bin/tool");
    if !set(&tool, LABEL, b"system_u:object_r:tool_t:s0\0") || !set(&tool, CAPABILITIES, &BIND_SERVICE) {
        return;
    }
    set(&tool, "user.note", b"somebody's");
    let model = machine.model(2, &[("usr/bin/tool", Want::Mode("two", 0o755))]);
    machine.converge(&model);
    assert_eq!(get(&tool, LABEL).as_deref(), Some(&b"system_u:object_r:tool_t:s0\0"[..]));
    assert_eq!((get(&tool, CAPABILITIES), get(&tool, "user.note")), (None, None));
}

#[test]
fn a_new_mode_keeps_the_capabilities_also_where_a_hard_link_is_broken() {
    let mut machine = Machine::new();
    let model = machine.model(1, &[("bin/one", Want::Mode("same", 0o755)), ("bin/two", Want::Mode("same", 0o755))]);
    machine.converge(&model);
    fs::hard_link(machine.at("bin/two"), machine.at("second-name")).unwrap();
    if !["bin/one", "bin/two"].iter().all(|name| set(&machine.at(name), CAPABILITIES, &BIND_SERVICE)) {
        return;
    }
    set(&machine.at("bin/two"), LABEL, b"label\0");
    let model = machine.model(2, &[("bin/one", Want::Mode("same", 0o750)), ("bin/two", Want::Mode("same", 0o750))]);
    machine.converge(&model);
    for name in ["bin/one", "bin/two"] {
        assert_eq!(fs::metadata(machine.at(name)).unwrap().mode() & 0o7777, 0o750);
        assert_eq!(get(&machine.at(name), CAPABILITIES).as_deref(), Some(&BIND_SERVICE[..]), "{name}");
    }
    assert_eq!(get(&machine.at("bin/two"), LABEL).as_deref(), Some(&b"label\0"[..]));
    let other = fs::metadata(machine.at("second-name")).unwrap();
    assert_eq!((other.mode() & 0o7777, other.nlink()), (0o755, 1), "the other name stays as it was");
}

#[test]
fn a39_an_access_list_of_somebody_elses_folder_opens_no_file_of_ours() {
    let mut machine = Machine::new();
    for folder in ["ours", "theirs"] {
        fs::create_dir(machine.at(folder)).unwrap();
        if !set(&machine.at(folder), DEFAULT_LIST, &READABLE_FOR_1234) {
            return;
        }
    }
    if chown(machine.at("theirs"), Some(1234), Some(1234)).is_err() {
        return eprintln!("skipped: only root can give a folder away");
    }
    let secret = Want::Mode("secret", 0o640);
    let wanted = [("ours/secret", secret), ("theirs/secret", secret), ("theirs/below/secret", secret)];
    let model = machine.model(1, &wanted);
    machine.converge(&model);
    for name in ["theirs/secret", "theirs/below", "theirs/below/secret"] {
        let lists = [ACCESS_LIST, DEFAULT_LIST].map(|list| get(&machine.at(name), list));
        assert_eq!(lists, [None, None], "{name}");
    }
    assert_eq!(fs::metadata(machine.at("theirs/secret")).unwrap().mode() & 0o7777, 0o640);
    assert!(get(&machine.at("ours/secret"), ACCESS_LIST).is_some(), "root's own word on a folder holds");
}

#[test]
fn a_sparse_file_of_somebody_is_kept_as_sparse_as_it_was() {
    let mut machine = Machine::new();
    fs::create_dir(machine.at("srv")).unwrap();
    let theirs = fs::File::create(machine.at("srv/file")).unwrap();
    theirs.write_all_at(b"end", 64 << 20).unwrap();
    let model = machine.model(1, &[("srv/file", Want::File("ours"))]);
    machine.converge(&model);
    let kept: Vec<_> = fs::read_dir(machine.at("var/lib/cosmos/backup")).unwrap().map(|entry| entry.unwrap()).collect();
    let [kept] = &kept[..] else { panic!("{kept:?}") };
    let found = kept.metadata().unwrap();
    assert_eq!(found.len(), (64 << 20) + 3);
    assert!(found.blocks() * 512 < 1 << 20, "{} blocks", found.blocks());
}

#[test]
fn a_sparse_file_larger_than_any_content_is_not_read_and_not_replaced() {
    let mut machine = Machine::new();
    fs::create_dir(machine.at("srv")).unwrap();
    fs::File::create(machine.at("srv/file")).unwrap().set_len(1 << 42).unwrap();
    let model = machine.model(1, &[("srv/file", Want::File("ours"))]);
    let plan = machine.plan(&model);
    assert_eq!(plan.steps(), []);
    let notes: Vec<&str> = plan.notes().iter().map(|note| note.text.as_str()).collect();
    assert_eq!(notes, ["a file of more than 1 GiB is there, which is not read"]);
}
