//! Signatures that must not count, each on a release or commit that is otherwise good, by real keys.

use openpgp::cert::{CertBuilder, CipherSuite, SubkeyRevocationBuilder};
use openpgp::packet::signature::SignatureBuilder;
use openpgp::policy::StandardPolicy;
use openpgp::serialize::SerializeInto as _;
use openpgp::types::{KeyFlags, ReasonForRevocation, SignatureType};
use openpgp::{Cert, Fingerprint, Packet};
use sequoia_openpgp as openpgp;

use crate::forge::{Forger, ago, armor, binary, gpgsig, in_the_name_of, offer_commit, offer_release, packets, sign};
use crate::support::{Operator, Settled, World};

/// Lets the operator's gpg sign anything.
fn gpg_signs(settled: &Settled, operator: &Operator, words: &[&str], content: &str) -> String {
    let words = ["--batch", "--armor", "--detach-sign"].into_iter().chain(words.iter().copied());
    let block = settled.world.gpg_with_input(operator, words, content.as_bytes());
    String::from_utf8(block).expect("an armored block")
}

/// Offers a release with this signature, asserts that it is refused so, and takes it away.
#[track_caller]
fn refused(settled: &Settled, reason: &str, forge: impl FnOnce(&str) -> String) {
    offer_release(settled, forge);
    settled.refuses(reason);
}

/// A host that follows releases of somebody whose certificate some other program made.
fn forgers(days: u64, extra: impl FnOnce(CertBuilder) -> CertBuilder) -> (Settled, Forger) {
    let world = World::new();
    let ada = Forger::new(&world, "ada", days, extra);
    let Forger { operator, cert } = ada;
    let copy = Operator {
        name: operator.name.clone(),
        home: operator.home.clone(),
        fingerprint: operator.fingerprint.clone(),
    };
    (Settled::by_tags_with(world, operator, &[]), Forger { operator: copy, cert })
}

#[test]
fn a11_releases_signed_with_sha1_or_md5_or_a_small_rsa_key_are_refused() {
    let world = World::new();
    let (ada, rosa) = (world.operator("ada", "ed25519"), world.operator("rosa", "rsa1024"));
    let settled = Settled::by_tags_with(world, ada, &[&rosa]);
    let (ada, proves_nothing) = (&settled.ada, "which proves nothing any more");
    let by = |operator: &Operator, words: &[&str], reason: &str| {
        refused(&settled, &format!("by {} uses {reason}, {proves_nothing}", operator.fingerprint), |payload| {
            gpg_signs(&settled, operator, words, payload)
        });
    };
    by(ada, &["--digest-algo", "SHA1"], "SHA1");
    by(ada, &["--digest-algo", "MD5", "--allow-weak-digest-algos"], "MD5");
    by(ada, &["--digest-algo", "RIPEMD160"], "RipeMD160");
    by(&rosa, &[], "RSA with 1024 bits");
    offer_release(&settled, |payload| gpg_signs(&settled, ada, &[], payload));
    settled.run().prints("~ etc/motd\n");
}

#[test]
fn a11_commits_signed_with_sha1_are_refused() {
    let settled = Settled::new();
    settled.world.configure(&settled.ada, "digest-algo SHA1\n");
    settled.world.write("global/overlay/etc/motd", "forged\n");
    settled.commit();
    settled.refuses(&format!("by {} uses SHA1, which proves nothing any more", settled.ada.fingerprint));
}

#[test]
fn a13_a_release_signed_by_a_subkey_for_authentication_or_encryption_is_refused() {
    let encryption = KeyFlags::empty().set_transport_encryption();
    let (settled, ada) = forgers(30, |builder| {
        builder.add_authentication_subkey().add_subkey(encryption, None, Some(CipherSuite::RSA2k))
    });
    for number in [0, 1] {
        let key = ada.subkey(number);
        let reason =
            format!("the key {} of {} is not a signing key", key.public().fingerprint(), settled.ada.fingerprint);
        refused(&settled, &reason, |payload| sign(key, payload.as_bytes(), binary(), 0));
    }
}

/// How many days the subkey lasts that ends in the tests below; certificates are sixty days old.
const LASTS: u64 = 50;

