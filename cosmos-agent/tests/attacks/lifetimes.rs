//! Keys that end, are replaced or are stolen, and clocks that are wrong.

use std::fs;

use crate::support::{Operator, Settled, World, put, read};

/// A host that follows the releases of Ada and Bob, whose clocks stood some days back when the fleet began.
fn two_operators(days: i64) -> (Settled, Operator) {
    let world = World::new();
    let (ada, bob) = (world.operator_since("ada", 60), world.operator_since("bob", 60));
    if days > 0 {
        world.set_clock(&ada, days);
    }
    let settled = Settled::by_tags_with(world, ada, &[&bob]);
    settled.world.reset_clock(&settled.ada);
    (settled, bob)
}

/// Publishes what is known about Bob's key, in a release of Ada's.
fn publish(settled: &Settled, bob: &Operator, name: &str) {
    settled.world.policy(&[&settled.ada, bob]);
    settled.world.release_by(&settled.ada, name);
}

#[test]
fn a8_a_superseded_key_cannot_date_a_release_back() {
    let (settled, bob) = two_operators(30);
    let thief = settled.world.thief(&bob);
    settled.world.supersede(&bob, 10);
    publish(&settled, &bob, "release-2");
    settled.run().prints("");
    settled.world.write("global/overlay/etc/motd", "by the old key\n");
    settled.world.set_clock(&thief, 20);
    settled.world.release_by(&thief, "release-3");
    settled.refuses_saying("more than a day before the step below it");
    settled.world.git(&["tag", "-d", "release-3"]);
    settled.world.reset_clock(&thief);
    settled.world.release_by(&thief, "release-3");
    settled.refuses_saying(&format!("the certificate {} was revoked when it signed at ", bob.fingerprint));
}

#[test]
fn a8_a_key_that_ended_cannot_date_a_release_back() {
    let world = World::new();
    let (ada, bob) = (world.operator("ada", "ed25519"), world.operator_ending("bob", 60, 30));
    let settled = Settled::by_tags_with(world, ada, &[&bob]);
    settled.world.write("global/overlay/etc/motd", "by the old key\n");
    settled.world.set_clock(&bob, 40);
    settled.world.release_by(&bob, "release-2");
    settled.refuses_saying("more than a day before the step below it");
}

#[test]
fn a9_what_a_stolen_key_signed_is_refused_as_soon_as_its_revocation_is_known() {
    let (settled, bob) = two_operators(0);
    let thief = settled.world.thief(&bob);
    settled.world.write("global/overlay/etc/motd", "owned\n");
    settled.world.release_by(&thief, "release-2");
    settled.world.compromise(&bob);
    settled.world.write("global/overlay/etc/motd", "newer\n");
    publish(&settled, &bob, "release-3");
    // The thief's release and the news of the theft arrive together, in this order.
    let ran = settled.run();
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (0, "~ etc/motd\n", ""), "{ran:?}");
    assert_eq!(read(&settled.host, "etc/motd"), "newer\n");
    let refused = &settled.status()["refused"][0];
    let reason = format!("the certificate {} is revoked as compromised", bob.fingerprint);
    assert_eq!((&refused["reference"], &refused["reason"]), (&"refs/tags/release-2".into(), &reason.as_str().into()));
    // Dating back does not help: a revocation for compromise counts for all time.
    settled.world.write("global/overlay/etc/motd", "owned\n");
    settled.world.release_by(&thief, "release-4");
    settled.refuses(&reason);
}

#[test]
fn a9_a_revocation_that_only_a_refused_release_carries_is_kept_all_the_same() {
    let (settled, bob) = two_operators(0);
    let (good, thief) = (settled.world.head(), settled.world.thief(&bob));
    settled.world.compromise(&bob);
    settled.world.policy(&[&settled.ada, &bob]);
    settled.world.release_by(&thief, "release-2");
    let ran = settled.run();
    assert_eq!((ran.status, ran.stdout.as_str()), (3, ""), "{ran:?}");
    // The proof of compromise stays when what carried it has gone.
    settled.world.git(&["tag", "-d", "release-2"]);
    settled.world.git(&["reset", "--quiet", "--hard", &good]);
    settled.world.write("global/overlay/etc/motd", "owned\n");
    settled.world.release_by(&thief, "release-3");
    settled.refuses(&format!("the certificate {} is revoked as compromised", bob.fingerprint));
}

