//! The model folder is what the layers say, and what pre-tasks change in it counts (C4, C5).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod classic_support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use classic_support::objects::Objects;
use classic_support::tree;
use cosmos_agent::classic::reread::{Entries, reread};
use cosmos_agent::model_folder::index::{self, Index};
use cosmos_agent::model_folder::listing;
use cosmos_agent::model_folder::sync::{Listing, Strangers, Wanted, add_parents, sync};
use cosmos_agent::task::ran::Ran;
use cosmos_model::content::{Content, ContentHash, ContentSource};
use cosmos_model::layer::{FilePolicy, Owner};
use cosmos_model::path::RelPath;
use cosmos_model::staged::{LayerIndex, StagedEntry, StagedKind};
use proptest::prelude::*;

fn path(text: &str) -> RelPath {
    text.parse().unwrap()
}

/// A model folder with its objects.
struct Bench {
    folder: tempfile::TempDir,
    objects: Objects,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), objects: Objects::default() }
    }

    fn model(&self) -> PathBuf {
        self.folder.path().join("model")
    }

    fn file(&mut self, content: &str, mode: u32) -> Wanted {
        Wanted::File { blob: self.objects.blob(content.as_bytes()), mode }
    }

    fn sync(&self, listing: &Listing, strangers: Strangers) -> Index {
        sync(&self.model(), &self.folder.path().join("index"), listing, &self.objects, strangers).unwrap()
    }

    /// Writes three files and a symlink below `overlay/`, and returns them as staged.
    fn overlay(&mut self) -> (Index, Entries) {
        let mut entries = Entries::new();
        let mut listing = Listing::new();
        for (name, content) in
            [("etc/motd", "hello\n"), ("root/.ssh/authorized_keys", "ssh-ed25519 A\n"), ("srv/x", "x")]
        {
            let wanted = self.file(content, 0o644);
            let Wanted::File { blob, .. } = &wanted else { unreachable!() };
            let content = Content {
                hash: ContentHash::of(content.as_bytes()),
                size: content.len() as u64,
                source: ContentSource::Blob(*blob),
            };
            entries.insert(path(name), entry(StagedKind::File(content), Some(0o644)));
            listing.insert(path(&format!("overlay/{name}")), wanted);
        }
        entries.insert(path("etc/link"), entry(StagedKind::Symlink(b"motd".to_vec()), None));
        listing.insert(path("overlay/etc/link"), Wanted::Symlink(b"motd".to_vec()));
        for parent in ["etc", "root", "root/.ssh", "srv"] {
            entries.insert(path(parent), entry(StagedKind::Directory, None));
        }
        add_parents(&mut listing);
        (self.sync(&listing, Strangers::Remove), entries)
    }
}

