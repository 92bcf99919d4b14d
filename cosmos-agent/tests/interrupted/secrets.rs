//! Killed while secrets are written: what they hold is at their paths, or in the one file beside that is to become one.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use cosmos_agent::secret::seal;
use openpgp::Cert;
use openpgp::parse::Parse as _;
use sequoia_openpgp as openpgp;

use crate::calls;
use crate::killed::{Which, chosen, print_coverage};
use crate::scene::{Hit, Scene};
use crate::support::{Settled, put};

/// Nothing else has these bytes.
const MARKER: &str = "x7QmarkerZ9";

/// Where the secrets are.
const PLACES: [&str; 3] = ["etc/app.conf", "etc/token", "srv/new/key"];

/// Returns a host with secrets whose next revision has others, and one more.
fn two_revisions() -> Settled {
    let settled = Settled::new();
    let cert = Cert::from_bytes(&settled.world.on(&settled.host, &["host", "key"]).stdout).expect("a certificate");
    let write = |path: &str, what: &str| {
        // More than one write's worth, so that one can be cut in two.
        let text = format!("{MARKER} {what}\n").repeat(4000);
        settled.world.write(path, &seal(text.as_bytes(), std::slice::from_ref(&cert)).expect("a message"));
    };
    settled.world.write("global/templates/etc/app.conf", "password={{ secret('values/db') }}\n");
    write("global/secrets/etc/token", "old");
    write("global/secrets/values/db", "old");
    settled.commit();
    assert_eq!(settled.run().status, 0);
    write("global/secrets/etc/token", "new");
    write("global/secrets/values/db", "new");
    write("global/secrets/srv/new/key", "new");
    settled.commit();
    // What somebody made of one meanwhile is most likely a secret as well.
    put(&settled.host, "etc/token", &format!("{MARKER} edited\n"));
    fs::set_permissions(settled.host.join("etc/token"), fs::Permissions::from_mode(0o600)).expect("a mode");
    settled
}

/// Asserts that the marker is in the secrets' places only, and readable by its owner only; returns where it is.
#[track_caller]
fn places(root: &Path, what: &str) -> Vec<String> {
    let files = walkdir::WalkDir::new(root).sort_by_file_name().into_iter().map(|entry| entry.expect("readable"));
    let mut found = Vec::new();
    for entry in files.filter(|entry| entry.file_type().is_file()) {
        let bytes = fs::read(entry.path()).expect("a file");
        if !bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes()) {
            continue;
        }
        let path = entry.path().strip_prefix(root).expect("below").display().to_string();
        let name = entry.file_name().to_string_lossy();
        let beside = PLACES.iter().any(|place| Path::new(place).parent() == Path::new(&path).parent());
        let is_temporary = name.starts_with(".cosmos-") && beside;
        assert!(is_temporary || PLACES.contains(&path.as_str()), "{what}: it is in '{path}'");
        let mode = entry.metadata().expect("metadata").mode() & 0o7777;
        assert_eq!(mode, 0o600, "{what}: '{path}' is {mode:o}");
        found.push(path);
    }
    found
}

#[test]
fn a48_killed_while_secrets_are_written_they_are_nowhere_else_and_the_next_run_finishes() {
    if calls::strace_is_missing() {
        return;
    }
    let scene = Scene::running(two_revisions());
    let chosen = chosen(&scene.recorded(), Which::Three);
    print_coverage("killed", &chosen, &["create file", "replace file", "journal", "managed set", "state", "log"]);
    let mut half_done = 0;
    for (call, kind) in &chosen {
        let Hit { root, status, call, .. } = scene.hit(call, kind, "signal=KILL");
        let what = format!("killed at {} {} of '{}' ({kind})", call.name, call.number, call.path);
        assert_eq!(status, None, "{what}: it was not killed");
        half_done += usize::from(places(&root, &what).iter().any(|path| path.contains("/.cosmos-")));
        scene.assert_old_or_new(&root, &what);
        scene.assert_converges(&root, &what);
        assert_eq!(places(&root, &what), PLACES, "{what}");
    }
    assert!(half_done > 0, "none was killed with a secret in a file that had no name yet");
}