#[test]
fn a24_a_key_that_ended_before_its_extension_was_released_locks_nobody_out() {
    let world = World::new();
    let (ada, bob) = (world.operator_ending("ada", 60, 40), world.operator_since("bob", 60));
    [&ada, &bob].iter().for_each(|operator| world.set_clock(operator, 30));
    let trust = world.found(&[&bob, &ada]);
    world.write("global/overlay/etc/motd", "hello\n");
    world.release_by(&ada, "release-1");
    let host = world.host(crate::support::NAME);
    let mut words = world.clone_words(crate::support::NAME, &trust, &bob);
    words.extend(["--tags".to_owned(), "release-*".to_owned()]);
    let cloned = world.on(&host, &words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(cloned.stderr.contains("is not alive now"), "a fresh host applies nothing: {cloned:?}");
    let settled = Settled { world, ada, trust, host };
    settled.refuses_saying(&format!("the signature of {} is not alive now", settled.ada.fingerprint));
    assert!(!settled.host.join("etc/motd").exists());

    settled.world.reset_clock(&settled.ada);
    settled.world.extend(&settled.ada);
    settled.world.add_to_policy(&settled.ada);
    settled.world.write("global/overlay/etc/motd", "extended\n");
    settled.world.release_by(&settled.ada, "release-2");
    settled.run().prints("+ etc/motd\n");
}

#[test]
fn a45_a_signature_from_the_future_is_refused_until_its_time_comes() {
    let settled = Settled::by_tags();
    settled.world.set_clock(&settled.ada, -1);
    settled.world.write("global/overlay/etc/motd", "from tomorrow\n");
    settled.release("release-2", "release-2");
    let ran = settled.refuses_saying("ahead of the clock");
    assert!(ran.stderr.ends_with("hint: set the clock of whoever signed, or wait\n"), "{ran:?}");
    assert_eq!(settled.status()["refused"][0]["heals"], true);
}

#[test]
fn a45_a_clock_that_was_set_back_is_called_the_clock_and_revives_no_key() {
    let world = World::new();
    let (ada, bob) = (world.operator("ada", "ed25519"), world.operator_ending("bob", 60, 100));
    let settled = Settled::by_tags_with(world, ada, &[&bob]);
    // The host has seen a day on which Bob's key had ended.
    let file = "var/lib/cosmos/state.json";
    let mut state: serde_json::Value = serde_json::from_str(&read(&settled.host, file)).expect("the state");
    let seen = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(50 * 24);
    state["trust"]["latest"] = seen.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into();
    put(&settled.host, file, &state.to_string());
    settled.world.write("global/overlay/etc/motd", "by a key that ended\n");
    settled.world.release_by(&bob, "release-2");
    let ran = settled.refuses_saying("the clock says ");
    assert!(ran.stderr.contains(&format!("was seen before: the signature of {} is not alive now", bob.fingerprint)));
    assert!(ran.stderr.contains("hint: set this host's clock"), "{ran:?}");
}

#[test]
fn a46_a_host_put_back_to_an_old_snapshot_walks_again_and_no_older_release_passes_for_news() {
    let settled = Settled::by_tags();
    let snapshot = settled.world.path("snapshot");
    copy(&settled.host, &snapshot);
    settled.world.write("global/overlay/etc/motd", "newer\n");
    settled.release("release-2", "release-2");
    settled.run().prints("~ etc/motd\n");
    let at_the_end = settled.status()["accepted"].clone();
    fs::remove_dir_all(&settled.host).expect("the host");
    copy(&snapshot, &settled.host);
    // The mirror goes back as well, and then offers an old release again, as if it were new.
    let newest = settled.world.git(&["rev-parse", "release-2"]);
    settled.world.git(&["tag", "-d", "release-2"]);
    settled.run().prints("");
    let old = settled.world.git(&["rev-parse", "release-1"]);
    settled.world.git(&["update-ref", "refs/tags/release-2", old.trim()]);
    settled.refuses("the name inside the tag is 'release-1'");
    settled.world.git(&["update-ref", "refs/tags/release-2", newest.trim()]);
    settled.run().prints("~ etc/motd\n");
    assert_eq!(settled.status()["accepted"], at_the_end);
}

/// Copies a host as it is.
fn copy(from: &std::path::Path, to: &std::path::Path) {
    let copied = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copied.expect("cp runs").success());
}
