//! Notes that programs of modules leave for `cosmos status` (docs/formats.md §30).

use cosmos_model::escape::{for_terminal, is_active};
use cosmos_model::path::RelPath;
use cosmos_model::time::Time;
use serde::{Deserialize, Serialize};

use crate::fs::{FsError, Obstacle, OnPath as _, Root};

/// How many notes are read.
const NOTES: usize = 1000;

/// The longest note, in bytes.
const LARGEST: u64 = 4096;

/// The longest text, in characters.
const LONGEST: usize = 200;

/// The version that is read.
const FORMAT: u32 = 1;

/// What a note says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    format: u32,
    /// One line that a terminal may show.
    pub text: String,
    /// When what it speaks of happened.
    #[serde(default)]
    pub time: Option<Time>,
    /// From when on somebody should look.
    #[serde(default)]
    pub due: Option<Time>,
}

/// Why a note counts for nothing.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// It is not written as a note.
    #[error("it is no note: {0}")]
    Grammar(String),
    /// It is of a later version.
    #[error("its format is {0}, this agent reads {FORMAT}")]
    Later(u32),
    /// Its text is no line that may be shown.
    #[error("its text is not one line of 1 to {LONGEST} characters")]
    Text,
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    /// Returns what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        let grammar = |error: serde_json::Error| NoteError::Grammar(for_terminal(error.to_string().as_bytes()));
        let note: Self = serde_json::from_slice(bytes).map_err(grammar)?;
        if note.format != FORMAT {
            return Err(NoteError::Later(note.format));
        }
        let length = note.text.chars().take(LONGEST + 1).count();
        if !(1..=LONGEST).contains(&length) || note.text.chars().any(is_active) {
            return Err(NoteError::Text);
        }
        Ok(note)
    }

    /// Tells whether somebody should look.
    #[must_use]
    pub fn is_due(&self, now: Time) -> bool {
        self.due.is_some_and(|due| due <= now)
    }
}

/// A note with whose it is and what it is about, or why it cannot be read.
#[derive(Debug)]
pub struct Noted {
    /// The module whose program left it.
    pub of: String,
    /// What it is about.
    pub about: String,
    /// What it says.
    pub said: Result<Note, String>,
}

/// Reads the notes in `folder` that are of one of `layers`, as the applied model names them; what programs of a module
/// left that is gone says nothing any more.
///
/// # Errors
/// Returns an [`FsError`] when the folder cannot be listed; one that is not there holds nothing.
pub fn read(root: &Root, folder: &RelPath, layers: &[&str]) -> Result<Vec<Noted>, FsError> {
    let directory = match root.directory(folder.as_bytes()) {
        Ok(directory) => directory,
        Err(Obstacle::Missing) => return Ok(Vec::new()),
        Err(obstacle) => return Err(obstacle.into_error(folder.as_bytes())),
    };
    let names = directory.names().on("list", folder.as_bytes())?;
    let is_applied = |module: &str| layers.iter().any(|layer| layer.rsplit('/').next() == Some(module));
    let ours = names.iter().filter_map(|name| named(name)).filter(|(module, _)| is_applied(module));
    let noted = |(of, about): (&str, &str)| {
        let path = folder.join(format!("{of}.{about}").as_bytes()).expect("a listed name is one sound component");
        let said = match root.read(&path, LARGEST) {
            Ok(bytes) => Note::parse(&bytes.unwrap_or_default()).map_err(|error| error.to_string()),
            Err(error) => Err(crate::exit::with_causes(&error)),
        };
        Noted { of: of.to_owned(), about: about.to_owned(), said }
    };
    Ok(ours.take(NOTES).map(noted).collect())
}

/// Splits a file's name into the module and what the note is about; `None` for any other file.
fn named(name: &[u8]) -> Option<(&str, &str)> {
    let (module, about) = std::str::from_utf8(name).ok()?.split_once('.')?;
    let is_module = module.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let is_word = about.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte));
    (!module.is_empty() && !about.is_empty() && is_module && is_word).then_some((module, about))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_one_line_with_its_times_and_nothing_else() {
        let note =
            Note::parse(br#"{"format":1,"text":"last good backup","time":"2026-01-10T18:00:00Z","due":"2026-01-17"}"#);
        let note = note.expect("a note");
        let at = |text: &str| text.parse::<Time>().expect("a time");
        assert_eq!((note.text.as_str(), note.time), ("last good backup", Some(at("2026-01-10T18:00:00Z"))));
        assert!(note.is_due(at("2026-01-17T00:00:00Z")) && !note.is_due(at("2026-01-16T23:59:59Z")));
        let long = format!(r#"{{"format":1,"text":"{}"}}"#, "x".repeat(LONGEST + 1));
        let refused = [
            ("", "it is no note: EOF while parsing a value at line 1 column 0"),
            (r#"{"format":2,"text":"x"}"#, "its format is 2, this agent reads 1"),
            (r#"{"format":1,"text":""}"#, "its text is not one line of 1 to 200 characters"),
            (r#"{"format":1,"text":"a\u001b[2J"}"#, "its text is not one line of 1 to 200 characters"),
            (r#"{"format":1,"text":"a\nb"}"#, "its text is not one line of 1 to 200 characters"),
            (&long, "its text is not one line of 1 to 200 characters"),
        ];
        for (text, why) in refused {
            assert_eq!(Note::parse(text.as_bytes()).expect_err(text).to_string(), why);
        }
        for odd in [r#"{"format":1,"text":"x","more":1}"#, r#"{"format":1,"text":"x","due":"soon"}"#, r#"["x"]"#] {
            assert!(matches!(Note::parse(odd.as_bytes()), Err(NoteError::Grammar(_))), "{odd}");
        }
    }

    #[test]
    fn a_note_is_named_by_its_module_and_what_it_is_about() {
        assert_eq!(named(b"usb-backup.0123:5555"), Some(("usb-backup", "0123:5555")));
        assert_eq!(named(b"usb-backup.a.b"), Some(("usb-backup", "a.b")));
        for odd in [&b".usb-backup.new"[..], b"usb-backup", b"usb-backup.", b"Usb.x", b"usb.a b", b"usb.\xff"] {
            assert_eq!(named(odd), None, "{odd:?}");
        }
    }
}
