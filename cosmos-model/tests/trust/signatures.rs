//! Signatures that must not count, each on a release that is otherwise good (T8–T10).

use cosmos_model::object::ObjectKind;
use cosmos_model::object_id::ObjectId;
use cosmos_model::time::Time;
use cosmos_model::trust::{Refusal, TrustState};
use openpgp::cert::CipherSuite;
use openpgp::packet::signature::SignatureBuilder;
use openpgp::types::{HashAlgorithm, ReasonForRevocation, SignatureType};
use sequoia_openpgp as openpgp;

use crate::support::*;

/// Publishes the tag `v1` with `forge`'s signature on a commit that trusts `person`, and returns why it is refused.
fn refusal(person: &Person, forge: impl FnOnce(&str) -> String) -> Option<Refusal> {
    let mut repo = Repo::default();
    let commit = repo.commit(&[], &keys(&[person]), None, at(DAY), "one");
    let payload = tag_text("v1", commit, "commit", at(DAY), "release\n");
    let block = forge(&payload);
    repo.publish_tag("v1", &format!("{payload}{block}"));
    let judgement = judge(&tags_policy(keyring(&[person])), &TrustState::default(), &repo, at(DAY + HOUR));
    assert_eq!(judgement.advanced, judgement.refusals.is_empty());
    assert!(judgement.refusals.len() <= 1, "{judgement:?}");
    judgement.refusals.into_iter().next().map(|one| one.reason)
}

fn plain(person: &Person, time: Time) -> Option<Refusal> {
    refusal(person, |payload| person.sign(payload.as_bytes(), time))
}

#[test]
fn every_kind_of_key_operators_use_is_accepted() {
    assert_eq!(plain(&Person::new("Ed25519"), at(DAY)), None);
    for suite in [CipherSuite::RSA3k, CipherSuite::P256] {
        let person = Person::build("Alice", |builder| builder.set_cipher_suite(suite));
        assert_eq!(plain(&person, at(DAY)), None, "{suite:?}");
    }
    let with_subkey = Person::build("Alice", |builder| builder.add_signing_subkey());
    assert_eq!(plain(&with_subkey, at(DAY)), None);
}

#[test]
fn a11_sha1_signatures_are_refused() {
    let alice = Person::new("Alice");
    let algorithm = HashAlgorithm::SHA1.to_string();
    let found = refusal(&alice, |payload| alice.sign_as(payload.as_bytes(), weak(HashAlgorithm::SHA1), at(DAY)));
    assert_eq!(found, Some(Refusal::WeakAlgorithm { signer: alice.fingerprint(), algorithm }));
}

#[test]
fn a13_a_signature_by_a_subkey_that_is_not_for_signing_is_refused() {
    let alice = Person::build("Alice", |builder| builder.add_authentication_subkey());
    let subkey = alice.cert.keys().subkeys().next().unwrap().key().clone();
    let pair = subkey.parts_into_secret().unwrap().into_keypair().unwrap();
    let forge =
        |payload: &str| sign_with(pair, payload.as_bytes(), SignatureBuilder::new(SignatureType::Binary), at(DAY));
    let found = refusal(&alice, forge);
    let key = alice.cert.keys().subkeys().next().unwrap().key().fingerprint().to_hex();
    assert_eq!(found, Some(Refusal::NotForSigning { signer: alice.fingerprint(), key }));
}

#[test]
fn a15_a_signature_that_only_shares_the_key_id_does_not_match() {
    let (alice, mallory) = (Person::new("Alice"), Person::new("Mallory"));
    let builder = SignatureBuilder::new(SignatureType::Binary).set_issuer(alice.cert.keyid()).unwrap();
    let found = refusal(&alice, |payload| mallory.sign_as(payload.as_bytes(), builder, at(DAY)));
    assert!(matches!(found, Some(Refusal::BadSignature { signer, .. }) if signer == alice.fingerprint()));
}

