//! What judging costs: signatures a second and whole histories, printed for a reader (docs/trust.md, cost).
//!
//! `cargo test --release --test trust speed -- --ignored --nocapture --test-threads 1`

use std::fs;

use cosmos_model::object_id::ObjectId;
use cosmos_model::trust::{TrustPolicy, TrustState};
use sequoia_openpgp::cert::CipherSuite;

use super::story::{self, Turn};
use super::support::*;

/// Every commit carries its own text: the OpenPGP library remembers signatures it has verified.
fn commits(repo: &mut Repo, person: &Person, number: usize, signed: bool) -> Vec<ObjectId> {
    let mut chain: Vec<ObjectId> = Vec::with_capacity(number);
    for minute in 0..number {
        let files = [policy_file(&[(person, ALL)], &[]), content(&minute.to_string())];
        let parents: Vec<ObjectId> = chain.last().copied().into_iter().collect();
        let signer = Some(person).filter(|_| signed);
        chain.push(repo.commit(&parents, &files, signer, at(minute as i64 * MINUTE), &minute.to_string()));
    }
    chain
}

/// Returns the seconds this thread was on a processor: other work on the machine does not count.
fn seconds() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux counts a thread's time");
    stat.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).expect("its first number") / 1e9
}

/// Returns a size of this process in MiB, as the kernel calls it.
fn memory(name: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells a process's size");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a size");
    line.split_whitespace().next().and_then(|number| number.parse::<f64>().ok()).expect("a number") / 1024.0
}

/// Judges all of `repo` from nothing and prints how long that took.
fn measure(what: &str, policy: &TrustPolicy, repo: &Repo, signatures: usize) -> TrustState {
    let started = seconds();
    let judgement = judge(policy, &TrustState::default(), repo, at(200 * DAY));
    let seconds = seconds() - started;
    assert_eq!(reasons(&judgement), [] as [&str; 0], "{what}");
    assert!(judgement.steps.len() >= signatures, "{what}");
    println!("{what}: {signatures} signatures in {seconds:.3} s, {:.0} a second", signatures as f64 / seconds);
    judgement.state
}

#[test]
#[ignore = "a measurement, for a release build"]
fn speed_of_a_signature_by_algorithm() {
    for (what, suite) in
        [("Ed25519", CipherSuite::Cv25519), ("RSA-3072", CipherSuite::RSA3k), ("P-256", CipherSuite::P256)]
    {
        let person = Person::build("Ann", |builder| builder.set_cipher_suite(suite));
        let mut repo = Repo::default();
        let chain = commits(&mut repo, &person, 1001, true);
        repo.point("refs/heads/main", *chain.last().unwrap());
        measure(what, &commits_policy(chain[0], &person), &repo, 1000);
    }
}

#[test]
#[ignore = "a measurement, for a release build"]
fn speed_of_a_thousand_releases_and_of_nothing_new() {
    let person = Person::new("Ann");
    let mut repo = Repo::default();
    let chain = commits(&mut repo, &person, 1491, false);
    for (number, commit) in chain.iter().enumerate().skip(432) {
        repo.tag(&format!("v{number}"), *commit, &person, at(number as i64 * MINUTE));
    }
    let policy = tags_policy(keyring(&[&person]));
    let state = measure("1,491 commits, 1,059 tags", &policy, &repo, 1059);
    let started = seconds();
    judge(&policy, &state, &repo, at(200 * DAY));
    println!("the same again: {:.3} s", seconds() - started);
}

#[test]
#[ignore = "a measurement, for a release build"]
fn speed_of_many_merges_with_old_commits() {
    let person = Person::new("Ann");
    let mut repo = Repo::default();
    let chain = commits(&mut repo, &person, 1001, true);
    repo.point("refs/heads/main", chain[1000]);
    let policy = commits_policy(chain[0], &person);
    let state = judge(&policy, &TrustState::default(), &repo, at(2 * DAY)).state;
    let mut tip = chain[1000];
    for (number, old) in chain.iter().skip(1).take(500).enumerate() {
        let files = [policy_file(&[(&person, ALL)], &[]), content("merged")];
        tip = repo.commit(&[tip, *old], &files, Some(&person), at((1001 + number as i64) * MINUTE), "merge");
    }
    repo.point("refs/heads/main", tip);
    let started = seconds();
    let judgement = judge(&policy, &state, &repo, at(200 * DAY));
    assert_eq!(judgement.revision.map(|revision| revision.commit()), Some(tip));
    println!("500 merges with old commits: {:.3} s", seconds() - started);
}

#[test]
#[ignore = "a measurement, for a release build"]
fn speed_of_a_hundred_thousand_commits_by_dozens_of_signers() {
    let number = std::env::var("COMMITS").ok().and_then(|number| number.parse().ok()).unwrap_or(100_000);
    // Somebody joins, leaves, extends a key or is compromised about every hundredth commit.
    let turn = |place: usize| {
        let kind = if place.is_multiple_of(100) { place / 100 } else { 11 };
        // A key is stolen every ten thousand commits, or nobody would be left soon.
        let kind = match (kind % 12, place % 10_000) {
            (_, 9_000) => 3,
            (3, _) => 11,
            (kind, _) => kind,
        };
        Turn { kind: u8::try_from(kind % 12).expect("small"), who: place / 3, other: 0, gap: 1 }
    };
    let played = story::play(&(0..number).map(turn).collect::<Vec<_>>(), false);
    let moment = played.moments.last().expect("the last");
    fs::write("/proc/self/clear_refs", "5").expect("a process may forget how large it was");
    let (started, before) = (seconds(), memory("VmRSS:"));
    let judgement = played.judge(&TrustState::default(), moment);
    let (took, peak) = (seconds() - started, memory("VmHWM:") - before);
    assert_eq!((reasons(&judgement), judgement.revision.map(|one| one.commit())), (vec![], Some(played.head())));
    println!("{} commits: {took:.1} s, {peak:.0} MiB more than the objects", played.steps.len());
}
