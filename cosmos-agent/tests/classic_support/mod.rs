//! What the tests of classic mode share: certificates made in the process, and a gpg of the machine.

#![allow(dead_code, reason = "each test program uses a part")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use sequoia_openpgp::cert::prelude::*;
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::serialize::SerializeInto as _;

/// Makes a certificate that may sign.
pub fn certificate(user_id: &str) -> Cert {
    CertBuilder::new().add_userid(user_id).add_signing_subkey().generate().unwrap().0
}

/// The public half of `cert`, armored.
pub fn armored(cert: &Cert) -> Vec<u8> {
    cert.armored().to_vec().unwrap()
}

/// The fingerprints of every certificate in `packets`, sorted.
pub fn fingerprints(packets: &[u8]) -> Vec<String> {
    let parser = CertParser::from_bytes(packets).unwrap();
    let mut found: Vec<String> = parser.map(|cert| cert.unwrap().fingerprint().to_hex()).collect();
    found.sort();
    found
}

/// Runs gpg on the keyring in `home`; it must succeed.
pub fn gpg(home: &Path, arguments: &[&str], input: &[u8]) -> Output {
    use std::io::Write as _;
    let mut child = Command::new("gpg")
        .env("GNUPGHOME", home)
        .args(["--batch", "--no-autostart"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Tells whether the machine has `program`; prints why a test does nothing when it has not.
pub fn installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// Makes a folder for a keyring, as gpg wants it.
pub fn home(folder: &Path) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let home = folder.join("gnupg");
    std::fs::create_dir(&home).unwrap();
    std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o700)).unwrap();
    home
}