#[test]
fn a16_two_signatures_two_blocks_and_text_after_the_block_are_refused() {
    let alice = Person::new("Alice");
    let sign = |payload: &str| alice.sign(payload.as_bytes(), at(DAY));
    let two_blocks = refusal(&alice, |payload| format!("{}{}", sign(payload), sign(payload))).unwrap();
    assert_eq!(two_blocks.with_causes(), "the text breaks the grammar: there is more than one signature block");
    let after = refusal(&alice, |payload| format!("{}and more\n", sign(payload))).unwrap();
    assert_eq!(
        after.with_causes(),
        "the text breaks the grammar: there is text after the signature block, or the block has no end"
    );
    let two_packets = refusal(&alice, |payload| {
        let block = sign(payload);
        let mut bytes = Vec::new();
        let mut reader = openpgp::armor::Reader::from_bytes(block.as_bytes(), None);
        std::io::Read::read_to_end(&mut reader, &mut bytes).unwrap();
        armor(&[bytes.clone(), bytes].concat())
    });
    let reason = "the block does not hold exactly one signature".to_string();
    assert_eq!(two_packets, Some(Refusal::MalformedSignature { reason }));
}

#[test]
fn a17_a_nested_tag_and_the_tag_of_a_tree_are_refused() {
    let alice = Person::new("Alice");
    let mut repo = Repo::default();
    let commit = repo.commit(&[], &keys(&[&alice]), None, at(DAY), "one");
    let inner = repo.tag("inner", commit, &alice, at(DAY));
    let tree = repo.tree(&keys(&[&alice]));
    for (target, kind) in [(inner, ObjectKind::Tag), (tree, ObjectKind::Tree)] {
        let payload = tag_text("v1", target, kind.as_str(), at(DAY), "release\n");
        let block = alice.sign(payload.as_bytes(), at(DAY));
        repo.publish_tag("v1", &format!("{payload}{block}"));
        let judgement = judge(&tags_policy(keyring(&[&alice])), &TrustState::default(), &repo, at(DAY + HOUR));
        assert_eq!(judgement.refusals[0].reason, Refusal::TargetKind { kind });
    }
    // A tag that lies about the kind of its target is caught when the target is read.
    let payload = tag_text("v1", tree, "commit", at(DAY), "release\n");
    let block = alice.sign(payload.as_bytes(), at(DAY));
    repo.publish_tag("v1", &format!("{payload}{block}"));
    let judgement = judge(&tags_policy(keyring(&[&alice])), &TrustState::default(), &repo, at(DAY + HOUR));
    assert!(matches!(judgement.refusals[0].reason, Refusal::Object(_)));
    repo.point("refs/tags/v1", commit);
    let judgement = judge(&tags_policy(keyring(&[&alice])), &TrustState::default(), &repo, at(DAY + HOUR));
    assert_eq!(judgement.refusals[0].reason, Refusal::NotAnnotated);
}

#[test]
fn a14_a_key_that_had_ended_or_was_revoked_when_it_signed_is_refused() {
    let ended = Person::ending("Alice", DAY - HOUR);
    assert!(matches!(plain(&ended, at(DAY)), Some(Refusal::Expired { .. })));
    let superseded = Person::new("Alice").revoked(ReasonForRevocation::KeySuperseded, at(DAY - HOUR));
    assert!(matches!(plain(&superseded, at(DAY)), Some(Refusal::Revoked { .. })));
    let stolen = Person::new("Alice").revoked(ReasonForRevocation::KeyCompromised, at(DAY + MINUTE));
    assert_eq!(plain(&stolen, at(DAY)), Some(Refusal::Compromised { signer: stolen.fingerprint() }));
}

