//! A host's own test: tried on top of production, never where a walk starts (T6).

use cosmos_model::object_id::ObjectId;
use cosmos_model::stage::Layers;
use cosmos_model::time::Time;
use cosmos_model::trust::{Evidence, ForHost, Judgement, TrustPolicy, TrustState};

use crate::support::*;

const HOST: &str = "ns1.example.org";

/// A repository that Alice signs, in either mode, and a host of it with its state.
struct Host {
    alice: Person,
    repo: Repo,
    policy: TrustPolicy,
    state: TrustState,
    head: ObjectId,
}

impl Host {
    fn following_commits() -> Self {
        let alice = Person::new("Alice");
        let mut repo = Repo::default();
        let head = repo.commit(&[], &[policy_file(&[(&alice, ALL)], &[])], Some(&alice), at(0), "first");
        repo.point("refs/heads/main", head);
        let policy = commits_policy(head, &alice);
        Self::settled(alice, repo, policy, head)
    }

    fn following_tags() -> Self {
        let alice = Person::new("Alice");
        let mut repo = Repo::default();
        let head = repo.commit(&[], &[policy_file(&[(&alice, ALL)], &[])], None, at(0), "first");
        repo.tag("v1", head, &alice, at(0));
        let policy = tags_policy(keyring(&[&alice]));
        Self::settled(alice, repo, policy, head)
    }

    fn settled(alice: Person, repo: Repo, policy: TrustPolicy, head: ObjectId) -> Self {
        let mut host = Self { alice, repo, policy, state: TrustState::default(), head };
        let judgement = host.look(at(MINUTE));
        assert_eq!(judgement.revision.map(|revision| revision.commit()), Some(head));
        assert_eq!(host.state.testing(), None);
        host
    }

    /// Makes a commit on top of `parent`, signed where commits are.
    fn commit(&mut self, parent: ObjectId, signer: Option<&Person>, time: Time, message: &str) -> ObjectId {
        let files = [policy_file(&[(&self.alice, ALL)], &[]), content(message)];
        self.repo.commit(&[parent], &files, signer, time, message)
    }

    fn look(&mut self, now: Time) -> Judgement {
        let evidence = Evidence { refs: &self.repo.refs, objects: &self.repo, now };
        let layers = Layers::Native { host: HOST.to_string().try_into().unwrap(), agent: (1, 0, 0) };
        let judgement = self.policy.judge_for(&ForHost { layers: &layers, built_in: None }, &self.state, &evidence);
        self.state = judgement.state.clone();
        judgement
    }

    fn tested(&self) -> Option<ObjectId> {
        self.state.testing().map(|revision| revision.commit())
    }

    fn accepted(&self) -> Option<ObjectId> {
        self.state.accepted().map(|revision| revision.commit())
    }
}

fn branch() -> String {
    format!("refs/heads/testing/{HOST}")
}

#[test]
fn a_test_branch_is_tried_on_top_of_production_and_production_stays_the_root() {
    let mut host = Host::following_commits();
    let alice = host.alice.clone();
    let test = host.commit(host.head, Some(&alice), at(HOUR), "try");
    host.repo.point(&branch(), test);
    let judgement = host.look(at(2 * HOUR));
    assert_eq!(reasons(&judgement), Vec::<String>::new());
    assert_eq!((host.accepted(), host.tested(), judgement.advanced), (Some(host.head), Some(test), false));
    assert_eq!(host.state.in_force().map(|revision| revision.commit()), Some(test));

    host.repo.refs.retain(|one| one.name != branch().as_bytes());
    assert_eq!(reasons(&host.look(at(3 * HOUR))), Vec::<String>::new());
    assert_eq!((host.accepted(), host.tested()), (Some(host.head), None), "the test ended");
}

#[test]
fn production_that_takes_the_test_in_ends_it() {
    let mut host = Host::following_commits();
    let alice = host.alice.clone();
    let test = host.commit(host.head, Some(&alice), at(HOUR), "try");
    host.repo.point(&branch(), test);
    host.look(at(2 * HOUR));
    for (name, time) in [("taken in", 3), ("went on", 4)] {
        let tip = if name == "taken in" { test } else { host.commit(test, Some(&alice), at(4 * HOUR), name) };
        host.repo.point("refs/heads/main", tip);
        let judgement = host.look(at(time * HOUR));
        assert_eq!(reasons(&judgement), Vec::<String>::new(), "{name}");
        assert_eq!((host.accepted(), host.tested()), (Some(tip), None), "{name}");
    }
}

#[test]
fn production_that_goes_another_way_ends_a_test_and_nobody_is_blamed() {
    let mut host = Host::following_commits();
    let alice = host.alice.clone();
    let test = host.commit(host.head, Some(&alice), at(HOUR), "try");
    host.repo.point(&branch(), test);
    host.look(at(2 * HOUR));
    let next = host.commit(host.head, Some(&alice), at(3 * HOUR), "another way");
    host.repo.point("refs/heads/main", next);
    let judgement = host.look(at(4 * HOUR));
    assert_eq!((host.accepted(), host.tested()), (Some(next), None));
    let expected = format!("{}: it does not descend from the accepted revision {next}", branch());
    assert_eq!(reasons(&judgement), [expected]);
    assert!(judgement.refusals.iter().all(|refused| refused.overtaken));
}