fn entry(kind: StagedKind, mode: Option<u32>) -> StagedEntry {
    StagedEntry {
        kind,
        mode,
        owner: Owner::Default,
        group: Owner::Default,
        policy: FilePolicy::Enforce,
        layer: LayerIndex(1),
        changed_by: None,
    }
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_others_put_into_the_model_goes_and_what_they_changed_is_written_again_fault_2() {
    let mut bench = Bench::new();
    let mut listing = Listing::new();
    listing.insert(path("overlay/etc/a b"), bench.file("one", 0o644));
    listing.insert(path("pre-tasks.d/010run"), bench.file("#!/bin/sh\n", 0o755));
    listing.insert(path("overlay/-l"), Wanted::Symlink("grün".into()));
    add_parents(&mut listing);
    bench.sync(&listing, Strangers::Remove);
    let expected = [
        "overlay/ 755",
        "overlay/-l -> grün",
        "overlay/etc/ 755",
        "overlay/etc/a b 644 \"one\"",
        "pre-tasks.d/ 755",
        "pre-tasks.d/010run 755 \"#!/bin/sh\\n\"",
    ];
    assert_eq!(tree(&bench.model()), expected);
    let model = bench.model();
    std::fs::write(model.join("overlay/etc/a b"), "evil").unwrap();
    std::fs::write(model.join("overlay/etc/untracked"), "evil").unwrap();
    std::fs::create_dir_all(model.join("overlay/deep/er")).unwrap();
    chmod(&model.join("overlay"), 0o700);
    std::fs::remove_file(model.join("pre-tasks.d/010run")).unwrap();
    std::os::unix::fs::symlink("/etc", model.join("pre-tasks.d/010run")).unwrap();
    bench.sync(&listing, Strangers::Remove);
    assert_eq!(tree(&bench.model()), expected);
}

#[test]
fn a_symlink_in_place_of_a_directory_is_replaced_and_never_written_through_a37() {
    let mut bench = Bench::new();
    let outside = bench.folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    let mut listing = Listing::new();
    listing.insert(path("overlay/etc"), Wanted::Symlink(outside.as_os_str().as_encoded_bytes().to_vec()));
    add_parents(&mut listing);
    bench.sync(&listing, Strangers::Keep);
    let mut listing = Listing::new();
    listing.insert(path("overlay/etc/passwd"), bench.file("root", 0o644));
    add_parents(&mut listing);
    bench.sync(&listing, Strangers::Keep);
    assert_eq!(tree(&outside), Vec::<String>::new());
    assert_eq!(tree(&bench.model()), ["overlay/ 755", "overlay/etc/ 755", "overlay/etc/passwd 644 \"root\""]);
}

#[test]
fn a_folder_that_is_as_we_left_it_is_neither_read_nor_written() {
    let mut bench = Bench::new();
    let (first, _) = bench.overlay();
    let reads = *bench.objects.reads.borrow();
    let index = bench.folder.path().join("index");
    let before = index::stat(&index.metadata().unwrap());
    let (second, _) = bench.overlay();
    assert_eq!(first, second);
    assert_eq!(*bench.objects.reads.borrow(), reads);
    assert_eq!(index::stat(&index.metadata().unwrap()), before);
}

#[test]
fn what_others_keep_in_a_folder_that_is_shared_stays() {
    let mut bench = Bench::new();
    let mut listing = Listing::new();
    listing.insert(path("old/file"), bench.file("ours", 0o644));
    add_parents(&mut listing);
    bench.sync(&listing, Strangers::Keep);
    std::fs::write(bench.model().join("theirs"), "theirs").unwrap();
    bench.sync(&Listing::new(), Strangers::Keep);
    assert_eq!(tree(&bench.model()), ["theirs 644 \"theirs\""]);
}

#[test]
fn an_untouched_overlay_reads_back_as_it_was_staged() {
    let mut bench = Bench::new();
    let (index, entries) = bench.overlay();
    assert_eq!(reread(&bench.model(), &index, &entries, &[]).unwrap().entries, entries);
    // A task that only touches a file changes nothing.
    std::fs::write(bench.model().join("overlay/srv/x"), "x").unwrap();
    assert_eq!(reread(&bench.model(), &index, &entries, &[]).unwrap().entries, entries);
}

#[test]
fn what_pre_tasks_change_in_the_model_is_installed_under_their_names_c5() {
    let mut bench = Bench::new();
    let (index, entries) = bench.overlay();
    let overlay = bench.model().join("overlay");
    chmod(&overlay.join("root"), 0o700);
    chmod(&overlay.join("root/.ssh/authorized_keys"), 0o600);
    let first = Ran::until_now("010modes".into(), SystemTime::UNIX_EPOCH);
    // The kernel stamps files with the time of its last tick.
    std::thread::sleep(std::time::Duration::from_millis(200));
    std::fs::write(overlay.join("etc/generated"), "made here\n").unwrap();
    std::fs::remove_file(overlay.join("srv/x")).unwrap();
    nix::unistd::mkfifo(&overlay.join("srv/pipe"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    let second = Ran::until_now("020generate".into(), first.until);
    let found = reread(&bench.model(), &index, &entries, &[first, second]).unwrap();
    let mut expected = entries.clone();
    let mut change = |name: &str, mode, task: &str| {
        let entry = expected.get_mut(&path(name)).unwrap();
        (entry.mode, entry.changed_by) = (Some(mode), Some(task.into()));
    };
    change("root", 0o700, "010modes");
    change("root/.ssh/authorized_keys", 0o600, "010modes");
    expected.remove(&path("srv/x"));
    let generated = Content { hash: ContentHash::of(b"made here\n"), size: 10, source: ContentSource::Model };
    let generated = entry(StagedKind::File(generated), Some(0o644));
    expected.insert(path("etc/generated"), StagedEntry { changed_by: Some("020generate".into()), ..generated });
    assert_eq!(found.entries, expected);
    assert_eq!(found.strange, [path("srv/pipe")]);
    assert_eq!(
        listing::content(&bench.model(), &path("etc/generated"), ContentHash::of(b"made here\n")).unwrap(),
        b"made here\n"
    );
}

#[test]
fn tasks_are_executable_files_in_byte_order_with_symlinks_followed_c4() {
    let folder = tempfile::tempdir().unwrap();
    let tasks = folder.path().join("pre-tasks.d");
    std::fs::create_dir(&tasks).unwrap();
    for (name, mode) in [("10b", 0o755), ("010a", 0o755), ("020off", 0o644), ("030~", 0o755), ("x", 0o755)] {
        std::fs::write(tasks.join(name), "#!/bin/sh\n").unwrap();
        chmod(&tasks.join(name), mode);
    }
    std::os::unix::fs::symlink("x", tasks.join("040link")).unwrap();
    std::os::unix::fs::symlink("nothing", tasks.join("050dangling")).unwrap();
    let names: Vec<_> = listing::tasks(folder.path(), "pre-tasks.d").unwrap();
    let names: Vec<_> = names.iter().map(|task| task.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["010a", "040link", "10b"]);
    assert_eq!(listing::tasks(folder.path(), "post-tasks.d").unwrap(), Vec::<PathBuf>::new());
}

proptest! {
    #[test]
    fn no_bytes_make_the_index_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(index::decode(&bytes), None);
        let mut sealed = [b"COSMOSF1", &bytes[..]].concat();
        sealed.extend_from_slice(ContentHash::of(&sealed.clone()).as_bytes());
        let _ = index::decode(&sealed);
    }
}
