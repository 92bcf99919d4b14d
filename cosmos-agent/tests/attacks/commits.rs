//! Attacks on a repository whose commits are signed.

use crate::support::{Before, Settled, World, put, read};

#[test]
fn a1_a_commit_of_an_attacker_on_the_server_is_refused_unsigned_or_signed_by_a_stranger() {
    let settled = Settled::new();
    settled.world.write("global/overlay/etc/motd", "owned\n");
    settled.world.commit_unsigned("Owned");
    settled.refuses("it carries no signature");
    settled.world.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    settled.run().prints("");
    let mallory = settled.world.operator("mallory", "ed25519");
    settled.world.write("global/overlay/etc/motd", "owned\n");
    settled.world.commit(&mallory, "Owned");
    settled.refuses("is not from a trusted certificate");
    assert_eq!(settled.status()["refused"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a1_the_root_cause_is_said_when_a_good_signature_rests_on_a_bad_one() {
    let settled = Settled::new();
    settled.world.write("global/overlay/etc/motd", "owned\n");
    let bad = settled.world.commit_unsigned("Owned");
    settled.world.commit(&settled.ada, "An operator does not look");
    let ran = settled.refuses("it carries no signature");
    assert!(ran.stderr.contains(&bad), "the repair names the commit: {ran:?}");
}

#[test]
fn a3_a_stale_mirror_does_not_take_a_host_back() {
    let settled = Settled::new();
    settled.world.write("global/overlay/etc/motd", "newer\n");
    let newer = settled.commit();
    settled.run().prints("~ etc/motd\n");
    settled.world.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let ran = settled.run();
    assert_eq!(read(&settled.host, "etc/motd"), "newer\n", "{ran:?}");
    assert_eq!(settled.status()["accepted"]["commit"], newer);
}

#[test]
fn a8_a_back_dated_signature_is_refused() {
    let world = World::new();
    let ada = world.operator_since("ada", 60);
    let settled = Settled::with(world, ada);
    settled.world.write("global/overlay/etc/motd", "from the past\n");
    settled.world.set_clock(&settled.ada, 30);
    settled.commit();
    let ran = settled.run();
    assert_eq!(ran.status, 3, "{ran:?}");
    assert!(ran.stderr.contains("more than a day before the step below it"), "{ran:?}");
    assert_eq!(read(&settled.host, "etc/motd"), "hello\n");
}

#[test]
fn a18_a_tag_with_the_branchs_name_is_not_the_branch() {
    let settled = Settled::new();
    let good = settled.world.head();
    settled.world.write("global/overlay/etc/motd", "owned\n");
    settled.world.commit_unsigned("Owned");
    settled.world.git(&["tag", "main"]);
    settled.world.git(&["update-ref", "refs/heads/refs/heads/main", "HEAD"]);
    settled.world.git(&["reset", "--quiet", "--hard", &good]);
    settled.run().prints("");
}

#[test]
fn a19_a_commit_signed_for_another_branch_or_fleet_is_refused() {
    let settled = Settled::new();
    settled.world.write("global/overlay/etc/motd", "an experiment\n");
    settled.world.commit(&settled.ada, "cosmos: 1 branch=wip\n\nAn experiment");
    settled.refuses("it is for branch 'wip', and this host follows 'main'");
}

#[test]
fn a21_an_unsigned_commit_below_a_signed_merge_is_refused() {
    let settled = Settled::new();
    settled.world.git(&["checkout", "--quiet", "-b", "feature"]);
    settled.world.write("global/overlay/etc/issue", "owned\n");
    let unsigned = settled.world.commit_unsigned("A feature");
    settled.world.git(&["checkout", "--quiet", "main"]);
    let sign = format!("-S{}", settled.ada.fingerprint);
    settled.world.git_as(&settled.ada, &["merge", "--quiet", "--no-ff", &sign, "-m", "Merge", "feature"]);
    let ran = settled.refuses("it carries no signature");
    assert!(ran.stderr.contains(&unsigned), "{ran:?}");
}

#[test]
fn a19_a_history_of_another_repository_signed_by_the_same_operator_is_refused() {
    let settled = Settled::new();
    settled.world.git(&["checkout", "--quiet", "--orphan", "other"]);
    settled.world.write("global/overlay/etc/motd", "another fleet\n");
    settled.commit();
    settled.world.git(&["branch", "--quiet", "--force", "main", "other"]);
    settled.refuses("its path goes below the introduction");
}

#[test]
fn a22_a_merge_that_changes_what_neither_side_did_counts_by_its_own_signature_only() {
    let settled = Settled::new();
    settled.world.git(&["checkout", "--quiet", "-b", "feature"]);
    settled.world.write("global/overlay/etc/issue", "a feature\n");
    settled.commit();
    settled.world.git(&["checkout", "--quiet", "main"]);
    let merge = ["merge", "--quiet", "--no-ff", "--no-commit", "feature"];
    settled.world.git(&merge);
    settled.world.write("global/overlay/etc/motd", "in neither parent\n");
    settled.world.commit_unsigned("Merge, by the server's button");
    settled.refuses("it carries no signature");
    settled.world.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let mallory = settled.world.operator("mallory", "ed25519");
    settled.world.git(&merge);
    settled.world.write("global/overlay/etc/motd", "in neither parent\n");
    settled.world.commit(&mallory, "Merge");
    settled.refuses(&format!("the signature by {} is not from a trusted certificate", mallory.fingerprint));
}

#[test]
fn a44_a_forced_push_that_drops_the_accepted_revision_is_refused() {
    let settled = Settled::new();
    let dropped = settled.world.head();
    settled.world.git(&["reset", "--quiet", "--hard", &settled.trust]);
    settled.world.write("global/overlay/etc/motd", "another history\n");
    settled.commit();
    settled.refuses(&format!("it does not descend from the accepted revision {dropped}"));
}

#[test]
fn a27_a_refused_candidate_does_not_stop_the_repair_of_drift() {
    let settled = Settled::new();
    settled.world.write("global/overlay/etc/motd", "owned\n");
    settled.world.commit_unsigned("Owned");
    settled.refuses("it carries no signature");
    put(&settled.host, "etc/motd", "an edit\n");
    let ran = settled.run();
    assert_eq!((ran.status, ran.stdout.as_str()), (3, "~ etc/motd  drift repaired\n"));
    assert_eq!(read(&settled.host, "etc/motd"), "hello\n");
}

#[test]
fn a51_two_hosts_that_were_shown_different_heads_say_so_when_they_see_the_same() {
    let settled = Settled::new();
    let other = settled.world.clone_host("ns2.example.org", &settled.trust, &settled.ada);
    assert_eq!(settled.world.on(&other, &["run"]).status, 0);
    let base = settled.world.head();
    let show = |text: &str| {
        settled.world.git(&["reset", "--quiet", "--hard", &base]);
        settled.world.write("global/overlay/etc/motd", text);
        settled.commit()
    };
    let first = show("for the first\n");
    settled.run().prints("~ etc/motd\n");
    let second = show("for the second\n");
    settled.world.on(&other, &["run"]).prints("~ etc/motd\n");
    // Each names the head it was shown, and the one it is shown now.
    let ran = settled.refuses(&format!("it does not descend from the accepted revision {first}"));
    assert!(ran.stderr.contains(&second[..12]), "{ran:?}");
    settled.world.git(&["reset", "--quiet", "--hard", &first]);
    let (before, ran) = (Before::of(&other), settled.world.on(&other, &["run"]));
    let expected = format!("it does not descend from the accepted revision {second}\n");
    assert!(ran.status == 3 && ran.stderr.contains(&first[..12]) && ran.stderr.contains(&expected), "{ran:?}");
    before.assert_kept(&other);
}
