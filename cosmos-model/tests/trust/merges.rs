//! `commits` mode where history branches: a verdict depends on the graph, not on when a host looked (T3, T5, T7, T9).

use cosmos_model::object_id::ObjectId;
use cosmos_model::trust::{MergeRule, Refusal, TrustState};
use openpgp::types::ReasonForRevocation;
use sequoia_openpgp as openpgp;

use crate::commits::{accepted, line};
use crate::support::*;

#[test]
fn with_the_weaker_rule_an_old_commit_that_nobody_signed_gives_nobody_a_right() {
    let mut line = line();
    line.policy.merge_rule = MergeRule::Any;
    let (alice, mallory) = (line.alice.clone(), Person::new("Mallory"));
    let everybody = [(&alice, ALL), (&mallory, ALL)];
    let foreign = line.commit_for(&[line.first], &everybody, &[], Some(&mallory), at(HOUR), "foreign");
    let merge = line.commit(&[line.first, foreign], Some(&alice), at(DAY), "merge");
    let state = line.judge(&TrustState::default(), 1);
    assert_eq!(accepted(&state), Some(merge));
    // The commit lies below the accepted one now; what it says about signers still counts for nothing.
    let theirs = line.commit_for(&[foreign], &everybody, &[], Some(&mallory), at(DAY + HOUR), "theirs");
    let takeover = line.commit_for(&[merge, theirs], &everybody, &[], Some(&mallory), at(2 * DAY), "takeover");
    let judgement = line.judge(&state.state, 2);
    assert_unmoved(&state.state, &judgement);
    let refused = judgement.refusals.iter().find(|one| one.object == takeover).unwrap();
    assert_eq!(refused.reason, Refusal::NotDescendant { accepted: merge });
    assert_eq!(accepted(&line.judge(&TrustState::default(), 2)), Some(merge));
}

#[test]
fn what_one_branch_learns_about_a_certificate_does_not_judge_the_other() {
    let mut line = line();
    line.policy.policy_threshold = Some(1);
    let (alice, bob) = (line.alice.clone(), line.bob.clone());
    let superseded = bob.revoked(ReasonForRevocation::KeySuperseded, at(HOUR));
    let people = [(&alice, ALL), (&superseded, "sign_commit")];
    let left = line.commit_for(&[line.first], &people, &[], Some(&alice), at(2 * HOUR), "superseded");
    let mut awake = line.judge(&TrustState::default(), 1).state;
    let right = line.commit(&[line.first], Some(&bob), at(3 * HOUR), "bob has not heard");
    let merge = line.commit_for(&[left, right], &people, &[], Some(&alice), at(DAY), "merge");
    let slept = line.judge(&TrustState::default(), 1);
    assert_eq!((reasons(&slept), accepted(&slept)), (vec![], Some(merge)));
    let woken = line.judge(&awake, 1);
    assert_eq!((reasons(&woken), accepted(&woken)), (vec![], Some(merge)));
    assert_eq!(woken.state, slept.state);
    // On top of the merge, he cannot sign any more.
    awake = woken.state;
    line.commit_for(&[merge], &people, &[], Some(&bob), at(DAY + HOUR), "too late");
    let judgement = line.judge(&awake, 2);
    assert_unmoved(&awake, &judgement);
    assert!(matches!(judgement.refusals[0].reason, Refusal::Revoked { .. }), "{:?}", judgement.refusals);
}

#[test]
fn an_old_commit_is_dated_and_known_as_it_was_when_it_was_the_newest() {
    let mut line = line();
    let (alice, bob) = (line.alice.clone(), line.bob.clone());
    let second = line.commit(&[line.first], Some(&alice), at(5 * DAY), "two");
    let third = line.commit(&[second], Some(&alice), at(6 * DAY), "three");
    let awake = line.judge(&TrustState::default(), 6).state;
    // More than a day before the second, on which it stands.
    let dated_back = line.commit(&[second], Some(&bob), at(3 * DAY), "dated back");
    line.commit(&[third, dated_back], Some(&alice), at(7 * DAY), "merge");
    for state in [TrustState::default(), awake] {
        let judgement = line.judge(&state, 7);
        assert_eq!(accepted(&judgement), Some(third));
        let refused = judgement.refusals.iter().find(|one| one.object == dated_back).unwrap();
        assert!(matches!(refused.reason, Refusal::BackDated { .. }), "{refused:?}");
    }
}

#[test]
fn nobody_vouches_for_what_a_commit_rests_on_by_vouching_for_the_commit() {
    let mut line = line();
    line.policy.policy_threshold = Some(1);
    let (alice, bob, mallory) = (line.alice.clone(), line.bob.clone(), Person::new("Mallory"));
    let evil = line.commit(&[line.first], Some(&mallory), at(HOUR), "evil");
    let unsigned = line.commit(&[evil], None, at(2 * HOUR), "unsigned");
    let people = [(&alice, ALL), (&bob, "sign_commit")];
    let merge = [line.first, unsigned];
    line.commit_for(&merge, &people, &[unsigned], Some(&alice), at(DAY), "vouch for the upper one");
    assert_eq!(accepted(&line.judge(&TrustState::default(), 1)), Some(line.first));
    let both = line.commit_for(&merge, &people, &[unsigned, evil], Some(&alice), at(DAY), "vouch for both");
    let judgement = line.judge(&TrustState::default(), 1);
    assert_eq!((reasons(&judgement), accepted(&judgement)), (vec![], Some(both)));
}

#[test]
fn t7_the_counter_of_every_commit_that_could_act_counts() {
    let mut line = line();
    let (alice, introduction) = (line.alice.clone(), line.first);
    let mut say = |parent: ObjectId, minute: i64, text: &str| line.commit(&[parent], Some(&alice), at(minute), text);
    let first = say(introduction, 1, "cosmos: 1 counter=5");
    let lower = say(first, 2, "cosmos: 1 counter=3");
    let awake = line.judge(&TrustState::default(), 1);
    assert_eq!(accepted(&awake), Some(first));
    assert_eq!(awake.refusals[0].reason, Refusal::Counter { found: 3, accepted: 5 });
    let same = line.judge(&awake.state, 1);
    assert_eq!((same.refusals, same.advanced), (awake.refusals, false));
    let higher = line.commit(&[lower], Some(&line.alice.clone()), at(3), "cosmos: 1 counter=6");
    for state in [TrustState::default(), awake.state] {
        let judgement = line.judge(&state, 1);
        assert_eq!(accepted(&judgement), Some(higher));
        assert_eq!(judgement.revision.unwrap().counter(), Some(6));
    }
}