/// Adds two signing subkeys without end, and one that ended ten days ago.
fn with_subkeys(builder: CertBuilder) -> CertBuilder {
    let signing = || KeyFlags::empty().set_signing();
    let lasts = std::time::Duration::from_secs(LASTS * 24 * 3600);
    let builder = builder.add_subkey(signing(), None, None).add_subkey(signing(), None, None);
    builder.add_subkey(signing(), Some(lasts), None)
}

/// Returns the subkeys of [`with_subkeys`], the one that ends last.
fn subkeys(cert: &Cert) -> Vec<Fingerprint> {
    let policy = StandardPolicy::new();
    let keys = cert.keys().subkeys().with_policy(&policy, Some(ago(LASTS)));
    let mut keys: Vec<_> = keys.map(|key| (key.key_validity_period(), key.key().fingerprint())).collect();
    keys.sort();
    keys.into_iter().map(|(_, fingerprint)| fingerprint).collect()
}

/// Revokes a subkey ten days ago.
fn revocation(cert: &Cert, subkey: &Fingerprint, reason: ReasonForRevocation) -> Packet {
    let key = cert.primary_key().key().clone().parts_into_secret().expect("it is secret");
    let mut primary = key.into_keypair().expect("it has no password");
    let builder = SubkeyRevocationBuilder::new().set_signature_creation_time(ago(10)).expect("a date");
    let builder = builder.set_reason_for_revocation(reason, b"").expect("a reason");
    let subkey = cert.keys().subkeys().find(|key| key.key().fingerprint() == *subkey).expect("a subkey");
    builder.build(&mut primary, cert, subkey.key(), None).expect("a revocation").into()
}

#[test]
fn a14_a_subkey_that_was_revoked_or_had_ended_signs_nothing_any_more() {
    let world = World::new();
    let maker = Forger::new(&world, "maker", 60, with_subkeys);
    let names = subkeys(&maker.cert);
    let reasons = [(&names[0], ReasonForRevocation::KeySuperseded), (&names[1], ReasonForRevocation::KeyCompromised)];
    let revocations = reasons.map(|(subkey, reason)| revocation(&maker.cert, subkey, reason));
    let cert = maker.cert.insert_packets(revocations).expect("a certificate with revocations").0;
    let ada = Forger::of(&world, "ada", cert);
    let bob = world.operator("bob", "ed25519");
    let settled = Settled::by_tags_with(world, bob, &[&ada.operator]);
    let refused_now = |subkey: &Fingerprint, days: u64, reason: &str| {
        offer_release(&settled, |payload| sign(ada.key(subkey), payload.as_bytes(), binary(), days));
        let ran = settled.refuses_saying(&format!("the certificate {} {reason}", ada.operator.fingerprint));
        assert!(ran.stderr.contains("refs/tags/release-2"), "{ran:?}");
    };
    refused_now(&names[0], 0, "was revoked when it signed at ");
    refused_now(&names[1], 0, "is revoked as compromised");
    refused_now(&names[2], 0, "was not alive at ");
}

#[test]
fn a14_a_subkey_that_ended_or_was_revoked_later_counts_in_history_and_not_for_the_newest_release() {
    let world = World::new();
    let ada = Forger::new(&world, "ada", 60, with_subkeys);
    let names = subkeys(&ada.cert);
    let revoked = revocation(&ada.cert, &names[0], ReasonForRevocation::KeySuperseded);
    let ada = Forger::of(&world, "ada2", ada.cert.insert_packets(revoked).expect("a certificate").0);
    let bob = world.operator_since("bob", 40);
    world.set_clock(&bob, 30);
    let settled = Settled::by_tags_with(world, bob, &[&ada.operator]);
    for subkey in [&names[2], &names[0]] {
        offer_release(&settled, |payload| sign(ada.key(subkey), payload.as_bytes(), binary(), 20));
        let ran = settled.refuses_saying(&format!("the signature of {} is not alive now", ada.operator.fingerprint));
        assert!(ran.stderr.contains("gpg refuses this signature too"), "{ran:?}");
    }
    settled.world.reset_clock(&settled.ada);
    settled.world.write("global/overlay/etc/motd", "newer\n");
    settled.world.release_by(&settled.ada, "release-3");
    settled.run().prints("~ etc/motd\n");
    let verify = settled.world.on(&settled.host, &["verify"]);
    assert_eq!(verify.stdout.matches("good  ").count(), 3, "{verify:?}");
}

