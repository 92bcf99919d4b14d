//! `tags` mode.

use cosmos_model::object_id::ObjectId;
use cosmos_model::trust::{Introduction, Refusal, TrustPolicy, TrustState};
use openpgp::types::ReasonForRevocation;
use sequoia_openpgp as openpgp;

use crate::support::*;

/// A fleet of Alice and Bob with releases v1 to v3, a day apart, and a host that accepted v3.
struct Fleet {
    alice: Person,
    bob: Person,
    repo: Repo,
    commits: Vec<ObjectId>,
    policy: TrustPolicy,
    state: TrustState,
}

fn fleet() -> Fleet {
    let (alice, bob) = (Person::new("Alice"), Person::new("Bob"));
    let mut repo = Repo::default();
    let mut commits = Vec::new();
    for number in 1..=3 {
        let mut files = keys(&[&alice, &bob]);
        files.push(content(&format!("release {number}")));
        let parents: Vec<ObjectId> = commits.last().copied().into_iter().collect();
        let commit = repo.commit(&parents, &files, None, at(number * DAY), "change");
        repo.tag(&format!("v{number}"), commit, &alice, at(number * DAY));
        commits.push(commit);
    }
    let policy = tags_policy(keyring(&[&alice, &bob]));
    let judgement = judge(&policy, &TrustState::default(), &repo, at(3 * DAY + HOUR));
    assert_eq!(reasons(&judgement), Vec::<String>::new());
    assert_eq!(judgement.revision.as_ref().and_then(|one| one.tag()), Some("v3"));
    Fleet { alice, bob, repo, commits, policy, state: judgement.state }
}

impl Fleet {
    fn head(&self) -> ObjectId {
        *self.commits.last().unwrap()
    }

    fn release(&mut self, name: &str, people: &[&Person], signer: &Person, day: i64) -> ObjectId {
        let mut files = keys(people);
        files.push(content(name));
        let commit = self.repo.commit(&[self.head()], &files, None, at(day * DAY), "change");
        self.repo.tag(name, commit, signer, at(day * DAY));
        self.commits.push(commit);
        commit
    }

    fn judge(&self, day: i64) -> cosmos_model::trust::Judgement {
        judge(&self.policy, &self.state, &self.repo, at(day * DAY + HOUR))
    }

    /// Judges, and asserts that the host stays where it is.
    fn refused(&self, day: i64) -> Vec<String> {
        let judgement = self.judge(day);
        assert_unmoved(&self.state, &judgement);
        reasons(&judgement)
    }
}

#[test]
fn a_fresh_host_walks_to_the_newest_release_and_a_second_look_changes_nothing() {
    let fleet = fleet();
    let again = fleet.judge(4);
    assert_unmoved(&fleet.state, &again);
    assert_eq!(again.refusals, []);
    assert_eq!(again.revision.unwrap().commit(), fleet.head());
}

#[test]
fn a1_an_attackers_tag_is_refused() {
    let mut fleet = fleet();
    let mallory = Person::new("Mallory");
    fleet.release("v4", &[&mallory], &mallory, 4);
    let issuer = mallory.fingerprint();
    assert_eq!(
        fleet.refused(4),
        [format!("refs/tags/v4: the signature by {issuer} is not from a trusted certificate")]
    );
}

#[test]
fn a2_an_old_tag_object_under_a_higher_name_is_refused() {
    let mut fleet = fleet();
    let old = fleet.repo.refs.iter().find(|one| one.name == b"refs/tags/v1").unwrap().id;
    fleet.repo.point("refs/tags/v9", old);
    assert_eq!(fleet.refused(4), ["refs/tags/v9: the name inside the tag is 'v1'"]);
    assert!(!fleet.judge(4).refusals[0].overtaken);
}

#[test]
fn a3_a_mirror_without_the_newest_tags_is_noticed() {
    let mut fleet = fleet();
    fleet.repo.refs.retain(|one| one.name != b"refs/tags/v3");
    let accepted = fleet.head();
    assert_eq!(
        fleet.refused(4),
        [format!("refs/tags/v3: the remote no longer offers the accepted revision {accepted}")]
    );
}

