//! The keyring of a classic host is read as gpg reads it (C6, C7).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod classic_support;

use std::os::unix::fs::PermissionsExt as _;

use classic_support::{armored, certificate, fingerprints, gpg, home, installed};
use cosmos_agent::classic::keyring::{self, KeyringError};
use cosmos_agent::classic::{git_config, keybox};
use proptest::prelude::*;
use sequoia_openpgp::serialize::SerializeInto as _;

#[test]
fn the_reader_of_keyboxes_finds_what_gpg_exports_also_after_a_key_was_deleted() {
    if !installed("gpg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    let certificates: Vec<_> = ["alice", "bob", "carol"].map(certificate).into_iter().collect();
    for cert in &certificates {
        gpg(&home, &["--import"], &armored(cert));
    }
    assert!(home.join("pubring.kbx").exists());
    assert_eq!(fingerprints(&keyring::read(&home).unwrap()), fingerprints(&gpg(&home, &["--export"], b"").stdout));
    gpg(&home, &["--yes", "--delete-keys", &certificates[1].fingerprint().to_hex()], b"");
    let left = fingerprints(&keyring::read(&home).unwrap());
    assert_eq!(left.len(), 2);
    assert_eq!(left, fingerprints(&gpg(&home, &["--export"], b"").stdout));
}

#[test]
fn a_ring_of_the_old_form_is_read_beside_a_keybox_of_gpgsm() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    let ring = certificate("alice").to_vec().unwrap();
    std::fs::write(home.join("pubring.gpg"), &ring).unwrap();
    assert_eq!(keyring::read(&home).unwrap(), ring);
    std::fs::write(home.join("pubring.kbx"), keybox_header(0)).unwrap();
    assert_eq!(keyring::read(&home).unwrap(), ring);
    std::fs::write(home.join("pubring.kbx"), keybox_header(2)).unwrap();
    assert!(matches!(keyring::read(&home), Err(KeyringError::Empty { .. })));
}

#[test]
fn a_missing_empty_damaged_exposed_or_keyboxd_keyring_introduces_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none");
    assert!(matches!(keyring::read(&missing), Err(KeyringError::Empty { .. })));
    let home = home(folder.path());
    assert!(matches!(keyring::read(&home), Err(KeyringError::Empty { .. })));
    std::fs::write(home.join("pubring.kbx"), b"junk").unwrap();
    assert!(matches!(keyring::read(&home), Err(KeyringError::Keybox { .. })));
    std::fs::remove_file(home.join("pubring.kbx")).unwrap();
    std::fs::write(home.join("pubring.gpg"), certificate("alice").to_vec().unwrap()).unwrap();
    std::fs::set_permissions(home.join("pubring.gpg"), std::fs::Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(keyring::read(&home), Err(KeyringError::Exposed { .. })));
    std::fs::write(home.join("common.conf"), "use-keyboxd\n").unwrap();
    assert!(matches!(keyring::read(&home), Err(KeyringError::Keyboxd { .. })));
}

fn keybox_header(flags: u16) -> Vec<u8> {
    let mut header = vec![0, 0, 0, 32, 1, 1];
    header.extend_from_slice(&flags.to_be_bytes());
    header.extend_from_slice(b"KBXf");
    header.resize(32, 0);
    header
}

#[test]
fn a_keybox_whose_lengths_lie_is_refused() {
    let mut short = keybox_header(2);
    short.extend_from_slice(&[0, 0, 0, 3, 2, 1, 0, 0]);
    assert_eq!(keybox::certificates(&short), Err(keybox::KeyboxError::Length { offset: 32 }));
    let mut outside = keybox_header(2);
    outside.extend_from_slice(&[0, 0, 0, 16, 2, 1, 0, 0, 0, 0, 0, 15, 0, 0, 0, 2]);
    assert_eq!(keybox::certificates(&outside), Err(keybox::KeyboxError::Place { offset: 32 }));
}

#[test]
fn the_remote_of_a_clone_is_read_as_git_reads_it() {
    for (text, expected) in [
        (
            "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = git://example.org/ops.git\n",
            Some("git://example.org/ops.git"),
        ),
        ("[Remote \"origin\"] URL=\"https://h/a b;c\" # x\n", Some("https://h/a b;c")),
        ("[remote \"Origin\"]\nurl = no\n[remote \"origin\"]\nfetch = +x\n", None),
        ("[remote \"origin\"]\nurl = one\\\ntwo \n url = three\n", Some("onetwo")),
        ("[include]\npath = evil\n[remote.origin]\nurlx = no\nurl = yes ; c\n", Some("yes")),
    ] {
        let found = git_config::origin_url(text.as_bytes()).unwrap();
        assert_eq!(found.map(|url| String::from_utf8(url).unwrap()).as_deref(), expected, "{text}");
    }
    assert_eq!(git_config::origin_url(b"[core]\n[remote \"origin"), Err(git_config::ConfigError { line: 2 }));
}

proptest! {
    #[test]
    fn no_bytes_make_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = keybox::certificates(&[keybox_header(2), bytes.clone()].concat());
        let _ = git_config::origin_url(&bytes);
        let _ = git_config::origin_url(&[b"[remote \"origin\"]\nurl = ", &bytes[..]].concat());
    }
}
