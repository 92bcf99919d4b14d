//! Git objects: commits, tags and trees are read strictly and print back to the same bytes (T8, F5).

use cosmos_model::object::commit::Commit;
use cosmos_model::object::message::MESSAGE_LIMIT;
use cosmos_model::object::tag::Tag;
use cosmos_model::object::tree::{self, EntryKind, NameRules, TreeEntry};

use crate::{said, trust};

/// A commit: its headers, its signature and what is signed are all of it.
pub fn commit(bytes: &[u8]) {
    let found = match Commit::parse(bytes) {
        Ok(found) => found,
        Err(error) => return said::error(&error),
    };
    assert!(bytes.len() <= MESSAGE_LIMIT);
    assert!(bytes.ends_with(found.message));
    let mut head = format!("tree {}\n", found.tree);
    found.parents.iter().for_each(|parent| head.push_str(&format!("parent {parent}\n")));
    head.push_str("author ");
    assert!(bytes[..head.len()].eq_ignore_ascii_case(head.as_bytes()), "the headers are not those that were read");
    let payload = found.payload();
    let signed = Commit::parse(&payload).expect("a commit without its signature is a commit");
    assert_eq!(
        (signed.tree, &signed.parents, signed.message, signed.committed_at),
        (found.tree, &found.parents, found.message, found.committed_at)
    );
    assert_eq!(signed.signature(), Ok(None), "what is signed carries a signature");
    match found.signature() {
        Ok(None) => assert_eq!(payload, bytes),
        Ok(Some(block)) => assert!(is_both(bytes, &payload, &header_of(&block)), "more than the signature is left out"),
        Err(error) => said::error(&error),
    }
    trust::statement(found.message);
}

/// Returns the header that holds `block`.
fn header_of(block: &[u8]) -> Vec<u8> {
    let mut header = b"gpgsig ".to_vec();
    for line in block.strip_suffix(b"\n").unwrap_or(block).split_inclusive(|byte| *byte == b'\n') {
        header.extend_from_slice(line);
        if line.ends_with(b"\n") {
            header.push(b' ');
        }
    }
    header.push(b'\n');
    header
}

/// Tells whether `whole` is `rest` with `part` somewhere in it.
fn is_both(whole: &[u8], rest: &[u8], part: &[u8]) -> bool {
    let joined = |at: usize| whole[..at] == rest[..at] && whole[at + part.len()..] == rest[at..];
    whole.len() == rest.len() + part.len() && (0..=rest.len()).any(|at| whole[at..].starts_with(part) && joined(at))
}

/// A tag: what is signed and the signature are all of it.
pub fn tag(bytes: &[u8]) {
    let found = match Tag::parse(bytes) {
        Ok(found) => found,
        Err(error) => return said::error(&error),
    };
    assert!(bytes.len() <= MESSAGE_LIMIT);
    assert_eq!([found.payload, found.signature.unwrap_or_default()].concat(), bytes);
    assert!(found.payload.ends_with(found.message));
    let head = format!("object {}\ntype {}\ntag ", found.target, found.kind.as_str());
    assert!(bytes[..head.len()].eq_ignore_ascii_case(head.as_bytes()), "the headers are not those that were read");
    assert!(bytes[head.len()..].starts_with(found.name) && !found.name.contains(&b'\n'));
    assert_eq!(Tag::parse(found.payload), Ok(Tag { signature: None, ..found }), "what is signed carries a signature");
    trust::statement(found.message);
}

/// A tree: entries are written back to the same bytes, and what native repositories accept, classic ones do.
pub fn tree(bytes: &[u8]) {
    let classic = tree::parse(bytes, NameRules::Classic);
    let native = tree::parse(bytes, NameRules::Native);
    match &classic {
        Ok(entries) => {
            assert_eq!(written(entries), bytes);
            let mut names: Vec<&[u8]> = entries.iter().map(|entry| entry.name).collect();
            let twins = tree::twins(names.iter().copied());
            assert!(twins.is_none_or(|(one, other)| one != other), "a name comes twice");
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "a name comes twice");
            assert!(names.iter().all(|name| !name.contains(&b'/') && !matches!(*name, b"" | b"." | b".." | b".git")));
        }
        Err(error) => said::error(error),
    }
    match native {
        Ok(entries) => assert_eq!(Ok(entries), classic),
        Err(error) => {
            said::error(&error);
            error.name().into_iter().for_each(said::harmless);
        }
    }
}

fn written(entries: &[TreeEntry<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend_from_slice(match entry.kind {
            EntryKind::File { executable: false } => b"100644 ",
            EntryKind::File { executable: true } => b"100755 ",
            EntryKind::Symlink => b"120000 ",
            EntryKind::Directory => b"40000 ",
        });
        bytes.extend_from_slice(entry.name);
        bytes.push(0);
        bytes.extend_from_slice(entry.id.as_bytes());
    }
    bytes
}
