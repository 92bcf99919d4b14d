//! The lines of the proof: who, by what, since when, and what was learnt on the way.

use cosmos_model::object_id::ObjectId;
use cosmos_model::trust::{Judgement, TrustState};

use crate::support::*;

/// Returns of each line: the signer's first name, the commit that judges, since when the right is held, refreshed.
fn lines(judgement: &Judgement) -> Vec<(String, Option<ObjectId>, Option<ObjectId>, bool)> {
    let name = |line: &cosmos_model::trust::JudgedStep| {
        let user_id = line.signer.as_ref().map(|signer| signer.user_id.clone()).unwrap_or_default();
        user_id.split(' ').next().unwrap_or_default().to_owned()
    };
    judgement.steps.iter().map(|line| (name(line), line.judged_by, line.since, line.refreshed)).collect()
}

#[test]
fn the_proof_says_which_commit_judges_and_since_when_a_signer_may_sign() {
    let (alice, bob) = (Person::new("Alice"), Person::ending("Bob", 3 * DAY));
    let mut repo = Repo::default();
    let first = repo.commit(&[], &keys(&[&alice]), None, at(DAY), "alice alone");
    let second = repo.commit(&[first], &keys(&[&alice, &bob]), None, at(2 * DAY), "bob joins");
    let extended = bob.extended(at(900 * DAY), at(2 * DAY));
    let third = repo.commit(&[second], &keys(&[&alice, &extended]), None, at(4 * DAY), "bob extends his key");
    repo.tag("v1", first, &alice, at(DAY));
    repo.tag("v2", second, &alice, at(2 * DAY));
    repo.tag("v3", third, &extended, at(4 * DAY));
    let judgement = judge(&tags_policy(keyring(&[&alice])), &TrustState::default(), &repo, at(4 * DAY + HOUR));
    assert_eq!(reasons(&judgement), Vec::<String>::new());
    let expected = [
        ("Alice".to_owned(), None, None, false),
        ("Alice".to_owned(), Some(first), None, false),
        ("Bob".to_owned(), Some(second), Some(second), true),
    ];
    assert_eq!(lines(&judgement), expected);
    assert_eq!(judgement.steps[2].signed_at, Some(at(4 * DAY)));
}

#[test]
fn each_parents_line_names_that_parent() {
    let (alice, bob) = (Person::new("Alice"), Person::new("Bob"));
    let mut repo = Repo::default();
    let policy = |people: &[(&Person, &str)]| vec![policy_file(people, &[])];
    let all = "sign_commit add_user retire_user audit";
    let root = repo.commit(&[], &policy(&[(&alice, all)]), Some(&alice), at(DAY), "root");
    let joined = policy(&[(&alice, all), (&bob, "sign_commit")]);
    let left = repo.commit(&[root], &joined, Some(&alice), at(2 * DAY), "bob joins");
    let next = repo.commit(&[left], &joined, Some(&bob), at(3 * DAY), "by bob");
    repo.point("refs/heads/main", next);
    let judgement = judge(&commits_policy(root, &alice), &TrustState::default(), &repo, at(3 * DAY + HOUR));
    assert_eq!(reasons(&judgement), Vec::<String>::new());
    let expected =
        [("Alice".to_owned(), Some(root), Some(root), false), ("Bob".to_owned(), Some(left), Some(left), false)];
    assert_eq!(lines(&judgement), expected);
}
