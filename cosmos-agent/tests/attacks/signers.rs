//! Attacks by those who may sign, or might once.

use crate::support::{Before, NAME, Operator, Settled, World, put, read};

/// Adds a signature to HEAD.
fn cosign(world: &World, operator: &Operator, name: &str) {
    world.tag(operator, &format!("cosign/{name}"));
}

/// Hands the fleet from Ada to Bob while the host is off; returns Bob.
fn rotate(settled: &Settled) -> Operator {
    let bob = settled.world.operator("bob", "nistp256");
    settled.world.policy(&[&settled.ada, &bob]);
    settled.world.commit(&settled.ada, "Bob may sign too");
    settled.world.policy(&[&bob]);
    settled.world.commit(&bob, "Ada leaves");
    cosign(&settled.world, &settled.ada, "ada-leaves");
    settled.world.write("global/overlay/etc/motd", "Bob says hello\n");
    settled.world.commit(&bob, "Bob says hello");
    bob
}

#[test]
fn a23_a_host_that_was_off_across_a_key_rotation_follows() {
    let settled = Settled::new();
    rotate(&settled);
    settled.run().prints("~ etc/motd\n");
    assert_eq!(read(&settled.host, "etc/motd"), "Bob says hello\n");
}

#[test]
fn a6_a_retired_signer_who_signs_on_an_old_base_is_refused() {
    let settled = Settled::new();
    let old = settled.world.head();
    rotate(&settled);
    let accepted = settled.world.head();
    settled.run().prints("~ etc/motd\n");
    settled.world.git(&["reset", "--quiet", "--hard", &old]);
    settled.world.write("global/overlay/etc/motd", "Ada is back\n");
    settled.world.commit(&settled.ada, "Ada is back");
    settled.refuses(&format!("it does not descend from the accepted revision {accepted}"));
}

#[test]
fn a7_a_retired_signers_merge_that_descends_from_head_is_refused() {
    let settled = Settled::new();
    let old = settled.world.head();
    rotate(&settled);
    settled.run().prints("~ etc/motd\n");
    settled.world.git(&["checkout", "--quiet", "-b", "back", &old]);
    settled.world.write("global/overlay/etc/issue", "Ada is back\n");
    settled.world.commit(&settled.ada, "Ada is back");
    settled.world.git(&["checkout", "--quiet", "main"]);
    let sign = format!("-S{}", settled.ada.fingerprint);
    settled.world.git_as(&settled.ada, &["merge", "--quiet", "--no-ff", &sign, "-m", "Merge", "back"]);
    settled.refuses("is not from a trusted certificate");
}

/// Hands the releases from Ada to Bob, both agreeing; the host follows. Returns Bob.
fn rotate_releases(settled: &Settled) -> Operator {
    let bob = settled.world.operator("bob", "ed25519");
    settled.world.policy(&[&settled.ada, &bob]);
    settled.world.release_by(&settled.ada, "release-2");
    settled.world.policy(&[&bob]);
    settled.world.release_by(&bob, "release-3");
    settled.world.cosign_release(&settled.ada, "release-3");
    settled.run().prints("");
    assert_eq!(settled.status()["accepted"]["tag"], "release-3");
    bob
}

#[test]
fn a6_a_retired_signer_cannot_release_on_an_old_base() {
    let settled = Settled::by_tags();
    let old = settled.world.head();
    rotate_releases(&settled);
    let accepted = settled.world.head();
    settled.world.git(&["reset", "--quiet", "--hard", &old]);
    settled.world.write("global/overlay/etc/motd", "Ada is back\n");
    settled.world.release_by(&settled.ada, "release-9");
    settled.refuses(&format!("it does not descend from the accepted revision {accepted}"));
}

#[test]
fn a7_a_retired_signer_cannot_release_a_merge_that_descends_from_head() {
    let settled = Settled::by_tags();
    let old = settled.world.head();
    rotate_releases(&settled);
    settled.world.git(&["checkout", "--quiet", "-b", "back", &old]);
    settled.world.write("global/overlay/etc/issue", "Ada is back\n");
    settled.world.commit_unsigned("Ada is back");
    settled.world.git(&["checkout", "--quiet", "main"]);
    settled.world.git(&["merge", "--quiet", "--no-ff", "-m", "Merge", "back"]);
    settled.world.tag(&settled.ada, "release-9");
    settled.refuses(&format!("the signature by {} is not from a trusted certificate", settled.ada.fingerprint));
}

#[test]
fn a25_a_key_that_still_lies_on_the_host_signs_nothing_when_the_tree_has_it_no_more() {
    let settled = Settled::by_tags();
    let certificate = std::fs::read_to_string(settled.world.certificate(&settled.ada)).expect("a certificate");
    put(&settled.host, "etc/cosmos/keys/ada.pub", &certificate);
    rotate_releases(&settled);
    settled.world.write("global/overlay/etc/motd", "Ada is back\n");
    settled.world.release_by(&settled.ada, "release-9");
    settled.refuses(&format!("the signature by {} is not from a trusted certificate", settled.ada.fingerprint));
}

