//! What a refused revision leaves behind: little, for a while, and where nothing looks (A27).

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use crate::support::{Before, Settled, put, read};

/// Tells whether the host's store has an object.
fn holds(settled: &Settled, id: &str) -> bool {
    let store = settled.host.join("var/cache/cosmos/store.git");
    let asked = Command::new("git").arg("--git-dir").arg(store).args(["cat-file", "-e", id]).output();
    asked.expect("git runs").status.success()
}

/// Offers something unsigned with a file of its own; returns commit and blob.
fn offer_unsigned(settled: &Settled, number: usize) -> [String; 2] {
    settled.world.write("global/overlay/etc/motd", &format!("owned {number}\n"));
    let commit = settled.world.commit_unsigned("Owned");
    let blob = settled.world.git(&["rev-parse", "HEAD:global/overlay/etc/motd"]).trim().to_owned();
    [commit, blob]
}

fn size(settled: &Settled, path: &str) -> u64 {
    fs::metadata(settled.host.join(path)).map_or(0, |metadata| metadata.len())
}

#[test]
fn a27_what_refused_commits_left_goes_with_the_next_accepted_one() {
    let settled = Settled::new();
    let good = settled.world.head();
    let mut offered = Vec::new();
    for number in 0..3 {
        settled.world.git(&["reset", "--quiet", "--hard", &good]);
        offered.extend(offer_unsigned(&settled, number));
        settled.refuses("it carries no signature");
    }
    assert!(holds(&settled, offered.last().expect("three were offered")), "it is fetched to be judged");
    settled.world.git(&["reset", "--quiet", "--hard", &good]);
    settled.world.write("global/overlay/etc/motd", "newer\n");
    let newer = settled.commit();
    settled.run().prints("~ etc/motd\n");
    assert!(holds(&settled, &newer));
    let left: Vec<&String> = offered.iter().filter(|id| holds(&settled, id)).collect();
    assert_eq!(left, Vec::<&String>::new());
    assert_eq!(settled.status()["refused"], serde_json::json!([]));
    assert!(!read(&settled.host, "var/lib/cosmos/state.json").contains(&offered[0]));
}

#[test]
fn a27_any_number_of_refused_releases_leaves_a_bounded_record_and_no_object_for_long() {
    let settled = Settled::by_tags();
    let good = settled.world.head();
    let offered = offer_unsigned(&settled, 0);
    for number in 100..250 {
        put(&settled.world.repo(), &format!(".git/refs/tags/release-{number}"), &format!("{}\n", offered[0]));
    }
    settled.refuses("it is not an annotated tag");
    assert_eq!(settled.status()["refused"].as_array().map(Vec::len), Some(100), "the newest hundred");
    let sizes = ["var/lib/cosmos/state.json", "var/lib/cosmos/log.jsonl"].map(|path| size(&settled, path));
    for _ in 0..3 {
        settled.refuses("it is not an annotated tag");
    }
    let again = ["var/lib/cosmos/state.json", "var/lib/cosmos/log.jsonl"].map(|path| size(&settled, path));
    assert_eq!(again, sizes, "what was said once is not written again");

    settled.world.git(&["reset", "--quiet", "--hard", &good]);
    settled.world.write("global/overlay/etc/motd", "newer\n");
    settled.release("release-300", "release-300");
    // The attacker's names are still there: they are named, and nothing of them is kept.
    let ran = settled.run();
    assert_eq!((ran.status, ran.stdout.as_str()), (3, "~ etc/motd\n"), "{ran:?}");
    assert_eq!(offered.each_ref().map(|id| holds(&settled, id)), [false, false]);
}

