//! Laws of the managed set's file: what is written is read, and nothing else is.

use cosmos_model::content::ContentHash;
use cosmos_model::managed::{ManagedEntry, ManagedKind};
use cosmos_model::snapshot::{Attributes, Stat};
use cosmos_model::stage::KnownContent as _;
use proptest::prelude::*;

use super::*;

fn entry() -> impl Strategy<Value = ManagedEntry> {
    let kind = prop_oneof![Just(ManagedKind::File), Just(ManagedKind::Symlink), Just(ManagedKind::Directory)];
    let numbers = (0u32..=0o7777, any::<u32>(), any::<u32>(), any::<u64>(), 0u16..3);
    let hashes = (any::<[u8; 32]>(), proptest::option::of(any::<[u8; 32]>()), proptest::option::of((1u8..4, 0u8..3)));
    let times = (any::<u64>(), any::<u64>(), any::<i64>(), 0u32..1_000_000_000, any::<i64>(), 0u32..1_000_000_000);
    let flags = any::<[bool; 5]>();
    (kind, numbers, hashes, times, flags).prop_map(|(kind, numbers, hashes, times, flags)| ManagedEntry {
        kind,
        attributes: Attributes { mode: numbers.0, uid: numbers.1, gid: numbers.2 },
        size: numbers.3,
        hash: ContentHash::new(hashes.0),
        blob: hashes.2.map(|(byte, last)| blob(byte, last)),
        stat: Stat {
            device: times.0,
            inode: times.1,
            size: numbers.3,
            modified: (times.2, times.3),
            changed: (times.4, times.5),
        },
        layer: numbers.4,
        found: hashes.1.map(ContentHash::new),
        found_kept: flags[0],
        task_made: flags[1],
        unfinished: flags[2],
        left_alone: flags[3],
        secret: flags[4],
    })
}

/// Returns an id, of which several begin alike.
fn blob(byte: u8, last: u8) -> ObjectId {
    let mut id = [byte; 20];
    id[19] = last;
    ObjectId::new(id)
}

fn set() -> impl Strategy<Value = ManagedSet> {
    let path = "[a-c]{1,3}(/[a-c.-]{3,9}){0,3}".prop_map(|text| RelPath::new(text.as_bytes()));
    let entries = proptest::collection::btree_map(path.prop_filter_map("a dotted name", Result::ok), entry(), 0..20);
    (entries, proptest::option::of(1u8..)).prop_map(|(entries, commit)| ManagedSet {
        commit: commit.map(|byte| ObjectId::new([byte; 20])),
        layers: vec!["ns1.example.org".into(), "models/dns".into(), "".into()],
        entries: entries.into_iter().collect(),
        left_out: LeftOut::default(),
    })
}

/// Returns the bytes of the file.
fn encoded(set: &ManagedSet, old: Option<&ManagedFile<'_>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(set, old, &mut bytes).unwrap();
    bytes
}

