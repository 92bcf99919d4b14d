//! `cosmos signer`: what it writes, and what hosts make of it.

use std::fs;
use std::process::Command;

use cosmos_model::trust::TrustSet;

use crate::fleet::{Fleet, Signed};
use crate::support::{Operator, World, put, read};

fn policy(fleet: &Fleet) -> TrustSet {
    TrustSet::from_policy(fs::read(fleet.world.repo().join("openpgp-policy.toml")).expect("a policy").as_slice())
        .expect("a policy")
}

fn fleet_of(names: &[&str], signed: Signed) -> (Fleet, Vec<Operator>) {
    let world = World::new();
    let people: Vec<Operator> = names.iter().map(|name| world.operator(name, "ed25519")).collect();
    let fleet = Fleet::new(world, signed, &people.iter().collect::<Vec<_>>());
    (fleet, people)
}

/// Makes a revocation certificate, as gpg asks for one.
fn revocation(fleet: &Fleet, operator: &Operator) -> String {
    let file = operator.home.join(format!("openpgp-revocs.d/{}.rev", operator.fingerprint));
    assert!(file.exists(), "gpg keeps one for each key");
    let copy = fleet.world.path("stolen.rev");
    fs::copy(file, &copy).expect("a file");
    copy.display().to_string()
}

#[test]
fn a_signer_who_is_added_can_sign_the_next_release_and_the_rest_of_the_policy_stays_as_it_was() {
    let (fleet, people) = fleet_of(&["ada"], Signed::Tags);
    let ada = &people[0];
    let kim = fleet.world.operator("kim", "ed25519");
    fleet.believe(ada, &[]);
    let before = read(&fleet.world.repo(), "openpgp-policy.toml");
    let file = fleet.world.certificate(&kim).display().to_string();
    let ran = fleet.by(ada, &["signer", "add", &file, "--right", "sign_tag"]);
    let fingerprint = &kim.fingerprint;
    ran.prints(&format!(
        "kim: kim <kim@example.org> ({fingerprint}) may sign_tag\nchanged openpgp-policy.toml\nNext:\n    \
         git add --all -- openpgp-policy.toml\n    git commit --gpg-sign -m 'Let kim sign'\n    cosmos release\n"
    ));
    let after = read(&fleet.world.repo(), "openpgp-policy.toml");
    assert!(after.starts_with(&before), "comments and order stay:\n{after}");
    assert!(
        after[before.len()..].starts_with(&format!(
            "\n# kim <kim@example.org>\n# {fingerprint}\n[authorization.kim]\nsign_tag = true\n"
        ))
    );
    assert_eq!(fleet.by(ada, &["signer", "add", &file]).stdout.lines().last(), Some("nothing to change"));
    fleet.world.commit_unsigned("Let kim sign");
    let ran = fleet.release(ada, &[]);
    assert!(ran.stdout.contains(&format!("who may sign\n  + kim  {fingerprint}  may sign_tag\n")), "{ran:?}");
    fleet.world.write("global/overlay/etc/motd", "from kim\n");
    fleet.world.commit_unsigned("Kim's own");
    fs::write(fleet.world.path("gitconfig-kim"), format!("[user]\nname=kim\nemail=k@k\nsigningKey={fingerprint}\n"))
        .unwrap();
    fleet.release(&kim, &[]);
    let host = fleet.host(&[]);
    fleet.world.on(&host, &["run"]).prints("+ etc/motd\n");
    assert_eq!(read(&host, "etc/motd"), "from kim\n");
}

