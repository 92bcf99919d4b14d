//! What judging costs: signatures a second and whole histories, printed for a reader (docs/trust.md, cost).
//!
//! `cargo test --release --test trust speed -- --ignored --nocapture --test-threads 1`

use std::time::Instant;

use cosmos_model::object_id::ObjectId;
use cosmos_model::trust::{TrustPolicy, TrustState};
use sequoia_openpgp::cert::CipherSuite;

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

/// Judges all of `repo` from nothing and prints how long that took.
fn measure(what: &str, policy: &TrustPolicy, repo: &Repo, signatures: usize) -> TrustState {
    let started = Instant::now();
    let judgement = judge(policy, &TrustState::default(), repo, at(30 * DAY));
    let seconds = started.elapsed().as_secs_f64();
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
    let started = Instant::now();
    judge(&policy, &state, &repo, at(30 * DAY));
    println!("the same again: {:.3} s", started.elapsed().as_secs_f64());
}

#[test]
#[ignore = "a measurement, for a release build"]
fn speed_of_many_merges_with_old_commits() {
    let person = Person::new("Ann");
    let mut repo = Repo::default();
    let chain = commits(&mut repo, &person, 1001, true);
    repo.point("refs/heads/main", chain[1000]);
    let policy = commits_policy(chain[0], &person);
    let state = judge(&policy, &TrustState::default(), &repo, at(DAY)).state;
    let mut tip = chain[1000];
    for (number, old) in chain.iter().skip(1).take(500).enumerate() {
        let files = [policy_file(&[(&person, ALL)], &[]), content("merged")];
        tip = repo.commit(&[tip, *old], &files, Some(&person), at((1001 + number as i64) * MINUTE), "merge");
    }
    repo.point("refs/heads/main", tip);
    let started = Instant::now();
    let judgement = judge(&policy, &state, &repo, at(30 * DAY));
    assert_eq!(judgement.revision.map(|revision| revision.commit()), Some(tip));
    println!("500 merges with old commits: {:.3} s", started.elapsed().as_secs_f64());
}
