//! A certificate that gpg extended has a new self-signature in the place of the old one: no loss, and no way to one
//! (T13).

use cosmos_model::trust::{Refusal, Right, TrustState};
use openpgp::Packet;
use openpgp::cert::amalgamation::ValidateAmalgamation as _;
use openpgp::packet::signature::SignatureBuilder;
use openpgp::policy::StandardPolicy;
use openpgp::types::{HashAlgorithm, KeyFlags, ReasonForRevocation};
use sequoia_openpgp as openpgp;

use crate::commits::accepted;
use crate::support::*;

/// Alice and Bob, who is extended.
struct Two {
    alice: Person,
    bob: Person,
    rights: &'static str,
}

/// Two operators with two subkeys each; they sign with the second.
fn two() -> Two {
    let person = |name: &str| Person::build(name, |builder| builder.add_signing_subkey().add_signing_subkey());
    Two { alice: person("Alice"), bob: person("Bob"), rights: ALL }
}

/// What the policy file says of Alice and Bob, and whom else it lets in.
struct Change<'a> {
    alice: &'a Person,
    bob: &'a Person,
    more: &'a [(&'a Person, &'a str)],
}

impl Two {
    /// What hosts say of this change in `commits` mode when Bob alone signs it, and in `tags` mode; the same.
    fn says(&self, change: &Change<'_>) -> Option<Refusal> {
        let mut repo = Repo::default();
        let before = policy_file(&[(&self.alice, ALL), (&self.bob, self.rights)], &[]);
        let people = [&[(change.alice, ALL), (change.bob, self.rights)], change.more].concat();
        let first = repo.commit(&[], &[before], Some(&self.alice), at(0), "first");
        repo.tag("v1", first, &self.alice, at(0));
        let second = repo.commit(&[first], &[policy_file(&people, &[])], Some(&self.bob), at(2 * DAY), "second");
        repo.point("refs/heads/main", second);
        let commits = commits_policy(first, &self.alice);
        let judgement = judge(&commits, &TrustState::default(), &repo, at(3 * DAY));
        repo.tag("v2", second, &self.bob, at(2 * DAY));
        let tags = tags_policy(commits.introduction);
        let as_tag = judge(&tags, &TrustState::default(), &repo, at(3 * DAY));
        let refused = judgement.refusals.first().map(|one| one.reason.clone());
        let expected = if refused.is_none() { second } else { first };
        assert_eq!((accepted(&judgement), accepted(&as_tag)), (Some(expected), Some(expected)));
        let right_of_mode = |refusal: &Refusal| matches!(refusal, Refusal::NoRight { .. });
        let same = as_tag.refusals.first().map(|one| one.reason.clone());
        assert!(refused == same || refused.as_ref().is_some_and(right_of_mode), "{refused:?} {same:?}");
        refused
    }

    fn says_of_bob(&self, bob: &Person) -> Option<Refusal> {
        self.says(&Change { alice: &self.alice, bob, more: &[] })
    }
}

fn as_gpg_extends(person: &Person) -> Person {
    person.extended(at(500 * DAY), at(DAY)).renewed(at(DAY))
}

const TOO_FEW: Option<Refusal> = Some(Refusal::TooFewForPolicy { have: 1, need: 2 });

#[test]
fn t13_a_certificate_as_gpg_extends_it_needs_no_second_signature() {
    let two = two();
    let extended = as_gpg_extends(&two.bob);
    assert!(extended.cert != two.bob.extended(at(500 * DAY), at(DAY)).cert, "nothing was taken away");
    assert_eq!(two.says_of_bob(&extended), None);
}

#[test]
fn t13_it_takes_the_right_to_take_away_as_in_sq_git() {
    let two = Two { rights: "sign_commit sign_tag add_user", ..two() };
    let extended = as_gpg_extends(&two.bob);
    let refused = Refusal::NoRight { signer: two.bob.fingerprint(), right: Right::RetireUser };
    assert_eq!(two.says_of_bob(&extended), Some(refused));
    // Added to what is there, it takes none.
    assert_eq!(two.says_of_bob(&two.bob.extended(at(500 * DAY), at(DAY))), None);
}

#[test]
fn a10_whoever_renews_cannot_change_anything_else_alone() {
    let two = two();
    let (extended, mallory) = (as_gpg_extends(&two.bob), Person::new("Mallory"));
    let (alice, bob) = (&two.alice, &extended);
    assert_eq!(two.says(&Change { alice, bob, more: &[(&mallory, "sign_commit")] }), TOO_FEW);
    assert_eq!(two.says(&Change { alice: &mallory, bob, more: &[] }), TOO_FEW);
    // Mallory's certificate where Bob's was.
    assert_eq!(two.says(&Change { alice, bob: &mallory, more: &[] }), TOO_FEW);
}

