//! Observing: what is at a path, without following what a local user planted, and without reading what did not change.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use cosmos_agent::apply::StateFolder;
use cosmos_agent::apply::managed_file::{ManagedFile, encode};
use cosmos_agent::fs::Root;
use cosmos_agent::host::{Host as _, ObserveRequest, RealHost, first_difference, first_other_content};
use cosmos_model::content::ContentHash;
use cosmos_model::managed::{ManagedEntry, ManagedKind, ManagedSet};
use cosmos_model::path::RelPath;
use cosmos_model::snapshot::{Attributes, HostSnapshot, Observed, Stat};

fn path(text: &str) -> RelPath {
    RelPath::new(text.as_bytes()).expect("a path")
}

fn observe(root: &Path, paths: &[&str], managed: &ManagedSet, verify_content: bool) -> HostSnapshot {
    let root = Root::open(root).expect("a root");
    let host = RealHost::new(root.clone(), StateFolder::new(root, path("var/lib/cosmos"), 1 << 20));
    let paths = paths.iter().map(|text| Cow::Owned(path(text))).collect();
    let users = BTreeSet::from(["www-data", "nobody-of-that-name"]);
    let groups = BTreeSet::from(["adm"]);
    host.observe(&ObserveRequest { paths, giving_way: Vec::new(), users, groups, managed, verify_content })
        .expect("a snapshot")
}

fn attributes(path: &Path) -> Attributes {
    let found = fs::symlink_metadata(path).expect("something there");
    Attributes { mode: found.permissions().mode() & 0o7777, uid: found.uid(), gid: found.gid() }
}

/// What we would remember of a file that we just wrote.
fn entry(path: &Path) -> ManagedEntry {
    let found = fs::symlink_metadata(path).expect("something there");
    let nanoseconds = |value: i64| u32::try_from(value).expect("a small number");
    ManagedEntry {
        kind: if found.is_dir() { ManagedKind::Directory } else { ManagedKind::File },
        attributes: attributes(path),
        size: found.len(),
        hash: if found.is_dir() {
            ContentHash::new([0; 32])
        } else {
            ContentHash::of(&fs::read(path).expect("a file"))
        },
        blob: None,
        stat: Stat {
            device: found.dev(),
            inode: found.ino(),
            size: found.len(),
            modified: (found.mtime(), nanoseconds(found.mtime_nsec())),
            changed: (found.ctime(), nanoseconds(found.ctime_nsec())),
        },
        layer: 0,
        found: None,
        found_kept: false,
        task_made: false,
        unfinished: false,
        secret: false,
        left_alone: false,
    }
}

fn managed(root: &Path, paths: &[&str]) -> ManagedSet {
    let entries = paths.iter().map(|text| (path(text), entry(&root.join(text)))).collect();
    ManagedSet { layers: vec!["global".into()], entries, ..ManagedSet::default() }
}

fn encoded(set: &ManagedSet) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(set, None, &mut bytes).expect("a file");
    bytes
}

#[test]
fn every_kind_of_thing_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("usr/lib")).unwrap();
    fs::create_dir(root.join("etc")).unwrap();
    fs::write(root.join("etc/passwd"), "root:x:0:0::/:\nwww-data:x:33:33::/:\nwww-data:x:34:34::/:\n").unwrap();
    fs::write(root.join("etc/group"), "adm:x:4:syslog\n").unwrap();
    fs::write(root.join("usr/lib/libc"), "library").unwrap();
    symlink("usr/lib", root.join("lib")).unwrap();
    symlink("none", root.join("dangling")).unwrap();
    nix::unistd::mkfifo(&root.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let asked = ["dangling", "etc/none", "etc/passwd/x", "lib", "lib/libc", "none/x", "pipe", "usr"];
    let snapshot = observe(root, &asked, &ManagedSet::default(), false);
    let link = attributes(&root.join("lib"));
    let expected = [
        Observed::Symlink { attributes: link, target: b"none".to_vec(), to_directory: false },
        Observed::Absent,
        Observed::Blocked("'passwd' on the way is not a directory".to_owned()),
        Observed::Symlink { attributes: link, target: b"usr/lib".to_vec(), to_directory: true },
        Observed::File {
            attributes: attributes(&root.join("usr/lib/libc")),
            size: 7,
            hash: ContentHash::of(b"library"),
        },
        Observed::Absent,
        Observed::Other,
        Observed::Directory(attributes(&root.join("usr"))),
    ];
    assert_eq!(snapshot.paths, asked.iter().map(|text| path(text)).zip(expected).collect());
    assert_eq!(snapshot.users, BTreeMap::from([("www-data".to_owned(), 33)]));
    assert_eq!(snapshot.groups, BTreeMap::from([("adm".to_owned(), 4)]));
    assert_eq!(snapshot.default_owner, (link.uid, link.gid));
}

