//! `commits` mode.

use cosmos_model::object_id::ObjectId;
use cosmos_model::time::Time;
use cosmos_model::trust::{Judgement, MergeRule, Refusal, Right, TrustPolicy, TrustState};

use crate::support::*;

/// A repository of Alice and Bob with an introduction by Alice.
pub struct Line {
    pub alice: Person,
    pub bob: Person,
    pub repo: Repo,
    pub first: ObjectId,
    pub policy: TrustPolicy,
}

pub fn line() -> Line {
    let (alice, bob) = (Person::new("Alice"), Person::new("Bob"));
    let mut repo = Repo::default();
    let first =
        repo.commit(&[], &[policy_file(&[(&alice, ALL), (&bob, "sign_commit")], &[])], Some(&alice), at(0), "one");
    repo.point("refs/heads/main", first);
    let policy = commits_policy(first, &alice);
    Line { alice, bob, repo, first, policy }
}

impl Line {
    /// Commits on top of `parents` with the introduction's signers, and points the branch there.
    pub fn commit(&mut self, parents: &[ObjectId], signer: Option<&Person>, time: Time, text: &str) -> ObjectId {
        let people = [(&self.alice.clone(), ALL), (&self.bob.clone(), "sign_commit")];
        self.commit_for(parents, &people, &[], signer, time, text)
    }

    pub fn commit_for(
        &mut self,
        parents: &[ObjectId],
        people: &[(&Person, &str)],
        goodlist: &[ObjectId],
        signer: Option<&Person>,
        time: Time,
        text: &str,
    ) -> ObjectId {
        let files = [policy_file(people, goodlist), content(text)];
        let commit = self.repo.commit(parents, &files, signer, time, text);
        self.repo.point("refs/heads/main", commit);
        commit
    }

    pub fn judge(&self, state: &TrustState, day: i64) -> Judgement {
        judge(&self.policy, state, &self.repo, at(day * DAY + HOUR))
    }
}

pub fn accepted(judgement: &Judgement) -> Option<ObjectId> {
    judgement.revision.as_ref().map(|one| one.commit())
}

#[test]
fn every_commit_from_the_introduction_to_the_tip_is_judged() {
    let mut line = line();
    let (alice, bob) = (line.alice.clone(), line.bob.clone());
    let second = line.commit(&[line.first], Some(&bob), at(DAY), "two");
    let third = line.commit(&[second], Some(&alice), at(2 * DAY), "three");
    let judgement = line.judge(&TrustState::default(), 2);
    assert_eq!(reasons(&judgement), Vec::<String>::new());
    assert_eq!(accepted(&judgement), Some(third));
    let signers: Vec<String> = judgement.steps.iter().map(|one| one.signer.clone().unwrap().user_id).collect();
    assert_eq!(signers, ["Bob", "Alice"]);
    let again = line.judge(&judgement.state, 3);
    assert_unmoved(&judgement.state, &again);
    assert_eq!((again.refusals, again.steps), (vec![], vec![]));
}

#[test]
fn a1_an_attackers_commit_is_refused_and_the_good_one_below_it_still_arrives() {
    let mut line = line();
    let (alice, mallory) = (line.alice.clone(), Person::new("Mallory"));
    let good = line.commit(&[line.first], Some(&alice), at(DAY), "good");
    let evil = line.commit(&[good], Some(&mallory), at(2 * DAY), "evil");
    let judgement = line.judge(&TrustState::default(), 2);
    assert_eq!(accepted(&judgement), Some(good));
    let issuer = mallory.fingerprint();
    assert_eq!(
        reasons(&judgement),
        [format!("refs/heads/main: the signature by {issuer} is not from a trusted certificate")]
    );
    assert_eq!(judgement.refusals[0].object, evil);
    assert!(!judgement.refusals[0].overtaken);
}

#[test]
fn a21_an_unsigned_commit_below_a_signed_merge_is_refused() {
    let mut line = line();
    let alice = line.alice.clone();
    let unsigned = line.commit(&[line.first], None, at(DAY), "unsigned");
    let merge = line.commit(&[line.first, unsigned], Some(&alice), at(2 * DAY), "merge");
    let judgement = line.judge(&TrustState::default(), 2);
    assert_eq!(accepted(&judgement), Some(line.first));
    let refused: Vec<(ObjectId, Refusal)> =
        judgement.refusals.iter().map(|one| (one.object, one.reason.clone())).collect();
    assert_eq!(refused, [(unsigned, Refusal::Unsigned), (merge, Refusal::RefusedParent { parent: unsigned })]);
    assert!(refused[0].1.repair_in_history(unsigned).contains("commit_goodlist"));
    // The weaker rule takes the merge for its good parent.
    line.policy.merge_rule = MergeRule::Any;
    assert_eq!(accepted(&line.judge(&TrustState::default(), 2)), Some(merge));
}