#[test]
fn a4_a_frozen_mirror_makes_the_host_stale() {
    let mut fleet = fleet();
    fleet.policy.max_age = Some(7 * DAY);
    assert!(!fleet.judge(9).stale);
    assert!(fleet.judge(11).stale);
}

#[test]
fn a5_a_name_that_sorts_last_blocks_nothing() {
    let mut fleet = fleet();
    let alice = fleet.alice.clone();
    let people = [&alice.clone(), &fleet.bob.clone()];
    fleet.release("v2999", &people, &alice, 4);
    fleet.release("v5", &people, &alice, 5);
    let judgement = fleet.judge(5);
    assert_eq!(judgement.refusals, []);
    assert_eq!(judgement.revision.unwrap().tag(), Some("v5"));
}

#[test]
fn a6_a_retired_signer_cannot_release_on_an_old_base() {
    let mut fleet = fleet();
    let (alice, bob) = (fleet.alice.clone(), fleet.bob.clone());
    fleet.release("v4", &[&alice], &alice, 4);
    fleet.state = fleet.judge(4).state;
    let accepted = fleet.head();
    let old = fleet.commits[0];
    let stray = fleet.repo.commit(&[old], &keys(&[&alice, &bob]), None, at(DAY), "old base");
    fleet.repo.tag("v5", stray, &bob, at(DAY + HOUR));
    assert_eq!(fleet.refused(5), [format!("refs/tags/v5: it does not descend from the accepted revision {accepted}")]);
}

#[test]
fn a7_a_retired_signers_merge_that_descends_from_head_is_refused() {
    let mut fleet = fleet();
    let (alice, bob) = (fleet.alice.clone(), fleet.bob.clone());
    fleet.release("v4", &[&alice], &alice, 4);
    fleet.state = fleet.judge(4).state;
    let parents = [fleet.head(), fleet.commits[0]];
    let merge = fleet.repo.commit(&parents, &keys(&[&alice, &bob]), None, at(5 * DAY), "merge");
    fleet.repo.tag("v5", merge, &bob, at(5 * DAY));
    let issuer = bob.fingerprint();
    assert_eq!(
        fleet.refused(5),
        [format!("refs/tags/v5: the signature by {issuer} is not from a trusted certificate")]
    );
}

#[test]
fn a8_a_superseded_key_cannot_date_a_signature_back() {
    let mut fleet = fleet();
    let (alice, bob) = (fleet.alice.clone(), fleet.bob.clone());
    let superseded = bob.revoked(ReasonForRevocation::KeySuperseded, at(4 * DAY - HOUR));
    fleet.release("v4", &[&alice, &superseded], &alice, 4);
    fleet.state = fleet.judge(4).state;
    // Dated before the revocation, but more than a day before v4.
    let commit = fleet.repo.commit(&[fleet.head()], &keys(&[&alice, &bob]), None, at(5 * DAY), "change");
    fleet.repo.tag("v5", commit, &bob, at(2 * DAY));
    let reasons = fleet.refused(5);
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert!(reasons[0].contains("more than a day before the step below it"), "{reasons:?}");
    // Within the day, the newest step has to be alive now.
    fleet.repo.tag("v5", commit, &bob, at(4 * DAY - 2 * HOUR));
    let reasons = fleet.refused(5);
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert!(reasons[0].contains("is not alive now"), "{reasons:?}");
}