#[test]
fn a10_whoever_renews_cannot_drop_a_revocation_a_subkey_or_a_name_alone() {
    let revoked = |person: &Person| person.with_revoked_subkey(ReasonForRevocation::KeyRetired, at(HOUR));
    let is_revocation = |packet: &Packet| match packet {
        Packet::Signature(one) => one.typ() == openpgp::types::SignatureType::SubkeyRevocation,
        _ => false,
    };
    let plain = two();
    // Of Alice, whose key Bob does not have.
    let two = Two { alice: revoked(&plain.alice), bob: plain.bob.clone(), rights: ALL };
    let (alice, bob) = (two.alice.without(is_revocation), as_gpg_extends(&two.bob));
    let refused = two.says(&Change { alice: &alice, bob: &bob, more: &[] });
    assert_eq!(refused, TOO_FEW);
    // Of himself, with a newer self-signature on everything else.
    let own = Two { alice: plain.alice, ..two };
    let bare = as_gpg_extends(&own.bob).without(|packet| matches!(packet, Packet::PublicSubkey(_)));
    assert_eq!(own.says_of_bob(&bare), TOO_FEW);
    let nameless = as_gpg_extends(&own.bob).without(|packet| matches!(packet, Packet::UserID(_)));
    assert_eq!(own.says_of_bob(&nameless), TOO_FEW);
}

#[test]
fn a10_a_self_signature_only_goes_for_a_newer_one_that_counts_in_its_place() {
    let two = two();
    // The newest is dropped, the oldest stays.
    let longer = Two { bob: two.bob.extended(at(500 * DAY), at(-DAY)), alice: two.alice.clone(), rights: ALL };
    assert_eq!(longer.says_of_bob(&two.bob), TOO_FEW);
    // One that ends, one that a broken hash holds together, one from the future.
    let binding = |change: &dyn Fn(SignatureBuilder) -> SignatureBuilder| {
        let policy = StandardPolicy::new();
        let birth = two.bob.cert.primary_key().key().creation_time();
        let user = two.bob.cert.userids().next().unwrap().with_policy(&policy, Some(birth)).unwrap();
        let builder = SignatureBuilder::from(user.binding_signature().clone());
        let builder = change(builder.set_signature_creation_time(clock(at(DAY))).unwrap());
        let mut pair = two.bob.cert.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
        let packet = Packet::from(user.userid().bind(&mut pair, &two.bob.cert, builder).unwrap());
        let with = Person { cert: two.bob.cert.clone().insert_packets(vec![packet.clone()]).unwrap().0 };
        // What was said about the name before is gone; about the key itself it stays.
        with.without(|one| {
            matches!(one, Packet::Signature(signature)
                if matches!(signature.typ(), openpgp::types::SignatureType::PositiveCertification))
                && *one != packet
        })
    };
    assert_eq!(two.says_of_bob(&binding(&|builder| builder)), None);
    let month = std::time::Duration::from_secs(30 * 24 * 3600);
    let ends = binding(&|builder| builder.set_signature_validity_period(month).unwrap());
    assert_eq!(two.says_of_bob(&ends), TOO_FEW);
    let broken = binding(&|builder| builder.set_hash_algo(HashAlgorithm::SHA1));
    assert_eq!(two.says_of_bob(&broken), TOO_FEW);
    let future = binding(&|builder| builder.set_signature_creation_time(clock(at(50 * DAY))).unwrap());
    assert_eq!(two.says_of_bob(&future), TOO_FEW);
}

#[test]
fn a10_a_self_signature_of_a_stranger_replaces_none() {
    let two = two();
    // Bob binds Alice's name, and a subkey of his own, to her certificate, and takes her own words away.
    let user = two.alice.cert.userids().next().unwrap().userid().clone();
    let builder = SignatureBuilder::new(openpgp::types::SignatureType::PositiveCertification)
        .set_signature_creation_time(clock(at(DAY)))
        .unwrap()
        .set_key_flags(KeyFlags::empty().set_certification().set_signing())
        .unwrap();
    let mut thief = two.bob.cert.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
    let forged = Packet::from(user.bind(&mut thief, &two.alice.cert, builder).unwrap());
    let with = Person { cert: two.alice.cert.clone().insert_packets(vec![forged.clone()]).unwrap().0 };
    let alice = with.without(|one| {
        matches!(one, Packet::Signature(signature)
            if matches!(signature.typ(), openpgp::types::SignatureType::PositiveCertification))
            && *one != forged
    });
    assert_eq!(two.says(&Change { alice: &alice, bob: &two.bob, more: &[] }), TOO_FEW);
}