#[test]
fn a_test_is_signed_by_the_same_people_or_refused_and_another_hosts_is_not_looked_at() {
    let mut host = Host::following_commits();
    let mallory = Person::new("Mallory");
    let foreign = host.commit(host.head, Some(&mallory), at(HOUR), "owned");
    host.repo.point("refs/heads/testing/ns2.example.org", foreign);
    assert_eq!(reasons(&host.look(at(2 * HOUR))), Vec::<String>::new());
    host.repo.point(&branch(), foreign);
    let judgement = host.look(at(2 * HOUR));
    let issuer = mallory.fingerprint();
    let reason = reasons(&judgement).concat();
    assert!(reason.starts_with(&branch()) && reason.contains(&issuer), "{reason}");
    assert!(judgement.refusals.iter().all(|refused| !refused.overtaken));
    assert_eq!((host.accepted(), host.tested()), (Some(host.head), None));
    let recorded: Vec<&str> = host.state.refused().iter().map(|refused| refused.reference.as_str()).collect();
    assert_eq!(recorded, [branch()]);
}

#[test]
fn a_test_that_changes_who_is_trusted_changes_nothing_of_production() {
    let mut host = Host::following_commits();
    let (alice, bob) = (host.alice.clone(), Person::new("Bob"));
    let files = [policy_file(&[(&alice, ALL), (&bob, ALL)], &[])];
    let test = host.repo.commit(&[host.head], &files, Some(&alice), at(HOUR), "Bob joins");
    host.repo.point(&branch(), test);
    host.look(at(2 * HOUR));
    assert_eq!(host.tested(), Some(test));
    let by_bob = host.commit(test, Some(&bob), at(3 * HOUR), "by Bob");
    host.repo.refs.retain(|one| one.name != branch().as_bytes());
    host.repo.point("refs/heads/main", by_bob);
    host.look(at(4 * HOUR));
    assert_eq!(host.accepted(), Some(test), "the commit below Bob's is Alice's own and good");
    let alone = host.commit(host.head, Some(&bob), at(3 * HOUR), "by Bob alone");
    let mut other = Host::following_commits();
    other.repo = host.repo.clone();
    other.policy = host.policy.clone();
    other.state = TrustState::default();
    other.repo.point("refs/heads/main", host.head);
    other.look(at(2 * HOUR));
    other.repo.point("refs/heads/main", alone);
    other.look(at(4 * HOUR));
    assert_eq!(other.accepted(), Some(host.head), "Bob was never let in by production");
}

#[test]
fn a_test_tag_is_tried_on_top_of_the_release_and_the_next_release_ends_it() {
    let mut host = Host::following_tags();
    let alice = host.alice.clone();
    let test = host.commit(host.head, None, at(HOUR), "try");
    host.repo.tag(&format!("testing/{HOST}/1"), test, &alice, at(HOUR));
    host.repo.tag("testing/ns2.example.org/1", test, &alice, at(HOUR));
    assert_eq!(reasons(&host.look(at(2 * HOUR))), Vec::<String>::new());
    assert_eq!((host.accepted(), host.tested()), (Some(host.head), Some(test)));
    assert_eq!(host.state.testing().unwrap().tag(), Some("testing/ns1.example.org/1"));

    host.repo.tag("v2", test, &alice, at(3 * HOUR));
    assert_eq!(reasons(&host.look(at(4 * HOUR))), Vec::<String>::new());
    assert_eq!((host.accepted(), host.tested()), (Some(test), None), "production took it in");
    let next = host.commit(test, None, at(5 * HOUR), "next");
    host.repo.tag("v3", next, &alice, at(5 * HOUR));
    assert_eq!(reasons(&host.look(at(6 * HOUR))), Vec::<String>::new());
    assert_eq!((host.accepted(), host.tested()), (Some(next), None), "and went past it");
}

#[test]
fn an_old_test_tag_under_another_name_is_refused_a2() {
    let mut host = Host::following_tags();
    let alice = host.alice.clone();
    let test = host.commit(host.head, None, at(HOUR), "try");
    let tag = host.repo.tag("testing/ns2.example.org/1", test, &alice, at(HOUR));
    host.repo.point(&format!("refs/tags/testing/{HOST}/1"), tag);
    let judgement = host.look(at(2 * HOUR));
    let expected = "refs/tags/testing/ns1.example.org/1: the name inside the tag is 'testing/ns2.example.org/1'";
    assert_eq!(reasons(&judgement), [expected]);
    assert_eq!(host.tested(), None);
}

#[test]
fn a_host_without_an_accepted_revision_or_without_a_name_tries_nothing() {
    let mut host = Host::following_tags();
    let alice = host.alice.clone();
    let test = host.commit(host.head, None, at(HOUR), "try");
    host.repo.tag(&format!("testing/{HOST}/1"), test, &alice, at(HOUR));
    let evidence = Evidence { refs: &host.repo.refs, objects: &host.repo, now: at(2 * HOUR) };
    let nameless = ForHost { layers: &Layers::Classic { folders: Vec::new() }, built_in: None };
    assert_eq!(host.policy.judge_for(&nameless, &host.state, &evidence).state.testing(), None);
    host.state = TrustState::default();
    host.repo.refs.retain(|one| one.tag_name() != Some("v1"));
    host.look(at(2 * HOUR));
    assert_eq!((host.accepted(), host.tested()), (None, None));
}