#[test]
fn a9_a_compromised_key_condemns_its_past_unless_a_goodlist_vouches_for_it() {
    let (alice, bob) = (Person::new("Alice"), Person::new("Bob"));
    let revoked = bob.revoked(ReasonForRevocation::KeyCompromised, at(3 * DAY));
    let mut repo = Repo::default();
    let first = repo.commit(&[], &[policy_file(&[(&alice, ALL), (&bob, ALL)], &[])], Some(&alice), at(0), "one");
    repo.tag("v1", first, &alice, at(0));
    let second =
        repo.commit(&[first], &[policy_file(&[(&alice, ALL), (&bob, ALL)], &[]), content("2")], None, at(DAY), "two");
    repo.tag("v2", second, &bob, at(DAY));
    let introduction = Introduction::Commit { id: first, signer: alice.fingerprint() };
    let policy = TrustPolicy { policy_threshold: Some(1), ..tags_policy(introduction) };
    let at_two = judge(&policy, &TrustState::default(), &repo, at(DAY + HOUR));
    assert_eq!(at_two.revision.unwrap().tag(), Some("v2"));

    let mut vouching = repo.clone();
    let third =
        vouching.commit(&[second], &[policy_file(&[(&alice, ALL), (&revoked, ALL)], &[second])], None, at(4 * DAY), "");
    vouching.tag("v3", third, &alice, at(4 * DAY));
    let slept = judge(&policy, &TrustState::default(), &vouching, at(4 * DAY + HOUR));
    assert_eq!(reasons(&slept), Vec::<String>::new());
    assert_eq!(slept.revision.unwrap().tag(), Some("v3"));

    let third =
        repo.commit(&[second], &[policy_file(&[(&alice, ALL), (&revoked, ALL)], &[])], None, at(4 * DAY), "three");
    repo.tag("v3", third, &alice, at(4 * DAY));
    let condemned = judge(&policy, &TrustState::default(), &repo, at(4 * DAY + HOUR));
    assert_eq!(
        condemned.refusals.iter().map(|one| one.reason.clone()).collect::<Vec<_>>(),
        [Refusal::Compromised { signer: bob.fingerprint() }]
    );
    assert_eq!(condemned.revision.unwrap().tag(), Some("v3"));
    // The host that runs v2 says so until v3 is there.
    let still = judge(&policy, &at_two.state, &repo, at(4 * DAY + HOUR));
    assert_eq!(still.revision.unwrap().tag(), Some("v3"));
}

#[test]
fn a9_the_thief_cannot_vouch_for_itself() {
    let (alice, bob, mallory) = (Person::new("Alice"), Person::new("Bob"), Person::new("Mallory"));
    let revoked = bob.revoked(ReasonForRevocation::KeyCompromised, at(DAY));
    let mut repo = Repo::default();
    let first = repo.commit(&[], &[policy_file(&[(&alice, ALL), (&bob, ALL)], &[])], Some(&alice), at(0), "one");
    let theirs = policy_file(&[(&alice, ALL), (&revoked, ALL), (&mallory, ALL)], &[]);
    let second = repo.commit(&[first], &[theirs], None, at(DAY), "mallory joins");
    repo.tag("v2", second, &bob, at(DAY));
    let vouching = policy_file(&[(&alice, ALL), (&revoked, ALL), (&mallory, ALL)], &[second]);
    let third = repo.commit(&[second], &[vouching], None, at(2 * DAY), "mallory vouches");
    repo.tag("v3", third, &mallory, at(2 * DAY));
    let introduction = Introduction::Commit { id: first, signer: alice.fingerprint() };
    let policy = TrustPolicy { policy_threshold: Some(1), ..tags_policy(introduction) };
    let judgement = judge(&policy, &TrustState::default(), &repo, at(2 * DAY + HOUR));
    assert_eq!(judgement.revision, None);
    assert_eq!(judgement.refusals.len(), 2);
}

#[test]
fn a10_one_stolen_key_is_not_enough_where_two_are_required() {
    let mut fleet = fleet();
    fleet.policy.threshold = 2;
    let (alice, bob) = (fleet.alice.clone(), fleet.bob.clone());
    let commit = fleet.release("v4", &[&alice, &bob], &alice, 4);
    // The same signer twice is one signer.
    fleet.repo.tag(&format!("v4+{}", &alice.fingerprint()[24..]), commit, &alice, at(4 * DAY));
    // What was accepted with one signature before is in force, and said to have too few (T15).
    assert_eq!(fleet.refused(4), ["refs/tags/v4: 1 of 2 signatures count", "refs/tags/v3: 1 of 2 signatures count"]);
    assert!(fleet.judge(4).refusals.iter().all(|one| one.reason.heals() && !one.overtaken));
    fleet.repo.tag(&format!("v4+{}", &bob.fingerprint()[24..]), commit, &bob, at(4 * DAY));
    let judgement = fleet.judge(4);
    assert!(judgement.refusals.iter().all(|one| one.overtaken));
    assert_eq!(judgement.revision.unwrap().signers().len(), 2);
}

