//! Attacks on the host itself: its store, its folders, its power.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Settled, executable, kept, put, read};

#[test]
fn a28_what_was_verified_is_what_is_used_wherever_refs_move_meanwhile() {
    let settled = Settled::new();
    let repo = settled.world.repo().display().to_string();
    settled.world.write("global/overlay/etc/motd", "owned\n");
    let bad = settled.world.commit_unsigned("Owned");
    settled.world.git(&["branch", "--quiet", "bad"]);
    settled.world.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    // While the run is under way, the remote's branch and every ref that the store could have move to something else.
    let script = format!(
        "#!/bin/sh\nexport PATH=/usr/bin:/bin\nstore=$COSMOS_ROOT/var/cache/cosmos/store.git\n\
         git -C {repo} update-ref refs/heads/main {bad}\ncp -r {repo}/.git/objects/. \"$store/objects/\"\n\
         mkdir -p \"$store/refs/heads\"\necho {bad} > \"$store/refs/heads/main\"\necho {bad} > \"$store/HEAD\"\n\
         echo '{bad} refs/heads/main' > \"$COSMOS_ROOT/var/lib/cosmos/refs\"\ntouch \"$COSMOS_ROOT/moved\"\n"
    );
    settled.world.write("global/pre-tasks.d/010move", &script);
    settled.world.write("global/overlay/etc/motd", "verified\n");
    let good = settled.commit();
    let ran = settled.run();
    assert_eq!((ran.status, ran.stdout.as_str()), (0, "~ etc/motd\n"), "{ran:?}");
    assert!(settled.host.join("moved").exists(), "the task did its part");
    assert_eq!(read(&settled.host, "etc/motd"), "verified\n");
    assert_eq!(settled.status()["applied"]["commit"], good);
}

#[test]
fn a30_hooks_and_settings_put_into_the_store_are_never_run() {
    let settled = Settled::new();
    let store = settled.host.join("var/cache/cosmos/store.git");
    let marker = settled.world.path("marker");
    let script = format!("#!/bin/sh\ntouch {}\n", marker.display());
    for hook in
        ["reference-transaction", "post-checkout", "post-merge", "pre-receive", "post-index-change", "fsmonitor"]
    {
        put(&store, &format!("hooks/{hook}"), &script);
        executable(&store.join("hooks").join(hook));
    }
    let monitor = store.join("hooks/fsmonitor");
    put(&store, "config", &format!("[core]\n\tbare = true\n\tfsmonitor = {}\n", monitor.display()));
    settled.world.write("global/overlay/etc/motd", "newer\n");
    settled.commit();
    settled.run().prints("~ etc/motd\n");
    assert!(!marker.exists());
}

#[test]
fn a31_replaced_objects_grafts_and_alternates_in_the_store_change_nothing() {
    let settled = Settled::new();
    let good = settled.world.head();
    settled.world.write("global/overlay/etc/motd", "owned\n");
    let bad = settled.world.commit_unsigned("Owned");
    settled.world.git(&["reset", "--quiet", "--hard", &good]);
    let store = settled.host.join("var/cache/cosmos/store.git");
    put(&store, &format!("refs/replace/{good}"), &format!("{bad}\n"));
    put(&store, "info/grafts", &format!("{good}\n"));
    put(&store, "shallow", &format!("{good}\n"));
    put(&settled.host, "etc/motd", "an edit\n");
    settled.run().prints("~ etc/motd  drift repaired\n");
    assert_eq!(read(&settled.host, "etc/motd"), "hello\n");

    put(&store, "objects/info/alternates", &format!("{}/.git/objects\n", settled.world.repo().display()));
    put(&settled.host, "etc/motd", "an edit\n");
    let alternates = "[world]/hosts/ns1.example.org/var/cache/cosmos/store.git/objects/info/alternates";
    let refused = format!(
        "error: the object store refers to others by '{alternates}', which is refused\n\
         hint: remove '{alternates}', and look who made it; the whole store may go, too: it is fetched again\n"
    );
    settled.run().complains(1, &refused);
    fs::remove_dir_all(&store).expect("the whole store");
    settled.run().prints("~ etc/motd  drift repaired\n");
}

