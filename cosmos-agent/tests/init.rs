//! `cosmos init`: what it writes, and what it refuses.

use std::path::{Path, PathBuf};
use std::process::Command;

use openpgp::armor;
use openpgp::cert::{Cert, CertBuilder};
use openpgp::parse::Parse;
use openpgp::serialize::Serialize;
use sequoia_openpgp as openpgp;

fn exported(dir: &Path, user_id: &str) -> (PathBuf, Cert) {
    let (cert, _) = CertBuilder::new().add_userid(user_id).add_signing_subkey().generate().expect("a certificate");
    let mut writer = armor::Writer::new(Vec::new(), armor::Kind::PublicKey).expect("a writer");
    cert.export(&mut writer).expect("a certificate");
    let file = dir.join(format!("{}.asc", cert.fingerprint()));
    std::fs::write(&file, writer.finalize().expect("a file")).expect("a file");
    (file, cert)
}

/// Runs `cosmos init` in `dir` for the folder `fleet`; returns its exit status and what it said on standard error.
fn init(dir: &Path, options: &[&str], signers: &[&Path]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cosmos"));
    command.args(["init", "fleet"]).args(options).current_dir(dir);
    signers.iter().for_each(|signer| _ = command.arg("--signer").arg(signer));
    let output = command.output().expect("a program");
    (output.status.code(), String::from_utf8(output.stderr).expect("text"))
}

#[test]
fn a_new_repository_is_two_files_and_the_policy_gives_every_signer_every_right_by_a_name_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let (ada, ada_cert) = exported(dir.path(), "Ada <ada@example.org>");
    let (other, other_cert) = exported(dir.path(), "Ada Two <ada@example.net>");
    assert_eq!(init(dir.path(), &[], &[&ada, &other, &ada]), (Some(0), String::new()));

    let read = |name: &str| std::fs::read_to_string(dir.path().join("fleet").join(name)).unwrap();
    assert_eq!(
        read("fleet.toml"),
        "# What this fleet is called and what its operators sign: every commit.\n\
         format = 1\nfleet = \"home\"\nagent = \">= 0.1\"\nmode = \"commits\"\n"
    );
    let policy: toml::Table = read("openpgp-policy.toml").parse().unwrap();
    assert_eq!(policy["version"].as_integer(), Some(0));
    assert_eq!(policy["commit_goodlist"].as_array().map(Vec::len), Some(0));
    let authorizations = policy["authorization"].as_table().unwrap();
    assert_eq!(authorizations.keys().collect::<Vec<_>>(), ["ada", "ada-2"]);
    for (name, cert) in [("ada", ada_cert), ("ada-2", other_cert)] {
        let entry = authorizations[name].as_table().unwrap();
        for right in ["sign_commit", "sign_tag", "sign_archive", "add_user", "retire_user", "audit"] {
            assert_eq!(entry[right].as_bool(), Some(true), "{name} {right}");
        }
        let keyring = Cert::from_bytes(entry["keyring"].as_str().unwrap().as_bytes()).unwrap();
        assert_eq!(keyring, cert.strip_secret_key_material());
    }
    let head = std::fs::read_to_string(dir.path().join("fleet/.git/HEAD")).unwrap();
    assert_eq!(head, "ref: refs/heads/main\n");
}

#[test]
fn files_that_are_there_are_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let (ada, _) = exported(dir.path(), "Ada <ada@example.org>");
    std::fs::create_dir(dir.path().join("fleet")).unwrap();
    let policy = dir.path().join("fleet/openpgp-policy.toml");
    std::fs::write(&policy, "mine\n").unwrap();
    let refusal = "error: 'fleet/openpgp-policy.toml' exists already and is not replaced\n\
                   hint: edit it, or name another folder: cosmos init DIR\n";
    assert_eq!(init(dir.path(), &[], &[&ada]), (Some(2), refusal.to_owned()));
    assert_eq!(std::fs::read_to_string(&policy).unwrap(), "mine\n");
    assert!(!dir.path().join("fleet/fleet.toml").exists());
}

#[test]
fn a_file_without_a_certificate_is_named_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("notes.txt");
    std::fs::write(&file, "not a key\n").unwrap();
    let (status, said) = init(dir.path(), &[], &[&file]);
    assert_eq!(status, Some(2));
    assert!(said.starts_with(&format!("error: '{}' holds no certificate", file.display())), "{said}");
    assert!(!dir.path().join("fleet").exists());
}

#[test]
fn a_fleet_name_outside_the_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (ada, _) = exported(dir.path(), "Ada <ada@example.org>");
    let refusal = "error: 'My Fleet' is not a fleet's name\n\
                   hint: use 1 to 64 lower-case letters, digits and hyphens: --fleet my-fleet\n";
    assert_eq!(init(dir.path(), &["--fleet", "My Fleet"], &[&ada]), (Some(2), refusal.to_owned()));
}

#[test]
fn a_dry_run_prints_both_files_and_writes_none() {
    let dir = tempfile::tempdir().unwrap();
    let (ada, _) = exported(dir.path(), "Ada <ada@example.org>");
    assert_eq!(init(dir.path(), &["--dry-run"], &[&ada]), (Some(0), String::new()));
    assert!(!dir.path().join("fleet").exists());
}
