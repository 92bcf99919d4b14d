//! The revision in force judged again, and where a walk may begin (T1, T12–T15).

use cosmos_model::time::Time;
use cosmos_model::trust::{Introduction, Judgement, Mode, Refusal, TrustPolicy, TrustState};
use openpgp::types::ReasonForRevocation;
use sequoia_openpgp as openpgp;

use crate::commits::{accepted, line};
use crate::support::*;

/// Releases v1 by Alice and v2 by Bob, and a host that accepted them.
struct Pair {
    alice: Person,
    bob: Person,
    repo: Repo,
    policy: TrustPolicy,
    state: TrustState,
}

fn pair() -> Pair {
    let (alice, bob) = (Person::new("Alice"), Person::new("Bob"));
    let mut repo = Repo::default();
    let both = policy_file(&[(&alice, ALL), (&bob, ALL)], &[]);
    let first = repo.commit(&[], std::slice::from_ref(&both), Some(&alice), at(0), "one");
    repo.tag("v1", first, &alice, at(0));
    let second = repo.commit(&[first], &[both, content("2")], None, at(DAY), "two");
    let line = "cosmos: 1 fleet=example\n\nrelease\n";
    repo.tag_saying("v2", second, &bob, at(DAY), line);
    let policy = tags_policy(Introduction::Commit { id: first, signer: alice.fingerprint() });
    let judgement = judge(&policy, &TrustState::default(), &repo, at(DAY + HOUR));
    assert_eq!((reasons(&judgement), judgement.advanced), (vec![], true));
    Pair { alice, bob, repo, policy, state: judgement.state }
}

impl Pair {
    fn judge(&self, policy: &TrustPolicy) -> Judgement {
        judge(policy, &self.state, &self.repo, at(2 * DAY))
    }

    /// Asserts that a host with these settings keeps its revision and says why it should not have it.
    fn says(&self, policy: &TrustPolicy, reason: &str) {
        let judgement = self.judge(policy);
        assert_unmoved(&self.state, &judgement);
        assert_eq!(reasons(&judgement), [format!("refs/tags/v2: {reason}")]);
    }
}

#[test]
fn t15_a_host_says_when_its_settings_would_not_accept_what_it_runs() {
    let pair = pair();
    let same = pair.judge(&pair.policy);
    assert_eq!((reasons(&same), same.advanced), (vec![], false));
    let with = |change: fn(&mut TrustPolicy)| {
        let mut policy = pair.policy.clone();
        change(&mut policy);
        policy
    };
    pair.says(&with(|policy| policy.threshold = 2), "1 of 2 signatures count");
    let gone = "it is in force, and would not be accepted any more: ";
    let other = with(|policy| policy.mode = Mode::Tags { pattern: "release-*".into(), classic: false });
    pair.says(&other, &format!("{gone}its name does not match 'release-*'"));
    pair.says(
        &with(|policy| policy.fleet = Some("other".into())),
        "it is for fleet 'example', and this host follows 'other'",
    );
    let mut elsewhere = pair.policy.clone();
    let mut repo = pair.repo.clone();
    let stranger =
        repo.commit(&[], &[policy_file(&[(&pair.alice, ALL)], &[])], Some(&pair.alice), at(HOUR), "unrelated");
    elsewhere.introduction = Introduction::Commit { id: stranger, signer: pair.alice.fingerprint() };
    let judgement = judge(&elsewhere, &pair.state, &repo, at(2 * DAY));
    assert_unmoved(&pair.state, &judgement);
    assert_eq!(reasons(&judgement), [format!("refs/tags/v2: {gone}it does not descend from the introduction")]);
    let mut commits = pair.policy.clone();
    commits.mode = Mode::Commits { branch: "main".into() };
    let mut repo = pair.repo.clone();
    repo.point("refs/heads/main", pair.state.accepted().unwrap().commit());
    let judgement = judge(&commits, &pair.state, &repo, at(2 * DAY));
    assert_eq!(
        reasons(&judgement),
        [format!("refs/tags/v2: {gone}it is a release, and this host follows commits now")]
    );
}

#[test]
fn t15_a_further_signature_on_the_accepted_release_satisfies_a_raised_threshold() {
    let mut pair = pair();
    pair.policy.threshold = 2;
    let head = pair.state.accepted().unwrap().commit();
    let (alice, bob) = (pair.alice.clone(), pair.bob.clone());
    pair.repo.tag(&format!("v2+{}", &alice.fingerprint()[24..]), head, &alice, at(DAY));
    let judgement = pair.judge(&pair.policy);
    assert_eq!((reasons(&judgement), judgement.advanced), (vec![], true));
    let names: Vec<String> = judgement.revision.unwrap().signers().iter().map(|one| one.fingerprint.clone()).collect();
    let mut both = [alice.fingerprint(), bob.fingerprint()];
    both.sort();
    assert_eq!(names, both);
}