#[test]
fn a10_one_of_two_operators_cannot_remove_the_other() {
    let (alice, bob) = (Person::new("Alice"), Person::new("Bob"));
    let mut repo = Repo::default();
    let both = policy_file(&[(&alice, ALL), (&bob, ALL)], &[]);
    let first = repo.commit(&[], &[both], Some(&alice), at(0), "one");
    let second = repo.commit(&[first], &[policy_file(&[(&alice, ALL)], &[])], None, at(DAY), "two");
    repo.tag("v2", second, &alice, at(DAY));
    let policy = tags_policy(Introduction::Commit { id: first, signer: alice.fingerprint() });
    let judgement = judge(&policy, &TrustState::default(), &repo, at(DAY + HOUR));
    assert_eq!(
        reasons(&judgement),
        ["refs/tags/v2: it changes who is trusted, and 1 of the 2 signatures for that count"]
    );
    repo.tag(&format!("v2+{}", &bob.fingerprint()[24..]), second, &bob, at(DAY));
    let judgement = judge(&policy, &TrustState::default(), &repo, at(DAY + HOUR));
    assert_eq!(judgement.revision.unwrap().commit(), second);
}

#[test]
fn a19_a_release_for_another_fleet_is_refused() {
    let mut fleet = fleet();
    fleet.policy.fleet = Some("production".into());
    let (alice, bob) = (fleet.alice.clone(), fleet.bob.clone());
    let commit = fleet.release("v4", &[&alice, &bob], &alice, 4);
    fleet.repo.tag_saying("v4", commit, &alice, at(4 * DAY), "cosmos: 1 fleet=staging\n\nrelease\n");
    assert_eq!(fleet.refused(4), ["refs/tags/v4: it is for fleet 'staging', and this host follows 'production'"]);
    fleet.repo.tag_saying("v4", commit, &alice, at(4 * DAY), "cosmos: 1 fleet=production removals=7\n\nrelease\n");
    assert_eq!(fleet.judge(4).revision.unwrap().removals(), 7);
}

#[test]
fn a20_a_staging_release_without_its_line_is_refused_where_lines_are_required() {
    let mut fleet = fleet();
    fleet.policy.require_statement = true;
    let (alice, bob) = (fleet.alice.clone(), fleet.bob.clone());
    fleet.release("v4", &[&alice, &bob], &alice, 4);
    let reasons = fleet.refused(4);
    assert!(reasons.contains(&"refs/tags/v4: it has no 'cosmos:' line, and this host requires one".to_string()));
}

#[test]
fn a23_a_host_that_was_off_across_a_key_rotation_follows() {
    let mut fleet = fleet();
    let (alice, bob, carol) = (fleet.alice.clone(), fleet.bob.clone(), Person::new("Carol"));
    fleet.release("v4", &[&alice, &bob, &carol], &alice, 4);
    fleet.release("v5", &[&carol], &carol, 5);
    fleet.release("v6", &[&carol], &carol, 6);
    let judgement = fleet.judge(6);
    assert_eq!(judgement.refusals, []);
    assert_eq!(judgement.revision.unwrap().tag(), Some("v6"));
}

#[test]
fn a24_a_key_that_ended_before_its_extension_arrived_is_refreshed_from_the_candidate() {
    let alice = Person::ending("Alice", 2 * DAY);
    let extended = alice.extended(at(900 * DAY), at(3 * DAY));
    let mut repo = Repo::default();
    let first = repo.commit(&[], &keys(&[&alice]), None, at(DAY), "one");
    repo.tag("v1", first, &alice, at(DAY));
    let policy = tags_policy(keyring(&[&alice]));
    let before = judge(&policy, &TrustState::default(), &repo, at(DAY + HOUR));
    assert_eq!(before.expiring.len(), 1);
    let second = repo.commit(&[first], &keys(&[&extended]), None, at(4 * DAY), "two");
    repo.tag("v2", second, &extended, at(4 * DAY));
    let after = judge(&policy, &before.state, &repo, at(4 * DAY + HOUR));
    assert_eq!(reasons(&after), Vec::<String>::new());
    assert_eq!(after.revision.unwrap().tag(), Some("v2"));
    assert_eq!(after.expiring, []);
}