#[test]
fn a38_a_symlinked_folder_of_the_host_is_followed_and_never_replaced() {
    let settled = Settled::new();
    fs::create_dir_all(settled.host.join("usr/lib")).expect("folders");
    symlink("usr/lib", settled.host.join("lib")).expect("a symlink");
    settled.world.write("global/overlay/lib/udev/rules.d/10-x.rules", "x\n");
    settled.commit();
    assert_eq!(settled.run().status, 0);
    assert_eq!(read(&settled.host, "usr/lib/udev/rules.d/10-x.rules"), "x\n");
    assert_eq!(fs::read_link(settled.host.join("lib")).expect("still a symlink"), std::path::Path::new("usr/lib"));
    settled.run().prints("");
}

#[test]
fn a39_a_planted_symlink_leads_no_file_out_of_the_root() {
    let settled = Settled::new();
    let outside = settled.world.path("outside");
    fs::create_dir(&outside).expect("a folder");
    fs::write(outside.join("victim"), "mine\n").expect("a file");
    fs::create_dir_all(settled.host.join("srv")).expect("folders");
    symlink("../../../outside", settled.host.join("srv/app")).expect("a symlink");
    symlink(outside.join("victim"), settled.host.join("srv/file")).expect("a symlink");
    fs::hard_link(outside.join("victim"), settled.host.join("srv/hard")).expect("a hard link");
    settled.world.write("global/overlay/srv/app/victim", "written\n");
    settled.world.write("global/overlay/srv/file", "written\n");
    settled.world.write("global/overlay/srv/hard", "written\n");
    settled.commit();
    let ran = settled.run();
    assert_eq!(read(&outside, "victim"), "mine\n", "{ran:?}");
    assert_eq!(read(&settled.host, "srv/file"), "written\n");
    assert_eq!(read(&settled.host, "srv/hard"), "written\n");
    assert!(!fs::symlink_metadata(settled.host.join("srv/file")).expect("a file").is_symlink());
}

#[test]
fn a40_folders_that_exist_keep_their_modes() {
    let settled = Settled::new();
    for (folder, mode) in [("root", 0o700), ("tmp", 0o1777), ("etc/ssl/private", 0o710)] {
        let path = settled.host.join(folder);
        fs::create_dir_all(&path).expect("a folder");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
        settled.world.write(&format!("global/overlay/{folder}/file"), "x\n");
    }
    settled.commit();
    assert_eq!(settled.run().status, 0);
    for (folder, mode) in [("root", 0o700), ("tmp", 0o1777), ("etc/ssl/private", 0o710)] {
        let found = fs::metadata(settled.host.join(folder)).expect("the folder").permissions().mode() & 0o7777;
        assert_eq!(found, mode, "{folder}");
    }
}

