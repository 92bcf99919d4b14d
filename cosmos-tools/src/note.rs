//! Notes for `cosmos status` (docs/formats.md §30): what a host's report says of the work of a module.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};

/// What is said about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// One line.
    pub text: String,
    /// When what it speaks of happened.
    pub time: Option<Timestamp>,
    /// From when on somebody should look.
    pub due: Timestamp,
}

/// The notes of one module. While they are open nobody else writes any, so whoever opens them before he looks at what
/// they speak of replaces no newer one.
#[derive(Debug)]
pub struct Notes {
    prefix: PathBuf,
    _lock: File,
}

impl Notes {
    /// Opens the notes that are called `PREFIX.ABOUT`, and waits for who has them open.
    pub fn open(prefix: &Path) -> io::Result<Self> {
        let folder = File::open(folder(prefix))?;
        folder.lock()?;
        Ok(Self { prefix: prefix.into(), _lock: folder })
    }

    /// Writes one: it is the old one or the new one, also after a power cut.
    pub fn write(&self, about: &str, note: &Note) -> io::Result<()> {
        let mut document = json!({"format": 1, "text": note.text, "due": note.due.to_string()});
        if let Some(time) = note.time {
            document["time"] = time.to_string().into();
        }
        let new = folder(&self.prefix).join(format!(".{}new", self.begin()));
        let mut writing = File::create(&new)?;
        writeln!(writing, "{document}")?;
        writing.sync_all()?;
        fs::rename(&new, folder(&self.prefix).join(self.begin() + about))
    }

    /// Tells whether the one about something has this text.
    pub fn says(&self, about: &str, text: &str) -> bool {
        let there = fs::read(folder(&self.prefix).join(self.begin() + about)).unwrap_or_default();
        serde_json::from_slice(&there).is_ok_and(|note: Value| note["text"] == text)
    }

    /// Removes those that are about nothing of `about`.
    pub fn keep_only(&self, about: &[&str]) -> io::Result<()> {
        let begin = self.begin();
        for entry in fs::read_dir(folder(&self.prefix))? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_str().and_then(|name| name.strip_prefix(&begin)).is_some_and(|rest| !about.contains(&rest)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// What their names begin with.
    fn begin(&self) -> String {
        format!("{}.", self.prefix.file_name().unwrap_or_default().to_string_lossy())
    }
}

fn folder(prefix: &Path) -> &Path {
    prefix.parent().unwrap_or(Path::new("/"))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    fn note(text: &str) -> Note {
        Note { text: text.into(), time: None, due: "2026-01-17T18:00:00Z".parse().unwrap() }
    }

    fn read(file: &Path) -> Value {
        serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
    }

    #[test]
    fn a_note_is_written_whole_and_those_about_what_is_gone_go() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let notes = Notes::open(&at("usb-backup")).unwrap();
        let time = "2026-01-10T18:00:00Z";
        notes.write("A", &Note { time: Some(time.parse().unwrap()), ..note("last good \"backup\" \\") }).unwrap();
        notes.write("A:1", &note("never")).unwrap();
        fs::write(at("usb-backups.A"), "another's").unwrap();
        let due = "2026-01-17T18:00:00Z";
        let whole = json!({"format": 1, "text": "last good \"backup\" \\", "time": time, "due": due});
        assert_eq!(read(&at("usb-backup.A")), whole);
        assert_eq!(read(&at("usb-backup.A:1")), json!({"format": 1, "text": "never", "due": due}));
        assert!(notes.says("A:1", "never"));
        assert!(!notes.says("A:1", "nev") && !notes.says("B", "never"));
        notes.keep_only(&["A:1"]).unwrap();
        let mut left: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["usb-backup.A:1", "usb-backups.A"]);
    }

    #[test]
    fn who_looked_earlier_writes_nothing_over_what_is_newer() {
        let place = tempfile::tempdir().unwrap();
        let prefix = place.path().join("usb-backup");
        let first = Notes::open(&prefix).unwrap();
        let (say, hear) = mpsc::channel();
        let other = thread::spawn({
            let prefix = prefix.clone();
            move || {
                say.send("waits").unwrap();
                Notes::open(&prefix).unwrap().write("A", &note("newer")).unwrap();
                say.send("wrote").unwrap();
            }
        });
        assert_eq!(hear.recv().unwrap(), "waits");
        // Long enough for one that waits for nothing to be done.
        hear.recv_timeout(std::time::Duration::from_millis(300)).unwrap_err();
        first.write("A", &note("older")).unwrap();
        drop(first);
        other.join().unwrap();
        assert_eq!(read(&place.path().join("usb-backup.A"))["text"], "newer");
    }
}
