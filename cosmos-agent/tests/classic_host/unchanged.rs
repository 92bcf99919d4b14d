//! A run that finds nothing new costs a look at what is there, and misses nothing all the same.

use std::fs;

use crate::host::{Classic, silent};

/// Takes every object away, so that whatever stages or writes anew fails.
fn without_objects(host: &Classic, work: impl FnOnce()) {
    let (objects, away) = (host.path("base/store.git/objects"), host.path("base/away"));
    fs::rename(&objects, &away).expect("the objects");
    fs::create_dir_all(objects.join("pack")).expect("an empty store");
    work();
    fs::remove_dir_all(&objects).expect("the empty store");
    fs::rename(&away, &objects).expect("the objects again");
}

#[test]
fn without_news_no_object_is_read() {
    let host = Classic::new();
    host.world.write("global/pre-tasks.d/010look", "#!/bin/sh\nls overlay > /dev/null\n");
    host.world.write("global/post-tasks.d/010count", "#!/bin/sh\necho ran >> \"$COSMOS_BASE/count\"\n");
    host.begins();
    without_objects(&host, || {
        host.converge();
        assert_eq!(host.cosmos(&["run"]), silent(0));
    });
    assert_eq!(fs::read_to_string(host.path("base/count")).expect("the task ran"), "ran\n".repeat(3));
}

#[test]
fn what_a_pre_task_did_in_one_run_and_not_in_the_next_is_undone() {
    let host = Classic::new();
    host.world.write("global/overlay/etc/kept", "as released\n");
    host.world.write(
        "global/pre-tasks.d/010sometimes",
        "#!/bin/sh\n[ ! -e \"$COSMOS_BASE/sometimes\" ] || { echo changed > overlay/etc/motd; rm overlay/etc/kept; chmod 0600 overlay/etc/cosmos/keys/ada.pub; }\n",
    );
    host.is_introduced();
    let as_released = |host: &Classic| (host.read("etc/motd"), host.mode("etc/cosmos/keys/ada.pub"));
    host.converge();
    assert_eq!(as_released(&host), ("of the host\n".into(), 0o644));
    for _ in 0..2 {
        host.put("base/sometimes", "", 0o644);
        host.converge();
        assert_eq!(as_released(&host), ("changed\n".into(), 0o600));
        fs::remove_file(host.path("base/sometimes")).expect("the switch");
        host.converge();
        assert_eq!(as_released(&host), ("of the host\n".into(), 0o644));
    }
}

#[test]
fn what_somebody_did_to_host_or_model_is_seen() {
    let host = Classic::running();
    host.converge();
    for path in ["root/etc/motd", "base/model/overlay/etc/motd"] {
        host.put(path, "by somebody\n", 0o644);
        host.converge();
        assert_eq!(host.read("etc/motd"), "of the host\n", "{path}");
    }
    host.put("base/model/overlay/etc/new", "by somebody\n", 0o644);
    host.put("base/model/stray", "by somebody\n", 0o644);
    host.converge();
    assert!(!host.has("etc/new") && !host.path("base/model/stray").exists());
}
