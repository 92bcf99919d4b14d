//! Who may sign next (T12, C7).

use cosmos_model::time::Time;
use cosmos_model::trust::{Evidence, MaySign, TrustPolicy, TrustState};
use openpgp::types::ReasonForRevocation;
use sequoia_openpgp as openpgp;

use crate::support::*;

fn who(policy: &TrustPolicy, state: &TrustState, repo: &Repo, now: Time) -> Vec<MaySign> {
    let mut all = policy.who_may_sign(state, &Evidence { refs: &repo.refs, objects: repo, now }).unwrap();
    all.sort_by(|left, right| left.signer.user_id.cmp(&right.signer.user_id));
    all
}

/// What is said of somebody: name, usable, expires, soon, by hand.
fn said(one: &MaySign) -> (&str, bool, Option<Time>, bool, bool) {
    (&one.signer.user_id, one.usable, one.expires, one.expires_soon, one.by_hand)
}

#[test]
fn everybody_with_the_right_is_listed_with_the_end_of_their_key() {
    let (alice, bob, carol) =
        (Person::new("Alice"), Person::ending("Bob", 20 * DAY), Person::ending("Carol", 100 * DAY));
    let dora = Person::new("Dora").revoked(ReasonForRevocation::KeyRetired, at(HOUR));
    let mut repo = Repo::default();
    let people = [(&alice, ALL), (&bob, "sign_commit"), (&carol, "sign_commit"), (&dora, "sign_commit")];
    let auditor = Person::new("Eve");
    let people = [&people[..], &[(&auditor, "audit")]].concat();
    let first = repo.commit(&[], &[policy_file(&people, &[])], Some(&alice), at(0), "first");
    repo.point("refs/heads/main", first);
    let policy = commits_policy(first, &alice);
    assert_eq!(who(&policy, &TrustState::default(), &repo, at(HOUR)), []);
    let state = judge(&policy, &TrustState::default(), &repo, at(HOUR)).state;
    let all = who(&policy, &state, &repo, at(2 * HOUR));
    let expected = [
        ("Alice", true, None, false, false),
        ("Bob", true, Some(at(20 * DAY)), true, false),
        ("Carol", true, Some(at(100 * DAY)), false, false),
        ("Dora", false, None, false, false),
    ];
    assert_eq!(all.iter().map(said).collect::<Vec<_>>(), expected);
    let later = who(&policy, &state, &repo, at(21 * DAY));
    assert_eq!(said(&later[1]), ("Bob", false, None, false, false));
}

#[test]
fn a_certificate_that_only_the_keyring_has_is_called_imported_by_hand() {
    let (alice, bob) = (Person::new("Alice"), Person::new("Bob"));
    let mut repo = Repo::default();
    let commit = repo.commit(&[], &keys(&[&alice]), None, at(0), "first");
    repo.tag("v1", commit, &alice, at(0));
    let policy = tags_policy(keyring(&[&alice]));
    let state = judge(&policy, &TrustState::default(), &repo, at(HOUR)).state;
    let imported = TrustPolicy { introduction: keyring(&[&alice, &bob]), ..policy };
    let all = who(&imported, &state, &repo, at(2 * HOUR));
    assert_eq!(
        all.iter().map(said).collect::<Vec<_>>(),
        [("Alice", true, None, false, false), ("Bob", true, None, false, true)]
    );
}
