//! Attacks on the host itself: its environment, its store, its folders, its power.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Settled, executable, put, read};

#[test]
fn a29_a_hostile_environment_changes_nothing() {
    let settled = Settled::new();
    let fake = settled.world.path("fake");
    let marker = settled.world.path("marker");
    for program in ["git", "gpg", "gpgv", "gpg-agent", "ssh", "rsync", "sh"] {
        put(&fake, program, &format!("#!/bin/sh\necho {program} >> {}\nexit 0\n", marker.display()));
        executable(&fake.join(program));
    }
    put(&fake, "gitconfig", "[gpg]\nprogram = /fake/gpg\n[core]\nfsmonitor = /fake/sh\nhooksPath = /fake\n");
    settled.world.write("global/overlay/etc/motd", "owned\n");
    let bad = settled.world.commit_unsigned("Owned");
    let elsewhere = settled.world.path("elsewhere").display().to_string();
    let fake = fake.display().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_cosmos"))
        .args(["--root", &settled.host.display().to_string(), "run"])
        .env_clear()
        .envs([("PATH", fake.as_str()), ("HOME", &fake), ("GNUPGHOME", &fake), ("TMPDIR", &elsewhere)])
        .envs([("GIT_DIR", elsewhere.as_str()), ("GIT_OBJECT_DIRECTORY", &elsewhere), ("GIT_CONFIG_COUNT", "x")])
        .envs([("GIT_CONFIG_GLOBAL", format!("{fake}/gitconfig")), ("GIT_CONFIG_SYSTEM", format!("{fake}/gitconfig"))])
        .envs([("SSL_CERT_FILE", "/dev/null"), ("OPENSSL_CONF", "/dev/zero"), ("https_proxy", "http://127.0.0.1:1")])
        .envs([("COSMOS_ROOT", "/nowhere"), ("COSMOS_UPDATE_VERIFY", ""), ("COSMOS_CONF_DIR", &elsewhere)])
        .output()
        .expect("cosmos runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.starts_with(&format!("error: revision {} of 'refs/heads/main' is refused", &bad[..12])), "{stderr}");
    assert!(!marker.exists(), "started: {}", fs::read_to_string(&marker).unwrap_or_default());
    assert_eq!(read(&settled.host, "etc/motd"), "hello\n");
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
    let ran = settled.run();
    assert_eq!(ran.status, 1, "{ran:?}");
    assert!(ran.stderr.contains("store.git/objects/info/alternates', which is refused"), "{ran:?}");
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
