//! Files of Cosmos 1.5 and gpg: `cosmos.conf` and the keybox.

use std::path::Path;

use cosmos_agent::classic::conf::{ClassicSettings, ConfError, Options};
use cosmos_agent::classic::keybox;

use crate::said;

/// `cosmos.conf` (C1): read and never executed; what cannot be read is said with its line and what to put there.
pub fn conf(text: &[u8]) {
    let host_name = |full| Some(if full { "ns1.example.org" } else { "ns1" }.to_owned());
    let read = || ClassicSettings::parse(text, Path::new("/etc/cosmos"), &host_name, &Options::default());
    let settings = match read() {
        Ok(settings) => settings,
        Err(error) => {
            if let ConfError::Lines(mistakes) = &error {
                let lines = text.iter().filter(|byte| **byte == b'\n').count() + 1;
                assert!(mistakes.iter().all(|mistake| (1..=lines).contains(&mistake.line)));
            }
            said::error(&error);
            return said::words(&error.hint());
        }
    };
    let folders = [&settings.root, &settings.base, &settings.repo, &settings.model];
    assert!(folders.iter().all(|folder| folder.is_absolute()));
    assert!(settings.layers.iter().all(|layer| layer.split(|byte| *byte == b'/').all(|part| part != b"..")));
    settings.notes.iter().for_each(|note| said::words(note));
    if let Err(error) = settings.verification(false) {
        said::error(&error);
    }
    assert_eq!(read().ok().as_ref(), Some(&settings));
}

/// A keybox: certificates lie within it, and a box made of them holds the same.
pub fn keybox(bytes: &[u8]) {
    let certificates = match keybox::certificates(bytes) {
        Ok(certificates) => certificates,
        Err(error) => return said::error(&error),
    };
    assert!(certificates.iter().all(|certificate| certificate.len() <= bytes.len()));
    let again = written(&certificates);
    assert_eq!(keybox::certificates(&again).as_deref(), Ok(&certificates[..]));
    assert!(keybox::is_for_openpgp(&again));
}

fn written(certificates: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0, 12, 1, 1, 0, 2];
    bytes.extend_from_slice(b"KBXf");
    for certificate in certificates {
        let length = u32::try_from(certificate.len()).expect("fuzzed boxes are small");
        for number in [length + 16, 0x0201_0000, 16, length] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(certificate);
    }
    bytes
}