#[test]
fn retiring_is_complete_and_names_what_still_carries_the_person_t18() {
    let (fleet, people) = fleet_of(&["ada", "bob"], Signed::Tags);
    let (ada, bob) = (&people[0], &people[1]);
    fleet.believe(ada, &[]);
    let certificate = read(&fleet.world.path(""), "ada.asc");
    put(&fleet.world.repo(), "models/db/overlay/etc/cosmos/keys/ada-old.pub", &certificate);
    fleet.world.write("docs/bootstrap.md", &format!("--trust COMMIT:{}\n", ada.fingerprint));
    let ran = fleet.by(bob, &["signer", "retire", "ada"]);
    let fingerprint = &ada.fingerprint;
    let expected = format!(
        "{fingerprint} may sign no longer: ada <ada@example.org>\nchanged openpgp-policy.toml\nchanged models/db/overlay/etc/cosmos/keys/ada-old.pub\n"
    );
    assert!(ran.status == 0 && ran.stdout.starts_with(&expected), "{ran:?}");
    let warnings = format!(
        "warning: new hosts are introduced by {fingerprint}: give them a commit that another operator signed, \
         'cosmos clone URL --trust COMMIT:FINGERPRINT'\nwarning: 'docs/bootstrap.md' still names {fingerprint}\n"
    );
    assert_eq!(ran.stderr, warnings);
    assert_eq!(policy(&fleet).authorizations.keys().collect::<Vec<_>>(), ["bob"]);
    assert!(!fleet.world.repo().join("models/db/overlay/etc/cosmos/keys/ada-old.pub").exists());
    fleet.by(bob, &["signer", "retire", &bob.fingerprint]).complains(
        3,
        "error: nobody would be left who can sign (T12)\nhint: add somebody first: cosmos signer add FILE\n",
    );
}

