//! Notes for `cosmos status` (docs/formats.md §30): what a host's report says of the work of a module.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// What is said about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// One line of plain words, without quotes.
    pub text: String,
    /// When what it speaks of happened.
    pub time: Option<Timestamp>,
    /// From when on somebody should look.
    pub due: Timestamp,
}

impl Note {
    fn to_json(&self) -> String {
        let time = self.time.map(|time| format!(r#","time":"{time}""#)).unwrap_or_default();
        format!("{{\"format\":1,\"text\":\"{}\"{time},\"due\":\"{}\"}}\n", self.text, self.due)
    }
}

/// Writes the note `PREFIX.ABOUT`: it is the old one or the new one, also after a power cut.
pub fn write(prefix: &Path, about: &str, note: &Note) -> io::Result<()> {
    let file = named(prefix, about);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let new = file.with_file_name(format!(".{name}.new"));
    let mut writing = File::create(&new)?;
    writing.write_all(note.to_json().as_bytes())?;
    writing.sync_all()?;
    fs::rename(&new, &file)
}

/// Tells whether the note `PREFIX.ABOUT` has this text.
pub fn says(prefix: &Path, about: &str, text: &str) -> bool {
    let start = format!("{{\"format\":1,\"text\":\"{text}\",");
    fs::read_to_string(named(prefix, about)).is_ok_and(|note| note.starts_with(&start))
}

/// Removes the notes of `PREFIX` that are about nothing of `about`.
pub fn keep_only(prefix: &Path, about: &[&str]) -> io::Result<()> {
    let own = named(prefix, "");
    let own = own.file_name().unwrap_or_default().to_string_lossy();
    for entry in fs::read_dir(prefix.parent().unwrap_or(Path::new("/")))? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().and_then(|name| name.strip_prefix(&*own)).is_some_and(|rest| !about.contains(&rest)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn named(prefix: &Path, about: &str) -> PathBuf {
    let mut name = prefix.as_os_str().to_owned();
    name.push(format!(".{about}"));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_written_whole_and_those_about_what_is_gone_go() {
        let place = tempfile::tempdir().unwrap();
        let prefix = place.path().join("usb-backup");
        let time = "2026-01-10T18:00:00Z".parse().unwrap();
        let note = Note { text: "last good backup".into(), time: Some(time), due: time };
        write(&prefix, "A", &note).unwrap();
        write(&prefix, "A:1", &Note { time: None, ..note }).unwrap();
        fs::write(place.path().join("usb-backups.A"), "another's").unwrap();
        let read = |name: &str| fs::read_to_string(place.path().join(name)).unwrap();
        let times = r#""time":"2026-01-10T18:00:00Z","due":"2026-01-10T18:00:00Z""#;
        assert_eq!(read("usb-backup.A"), format!("{{\"format\":1,\"text\":\"last good backup\",{times}}}\n"));
        assert_eq!(
            read("usb-backup.A:1"),
            "{\"format\":1,\"text\":\"last good backup\",\"due\":\"2026-01-10T18:00:00Z\"}\n"
        );
        assert!(says(&prefix, "A", "last good backup"));
        assert!(!says(&prefix, "A", "last good") && !says(&prefix, "B", "last good backup"));
        keep_only(&prefix, &["A:1"]).unwrap();
        let mut left: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["usb-backup.A:1", "usb-backups.A"]);
    }
}