#[test]
fn a41_names_and_kinds_that_other_systems_take_for_devices_do_no_harm() {
    let settled = Settled::new();
    let dev = settled.host.join("dev");
    fs::create_dir(&dev).expect("a folder");
    nix::unistd::mkfifo(&dev.join("pipe"), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let _socket = std::os::unix::net::UnixListener::bind(dev.join("socket")).expect("a socket");
    for name in ["dev/pipe", "dev/socket", "srv/con", "srv/AUX", "srv/nul.txt", "srv/com1", "srv/.gitmodules"] {
        settled.world.write(&format!("global/overlay/{name}"), "x\n");
    }
    settled.commit();
    let ran = settled.run();
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(ran.stdout.matches(" blocked: ").count(), 2, "neither written to nor waited for: {ran:?}");
    let kinds = ["pipe", "socket"].map(|name| {
        let kind = fs::symlink_metadata(dev.join(name)).expect("it").file_type();
        (kind.is_fifo(), kind.is_socket())
    });
    assert_eq!(kinds, [(true, false), (false, true)]);
    assert_eq!(["con", "AUX", "nul.txt", "com1"].map(|name| read(&settled.host, &format!("srv/{name}"))), ["x\n"; 4]);
}

#[test]
fn a41_a_git_folder_in_any_layer_is_refused() {
    let settled = Settled::new();
    let config = settled.world.object("blob", b"[core]\n\tfsmonitor = /bin/false\n");
    let inner = settled.world.object("tree", &tree_of("100644", "config", &config));
    for name in [".git", ".GIT", "git~1", ".g\u{200c}it"] {
        let overlay = settled.world.object("tree", &tree_of("40000", name, &inner));
        let policy = settled.world.git(&["rev-parse", "HEAD:openpgp-policy.toml"]);
        let entries = [tree_of("100644", "openpgp-policy.toml", policy.trim()), tree_of("40000", "overlay", &overlay)];
        let root = settled.world.object("tree", &entries.concat());
        let sign = format!("-S{}", settled.ada.fingerprint);
        let commit = settled.world.git_as(&settled.ada, &["commit-tree", &sign, "-p", "HEAD", "-m", "A tree", &root]);
        settled.world.git(&["update-ref", "refs/heads/main", commit.trim()]);
        settled.refuses("is taken for '.git' by some file systems");
    }
}

/// Returns a tree with one entry.
fn tree_of(mode: &str, name: &str, id: &str) -> Vec<u8> {
    let mut tree = format!("{mode} {name}\0").into_bytes();
    tree.extend((0..40).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).expect("hexadecimal")));
    tree
}

#[test]
fn a48_killed_anywhere_each_file_is_old_or_new_and_the_next_run_finishes() {
    let settled = Settled::new();
    let names: Vec<String> = (0..80).map(|number| format!("srv/{number:02}")).collect();
    let [old, new] = ["old\n", "new\n"].map(|line| line.repeat(500));
    let write = |text: &str| {
        names.iter().for_each(|name| settled.world.write(&format!("global/overlay/{name}"), text));
        settled.commit();
    };
    write(&old);
    assert_eq!(settled.run().status, 0);
    write(&new);
    for wait in [10, 30, 60, 100] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cosmos"))
            .args(["--root", &settled.host.display().to_string(), "run"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("cosmos starts");
        std::thread::sleep(Duration::from_millis(wait));
        // Fails only when it has ended.
        let _ = child.kill();
        child.wait().expect("it ends");
        for name in &names {
            let found = read(&settled.host, name);
            assert!(found == old || found == new, "'{name}' is half, killed after {wait} ms");
        }
    }
    let ran = settled.run();
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert!(names.iter().all(|name| read(&settled.host, name) == new));
    let left = kept(&settled.host).into_iter().filter(|line| line.contains(".cosmos-") || line.contains("/journal"));
    assert_eq!(left.collect::<Vec<_>>(), Vec::<String>::new());
    settled.run().prints("");
}

#[test]
fn a48_a_run_that_is_killed_in_a_post_task_is_finished_by_the_next() {
    let settled = Settled::new();
    settled.world.write("global/overlay/etc/motd", "newer\n");
    let script = "#!/bin/sh\necho started >> \"$COSMOS_ROOT/started\"\n\
                  test -e \"$COSMOS_ROOT/quick\" || exec sleep 60\necho done > \"$COSMOS_ROOT/finished\"\n";
    settled.world.write("global/post-tasks.d/010slow", script);
    settled.commit();
    let mut child = Command::new(env!("CARGO_BIN_EXE_cosmos"))
        .args(["--root", &settled.host.display().to_string(), "run"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("cosmos starts");
    let deadline = Instant::now() + Duration::from_secs(60);
    while !settled.host.join("started").exists() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("the run is killed");
    child.wait().expect("it ends");
    assert_eq!(read(&settled.host, "etc/motd"), "newer\n", "files were in place before");
    put(&settled.host, "quick", "");
    settled.run().prints("");
    assert_eq!(read(&settled.host, "finished"), "done\n", "the task runs again");
    assert_eq!(settled.status()["applied"]["commit"], settled.world.head());
}