#[test]
fn a_classic_keys_folder_is_edited_in_every_layer() {
    let (fleet, people) = fleet_of(&["ada"], Signed::Tags);
    let ada = &people[0];
    let kim = fleet.world.operator("kim", "rsa3072");
    fleet.world.remove("openpgp-policy.toml");
    let text = read(&fleet.world.path(""), "ada.asc");
    put(&fleet.world.repo(), "global/overlay/etc/cosmos/keys/ada-1.pub", &text);
    put(&fleet.world.repo(), "db-common/overlay/etc/cosmos/keys/ada-1.pub", &text);
    put(&fleet.world.repo(), "global/overlay/etc/cosmos/keys/old.pub", "");
    let file = fleet.world.certificate(&kim).display().to_string();
    let ran = fleet.by(ada, &["signer", "add", &file]);
    let name = format!("db-common/overlay/etc/cosmos/keys/kim-{}.pub", &kim.fingerprint[32..]);
    assert!(ran.stdout.contains(&format!("changed {name}\n")) && !ran.stdout.contains("T13"), "{ran:?}");
    let ran = fleet.by(ada, &["signer", "retire", &ada.fingerprint]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let left = fleet.world.git(&["ls-files", "--others", "--", "*.pub"]);
    assert_eq!(left, format!("{name}\nglobal/overlay/etc/cosmos/keys/old.pub\n"));
}

#[test]
fn a_stolen_key_is_revoked_together_with_what_is_vouched_for_and_hosts_that_are_behind_come_through_a9() {
    let (fleet, people) = fleet_of(&["ada", "bob", "kim"], Signed::Tags);
    let (ada, bob, kim) = (&people[0], &people[1], &people[2]);
    fleet.believe(ada, &[]);
    let behind = fleet.host(&[]);
    fleet.world.write("global/overlay/etc/motd", "from bob\n");
    let good = fleet.world.commit_unsigned("By Bob");
    fleet.release(bob, &[]);
    let ran = fleet.by(
        ada,
        &["signer", "revoke", &bob.fingerprint, "--revocation", &revocation(&fleet, bob), "--good-until", "release-2"],
    );
    assert!(ran.stdout.ends_with("    cosmos release --cosign RELEASE\n"), "{ran:?}");
    let head = format!(
        "{} is revoked as compromised: hosts believe nothing it signed, whenever that was\n\
         1 commits that it signed up to release-2 are vouched for\nchanged openpgp-policy.toml\n",
        bob.fingerprint
    );
    assert!(ran.status == 0 && ran.stdout.starts_with(&head), "{ran:?}");
    assert_eq!(policy(&fleet).goodlist.iter().map(ToString::to_string).collect::<Vec<_>>(), [good]);
    fleet.world.commit_unsigned("Revoke a key");
    let ran = fleet.release(ada, &[]);
    assert!(ran.stdout.contains("hosts wait for one more signature"), "two have to vouch (T13): {ran:?}");
    fleet.release(kim, &["--cosign", "release-3"]);
    fleet.world.on(&behind, &["run"]).prints("+ etc/motd\n");
    assert_eq!(read(&behind, "etc/motd"), "from bob\n");
    fleet.world.write("global/overlay/etc/motd", "from the thief\n");
    fleet.world.commit_unsigned("Stolen");
    let stolen = fleet.by(bob, &["release", "--yes"]);
    assert!(stolen.status == 3 && stolen.stderr.contains("is revoked as compromised (T9)"), "{stolen:?}");
}

#[test]
fn a_revocation_of_another_key_is_none() {
    let (fleet, people) = fleet_of(&["ada", "bob"], Signed::Commits);
    let (ada, bob) = (&people[0], &people[1]);
    let other = revocation(&fleet, ada);
    let ran = fleet.by(ada, &["signer", "revoke", &bob.fingerprint, "--revocation", &other]);
    let expected = format!(
        "error: that does not revoke {}\nhint: name the revocation certificate of this key: --revocation FILE\n",
        bob.fingerprint
    );
    ran.complains(2, &expected);
    let ran = fleet.by(bob, &["signer", "revoke", &bob.fingerprint]);
    ran.complains(2, &expected);
    let own = fs::read_to_string(revocation(&fleet, bob)).unwrap().replace(":-----BEGIN", "-----BEGIN");
    fs::write(fleet.world.path("own.rev"), own).unwrap();
    let import = ["--batch", "--import", &fleet.world.path("own.rev").display().to_string()].map(str::to_owned);
    fleet.world.run(Command::new("gpg").arg("--homedir").arg(&bob.home).args(import));
    let ran = fleet.by(bob, &["signer", "revoke", &bob.fingerprint]);
    assert!(
        ran.status == 0 && ran.stderr.starts_with("warning: nothing is vouched for: "),
        "gpg knows it now: {ran:?}"
    );
}

#[test]
fn the_list_says_who_may_what_until_when_and_what_is_missing() {
    let world = World::new();
    let (ada, bob) = (world.operator("ada", "ed25519"), world.operator("bob", "ed25519"));
    let soon = ["--quick-set-expire", &bob.fingerprint, "5d"].map(str::to_owned);
    world.run(Command::new("gpg").arg("--homedir").arg(&bob.home).args(["--batch", "--quiet"]).args(soon));
    let fleet = Fleet::new(world, Signed::Commits, &[&ada, &bob]);
    let safe = fleet.world.path("safe");
    fs::create_dir(&safe).unwrap();
    fs::write(safe.join(format!("{}.rev", bob.fingerprint)), "kept\n").unwrap();
    let ran = fleet.by(&ada, &["signer", "list", "--safe", &safe.display().to_string()]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    let day = ran.stdout.split("signs until ").nth(1).and_then(|rest| rest.get(..10)).expect("a date").to_owned();
    let shown = ran.stdout.replace(&ada.fingerprint, "[ada]").replace(&bob.fingerprint, "[bob]").replace(&day, "[day]");
    insta::assert_snapshot!(shown);
    let json = fleet.by(&ada, &["signer", "list", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&json.stdout).expect("one document");
    let first = &document["signer"]["signers"][0];
    assert_eq!(
        (&first["name"], &first["signs"], &first["warnings"]),
        (&"ada".into(), &true.into(), &serde_json::json!([]))
    );
}
