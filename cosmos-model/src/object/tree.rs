//! Git trees, read from their raw bytes: what is not plainly a file, a symlink or a folder is refused (F5).

use alloc::borrow::Cow;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::cmp::Ordering;

use unicode_normalization::UnicodeNormalization as _;

use crate::escape::for_terminal;
use crate::object_id::ObjectId;

/// The longest name a Linux file system stores.
const LONGEST_NAME: usize = 255;

/// The kinds of tree entry that may reach a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file: mode 100644 or 100755.
    File {
        /// Whether the mode is 100755.
        executable: bool,
    },
    /// A symlink: mode 120000.
    Symlink,
    /// A folder: mode 40000.
    Directory,
}

/// One entry of a tree, borrowing its name from the tree's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeEntry<'a> {
    /// One path component.
    pub name: &'a [u8],
    /// What it is.
    pub kind: EntryKind,
    /// The blob or tree.
    pub id: ObjectId,
}

/// Which names a repository may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameRules {
    /// Valid UTF-8 without control characters.
    Native,
    /// Any bytes but control characters, as existing repositories may have them.
    Classic,
}

/// What is wrong with a tree. Names are escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The bytes end inside an entry.
    #[error("the tree ends in the middle of an entry")]
    Truncated,
    /// A mode other than the four.
    #[error("'{name}' has mode '{mode}', only 100644, 100755, 120000 and 40000 are accepted")]
    Mode {
        /// The entry.
        name: String,
        /// The mode as written.
        mode: String,
    },
    /// A name that no repository may use.
    #[error("the name '{name}' {reason}")]
    Name {
        /// The entry.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Entries are not in git's order, or a name comes twice.
    #[error("'{name}' is not in git's order, or there twice")]
    Order {
        /// The entry found out of place.
        name: String,
    },
}

impl TreeError {
    /// Returns the entry's name, escaped, where the mistake has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Truncated => None,
            Self::Mode { name, .. } | Self::Name { name, .. } | Self::Order { name } => Some(name),
        }
    }
}

/// Reads a tree's bytes.
///
/// # Errors
/// Returns the first [`TreeError`]: nothing of a tree with one bad entry is used.
pub fn parse(bytes: &[u8], rules: NameRules) -> Result<Vec<TreeEntry<'_>>, TreeError> {
    let mut entries: Vec<TreeEntry<'_>> = Vec::with_capacity(bytes.len() / 32);
    let mut rest = bytes;
    while !rest.is_empty() {
        let (entry, tail) = first_entry(rest, rules)?;
        if entries.last().is_some_and(|previous| git_order(previous, &entry) != Ordering::Less) {
            return Err(TreeError::Order { name: for_terminal(entry.name) });
        }
        entries.push(entry);
        rest = tail;
    }
    reject_names_of_both_kinds(&entries)?;
    Ok(entries)
}

fn first_entry(bytes: &[u8], rules: NameRules) -> Result<(TreeEntry<'_>, &[u8]), TreeError> {
    let blank = bytes.iter().position(|byte| *byte == b' ').ok_or(TreeError::Truncated)?;
    let (mode, rest) = (&bytes[..blank], &bytes[blank + 1..]);
    let end = rest.iter().position(|byte| *byte == 0).ok_or(TreeError::Truncated)?;
    let (name, rest) = (&rest[..end], &rest[end + 1..]);
    let (id, rest) = rest.split_first_chunk::<20>().ok_or(TreeError::Truncated)?;
    let kind = match mode {
        b"100644" => EntryKind::File { executable: false },
        b"100755" => EntryKind::File { executable: true },
        b"120000" => EntryKind::Symlink,
        b"40000" => EntryKind::Directory,
        _ => return Err(TreeError::Mode { name: for_terminal(name), mode: for_terminal(mode) }),
    };
    match fault_of_name(name, rules) {
        Some(reason) => Err(TreeError::Name { name: for_terminal(name), reason }),
        None => Ok((TreeEntry { name, kind, id: ObjectId::new(*id) }, rest)),
    }
}