#[test]
fn a21_a_goodlist_signed_by_an_auditor_lets_the_unsigned_commit_pass() {
    let mut line = line();
    let (alice, bob) = (line.alice.clone(), line.bob.clone());
    line.policy.policy_threshold = Some(1);
    let people = [(&alice, ALL), (&bob, "sign_commit")];
    let unsigned = line.commit(&[line.first], None, at(DAY), "unsigned");
    let vouching = line.commit_for(&[unsigned], &people, &[unsigned], Some(&alice), at(2 * DAY), "vouch");
    assert_eq!(accepted(&line.judge(&TrustState::default(), 2)), Some(vouching));
    line.commit_for(&[unsigned], &people, &[unsigned], Some(&bob), at(2 * DAY), "no auditor");
    let judgement = line.judge(&TrustState::default(), 2);
    assert_eq!(accepted(&judgement), Some(line.first));
}

#[test]
fn a22_an_evil_merge_needs_a_signature_of_its_own() {
    let mut line = line();
    let (alice, mallory) = (line.alice.clone(), Person::new("Mallory"));
    let left = line.commit(&[line.first], Some(&alice), at(DAY), "left");
    let right = line.commit(&[line.first], Some(&alice), at(DAY), "right");
    let merge = line.commit(&[left, right], Some(&mallory), at(2 * DAY), "evil");
    let judgement = line.judge(&TrustState::default(), 2);
    assert_eq!(accepted(&judgement), Some(left));
    assert_eq!(judgement.refusals[0].object, merge);
    let merge = line.commit(&[left, right], Some(&alice), at(2 * DAY), "honest");
    assert_eq!(accepted(&line.judge(&TrustState::default(), 2)), Some(merge));
}

#[test]
fn a7_a_retired_signers_merge_is_judged_by_head_too() {
    let mut line = line();
    let (alice, bob) = (line.alice.clone(), line.bob.clone());
    line.policy.policy_threshold = Some(1);
    let head = line.commit_for(&[line.first], &[(&alice, ALL)], &[], Some(&alice), at(DAY), "bob retires");
    let old = line.commit(&[line.first], Some(&bob), at(HOUR), "old base");
    let merge = line.commit(&[head, old], Some(&bob), at(2 * DAY), "merge");
    let judgement = line.judge(&TrustState::default(), 2);
    assert_eq!(accepted(&judgement), Some(head));
    assert_eq!(judgement.refusals[0].object, merge);
    assert_eq!(judgement.refusals[0].reason, Refusal::UnknownSigner { issuer: bob.fingerprint() });
}

#[test]
fn a_path_below_the_introduction_is_refused() {
    let mut line = line();
    let alice = line.alice.clone();
    let stranger = line.commit(&[], Some(&alice), at(-DAY), "unrelated");
    line.commit(&[line.first, stranger], Some(&alice), at(DAY), "merge");
    let judgement = line.judge(&TrustState::default(), 2);
    assert_eq!(accepted(&judgement), Some(line.first));
    assert_eq!(judgement.refusals[0].object, stranger);
    assert_eq!(judgement.refusals[0].reason, Refusal::BelowIntroduction);
}

#[test]
fn nobody_gives_a_right_without_having_it() {
    let mut line = line();
    let (alice, bob, carol) = (line.alice.clone(), line.bob.clone(), Person::new("Carol"));
    let joined = [(&alice, ALL), (&bob, "sign_commit"), (&carol, "sign_commit")];
    line.commit_for(&[line.first], &joined, &[], Some(&bob), at(DAY), "carol joins");
    let judgement = line.judge(&TrustState::default(), 2);
    assert!(matches!(judgement.refusals[0].reason, Refusal::NoRight { .. }), "{judgement:?}");
    let commit = line.commit_for(&[line.first], &joined, &[], Some(&alice), at(DAY), "carol joins");
    let judgement = line.judge(&TrustState::default(), 2);
    assert_eq!(judgement.refusals[0].reason, Refusal::TooFewForPolicy { have: 1, need: 2 });
    assert_eq!(accepted(&judgement), Some(line.first));
    line.policy.policy_threshold = Some(1);
    assert_eq!(accepted(&line.judge(&TrustState::default(), 2)), Some(commit));
}