#[test]
fn a25_a_signer_removed_from_the_policy_is_out_at_once() {
    let settled = Settled::new();
    rotate(&settled);
    settled.run().prints("~ etc/motd\n");
    settled.world.write("global/overlay/etc/motd", "Ada is back\n");
    settled.world.commit(&settled.ada, "Ada is back");
    settled.refuses("is not from a trusted certificate");
}

#[test]
fn a10_one_stolen_key_cannot_remove_the_other_operator() {
    let world = World::new();
    let (ada, bob) = (world.operator("ada", "ed25519"), world.operator("bob", "ed25519"));
    let trust = world.found(&[&ada, &bob]);
    world.write("global/overlay/etc/motd", "hello\n");
    world.commit(&bob, "Say hello");
    let host = world.clone_host(NAME, &trust, &ada);
    world.on(&host, &["run"]).prints("+ etc/motd\n");
    let settled = Settled { world, ada, trust, host };
    settled.world.policy(&[&settled.ada]);
    settled.world.commit(&settled.ada, "Bob is gone");
    settled.refuses("it changes who is trusted, and 1 of the 2 signatures for that count");
    cosign(&settled.world, &settled.ada, "ada-again");
    settled.refuses("it changes who is trusted, and 1 of the 2 signatures for that count");
    cosign(&settled.world, &bob, "bob-agrees");
    settled.run().prints("");
    assert_eq!(settled.status()["accepted"]["commit"], settled.world.head());
}

#[test]
fn a10_one_stolen_key_releases_nothing_where_two_have_to_sign() {
    let world = World::new();
    let (ada, bob) = (world.operator("ada", "ed25519"), world.operator("bob", "ed25519"));
    let settled = Settled::by_tags_with(world, ada, &[&bob]);
    settled.world.cosign_release(&bob, "release-1");
    let text = read(&settled.host, "etc/cosmos/trust.toml").replace("\nthreshold = 1\n", "\nthreshold = 2\n");
    put(&settled.host, "etc/cosmos/trust.toml", &text);
    settled.run().prints("");
    settled.world.write("global/overlay/etc/motd", "newer\n");
    settled.world.release_by(&bob, "release-2");
    settled.refuses("1 of 2 signatures count");
    // The same key under another name is still one signer, and somebody else's is none.
    settled.world.cosign_release(&bob, "release-2");
    settled.refuses("1 of 2 signatures count");
    let mallory = settled.world.operator("mallory", "ed25519");
    settled.world.cosign_release(&mallory, "release-2");
    let before = Before::of(&settled.host);
    assert_eq!((settled.run().status, settled.run().stdout.as_str()), (3, ""));
    before.assert_kept(&settled.host);
    settled.world.cosign_release(&settled.ada, "release-2");
    let ran = settled.run();
    assert_eq!((ran.stdout.as_str(), read(&settled.host, "etc/motd").as_str()), ("~ etc/motd\n", "newer\n"), "{ran:?}");
}

#[test]
fn a26_a_revision_without_any_signer_is_refused() {
    let settled = Settled::new();
    settled.world.write("openpgp-policy.toml", "version = 0\n");
    settled.commit();
    settled.refuses("it would leave 0 of 1 usable signers");
    settled.world.remove("openpgp-policy.toml");
    settled.commit();
    let ran = settled.run();
    assert_eq!(ran.status, 3, "{ran:?}");
}

#[test]
fn a47_no_setting_left_empty_switches_verification_off() {
    let settled = Settled::new();
    settled.world.write("global/overlay/etc/motd", "owned\n");
    settled.world.commit_unsigned("Owned");
    let good = read(&settled.host, "etc/cosmos/trust.toml");
    let lines: Vec<&str> = good.lines().filter(|line| line.contains(" = ")).collect();
    for line in lines {
        let key = line.split(" = ").next().expect("a key");
        for value in ["", " \"\"", " 0", " false", " []"] {
            put(&settled.host, "etc/cosmos/trust.toml", &good.replace(line, &format!("{key} ={value}")));
            let ran = settled.run();
            assert_eq!(ran.status, 2, "{key} ={value}: {ran:?}");
            assert_eq!(read(&settled.host, "etc/motd"), "hello\n");
        }
        put(&settled.host, "etc/cosmos/trust.toml", &good.replace(line, ""));
        let ran = settled.run();
        assert!([2, 3].contains(&ran.status), "without {key}: {ran:?}");
        assert_eq!(read(&settled.host, "etc/motd"), "hello\n");
    }
}