#[test]
fn t15_a_further_signature_on_the_accepted_commit_satisfies_a_raised_threshold() {
    let mut line = line();
    let (alice, bob) = (line.alice.clone(), line.bob.clone());
    let second = line.commit(&[line.first], Some(&alice), at(DAY), "two");
    let state = line.judge(&TrustState::default(), 1).state;
    line.policy.threshold = 2;
    let judgement = line.judge(&state, 1);
    assert_unmoved(&state, &judgement);
    assert_eq!(judgement.refusals[0].reason, Refusal::TooFewSignatures { have: 1, need: 2 });
    line.repo.tag("cosign/2", second, &bob, at(DAY));
    let judgement = line.judge(&state, 1);
    assert_eq!((reasons(&judgement), accepted(&judgement)), (vec![], Some(second)));
    assert_eq!(judgement.revision.unwrap().signers().len(), 2);
}

#[test]
fn t15_a_host_that_slept_and_one_that_did_not_say_the_same_of_a_release_by_a_compromised_key() {
    let mut pair = pair();
    let (alice, stranger) = (pair.alice.clone(), Person::new("Stranger"));
    let stolen = pair.bob.revoked(ReasonForRevocation::KeyCompromised, at(DAY + HOUR));
    // The revocation comes with a release that nobody may sign: it proves itself.
    let head = pair.state.accepted().unwrap().commit();
    let third = pair.repo.commit(&[head], &[policy_file(&[(&alice, ALL), (&stolen, ALL)], &[])], None, at(2 * DAY), "");
    let tag = pair.repo.tag("v3", third, &stranger, at(2 * DAY));
    let asleep = judge(&pair.policy, &TrustState::default(), &pair.repo, at(2 * DAY));
    let awake = pair.judge(&pair.policy);
    assert_eq!(awake.revision.as_ref(), pair.state.accepted());
    let about_v2 = |judgement: &Judgement| {
        let found = judgement.refusals.iter().find(|one| one.reference == "refs/tags/v2");
        found.map(|one| (one.object, one.reason.clone(), one.overtaken))
    };
    assert!(matches!(about_v2(&asleep), Some((_, Refusal::Compromised { .. }, false))), "{:?}", asleep.refusals);
    assert_eq!(about_v2(&awake), about_v2(&asleep));
    assert!(awake.refusals.iter().any(|one| one.object == tag));
    // It is known for all time, also without that release.
    pair.repo.refs.retain(|one| one.name != b"refs/tags/v3");
    pair.state = awake.state;
    assert_eq!(about_v2(&pair.judge(&pair.policy)), about_v2(&asleep));
}

#[test]
fn t1_age_and_lost_rights_of_the_introduction_count_only_where_a_walk_begins() {
    let (alice, bob) = (Person::new("Alice"), Person::new("Bob"));
    let mut repo = Repo::default();
    let both = policy_file(&[(&alice, ALL), (&bob, ALL)], &[]);
    let first = repo.commit(&[], &[both], Some(&alice), at(0), "one");
    let second = repo.commit(&[first], &[policy_file(&[(&bob, ALL)], &[])], None, at(DAY), "alice leaves");
    repo.tag("v2", second, &alice, at(DAY));
    repo.tag(&format!("v2+{}", &bob.fingerprint()[24..]), second, &bob, at(DAY));
    let policy = tags_policy(Introduction::Commit { id: first, signer: alice.fingerprint() });
    let fresh = |now: Time| judge(&policy, &TrustState::default(), &repo, now);
    let retired = fresh(at(2 * DAY));
    assert_eq!(retired.revision, None);
    assert_eq!(retired.refusals[0].reason, Refusal::IntroductionRetired { signer: alice.fingerprint() });
    assert!(retired.refusals[0].repair().contains("cosmos clone --again"));
    assert!(matches!(fresh(at(400 * DAY)).refusals[0].reason, Refusal::IntroductionTooOld { .. }));

    // A host that went along keeps going.
    let mut earlier = repo.clone();
    earlier.refs.clear();
    earlier.tag("v1", first, &alice, at(HOUR));
    let state = judge(&policy, &TrustState::default(), &earlier, at(2 * HOUR)).state;
    let state = judge(&policy, &state, &repo, at(2 * DAY)).state;
    assert_eq!(state.accepted().unwrap().tag(), Some("v2"));
    let third = repo.commit(&[second], &[policy_file(&[(&bob, ALL)], &[]), content("3")], None, at(399 * DAY), "");
    repo.tag("v3", third, &bob, at(399 * DAY));
    let judgement = judge(&policy, &state, &repo, at(400 * DAY));
    assert_eq!((reasons(&judgement), judgement.revision.unwrap().tag()), (vec![], Some("v3")));
}

