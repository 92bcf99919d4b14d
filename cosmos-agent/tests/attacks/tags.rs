//! Attacks on a repository whose releases are signed tags.

use crate::support::{Before, Settled, World, put, read};

#[test]
fn a1_a_release_tag_of_an_attacker_is_refused() {
    let settled = Settled::by_tags();
    settled.world.write("global/overlay/etc/motd", "owned\n");
    settled.world.commit_unsigned("Owned");
    settled.world.git(&["tag", "-m", "Owned", "release-2"]);
    settled.refuses("it carries no signature");
    settled.world.git(&["tag", "--force", "release-2"]);
    settled.refuses("it is not an annotated tag");
}

#[test]
fn a2_an_old_release_under_a_higher_name_is_refused() {
    let settled = Settled::by_tags();
    settled.world.write("global/overlay/etc/motd", "newer\n");
    settled.release("release-2", "release-2");
    settled.run().prints("~ etc/motd\n");
    let old = settled.world.git(&["rev-parse", "release-1"]);
    settled.world.git(&["update-ref", "refs/tags/release-9", old.trim()]);
    settled.refuses("the name inside the tag is 'release-1'");
}

#[test]
fn a3_releases_that_a_mirror_withholds_are_noticed_and_the_host_stays() {
    let settled = Settled::by_tags();
    settled.world.write("global/overlay/etc/motd", "newer\n");
    let newer = settled.release("release-2", "release-2");
    settled.run().prints("~ etc/motd\n");
    settled.world.git(&["tag", "-d", "release-2"]);
    settled.refuses(&format!("the remote no longer offers the accepted revision {newer}"));
}