proptest! {
    #[test]
    fn what_is_written_is_read(set in set()) {
        let bytes = encoded(&set, None);
        let file = ManagedFile::parse(&bytes).unwrap();
        prop_assert_eq!(file.len() as usize, set.entries.len());
        prop_assert_eq!(file.to_set(), set);
    }

    #[test]
    fn what_a_set_leaves_out_stays_as_it_is_in_the_file(old in set(), new in set(), folders in "[a-c]( [a-c]){0,2}") {
        let mut folders: Vec<RelPath> = folders.split(' ').map(|name| name.parse().unwrap()).collect();
        folders.sort_unstable();
        folders.dedup();
        let (old_bytes, mut part) = (encoded(&old, None), new);
        part.left_out = ManagedFile::parse(&old_bytes).unwrap().to_set_without(&folders).left_out;
        part.layers = vec!["models/dns".into(), "new".into(), "third".into()];
        part.entries.retain(|path, _| !part.left_out.has(path.as_bytes()));
        let bytes = encoded(&part, Some(&ManagedFile::parse(&old_bytes).unwrap()));
        let found = ManagedFile::parse(&bytes).unwrap().to_set();
        let named = |set: &ManagedSet, below: bool| -> Vec<(RelPath, Arc<str>, ManagedEntry)> {
            let entries = set.entries.iter().filter(|(path, _)| part.left_out.has(path.as_bytes()) == below);
            let name = |entry: &ManagedEntry| set.layers[usize::from(entry.layer)].clone();
            entries.map(|(path, entry)| (path.clone(), name(entry), ManagedEntry { layer: 0, ..entry.clone() })).collect()
        };
        prop_assert_eq!(named(&found, true), named(&old, true));
        prop_assert_eq!(named(&found, false), named(&part, false));
        prop_assert_eq!(found.commit, part.commit);
        let lost = encoded(&part, None);
        prop_assert_eq!(ManagedFile::parse(&lost).unwrap().commit(), None);
    }

    #[test]
    fn a_changed_byte_or_a_cut_is_refused(set in set(), place in any::<prop::sample::Index>(), with in 1u8..) {
        let mut bytes = encoded(&set, None);
        let place = place.index(bytes.len());
        prop_assert!(ManagedFile::parse(&bytes[..place]).is_err());
        bytes[place] ^= with;
        prop_assert!(ManagedFile::parse(&bytes).is_err());
    }

    #[test]
    fn bytes_with_a_right_checksum_are_refused_or_read_to_the_same_bytes(
        set in set(), changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)
    ) {
        let mut bytes = encoded(&set, None);
        bytes.truncate(bytes.len() - TRAILER);
        for (place, with) in changes {
            let place = place.index(bytes.len());
            bytes[place] = with;
        }
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        if let Ok(file) = ManagedFile::parse(&bytes) {
            prop_assert_eq!(encoded(&file.to_set(), None), bytes);
        }
    }

    /// What a blob holds is known from a path that was written from it and not changed by a task, and from no other.
    #[test]
    fn what_a_blob_holds_is_known_from_what_was_written_from_it(set in set()) {
        let bytes = encoded(&set, None);
        let known = KnownBlobs::of(&ManagedFile::parse(&bytes).unwrap());
        for id in (1..5).flat_map(|byte| (0..3).map(move |last| blob(byte, last))) {
            let written = |secret: bool| -> Vec<(u64, ContentHash)> {
                let from = set.entries.values().filter(|entry| entry.blob == Some(id) && !entry.task_made);
                from.filter(|entry| entry.secret == secret).map(|entry| (entry.size, entry.hash)).collect()
            };
            for (found, written) in [(known.content_of(id), written(false)), (known.secret_of(id), written(true))] {
                prop_assert_eq!(found.is_some(), !written.is_empty());
                prop_assert!(found.is_none_or(|found| written.contains(&found)));
            }
        }
    }

    /// Asking in any order is asking.
    #[test]
    fn what_is_left_out_is_left_out_in_any_order(
        mut folders in prop::collection::vec("[a-b]{1,2}(/[a-b-]{1,2}){0,1}", 0..4),
        paths in prop::collection::vec("[a-b]{1,2}(/[a-b-]{1,2}){0,2}", 0..20),
    ) {
        folders.sort();
        let folders: Vec<_> = folders.iter().map(|folder| RelPath::new(folder.as_bytes()).unwrap()).collect();
        let left_out = LeftOut { folders: folders.clone(), files: 0 };
        let mut in_order = left_out.in_order();
        for path in paths {
            let path = RelPath::new(path.as_bytes()).unwrap();
            let below = folders.iter().any(|folder| path.is_below(folder));
            prop_assert_eq!((in_order.has(path.as_bytes()), left_out.has(path.as_bytes())), (below, below));
        }
    }
}

#[test]
fn a_later_format_is_told_from_a_foreign_file() {
    assert_eq!(ManagedFile::parse(b"COSMOSM2....").unwrap_err(), ManagedFileError::Later);
    assert_eq!(ManagedFile::parse(b"something").unwrap_err(), ManagedFileError::NotManaged);
    assert_eq!(ManagedFile::parse(b"").unwrap_err(), ManagedFileError::NotManaged);
    assert_eq!(ManagedFile::parse(b"COSMOSM1").unwrap_err(), ManagedFileError::Checksum);
}
