//! The nine faults of Cosmos 1.5, each shown not to be here.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::host::{Classic, KEYS, silent};
use crate::support::{Operator, tree};

#[test]
fn fault_1_an_old_signed_tag_under_a_new_name_takes_no_host_back() {
    let host = Classic::running();
    let old = host.world.git(&["rev-parse", "refs/tags/ops-2026-01-01-v01"]);
    host.world.write("classic.example.org/overlay/etc/motd", "second\n");
    host.release("ops-2026-01-01-v02");
    host.converge();
    host.world.git(&["update-ref", "refs/tags/ops-2026-12-31-v01", old.trim()]);
    let ran = host.cron();
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.contains("'ops-2026-12-31-v01'") || ran.stderr.contains("ops-2026-12-31-v01"), "{ran:?}");
    assert_eq!(host.read("etc/motd"), "second\n");

    host.world.write("classic.example.org/overlay/etc/motd", "third\n");
    host.release("ops-2026-01-01-v03");
    host.cosmos(&["update"]);
    assert_eq!(host.cosmos(&["apply"]).status, 0);
    assert_eq!(host.read("etc/motd"), "third\n", "nor does it stop the host there");
}

#[test]
fn fault_2_nothing_of_a_refused_release_and_no_stray_file_reaches_clone_model_or_host() {
    let host = Classic::running();
    let good = host.git_in_clone(&["rev-parse", "HEAD"]);
    host.world.write("global/overlay/etc/evil", "evil\n");
    host.world.write("global/pre-tasks.d/001evil", "#!/bin/sh\ntouch \"$COSMOS_ROOT/etc/evil\"\n");
    host.world.commit_unsigned("evil");
    host.world.git(&["tag", "-a", "-m", "not signed", "ops-2026-12-31-v01"]);
    let before = tree(&host.path("base/model"));
    let update = host.cosmos(&["update"]);
    assert_eq!((update.status, update.stdout.as_str(), update.stderr.lines().count()), (1, "", 2), "{update:?}");
    assert!(!host.path("base/repo/global/overlay/etc/evil").exists());
    assert_eq!(host.git_in_clone(&["rev-parse", "HEAD"]), good);

    host.put("base/repo/global/overlay/etc/stray", "lies in the work tree\n", 0o644);
    host.put("base/model/overlay/etc/stray", "lies in the model\n", 0o644);
    host.put("base/model/pre-tasks.d/001stray", "#!/bin/sh\ntouch \"$COSMOS_ROOT/etc/stray\"\n", 0o755);
    host.put("root/etc/motd", "edited by hand\n", 0o644);
    assert_eq!(host.cosmos(&["update"]).status, 1);
    assert_eq!(tree(&host.path("base/model")), before, "a refused update, too, makes the model what was accepted");
    assert_eq!(host.cosmos(&["apply"]), silent(0));
    assert!(!host.has("etc/stray") && !host.has("etc/evil"));
    assert_eq!(host.read("etc/motd"), "of the host\n", "the accepted release stays in force");
}

#[test]
fn fault_3_v100_comes_after_v99_and_a_force_push_stops_nobody() {
    let host = Classic::new();
    host.world.write("classic.example.org/overlay/etc/motd", "99\n");
    host.release("ops-2026-01-01-v99");
    host.adopt();
    host.converge();
    host.world.write("classic.example.org/overlay/etc/motd", "100\n");
    host.release("ops-2026-01-01-v100");
    host.converge();
    assert_eq!(host.read("etc/motd"), "100\n");
    host.world.git(&["commit", "--quiet", "--amend", "--allow-empty", "-m", "written again"]);
    assert_eq!(host.cron(), silent(0));
    host.world.git(&["reset", "--quiet", "--hard", "ops-2026-01-01-v100"]);
    host.world.write("classic.example.org/overlay/etc/motd", "101\n");
    host.release("ops-2026-01-01-v101");
    host.converge();
    assert_eq!(host.read("etc/motd"), "101\n");
}