#[test]
fn rights_that_several_authorizations_give_one_certificate_are_not_added_up() {
    let mut line = line();
    line.policy.policy_threshold = Some(1);
    let (alice, bob) = (line.alice.clone(), line.bob.clone());
    let twice = [(&alice, ALL), (&bob, "sign_commit"), (&bob, "retire_user add_user audit")];
    let second = line.commit_for(&[line.first], &twice, &[], Some(&alice), at(HOUR), "bob once more");
    line.commit_for(&[second], &[(&alice, ALL), (&bob, "sign_commit")], &[], Some(&bob), at(DAY), "and no more");
    let judgement = line.judge(&TrustState::default(), 2);
    let refused = Refusal::NoRight { signer: bob.fingerprint(), right: Right::RetireUser };
    assert_eq!((&judgement.refusals[0].reason, accepted(&judgement)), (&refused, Some(second)));
}

#[test]
fn a10_the_tip_needs_a_further_signature_where_two_are_required() {
    let mut line = line();
    line.policy.threshold = 2;
    let (alice, bob) = (line.alice.clone(), line.bob.clone());
    let commit = line.commit(&[line.first], Some(&alice), at(DAY), "two");
    let judgement = line.judge(&TrustState::default(), 1);
    assert_eq!(judgement.refusals[0].reason, Refusal::TooFewSignatures { have: 1, need: 2 });
    line.repo.tag("cosign/2", commit, &bob, at(DAY));
    let judgement = line.judge(&TrustState::default(), 1);
    assert_eq!((accepted(&judgement), judgement.refusals.len()), (Some(commit), 0));
}

#[test]
fn a19_a_commit_of_another_branch_is_refused_where_the_line_says_so() {
    let mut line = line();
    let alice = line.alice.clone();
    line.commit(&[line.first], Some(&alice), at(DAY), "cosmos: 1 branch=staging");
    let judgement = line.judge(&TrustState::default(), 1);
    assert_eq!(reasons(&judgement), ["refs/heads/main: it is for branch 'staging', and this host follows 'main'"]);
}

#[test]
fn a44_a_forced_push_is_refused_and_so_is_going_back() {
    let mut line = line();
    let alice = line.alice.clone();
    let second = line.commit(&[line.first], Some(&alice), at(DAY), "two");
    let state = line.judge(&TrustState::default(), 1).state;
    line.commit(&[line.first], Some(&alice), at(DAY), "forced");
    let judgement = line.judge(&state, 1);
    assert_unmoved(&state, &judgement);
    assert_eq!(judgement.refusals[0].reason, Refusal::NotDescendant { accepted: second });
    line.repo.point("refs/heads/main", line.first);
    let judgement = line.judge(&state, 1);
    assert_unmoved(&state, &judgement);
    assert_eq!(judgement.refusals[0].reason, Refusal::Withdrawn { accepted: second });
}

#[test]
fn t1_an_introduction_by_somebody_else_or_over_a_year_old_starts_nothing() {
    let line = line();
    let mut wrong = line.policy.clone();
    wrong.introduction = cosmos_model::trust::Introduction::Commit { id: line.first, signer: line.bob.fingerprint() };
    let judgement = judge(&wrong, &TrustState::default(), &line.repo, at(DAY));
    assert!(matches!(judgement.refusals[0].reason, Refusal::Introduction { .. }));
    let judgement = line.judge(&TrustState::default(), 400);
    assert!(matches!(judgement.refusals[0].reason, Refusal::IntroductionTooOld { .. }));
    assert_eq!(judgement.revision, None);
}

#[test]
fn a_long_history_needs_no_stack() {
    let mut line = line();
    let alice = line.alice.clone();
    let mut head = line.first;
    let text = line.repo.commit_text(&[head], &[policy_file(&[(&alice, ALL)], &[])], at(1), "x");
    let (tree, rest) = text.split_once("\nparent ").unwrap();
    let rest = &rest[40..];
    for _ in 0..20_000 {
        head = line
            .repo
            .put(cosmos_model::object::ObjectKind::Commit, format!("{tree}\nparent {head}{rest}").into_bytes());
    }
    line.repo.point("refs/heads/main", head);
    let judgement = line.judge(&TrustState::default(), 1);
    assert_eq!(accepted(&judgement), Some(line.first));
}
