//! What the tests of classic mode share: certificates made in the process, and a gpg of the machine.

#![allow(dead_code, reason = "each test program uses a part")]

pub mod objects;

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

/// Every path below `folder` with type, mode of what is no symlink, and content or target, sorted.
pub fn tree(folder: &Path) -> Vec<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut lines = Vec::new();
    for entry in walkdir::WalkDir::new(folder).min_depth(1).sort_by_file_name() {
        let entry = entry.unwrap();
        let path = entry.path().strip_prefix(folder).unwrap().display().to_string();
        let found = entry.metadata().unwrap();
        let mode = found.permissions().mode() & 0o7777;
        lines.push(if found.is_symlink() {
            format!("{path} -> {}", std::fs::read_link(entry.path()).unwrap().display())
        } else if found.is_dir() {
            format!("{path}/ {mode:o}")
        } else {
            format!("{path} {mode:o} {:?}", String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()))
        });
    }
    lines
}