#[test]
fn a15_a_signature_that_names_a_trusted_key_and_is_not_its_own_is_refused() {
    let (settled, ada) = forgers(30, |builder| builder);
    let mallory = Forger::new(&settled.world, "mallory", 30, |builder| builder);
    let does_not_match =
        format!("the signature by {} does not match the text: Message has been manipulated", ada.operator.fingerprint);
    let names = [ada.cert.keyid().into(), ada.cert.fingerprint().into()];
    for name in names {
        refused(&settled, &does_not_match, |payload| {
            sign(mallory.primary(), payload.as_bytes(), in_the_name_of(name), 0)
        });
    }
    let unknown = format!("the signature by {} is not from a trusted certificate", mallory.operator.fingerprint);
    refused(&settled, &unknown, |payload| mallory.sign(payload.as_bytes()));
}

#[test]
fn a16_two_signatures_two_blocks_and_text_after_the_block_are_refused() {
    let (settled, ada) = forgers(30, |builder| builder);
    let mallory = Forger::new(&settled.world, "mallory", 30, |builder| builder);
    let both = |payload: &str| (mallory.sign(payload.as_bytes()), ada.sign(payload.as_bytes()));
    refused(&settled, "there is more than one signature block", |payload| {
        let (bad, good) = both(payload);
        format!("{bad}{good}")
    });
    refused(&settled, "the block does not hold exactly one signature", |payload| {
        let (bad, good) = both(payload);
        armor(&[packets(&bad), packets(&good)].concat())
    });
    let after = "there is text after the signature block, or the block has no end";
    refused(&settled, after, |payload| format!("{}and more\n", ada.sign(payload.as_bytes())));
    refused(&settled, after, |payload| ada.sign(payload.as_bytes()).replace("-----END PGP SIGNATURE-----\n", ""));
    offer_release(&settled, |payload| ada.sign(payload.as_bytes()));
    settled.run().prints("~ etc/motd\n");
}

#[test]
fn a16_a_commit_with_two_signatures_is_refused() {
    let settled = Settled::new();
    let mallory = settled.world.operator("mallory", "ed25519");
    let good = settled.world.head();
    let signs = |operator: &Operator, payload: &str| gpg_signs(&settled, operator, &[], payload);
    let offer = |forge: &dyn Fn(&str) -> String, reason: &str| {
        settled.world.git(&["reset", "--quiet", "--hard", &good]);
        offer_commit(&settled, forge);
        settled.refuses(reason);
    };
    offer(
        &|payload| format!("{}\n{}", gpgsig(&signs(&settled.ada, payload)), gpgsig(&signs(&mallory, payload))),
        "there is more than one signature block",
    );
    offer(
        &|payload| gpgsig(&format!("{}{}", signs(&settled.ada, payload), signs(&mallory, payload))),
        "there is more than one signature block",
    );
    offer(
        &|payload| gpgsig(&format!("{}and more", signs(&settled.ada, payload))),
        "there is text after the signature block, or the block has no end",
    );
}

#[test]
fn a49_a_signature_made_for_a_mail_a_file_a_commit_or_nothing_is_no_release() {
    let (settled, ada) = forgers(30, |builder| builder);
    let does_not_match =
        format!("the signature by {} does not match the text: Message has been manipulated", ada.operator.fingerprint);
    refused(&settled, "the signature is of type Text, not over a document", |payload| {
        gpg_signs(&settled, &ada.operator, &["--textmode"], payload)
    });
    refused(&settled, "the signature is of type Standalone, not over a document", |_| {
        let signature = SignatureBuilder::new(SignatureType::Standalone).sign_standalone(&mut ada.primary());
        armor(&Packet::from(signature.expect("a signature")).to_vec().expect("a packet in memory"))
    });
    refused(&settled, &does_not_match, |_| gpg_signs(&settled, &ada.operator, &[], "a report for the accountant\n"));
    let commit = settled.world.commit(&settled.ada, "A commit that Ada signed");
    let text = settled.world.git(&["cat-file", "commit", &commit]);
    let header = text.lines().skip_while(|line| !line.starts_with("gpgsig ")).take_while(|line| !line.is_empty());
    let block: String = header.map(|line| format!("{}\n", line.trim_start_matches("gpgsig").trim_start())).collect();
    refused(&settled, &does_not_match, |_| block);
}