#[test]
fn a14_a_key_is_judged_at_each_signature_of_a_walk_to_the_second() {
    let (alice, bob) = (Person::ending("Alice", 2 * DAY), Person::new("Bob"));
    let (mut repo, mut head) = (Repo::default(), None);
    let superseded = bob.revoked(ReasonForRevocation::KeySuperseded, at(2 * DAY + HOUR));
    let people = keys(&[&alice, &superseded]);
    let offers = [
        (&alice, 2 * DAY - HOUR, true),
        (&alice, 2 * DAY - 1, true),
        (&alice, 2 * DAY, false),
        (&alice, 2 * DAY + 1, false),
        (&bob, 2 * DAY + HOUR - 1, true),
        (&bob, 2 * DAY + HOUR, false),
        (&bob, 2 * DAY + HOUR + 1, false),
        (&bob, 2 * DAY + 2, true),
    ];
    for (number, (person, time, _)) in offers.iter().enumerate() {
        let files = [people.clone(), vec![content(&number.to_string())]].concat();
        let parents: Vec<ObjectId> = head.into_iter().collect();
        let commit = repo.commit(&parents, &files, None, at(*time), "change");
        repo.tag(&format!("v{number}"), commit, person, at(*time));
        head = Some(commit);
    }
    let keyring = keyring(&[&alice, &superseded]);
    let judgement = judge(&tags_policy(keyring), &TrustState::default(), &repo, at(2 * DAY + 3 * HOUR));
    let good: Vec<bool> = judgement.steps.iter().map(|step| step.refusal.is_none()).collect();
    assert_eq!(good, offers.map(|(_, _, good)| good));
}

#[test]
fn a49_a_signature_over_a_text_document_is_refused() {
    let alice = Person::new("Alice");
    let mail = SignatureBuilder::new(SignatureType::Text);
    let found = refusal(&alice, |payload| alice.sign_as(payload.as_bytes(), mail, at(DAY)));
    assert!(matches!(found, Some(Refusal::SignatureType { .. })));
}

#[test]
fn an_ssh_signature_is_refused_by_name() {
    let alice = Person::new("Alice");
    let block = "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n";
    assert_eq!(refusal(&alice, |_| block.to_string()), Some(Refusal::SshSignature));
    assert_eq!(refusal(&alice, |_| String::new()), Some(Refusal::Unsigned));
}

#[test]
fn ssh_and_x509_signatures_of_commits_and_tags_are_refused_by_name() {
    let alice = Person::new("Alice");
    let x509 = "-----BEGIN SIGNED MESSAGE-----\nMIID\n-----END SIGNED MESSAGE-----\n";
    let ssh = "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n";
    for (block, expected) in [(x509, Refusal::X509Signature), (ssh, Refusal::SshSignature)] {
        assert_eq!(refusal(&alice, |_| block.to_string()), Some(expected.clone()));
        let mut repo = Repo::default();
        let files = [policy_file(&[(&alice, ALL)], &[])];
        let first = repo.commit(&[], &files, Some(&alice), at(0), "one");
        let text = repo.commit_text(&[first], &files, at(HOUR), "two");
        let second = repo.put(ObjectKind::Commit, with_gpgsig(&text, block).into_bytes());
        repo.point("refs/heads/main", second);
        let judgement = judge(&commits_policy(first, &alice), &TrustState::default(), &repo, at(DAY));
        assert_eq!(judgement.refusals[0].reason, expected);
        let repair = judgement.refusals[0].repair();
        assert!(repair.contains("git config gpg.format openpgp") && repair.contains("commit_goodlist"), "{repair}");
    }
}

#[test]
fn t10_a_certificate_held_together_by_sha1_is_named_with_the_command_that_repairs_it() {
    let old = Person::new("Old").with_sha1_self_signatures();
    let fingerprint = old.fingerprint();
    let found = refusal(&old, |payload| old.sign_with_primary(payload.as_bytes(), at(DAY))).unwrap();
    let algorithm = HashAlgorithm::SHA1.to_string();
    assert_eq!(found, Refusal::OutdatedCertificate { signer: fingerprint.clone(), algorithm });
    assert!(found.repair().contains(&format!("gpg --cert-digest-algo SHA256 --quick-set-expire {fingerprint} 2y")));
    // Where somebody else signs, the host tells of it all the same.
    let alice = Person::new("Alice");
    let mut repo = Repo::default();
    let commit = repo.commit(&[], &keys(&[&alice, &old]), None, at(DAY), "one");
    repo.tag("v1", commit, &alice, at(DAY));
    let judgement = judge(&tags_policy(keyring(&[&alice])), &TrustState::default(), &repo, at(DAY + HOUR));
    let outdated: Vec<&str> = judgement.state.outdated().iter().map(|one| one.fingerprint.as_str()).collect();
    assert_eq!(outdated, [fingerprint]);
}