#[test]
fn fault_4_a_false_gpg_a_false_git_their_settings_and_empty_words_are_not_believed() {
    let host = Classic::running();
    let fake = "#!/bin/sh\ntouch \"$(dirname \"$0\")/was-run\"\necho '[GNUPG:] GOODSIG 0 x' >&2\nexit 0\n";
    for program in ["gpg", "git", "gpgv", "rsync"] {
        host.put(&format!("fake/{program}"), fake, 0o755);
    }
    host.put("fake/.gitconfig", &format!("[gpg]\nprogram = {}\n", host.path("fake/gpg").display()), 0o644);
    host.world.write("classic.example.org/overlay/etc/motd", "evil\n");
    host.world.commit_unsigned("evil");
    host.world.git(&["tag", "-a", "-m", "not signed", "ops-2026-12-31-v01"]);
    let (fake, gpg) = (host.path("fake").display().to_string(), host.path("fake/gpg").display().to_string());
    let hostile = [
        ("PATH", fake.as_str()),
        ("HOME", &fake),
        ("GNUPGHOME", &fake),
        ("GIT_DIR", &fake),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "gpg.program"),
        ("GIT_CONFIG_VALUE_0", &gpg),
        ("COSMOS_UPDATE_VERIFY", ""),
        ("COSMOS_REPO_MODELS", "/"),
    ];
    assert_eq!(host.with(&["update"], b"", &hostile).status, 1);
    for value in ["", "n"] {
        host.configure(&format!("COSMOS_UPDATE_VERIFY=\"{value}\"\n"));
        assert_eq!(host.with(&["update"], b"", &hostile).status, 1, "COSMOS_UPDATE_VERIFY={value}");
    }
    host.configure("");
    assert_eq!(host.cosmos(&["apply"]), silent(0));
    assert_eq!(host.read("etc/motd"), "of the host\n");
    assert!(!host.path("fake/was-run").exists());

    fs::rename(host.path("base/repo/.git"), host.path("base/repo/away")).expect("the clone's git folder");
    let ran = host.cron();
    assert_eq!((ran.status, ran.stderr.lines().count()), (1, 2), "{ran:?}");
    assert_eq!(host.read("etc/motd"), "of the host\n");
}

#[test]
fn fault_5_linked_folders_and_the_modes_of_folders_stay_as_the_host_has_them() {
    let host = Classic::new();
    for (folder, mode) in [("usr/lib", 0o755), ("root", 0o700), ("tmp", 0o1777), ("etc/ssl/private", 0o710)] {
        let path = host.path("root").join(folder);
        fs::create_dir_all(&path).expect("a folder");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
    }
    symlink("usr/lib", host.path("root/lib")).expect("merged /usr");
    for path in ["lib/firmware/note", "root/note", "tmp/note", "etc/ssl/private/note"] {
        host.world.write(&format!("global/overlay/{path}"), "released\n");
    }
    host.begins();
    assert_eq!(host.read("usr/lib/firmware/note"), "released\n");
    assert_eq!(fs::read_link(host.path("root/lib")).expect("still a link").to_str(), Some("usr/lib"));
    let modes = ["root", "tmp", "etc/ssl/private"].map(|folder| host.mode(folder));
    assert_eq!(modes, [0o700, 0o1777, 0o710]);
}

#[test]
fn fault_6_a_key_is_out_by_one_edit_also_on_a_host_that_missed_it() {
    let host = Classic::new();
    let bob = host.world.operator("bob", "ed25519");
    host.publish_key(&bob, "bob");
    host.begins();
    host.world.remove(&format!("{KEYS}/bob.pub"));
    host.world.write("classic.example.org/overlay/etc/motd", "without bob\n");
    host.release("ops-2026-01-01-v02");
    host.world.write("classic.example.org/overlay/etc/motd", "by bob\n");
    host.release_by(&bob, "ops-2026-01-01-v03");
    assert_eq!(host.cosmos(&["update"]).status, 1, "bob's release is refused");
    assert_eq!(host.cosmos(&["apply"]), silent(0));
    assert_eq!(host.read("etc/motd"), "without bob\n", "and ada's before it is taken");
}