#[test]
fn a27_a_host_that_never_accepted_anything_keeps_nothing_but_the_record() {
    let settled = Settled::new();
    let host = settled.world.host("fresh.example.org");
    settled.world.write("global/overlay/etc/motd", "owned\n");
    let bad = settled.world.commit_unsigned("Owned");
    let words = settled.world.clone_words("fresh.example.org", &bad, &settled.ada);
    let ran = settled.world.on(&host, &words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((ran.status, ran.stdout.as_str()), (3, ""), "{ran:?}");
    let before = Before::of(&host);
    for command in ["run", "update", "apply", "plan", "verify", "drift"] {
        let ran = settled.world.on(&host, &[command]);
        assert_eq!((command, ran.status), (command, 3), "{ran:?}");
        before.assert_kept(&host);
    }
    assert!(!host.join("etc/motd").exists());
}

#[test]
fn a42_refusals_without_end_before_the_first_acceptance_leave_no_more_than_one_does() {
    let settled = Settled::new();
    let fresh = Settled { host: settled.world.host("fresh.example.org"), ..settled };
    let good = fresh.world.head();
    // The introduction is nobody's: nothing is ever accepted.
    let [bad, first] = offer_unsigned(&fresh, 0);
    let words = fresh.world.clone_words("fresh.example.org", &bad, &fresh.ada);
    let ran = fresh.world.on(&fresh.host, &words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(ran.status, 3, "{ran:?}");
    assert!(holds(&fresh, &first), "it is fetched to be judged");
    let mut last = first.clone();
    for number in 1..=60 {
        fresh.world.git(&["reset", "--quiet", "--hard", &good]);
        last = offer_unsigned(&fresh, number)[1].clone();
        assert_eq!(fresh.run().status, 3);
    }
    let packs = fs::read_dir(fresh.host.join("var/cache/cosmos/store.git/objects/pack")).expect("the store's packs");
    let packs = packs.filter(|entry| entry.as_ref().is_ok_and(|one| one.path().extension() == Some("pack".as_ref())));
    assert!(packs.count() <= 51);
    assert!(holds(&fresh, &last) && !holds(&fresh, &first), "what is offered now stays, what was goes");
}

#[test]
fn a27_the_comparison_that_the_attacks_rest_on_sees_each_kind_of_trace() {
    let settled = Settled::new();
    let store = settled.host.join("var/cache/cosmos/store.git");
    let sees = |what: &str, change: &dyn Fn()| {
        let before = Before::of(&settled.host);
        before.assert_kept(&settled.host);
        change();
        // The failure is what is asked for; it need not be read.
        std::panic::set_hook(Box::new(|_| ()));
        let seen = catch_unwind(AssertUnwindSafe(|| before.assert_kept(&settled.host))).is_err();
        drop(std::panic::take_hook());
        assert!(seen, "{what}");
    };
    let motd = settled.host.join("etc/motd");
    sees("a file's content", &|| fs::write(&motd, "hallo\n").expect("a file"));
    sees("a file replaced by its like", &|| {
        fs::copy(&motd, settled.host.join("etc/motd.new")).expect("a copy");
        fs::rename(settled.host.join("etc/motd.new"), &motd).expect("a file");
    });
    sees("a file that came", &|| put(&settled.host, "etc/issue", ""));
    sees("a file that went", &|| fs::remove_file(settled.host.join("etc/issue")).expect("a file"));
    sees("the managed set", &|| put(&settled.host, "var/lib/cosmos/managed", "other"));
    sees("the trust settings", &|| put(&settled.host, "etc/cosmos/trust.toml", "other"));
    sees("a ref of the store", &|| put(&store, "refs/heads/main", &settled.trust));
    sees("packed refs of the store", &|| put(&store, "packed-refs", &settled.trust));
    sees("a setting of the store", &|| put(&store, "config", "[core]\n"));
    sees("the stamp", &|| put(&settled.host, "run/cosmos/last-ok.stamp", ""));
    sees("a journal", &|| put(&settled.host, "var/lib/cosmos/journal", "{}\n"));
    for member in ["accepted", "applied", "certificates", "keyring"] {
        sees(member, &|| {
            let file = "var/lib/cosmos/state.json";
            let mut state: serde_json::Value = serde_json::from_str(&read(&settled.host, file)).expect("a state");
            state["trust"][member] = "other".into();
            put(&settled.host, file, &state.to_string());
        });
    }
    sees("a log that was cut", &|| put(&settled.host, "var/lib/cosmos/log.jsonl", ""));
    sees("a log of changes", &|| {
        put(&settled.host, "var/lib/cosmos/log.jsonl", "{\"changes\":[1],\"tasks\":[]}\n");
    });
}