#[test]
fn an_untouched_file_is_not_read_and_a_verified_one_is() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "content").unwrap();
    let mut managed = managed(folder.path(), &["file"]);
    let remembered = ContentHash::of(b"what we believe");
    managed.entries.get_mut(&path("file")).unwrap().hash = remembered;
    let hash_of = |managed: &ManagedSet, verify| match observe(folder.path(), &["file"], managed, verify)
        .paths
        .get(&path("file"))
    {
        Some(Observed::File { hash, .. }) => *hash,
        other => panic!("{other:?}"),
    };
    assert_eq!(hash_of(&managed, false), remembered);
    assert_eq!(hash_of(&managed, true), ContentHash::of(b"content"));
    managed.entries.get_mut(&path("file")).unwrap().unfinished = true;
    assert_eq!(hash_of(&managed, false), ContentHash::of(b"content"));
}

#[test]
fn verified_content_is_compared_with_what_we_wrote_however_it_looks() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    // Enough for two threads, and one file longer than one read.
    let names: Vec<String> = (0..1_200).map(|number| format!("d{}/{number:04}", number % 7)).collect();
    for name in &names {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        fs::write(root.join(name), if name == "d0/0007" { "long ".repeat(40_000) } else { name.clone() }).unwrap();
    }
    fs::write(root.join("empty"), "").unwrap();
    let mut paths: Vec<&str> = names.iter().map(String::as_str).collect();
    paths.push("empty");
    let set = managed(root, &paths);
    let differences = |set: &ManagedSet| {
        let bytes = encoded(set);
        let file = ManagedFile::parse(&bytes).unwrap();
        let root = Root::open(root).unwrap();
        let found = [first_difference(&root, &file).unwrap(), first_other_content(&root, &file).unwrap()];
        found.map(|path| path.map(|path| String::from_utf8(path.to_vec()).unwrap()))
    };
    assert_eq!(differences(&set), [None, None]);
    for changed in ["d0/0007", "d3/0010", "empty"] {
        let mut other = set.clone();
        other.entries.get_mut(&path(changed)).unwrap().hash = ContentHash::of(b"what stat does not tell");
        assert_eq!(differences(&other), [None, Some(changed.to_owned())]);
    }
    fs::remove_file(root.join("d5/0005")).unwrap();
    std::os::unix::fs::symlink("0012", root.join("d5/0005")).unwrap();
    assert_eq!(differences(&set), [Some("d5/0005".to_owned()), Some("d5/0005".to_owned())]);
}

#[test]
fn the_first_difference_is_found_and_none_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["a/one", "a/sub/two", "a-b/three", "c"] {
        fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
        fs::write(root.join(name), name).unwrap();
    }
    let mut set = managed(root, &["a", "a/one", "a/sub/two", "a-b/three", "c"]);
    let difference = |set: &ManagedSet| {
        let bytes = encoded(set);
        let file = ManagedFile::parse(&bytes).unwrap();
        let found = first_difference(&Root::open(root).unwrap(), &file).unwrap();
        found.map(|path| String::from_utf8(path.to_vec()).unwrap())
    };
    assert_eq!(difference(&set), None);
    fs::write(root.join("a/beside"), "a directory's times are not ours").unwrap();
    assert_eq!(difference(&set), None);
    fs::set_permissions(root.join("c"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(difference(&set).as_deref(), Some("c"));
    set.entries.get_mut(&path("c")).unwrap().left_alone = true;
    assert_eq!(difference(&set), None);
    fs::remove_file(root.join("c")).unwrap();
    assert_eq!(difference(&set).as_deref(), Some("c"));
    fs::rename(root.join("a/sub"), root.join("a/moved")).unwrap();
    assert_eq!(difference(&set).as_deref(), Some("a/sub/two"));
    fs::set_permissions(root.join("a"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(difference(&set).as_deref(), Some("a"));
}