#[test]
fn fault_7_layers_with_colons_and_blanks_in_their_names_work() {
    let host = Classic::new();
    host.world.write("my layer: one/overlay/etc/a: b", "odd\n");
    host.world.write("my layer: one/post-tasks.d/010 a task", "#!/bin/sh\ntouch \"$COSMOS_ROOT/etc/ran here\"\n");
    host.configure("COSMOS_REPO_MODELS=\"$COSMOS_REPO/my layer: one/:$COSMOS_REPO_MODELS\"\n");
    host.begins();
    assert_eq!(host.read("etc/a: b"), "odd\n");
    assert!(host.has("etc/ran here"));
}

#[test]
fn fault_8_a_key_that_expired_before_its_extension_arrived_locks_nobody_out() {
    let host = Classic::new();
    let eve = expiring(&host);
    host.world.remove(&format!("{KEYS}/ada.pub"));
    host.publish_key(&eve, "eve");
    host.release_by(&eve, "ops-2026-01-05-v01");
    host.adopt();

    fs::remove_file(eve.home.join("gpg.conf")).expect("back to the present");
    gpg(&eve, &["--quick-set-expire", &eve.fingerprint, "10y"]);
    host.publish_key(&eve, "eve");
    host.world.write("classic.example.org/overlay/etc/motd", "extended\n");
    host.release_by(&eve, "ops-2026-02-01-v01");
    host.converge();
    assert_eq!(host.read("etc/motd"), "extended\n");
}

/// An operator whose key expired at the end of January 2026, and whose gpg lives in that month.
fn expiring(host: &Classic) -> Operator {
    let eve = Operator { name: "eve".into(), home: host.path("gpg-eve"), fingerprint: String::new() };
    fs::create_dir(&eve.home).expect("a gpg home");
    fs::set_permissions(&eve.home, fs::Permissions::from_mode(0o700)).expect("a private gpg home");
    fs::write(eve.home.join("gpg.conf"), "faked-system-time 20260105T000000\n").expect("gpg.conf");
    gpg(&eve, &["--passphrase", "", "--quick-generate-key", "eve <eve@example.org>", "ed25519", "sign", "20d"]);
    let listed = gpg(&eve, &["--with-colons", "--list-keys"]);
    let fingerprint = listed.lines().find_map(|line| line.strip_prefix("fpr:::::::::")).expect("a fingerprint");
    Operator { fingerprint: fingerprint.replace(':', ""), ..eve }
}

fn gpg(operator: &Operator, words: &[&str]) -> String {
    let mut command = Command::new("gpg");
    let output = command.arg("--homedir").arg(&operator.home).args(["--batch", "--quiet"]).args(words).output();
    let output = output.expect("gpg runs");
    assert!(output.status.success(), "gpg {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    let _ = Command::new("gpgconf").arg("--homedir").arg(&operator.home).args(["--kill", "all"]).status();
    String::from_utf8(output.stdout).expect("gpg prints text")
}

#[test]
fn fault_9_killed_anywhere_each_file_is_old_or_new_and_the_next_run_finishes() {
    let host = Classic::new();
    let (old, new) = ("old\n".repeat(2000), "new\n".repeat(2000));
    let names: Vec<String> = (0..100).map(|number| format!("srv/data/{number:03}")).collect();
    let write =
        |content: &str| names.iter().for_each(|name| host.world.write(&format!("global/overlay/{name}"), content));
    write(&old);
    host.begins();
    write(&new);
    host.release("ops-2026-01-01-v02");
    assert_eq!(host.cosmos(&["update"]), silent(0));
    for wait in [20, 40, 60, 80, 120] {
        let mut apply = Command::new(env!("CARGO_BIN_EXE_cosmos"))
            .arg("apply")
            .env("COSMOS_CONF_DIR", host.path("conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("cosmos runs");
        std::thread::sleep(Duration::from_millis(wait));
        apply.kill().expect("it is ours to kill");
        apply.wait().expect("it ends");
        for name in &names {
            let found = host.read(name);
            assert!(found == old || found == new, "'{name}' is half, killed after {wait} ms");
        }
    }
    host.converge();
    assert!(names.iter().all(|name| host.read(name) == new));
    let entries: Vec<_> = fs::read_dir(host.path("root/srv/data")).expect("the folder").collect();
    assert_eq!(entries.len(), names.len(), "nothing temporary is left");
}
