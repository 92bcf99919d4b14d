//! What the agent left for itself: state, generations, managed set, what was found, journal, folder index,
//! log, refs. A disk may have damaged it.

use std::path::PathBuf;
use std::sync::OnceLock;

use cosmos_agent::apply::{fuzzing, managed_file};
use cosmos_agent::generations;
use cosmos_agent::model_folder::index;
use cosmos_agent::record::Record;
use cosmos_agent::report::log;
use cosmos_agent::site::Site;
use cosmos_agent::state::State;
use cosmos_model::content::ContentHash;
use cosmos_model::path::RelPath;

use crate::{choose, said};

/// One of the files, by the first byte.
pub fn kept(bytes: &[u8]) {
    match choose(bytes) {
        Some((b's', text)) => state(text),
        Some((b'g', text)) => generations(text),
        Some((b'f', text)) => {
            let written = fuzzing::found(text);
            assert_eq!(fuzzing::found(&written), written);
        }
        Some((b'm', bytes)) => {
            managed(bytes);
            managed(&[bytes, &crc32fast::hash(bytes).to_le_bytes()].concat());
        }
        Some((b'i', bytes)) => {
            folder_index(bytes);
            folder_index(&[bytes, ContentHash::of(bytes).as_bytes()].concat());
        }
        Some((b'j', text)) => journal(text),
        Some((b'l', text)) => log_lines(text),
        Some((b'r', text)) => refs(text),
        _ => {}
    }
}

/// What is read is replaced by a state that reads the same, its counter one higher.
fn state(text: &[u8]) {
    let Ok(found) = serde_json::from_slice::<State>(text) else { return };
    // The agent that counts to the end runs once a second for five hundred billion years.
    if found.counter == u64::MAX {
        return;
    }
    let (next, text) = found.next();
    assert_eq!(next.counter, found.counter + 1);
    assert_eq!(serde_json::from_slice::<State>(&text).expect("a state reads what it wrote"), next);
}

fn generations(text: &[u8]) {
    if let Ok(list) = generations::parse(text) {
        assert_eq!(generations::parse(&generations::to_text(&list)).expect("a list reads what it wrote"), list);
    }
}

fn managed(bytes: &[u8]) {
    match managed_file::ManagedFile::parse(bytes) {
        Ok(file) => {
            let set = file.to_set();
            assert_eq!(set.entries.len(), file.len() as usize);
            let mut again = Vec::new();
            managed_file::encode(&set, None, &mut again).expect("a Vec takes everything");
            assert_eq!(again, bytes);
        }
        Err(error) => said::error(&error),
    }
}

fn folder_index(bytes: &[u8]) {
    if let Some(found) = index::decode(bytes) {
        assert_eq!(index::decode(&index::encode(&found)), Some(found));
    }
}

fn journal(text: &[u8]) {
    match fuzzing::journal(text) {
        Ok(written) => assert_eq!(fuzzing::journal(&written).as_ref(), Ok(&written)),
        Err(words) => said::words(&words),
    }
}

fn log_lines(text: &[u8]) {
    let (site, path) = laid_out(|site| site.log_file(), text);
    match log::last_entry(site) {
        Ok(entry) => assert_eq!(entry.is_none(), !text.contains(&b'\n')),
        Err(error) => said::error(&error),
    }
    match log::entries(site, Some("etc/motd")) {
        Ok(entries) => assert!(entries.len() <= text.iter().filter(|byte| **byte == b'\n').count() + 1),
        Err(error) => said::error(&error),
    }
    remove(&path);
}

fn refs(text: &[u8]) {
    let (site, path) = laid_out(|site| site.refs_file(), text);
    let record = Record::open(site, false).expect("a site without a state has an empty one");
    let refs = record.refs().expect("a file that is there is read");
    let written: String = refs.iter().map(|found| format!("{} {}\n", found.id, found.shown_name())).collect();
    std::fs::write(&path, written).expect("the site can be written");
    assert_eq!(record.refs().expect("a file that is there is read"), refs);
    remove(&path);
}

/// Writes `text` as a file of a site that all inputs of this process share.
fn laid_out(file: impl Fn(&Site) -> RelPath, text: &[u8]) -> (&'static Site, PathBuf) {
    static SITE: OnceLock<(tempfile::TempDir, Site)> = OnceLock::new();
    let (_, site) = SITE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let site = Site::below(folder.path()).expect("the folder is a root");
        (folder, site)
    });
    let path = site.path_of(&file(site));
    std::fs::create_dir_all(path.parent().expect("a file of a site lies in a folder")).expect("folders can be made");
    std::fs::write(&path, text).expect("the site can be written");
    (site, path)
}

fn remove(path: &std::path::Path) {
    std::fs::remove_file(path).expect("the file was written above");
}
