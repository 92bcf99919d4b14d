//! `cosmos gpg` is gpg with the host's keyring, and a plain import where gpg is missing (C6).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod classic_support;

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use classic_support::{armored, certificate, fingerprints, gpg, home, installed};
use cosmos_agent::classic::gpg::{FOLDERS, GpgError, run};
use cosmos_agent::classic::import::{ImportError, import};
use cosmos_agent::classic::keyring;
use sequoia_openpgp::Cert;

/// Imports from standard input; returns the exit status and what was said.
fn import_bytes(home: &Path, bytes: &[u8]) -> (u8, String) {
    let mut said = Vec::new();
    let status = import(home, &[], &mut &bytes[..], &mut said).unwrap();
    (status, String::from_utf8(said).unwrap())
}

#[test]
fn a_plain_import_says_what_gpg_says_and_gpg_reads_and_extends_the_ring() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    let (alice, bob) = (certificate("Alice <a@example.org>"), certificate("Bob"));
    let key = alice.keyid().to_hex();
    let (status, said) = import_bytes(&home, &armored(&alice));
    assert_eq!(status, 0);
    assert_eq!(
        said,
        format!(
            "gpg: key {key}: public key \"Alice <a@example.org>\" imported\n\
             gpg: Total number processed: 1\ngpg:               imported: 1\n"
        )
    );
    let (_, said) = import_bytes(&home, &armored(&alice));
    assert_eq!(
        said,
        format!(
            "gpg: key {key}: \"Alice <a@example.org>\" not changed\n\
             gpg: Total number processed: 1\ngpg:              unchanged: 1\n"
        )
    );
    assert_eq!(fingerprints(&keyring::read(&home).unwrap()), [alice.fingerprint().to_hex()]);
    if installed("gpg") {
        assert_eq!(fingerprints(&gpg(&home, &["--export"], b"").stdout), [alice.fingerprint().to_hex()]);
        gpg(&home, &["--import"], &armored(&bob));
        let both = fingerprints(&gpg(&home, &["--export"], b"").stdout);
        assert_eq!(both.len(), 2);
        assert_eq!(fingerprints(&keyring::read(&home).unwrap()), both);
    }
}

#[test]
fn every_sentence_of_an_import_is_gpgs_own() {
    if !installed("gpg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (home(folder.path()), folder.path().join("theirs"));
    std::fs::rename(&ours, &theirs).unwrap();
    let ours = home(folder.path());
    let (alice, bob) = (certificate("Alice Ä <a@example.org>"), certificate("Bob"));
    let both = [armored(&alice), armored(&bob)].concat();
    for input in [armored(&alice), both, armored(&with_user_id(&alice, "Alice at work"))] {
        let output = gpg(&theirs, &["--import"], &input);
        let said = String::from_utf8(output.stderr).unwrap();
        let elsewhere = ["pubring.kbx", "trustdb", "gpg-agent"];
        let about_import = |line: &&str| !elsewhere.iter().any(|word| line.contains(word));
        let said: Vec<_> = said.lines().filter(about_import).collect();
        assert_eq!(import_bytes(&ours, &input).1.lines().collect::<Vec<_>>(), said);
    }
}

#[test]
fn a_later_import_extends_a_certificate_and_leaves_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    let (alice, bob) = (certificate("Alice"), certificate("Bob"));
    import_bytes(&home, &armored(&bob));
    import_bytes(&home, &armored(&alice));
    let said = import_bytes(&home, &armored(&with_user_id(&alice, "Alice at work"))).1;
    let key = alice.keyid().to_hex();
    assert!(said.starts_with(&format!("gpg: key {key}: \"Alice\" 1 new user ID\n")), "{said}");
    assert_eq!(fingerprints(&keyring::read(&home).unwrap()).len(), 2);
}

fn with_user_id(cert: &Cert, user_id: &str) -> Cert {
    use sequoia_openpgp::packet::UserID;
    use sequoia_openpgp::packet::signature::SignatureBuilder;
    use sequoia_openpgp::types::SignatureType;
    let mut signer = cert.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
    let user_id = UserID::from(user_id);
    let builder = SignatureBuilder::new(SignatureType::PositiveCertification);
    let binding = user_id.bind(&mut signer, cert, builder).unwrap();
    cert.clone().insert_packets([sequoia_openpgp::Packet::from(user_id), binding.into()]).unwrap().0
}

#[test]
fn secret_parts_are_never_kept() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    let alice = certificate("Alice");
    import_bytes(&home, &sequoia_openpgp::serialize::SerializeInto::to_vec(&alice.as_tsk()).unwrap());
    let ring = keyring::read(&home).unwrap();
    assert!(!<Cert as sequoia_openpgp::parse::Parse<Cert>>::from_bytes(&ring).unwrap().is_tsk());
}

#[test]
fn junk_and_missing_files_end_with_gpgs_status_and_the_ring_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    let junk = "gpg: no valid OpenPGP data found.\ngpg: Total number processed: 0\n";
    assert_eq!(import_bytes(&home, b"junk"), (2, junk.to_owned()));
    let mut said = Vec::new();
    let files = [folder.path().join("none.pub").into_os_string()];
    assert_eq!(import(&home, &files, &mut &b""[..], &mut said).unwrap(), 2);
    assert!(String::from_utf8(said).unwrap().contains("none.pub': No such file or directory\n"));
    assert!(!home.join("pubring.gpg").exists());
}

#[test]
fn without_gpg_a_keybox_is_left_alone_and_other_options_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("conf/gnupg");
    let arguments = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
    let refused = run(&home, &arguments(&["--import", "--import-options", "show-only"]), &[], &[]).unwrap_err();
    assert_eq!(refused.to_string(), "gpg is not installed, and '--import --import-options show-only' needs it");
    assert_eq!(home.metadata().unwrap().permissions().mode() & 0o7777, 0o700);
    std::fs::write(home.join("pubring.kbx"), b"").unwrap();
    let refused = run(&home, &arguments(&["--import", "/none"]), &[], &[]).unwrap_err();
    assert!(matches!(refused, GpgError::Import(ImportError::Keybox { .. })));
}

/// The variable that tells this program, started by itself, to become gpg.
const CHILD: &str = "COSMOS_TEST_BECOME_GPG";

#[test]
fn the_process_becomes_the_gpg_of_the_system_with_its_streams_and_status_fault_4() {
    if let Some(home) = std::env::var_os(CHILD) {
        let arguments = ["--batch", "--no-autostart", "--with-colons", "--import-options", "show-only", "--import"];
        let error = run(Path::new(&home), &arguments.map(OsString::from), &[], &FOLDERS).unwrap_err();
        panic!("{error}");
    }
    if !FOLDERS.iter().any(|folder| Path::new(folder).join("gpg").exists()) {
        eprintln!("skipped: gpg is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, home) = (folder.path().join("bin"), folder.path().join("gnupg"));
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("gpg"), "#!/bin/sh\necho fake\n").unwrap();
    std::fs::set_permissions(path.join("gpg"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let alice = certificate("Alice");
    let key = folder.path().join("alice.pub");
    std::fs::write(&key, armored(&alice)).unwrap();
    let test = "the_process_becomes_the_gpg_of_the_system_with_its_streams_and_status_fault_4";
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, &home)
        .env("PATH", &path)
        .stdin(Stdio::from(std::fs::File::open(&key).unwrap()))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(&format!("fpr:::::::::{}:", alice.fingerprint().to_hex())), "{said}");
    assert!(!said.contains("fake"));
}