/// Git sorts a folder as if its name ended in a slash.
fn git_order(left: &TreeEntry<'_>, right: &TreeEntry<'_>) -> Ordering {
    sort_key(left.name, left.kind).cmp(sort_key(right.name, right.kind))
}

fn sort_key(name: &[u8], kind: EntryKind) -> impl Iterator<Item = u8> + '_ {
    name.iter().copied().chain((kind == EntryKind::Directory).then_some(b'/'))
}

/// A file and a folder of one name are apart in git's order, so that comparing neighbours does not see them.
fn reject_names_of_both_kinds(entries: &[TreeEntry<'_>]) -> Result<(), TreeError> {
    let folders = entries.iter().filter(|entry| entry.kind == EntryKind::Directory);
    for folder in folders {
        let as_file = |entry: &TreeEntry<'_>| sort_key(entry.name, entry.kind).cmp(folder.name.iter().copied());
        if entries.binary_search_by(as_file).is_ok() {
            return Err(TreeError::Order { name: for_terminal(folder.name) });
        }
    }
    Ok(())
}

fn fault_of_name(name: &[u8], rules: NameRules) -> Option<&'static str> {
    if name.is_empty() {
        return Some("is empty");
    }
    if matches!(name, b"." | b"..") {
        return Some("leads out of its folder");
    }
    if name.contains(&b'/') {
        return Some("contains a slash");
    }
    if name.len() > LONGEST_NAME {
        return Some("is longer than 255 bytes");
    }
    if name.iter().any(u8::is_ascii_control) {
        return Some("contains a control character");
    }
    if is_git_twin(name) {
        return Some("is taken for '.git' by some file systems");
    }
    match (rules, core::str::from_utf8(name)) {
        (NameRules::Native, Err(_)) => Some("is not valid UTF-8"),
        (NameRules::Native, Ok(text)) if text.chars().any(char::is_control) => Some("contains a control character"),
        _ => None,
    }
}

/// Tells whether a file system that ignores case, trailing dots or certain code points takes `name` for `.git`.
fn is_git_twin(name: &[u8]) -> bool {
    if !name.is_ascii() {
        return core::str::from_utf8(name).is_ok_and(|text| {
            let seen: String = text.chars().filter(|character| !ignored_by_hfs(*character)).collect();
            seen.len() != text.len() && seen.to_lowercase() == ".git"
        });
    }
    // NTFS drops trailing dots and blanks, and reads what follows a colon as a stream of the file before it.
    let before_stream = name.split(|byte| *byte == b':').next().unwrap_or(name);
    let kept = before_stream.iter().rposition(|byte| !matches!(byte, b'.' | b' ')).map_or(0, |last| last + 1);
    before_stream[..kept].eq_ignore_ascii_case(b".git") || before_stream[..kept].eq_ignore_ascii_case(b"git~1")
}

const fn ignored_by_hfs(character: char) -> bool {
    matches!(character, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// Returns two of `names` that a case- or normalisation-blind file system takes for one, if there are any.
#[must_use]
pub fn twins<'a>(names: impl Iterator<Item = &'a [u8]>) -> Option<(&'a [u8], &'a [u8])> {
    let mut folded: Vec<(Cow<'a, [u8]>, &'a [u8])> = names.map(|name| (fold(name), name)).collect();
    folded.sort_unstable();
    folded.windows(2).find(|pair| pair[0].0 == pair[1].0).map(|pair| (pair[0].1, pair[1].1))
}

fn fold(name: &[u8]) -> Cow<'_, [u8]> {
    if name.is_ascii() {
        let lower_already = !name.iter().any(u8::is_ascii_uppercase);
        return if lower_already { Cow::Borrowed(name) } else { Cow::Owned(name.to_ascii_lowercase()) };
    }
    match core::str::from_utf8(name) {
        Ok(text) => Cow::Owned(text.nfc().collect::<String>().to_lowercase().nfc().to_string().into_bytes()),
        Err(_) => Cow::Borrowed(name),
    }
}