#[test]
fn a25_a_certificate_still_in_the_keyring_but_no_longer_in_the_tree_is_out() {
    let mut fleet = fleet();
    let (alice, bob) = (fleet.alice.clone(), fleet.bob.clone());
    fleet.release("v4", &[&alice], &alice, 4);
    fleet.state = fleet.judge(4).state;
    fleet.release("v5", &[&alice, &bob], &bob, 5);
    let issuer = bob.fingerprint();
    assert_eq!(
        fleet.refused(5),
        [format!("refs/tags/v5: the signature by {issuer} is not from a trusted certificate")]
    );
}

#[test]
fn a_certificate_imported_by_hand_rescues_a_host_until_the_next_release() {
    let mut fleet = fleet();
    let (alice, bob, carol) = (fleet.alice.clone(), fleet.bob.clone(), Person::new("Carol"));
    fleet.release("v4", &[&carol], &carol, 4);
    assert_eq!(fleet.refused(4).len(), 1);
    fleet.policy.introduction = keyring(&[&alice, &bob, &carol]);
    let judgement = fleet.judge(4);
    assert_eq!(judgement.refusals, []);
    assert_eq!(judgement.revision.unwrap().tag(), Some("v4"));
}

#[test]
fn a26_the_last_certificate_cannot_be_removed() {
    let mut fleet = fleet();
    let alice = fleet.alice.clone();
    fleet.release("v4", &[], &alice, 4);
    assert_eq!(
        fleet.refused(4),
        ["refs/tags/v4: nothing says who may sign: neither 'openpgp-policy.toml' nor a keys folder"]
    );
}

#[test]
fn a27_what_is_remembered_of_refusals_is_bounded_whatever_a_stranger_writes() {
    let mut fleet = fleet();
    let (alice, head) = (fleet.alice.clone(), fleet.head());
    let long = "x".repeat(10_000);
    for number in 0..110 {
        let line = format!("cosmos: 1 fleet={long}{number}\n\n");
        fleet.repo.tag_saying(&format!("v{}", 10 + number), head, &alice, at(4 * DAY), &line);
    }
    fleet.policy.fleet = Some("example".into());
    let judgement = fleet.judge(4);
    assert_unmoved(&fleet.state, &judgement);
    let stored = serde_json::to_string(&judgement.state).unwrap().len();
    assert!(judgement.refusals.len() >= 110 && stored < 400_000, "{stored}");
}

#[test]
fn a44_a_sibling_of_the_accepted_release_is_refused_with_both_ids() {
    let mut fleet = fleet();
    let (alice, bob) = (fleet.alice.clone(), fleet.bob.clone());
    let sibling = fleet.repo.commit(&[fleet.commits[1]], &keys(&[&alice, &bob]), None, at(4 * DAY), "forced");
    let tag = fleet.repo.tag("v4", sibling, &alice, at(4 * DAY));
    let judgement = fleet.judge(4);
    assert_unmoved(&fleet.state, &judgement);
    assert_eq!(judgement.refusals[0].object, tag);
    assert_eq!(judgement.refusals[0].reason, Refusal::NotDescendant { accepted: fleet.head() });
}

#[test]
fn a45_a_signature_from_the_future_waits_and_a_clock_gone_back_is_called_one() {
    let mut fleet = fleet();
    let (alice, bob) = (fleet.alice.clone(), fleet.bob.clone());
    fleet.release("v4", &[&alice, &bob], &alice, 5);
    let judgement = fleet.judge(4);
    assert_unmoved(&fleet.state, &judgement);
    assert!(matches!(judgement.refusals[0].reason, Refusal::FutureDated { .. }));
    assert!(judgement.refusals[0].reason.heals());
    let rolled_back = judge(&fleet.policy, &fleet.state, &fleet.repo, at(-DAY));
    assert!(matches!(rolled_back.refusals[0].reason, Refusal::Clock { .. }), "{:?}", rolled_back.refusals);
    assert_eq!(fleet.judge(5).revision.unwrap().tag(), Some("v4"));
}