#[test]
fn a4_a_frozen_mirror_shows_when_the_signed_line_ends() {
    let settled = Settled::by_tags();
    settled.world.write("global/overlay/etc/motd", "for two seconds\n");
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
    settled.release("release-2", &format!("cosmos: 1 valid-until={}\n\nrelease-2", end.strftime("%Y-%m-%dT%H:%M:%SZ")));
    // A machine under load may be late; what is late is stale, and applied all the same.
    let ran = settled.run();
    assert_eq!(ran.stdout.lines().next(), Some("~ etc/motd"), "{ran:?}");
    while jiff::Timestamp::now() < end + jiff::SignedDuration::from_secs(1) {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    stays_and_is_stale(&settled);
}

#[test]
fn a4_a_frozen_mirror_shows_when_the_hosts_own_limit_is_past() {
    let world = World::new();
    let ada = world.operator_since("ada", 60);
    world.set_clock(&ada, 30);
    let settled = Settled::by_tags_with(world, ada, &[]);
    limit(&settled, "40d");
    settled.run().prints("");
    limit(&settled, "20d");
    stays_and_is_stale(&settled);
}

fn limit(settled: &Settled, age: &str) {
    let text = read(&settled.host, "etc/cosmos/trust.toml");
    let lines = text.lines().filter(|line| !line.starts_with("max-age"));
    let text = lines.map(|line| format!("{line}\n")).collect::<String>();
    put(&settled.host, "etc/cosmos/trust.toml", &text.replace("\nmode =", &format!("\nmax-age = \"{age}\"\nmode =")));
}

/// Asserts that the host keeps what it has, and says that it is old.
#[track_caller]
fn stays_and_is_stale(settled: &Settled) {
    let before = Before::of(&settled.host);
    let ran = settled.run();
    assert_eq!((ran.status, ran.stderr.as_str()), (6, ""), "{ran:?}");
    assert!(ran.stdout.starts_with("revision ") && ran.stdout.contains(" is past its time: "), "{ran:?}");
    before.assert_kept(&settled.host);
    assert_eq!(settled.status()["stale"], true);
}

#[test]
fn a5_a_junk_name_that_sorts_last_blocks_nothing() {
    let settled = Settled::by_tags();
    settled.world.git(&["tag", "-m", "Junk", "release-99998"]);
    settled.run().prints("");
    settled.world.commit_unsigned("Junk");
    settled.world.git(&["tag", "-m", "Junk", "release-99999"]);
    settled.refuses("it carries no signature");
    settled.world.write("global/overlay/etc/motd", "newer\n");
    settled.release("release-2", "release-2");
    let ran = settled.run();
    assert_eq!(ran.stdout, "~ etc/motd\n", "{ran:?}");
    assert_eq!(read(&settled.host, "etc/motd"), "newer\n");
}

#[test]
fn a17_a_tag_of_a_tag_or_of_a_tree_is_refused() {
    let settled = Settled::by_tags();
    settled.world.git_as(&settled.ada, &["tag", "-u", &settled.ada.fingerprint, "-m", "t", "release-2", "HEAD^{tree}"]);
    settled.refuses("the tag names a tree, not a commit");
    settled.world.git(&["tag", "-d", "release-2"]);
    let words = ["tag", "-u", &settled.ada.fingerprint, "-m", "t", "release-3", "release-1"];
    settled.world.git_as(&settled.ada, &words);
    settled.refuses("the tag names a tag, not a commit");
}

#[test]
fn a18_a_branch_with_a_releases_name_is_not_a_release() {
    let settled = Settled::by_tags();
    settled.world.git(&["checkout", "--quiet", "-b", "release-9"]);
    settled.world.write("global/overlay/etc/motd", "owned\n");
    settled.world.commit_unsigned("Owned");
    settled.world.git(&["update-ref", "refs/heads/refs/tags/release-9", "HEAD"]);
    settled.run().prints("");
}

#[test]
fn a19_a_release_for_another_fleet_is_refused() {
    let settled = Settled::by_tags();
    let file = settled.host.join("etc/cosmos/trust.toml");
    let text = read(&settled.host, "etc/cosmos/trust.toml").replace("\nmode =", "\nfleet = \"test\"\nmode =");
    std::fs::write(&file, text).expect("the settings");
    settled.world.write("global/overlay/etc/motd", "staging\n");
    settled.release("release-2", "cosmos: 1 fleet=staging\n\nrelease-2");
    settled.refuses("it is for fleet 'staging', and this host follows 'test'");
}

#[test]
fn a20_a_staging_release_is_refused_in_production_under_any_name() {
    let settled = Settled::by_tags();
    settled.world.write("global/overlay/etc/motd", "staging\n");
    settled.release("staging-2", "staging-2");
    settled.run().prints("");
    let staging = settled.world.git(&["rev-parse", "staging-2"]);
    settled.world.git(&["update-ref", "refs/tags/release-2", staging.trim()]);
    settled.refuses("the name inside the tag is 'staging-2'");
    settled.world.git(&["tag", "-d", "release-2"]);

    // Where staging uses the same names, the signed line tells them apart, and the host can insist on one.
    settled.release("release-1-bound", "cosmos: 1 fleet=test\n\nrelease-1-bound");
    settled.run().prints("~ etc/motd\n");
    settled.world.write("global/overlay/etc/motd", "newest\n");
    settled.world.commit_unsigned("Newest");
    let text = read(&settled.host, "etc/cosmos/trust.toml");
    let binding = "\nfleet = \"test\"\nrequire-statement = true\nmode =";
    put(&settled.host, "etc/cosmos/trust.toml", &text.replace("\nmode =", binding));
    let sign = |message: &str| {
        let words = ["tag", "--force", "-u", &settled.ada.fingerprint, "-m", message, "release-2"];
        settled.world.git_as(&settled.ada, &words);
    };
    sign("cosmos: 1 fleet=staging\n\nrelease-2");
    settled.refuses("it is for fleet 'staging', and this host follows 'test'");
    sign("release-2");
    settled.refuses("it has no 'cosmos:' line, and this host requires one");
    sign("cosmos: 1 fleet=test\n\nrelease-2");
    settled.run().prints("~ etc/motd\n");
}

#[test]
fn a44_a_release_beside_the_accepted_one_is_refused() {
    let settled = Settled::by_tags();
    let accepted = settled.world.head();
    settled.world.git(&["reset", "--quiet", "--hard", &settled.trust]);
    settled.world.write("global/overlay/etc/motd", "another history\n");
    settled.release("release-2", "release-2");
    settled.refuses(&format!("it does not descend from the accepted revision {accepted}"));
}