#[test]
fn t12_a_certificate_is_announced_thirty_days_before_its_end_and_after_it() {
    let alice = Person::ending("Alice", 60 * DAY);
    let mut repo = Repo::default();
    let first = repo.commit(&[], &keys(&[&alice]), None, at(0), "one");
    repo.tag("v1", first, &alice, at(0));
    let policy = tags_policy(keyring(&[&alice]));
    let state = judge(&policy, &TrustState::default(), &repo, at(HOUR)).state;
    let announced =
        |state: &TrustState, day: i64| state.expiring(at(day * DAY)).map(|one| one.ends).collect::<Vec<_>>();
    assert_eq!(announced(&state, 29), []);
    assert_eq!(announced(&state, 31), [at(60 * DAY)]);
    assert_eq!(judge(&policy, &state, &repo, at(31 * DAY)).expiring.len(), 1);
    let later = judge(&policy, &state, &repo, at(70 * DAY));
    assert_eq!(announced(&later.state, 70), [at(60 * DAY)]);
}

#[test]
fn t12_a_change_that_leaves_nobody_who_can_sign_is_refused() {
    let (alice, bob) = (Person::new("Alice"), Person::new("Bob"));
    let ended = Person::ending("Carol", -HOUR);
    let mut repo = Repo::default();
    let first = repo.commit(&[], &keys(&[&alice, &bob]), None, at(0), "one");
    repo.tag("v1", first, &alice, at(0));
    let mut policy = tags_policy(keyring(&[&alice, &bob]));
    let state = judge(&policy, &TrustState::default(), &repo, at(HOUR)).state;
    let second = repo.commit(&[first], &keys(&[&ended]), None, at(DAY), "two");
    repo.tag("v2", second, &alice, at(DAY));
    let refusal = |policy: &TrustPolicy, repo: &Repo| {
        let judgement = judge(policy, &state, repo, at(DAY));
        assert_unmoved(&state, &judgement);
        judgement.refusals.into_iter().map(|one| one.reason).collect::<Vec<_>>()
    };
    assert_eq!(refusal(&policy, &repo), [Refusal::NoSignersLeft { left: 0, need: 1 }]);
    // Two have to sign, so two have to stay.
    policy.threshold = 2;
    let second = repo.commit(&[first], &keys(&[&alice, &ended]), None, at(DAY), "two");
    repo.tag("v2", second, &alice, at(DAY));
    repo.tag(&format!("v2+{}", &bob.fingerprint()[24..]), second, &bob, at(DAY));
    repo.tag(&format!("v1+{}", &bob.fingerprint()[24..]), first, &bob, at(DAY));
    let reasons = refusal(&TrustPolicy { threshold: 2, ..policy }, &{
        let mut only = repo.clone();
        only.refs.retain(|one| !one.name.starts_with(b"refs/tags/v1+"));
        only
    });
    assert!(reasons.contains(&Refusal::NoSignersLeft { left: 1, need: 2 }), "{reasons:?}");
}

#[test]
fn t14_a_release_is_stale_from_the_end_it_names_or_the_age_the_host_allows() {
    let mut pair = pair();
    let head = pair.state.accepted().unwrap().commit();
    let alice = pair.alice.clone();
    let line = "cosmos: 1 valid-until=2024-01-10T00:00:00Z\n\n";
    pair.repo.tag_saying("v3", head, &alice, at(DAY), line);
    let judgement = pair.judge(&pair.policy);
    let revision = judgement.revision.unwrap();
    assert!(!judgement.stale && pair.policy.staleness(&revision, at(9 * DAY)).is_none());
    let why =
        |policy: &TrustPolicy, day: i64| policy.staleness(&revision, at(day * DAY + 1)).map(|one| one.to_string());
    assert_eq!(why(&pair.policy, 9).unwrap(), "it was signed to be valid until 2024-01-10T00:00:00Z");
    let policy = TrustPolicy { max_age: Some(3 * DAY), ..pair.policy.clone() };
    assert_eq!(why(&policy, 4).unwrap(), "it was signed at 2024-01-02T00:00:00Z, and this host allows 72 hours");
    assert_eq!(why(&policy, 3), None);
}