#[test]
fn a46_a_state_from_an_old_snapshot_only_makes_the_host_walk_again() {
    let mut fleet = fleet();
    let (alice, bob) = (fleet.alice.clone(), fleet.bob.clone());
    let stored = serde_json::to_string(&fleet.state).unwrap();
    fleet.release("v4", &[&alice, &bob], &bob, 4);
    let first = fleet.judge(4);
    fleet.state = serde_json::from_str(&stored).unwrap();
    assert_eq!(fleet.judge(4), first);
}

#[test]
fn a47_an_empty_keyring_or_a_missing_policy_accepts_nothing() {
    let fleet = fleet();
    let empty = tags_policy(Introduction::Keyring(Vec::new()));
    let judgement = judge(&empty, &TrustState::default(), &fleet.repo, at(4 * DAY));
    assert_eq!(judgement.refusals[0].reason, Refusal::NoPolicy);
    assert_eq!(judgement.revision, None);
    for pattern in ["", "*"] {
        let mut policy = tags_policy(keyring(&[&fleet.alice]));
        policy.mode = cosmos_model::trust::Mode::Tags { pattern: pattern.into(), classic: false };
        let judgement = judge(&policy, &TrustState::default(), &fleet.repo, at(4 * DAY));
        assert!(matches!(judgement.refusals[0].reason, Refusal::Settings { .. }));
        assert_eq!(judgement.revision, None);
    }
}

#[test]
fn the_newest_release_must_be_alive_now_and_no_earlier_one_takes_its_place() {
    let alice = Person::ending("Alice", 10 * DAY);
    let mut repo = Repo::default();
    let first = repo.commit(&[], &keys(&[&alice]), None, at(DAY), "one");
    repo.tag("v1", first, &alice, at(DAY));
    let second = repo.commit(&[first], &[keys(&[&alice]), vec![content("2")]].concat(), None, at(2 * DAY), "two");
    repo.tag("v2", second, &alice, at(2 * DAY));
    let policy = tags_policy(keyring(&[&alice]));
    let late = judge(&policy, &TrustState::default(), &repo, at(20 * DAY));
    assert_eq!(late.revision, None);
    assert!(matches!(&late.refusals[..], [one] if matches!(one.reason, Refusal::ExpiredNow { .. })), "{late:?}");
}

#[test]
fn a_newer_tag_on_the_accepted_commit_renews_it_and_the_counter_only_grows() {
    let mut fleet = fleet();
    let (alice, head) = (fleet.alice.clone(), fleet.head());
    let line = "cosmos: 1 counter=5 removals=40 valid-until=2024-02-01\n\n";
    fleet.repo.tag_saying("v4", head, &alice, at(4 * DAY), line);
    let judgement = fleet.judge(4);
    assert_eq!(judgement.refusals, []);
    assert!(judgement.advanced);
    let revision = judgement.revision.clone().unwrap();
    assert_eq!((revision.commit(), revision.tag(), revision.removals()), (head, Some("v4"), 40));
    fleet.state = judgement.state;
    assert!(fleet.judge(32).stale);
    fleet.repo.tag_saying("v5", head, &alice, at(5 * DAY), "cosmos: 1 counter=5\n\n");
    assert_eq!(fleet.refused(5), ["refs/tags/v5: its counter is 5, not above the accepted 5"]);
}

#[test]
fn unsigned_tags_below_an_introduction_are_overtaken_whatever_else_there_is() {
    let alice = Person::new("Alice");
    let mut repo = Repo::default();
    let old = repo.commit(&[], &[content("old")], None, at(0), "old");
    let middle = repo.commit(&[old], &[content("middle")], None, at(HOUR), "middle");
    let start = repo.commit(&[middle], &[policy_file(&[(&alice, ALL)], &[])], None, at(2 * HOUR), "start");
    repo.publish_tag("v0", &tag_text("v0", old, "commit", at(0), "nobody signed it\n"));
    repo.tag("v1", start, &alice, at(2 * HOUR));
    let introduction = Introduction::Commit { id: start, signer: alice.fingerprint() };
    let judgement = judge(&tags_policy(introduction), &TrustState::default(), &repo, at(3 * HOUR));
    assert_eq!(judgement.revision.map(|revision| revision.commit()), Some(start));
    let refused: Vec<_> = judgement.refusals.iter().map(|one| (one.reference.as_str(), one.overtaken)).collect();
    assert_eq!(refused, [("refs/tags/v0", true)]);
}