#[test]
fn a14_a_subkey_revoked_as_compromised_condemns_what_it_signed_and_nothing_else() {
    let alice = Person::build("Alice", |builder| builder.add_signing_subkey());
    let revoked = alice.with_revoked_subkey(ReasonForRevocation::KeyCompromised, at(2 * DAY));
    let (bob, mut repo) = (Person::new("Bob"), Repo::default());
    let first = repo.commit(&[], &keys(&[&alice, &bob]), None, at(DAY), "one");
    repo.tag("v1", first, &alice, at(DAY));
    let policy = tags_policy(keyring(&[&alice, &bob]));
    let state = judge(&policy, &TrustState::default(), &repo, at(DAY + HOUR)).state;
    // The revocation is in a commit that no release names yet.
    let second = repo.commit(&[first], &keys(&[&revoked, &bob]), None, at(2 * DAY), "two");
    let third = repo.commit(&[second], &keys(&[&alice, &bob]), None, at(3 * DAY), "three");
    repo.tag("v3", third, &Person::new("Mallory"), at(3 * DAY));
    let judgement = judge(&policy, &state, &repo, at(3 * DAY));
    let compromised = Refusal::Compromised { signer: alice.fingerprint() };
    assert!(judgement.refusals.iter().any(|one| one.reference == "refs/tags/v1" && one.reason == compromised));
    // Her primary key is sound: what that signs counts.
    let payload = tag_text("v3", third, "commit", at(3 * DAY), "release\n");
    let block = alice.sign_with_primary(payload.as_bytes(), at(3 * DAY));
    repo.publish_tag("v3", &format!("{payload}{block}"));
    let judgement = judge(&policy, &state, &repo, at(3 * DAY));
    assert_eq!((reasons(&judgement), judgement.revision.unwrap().tag()), (vec![], Some("v3")));
    // A revoked or ended subkey cannot sign afterwards.
    for person in [revoked, alice.with_revoked_subkey(ReasonForRevocation::KeyRetired, at(DAY - HOUR))] {
        assert!(matches!(plain(&person, at(DAY)), Some(Refusal::Compromised { .. } | Refusal::Revoked { .. })));
    }
}

#[test]
fn one_flipped_byte_of_any_kind_of_evidence_is_refused() {
    let alice = Person::new("Alice");
    let mut repo = Repo::default();
    let commit = repo.commit(&[], &keys(&[&alice]), None, at(DAY), "one");
    let tag = repo.tag("v1", commit, &alice, at(DAY));
    let policy = tags_policy(keyring(&[&alice]));
    let accepts = |repo: &Repo| judge(&policy, &TrustState::default(), repo, at(DAY + HOUR)).revision.is_some();
    assert!(accepts(&repo));
    let needed: Vec<ObjectId> = repo.objects.keys().copied().collect();
    for id in needed {
        let mut flipped = repo.clone();
        let object = flipped.objects.get_mut(&id).unwrap();
        let middle = object.bytes.len() / 2;
        object.bytes[middle] ^= 1;
        assert!(!accepts(&flipped), "{} {id}", repo.objects[&id].kind.as_str());
    }
    // The same with a name that fits the flipped bytes, for every byte of the tag.
    let bytes = repo.objects[&tag].bytes.clone();
    for position in 0..bytes.len() {
        let mut flipped = repo.clone();
        let mut forged = bytes.clone();
        forged[position] ^= 1;
        let id = flipped.put(ObjectKind::Tag, forged.clone());
        flipped.refs.clear();
        flipped.point("refs/tags/v1", id);
        let in_armor = forged.windows(5).position(|window| window == b"-----").is_some_and(|start| position > start);
        assert!(in_armor || !accepts(&flipped), "byte {position}");
    }
}
