//! `phone-status`: how old the last good backup of each phone is, for people and for node_exporter.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;

use super::error::PhoneError;
use super::serial::Serial;
use super::snapshots::Snapshots;
use crate::cli::StatusOptions;
use crate::note::{Note, Notes};

/// The exit status when a backup is too old.
const STALE: u8 = 6;

/// Prints a line for each phone.
pub fn run(options: &StatusOptions) -> Result<ExitCode, PhoneError> {
    let serials = if options.serials.is_empty() { serials(&options.base)? } else { options.serials.clone() };
    let notes = options.note.as_deref().map(open_notes).transpose()?;
    let (now, mut stale) = (Timestamp::now(), false);
    for serial in &serials {
        let times = match Snapshots::open(&options.base, serial) {
            Ok(snapshots) => {
                let times = snapshots.times()?;
                let (line, old) = describe(&times, now, options.warn_after);
                let unfinished = if snapshots.partial().exists() { "; an unfinished copy is there" } else { "" };
                println!("{serial}: {line}{unfinished}");
                stale |= old;
                times
            }
            // The others are looked at all the same.
            Err(error @ PhoneError::NoTarget(_)) => {
                println!("{serial}: never backed up, {error}");
                stale = true;
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        if let Some(notes) = &notes {
            write_note(notes, serial, &note(&times, now, options.warn_after))?;
        }
    }
    if let (Some(prefix), Some(notes)) = (&options.note, &notes) {
        let about: Vec<&str> = serials.iter().map(Serial::as_str).collect();
        notes.keep_only(&about).map_err(PhoneError::file("remove old notes of", prefix))?;
    }
    Ok(if stale { ExitCode::from(STALE) } else { ExitCode::SUCCESS })
}

/// What `cosmos status` is told of a phone with good backups of these times.
pub fn note(times: &[Timestamp], now: Timestamp, limit: Duration) -> Note {
    match times.last() {
        None => Note { text: "never backed up".into(), time: None, due: now },
        Some(last) => {
            Note { text: format!("{} kept, last good backup", times.len()), time: Some(*last), due: due(*last, limit) }
        }
    }
}

/// When a backup of this time is too old.
fn due(time: Timestamp, limit: Duration) -> Timestamp {
    time.checked_add(limit).unwrap_or(Timestamp::MAX)
}

/// Opens the notes that begin with `prefix`; before backups are looked at, so that what is written is how they are.
pub fn open_notes(prefix: &Path) -> Result<Notes, PhoneError> {
    Notes::open(prefix).map_err(PhoneError::file("open the notes", prefix))
}

/// Leaves the note of a phone.
pub fn write_note(notes: &Notes, serial: &Serial, note: &Note) -> Result<(), PhoneError> {
    notes.write(serial.as_str(), note).map_err(PhoneError::file("write a note about", serial.as_str()))
}

/// One phone in words, and whether its last good backup is too old.
fn describe(times: &[Timestamp], now: Timestamp, limit: Duration) -> (String, bool) {
    let Some(last) = times.last() else { return ("never backed up".into(), true) };
    // A backup from the future was made before the clock was set back; it is not old.
    let age = now.duration_since(*last).unsigned_abs() * u32::from(now > *last);
    let old = age >= limit;
    let words = match age.as_secs() {
        seconds if seconds < 3600 => format!("{} min", seconds / 60),
        seconds if seconds < 2 * 86_400 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    };
    (format!("last good backup {last}, {words} old{}, {} kept", if old { ", TOO OLD" } else { "" }, times.len()), old)
}

/// Every phone that has a folder.
fn serials(base: &Path) -> Result<Vec<Serial>, PhoneError> {
    let parent = base.parent().filter(|_| base.is_absolute()).ok_or_else(|| PhoneError::Relative(base.into()))?;
    let prefix = format!("{}-", base.file_name().unwrap_or_default().to_string_lossy());
    let failed = |source| PhoneError::file("read", parent)(source);
    let mut found = Vec::new();
    for entry in fs::read_dir(parent).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let serial = name.to_str().and_then(|name| name.strip_prefix(&prefix)?.parse().ok());
        found.extend(serial.filter(|_| entry.path().is_dir()));
    }
    found.sort();
    Ok(found)
}

/// Tells node_exporter when the last good backup was and when it is too old, in a file that is the old one or the new
/// one.
pub fn write_textfile(folder: &Path, serial: &Serial, time: Timestamp, limit: Duration) -> Result<(), PhoneError> {
    let (file, new) =
        (folder.join(format!("phone-backup-{serial}.prom")), folder.join(format!(".phone-backup-{serial}")));
    let text = format!(
        "# HELP cosmos_phone_backup_last_good_seconds Time of the last good backup of a phone.\n\
         # TYPE cosmos_phone_backup_last_good_seconds gauge\n\
         cosmos_phone_backup_last_good_seconds{{serial=\"{serial}\"}} {}\n\
         # HELP cosmos_phone_backup_due_seconds Time from which on that backup is too old.\n\
         # TYPE cosmos_phone_backup_due_seconds gauge\n\
         cosmos_phone_backup_due_seconds{{serial=\"{serial}\"}} {}\n",
        time.as_second(),
        due(time, limit).as_second()
    );
    fs::write(&new, text).map_err(PhoneError::file("write", &new))?;
    fs::rename(&new, &file).map_err(PhoneError::file("write", &file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(times: &[&str], now: &str) -> (String, bool) {
        let times: Vec<Timestamp> = times.iter().map(|time| time.parse().unwrap()).collect();
        describe(&times, now.parse().unwrap(), Duration::from_secs(7 * 86_400))
    }

    #[test]
    fn a_backup_gets_old_after_the_days_given_and_a_missing_one_is() {
        assert_eq!(told(&[], "2026-01-10T00:00:00Z"), ("never backed up".into(), true));
        assert_eq!(
            told(&["2026-01-01T00:00:00Z", "2026-01-03T00:00:01Z"], "2026-01-10T00:00:00Z"),
            ("last good backup 2026-01-03T00:00:01Z, 6 days old, 2 kept".into(), false)
        );
        assert_eq!(
            told(&["2026-01-03T00:00:00Z"], "2026-01-10T00:00:00Z"),
            ("last good backup 2026-01-03T00:00:00Z, 7 days old, TOO OLD, 1 kept".into(), true)
        );
        assert!(!told(&["2026-03-01T00:00:00Z"], "2026-01-10T00:00:00Z").1, "a clock that was set back");
    }

    #[test]
    fn a_phone_is_due_after_the_days_given_and_at_once_where_it_was_never_backed_up() {
        let now: Timestamp = "2026-01-10T00:00:00Z".parse().unwrap();
        let week = Duration::from_secs(7 * 86_400);
        assert_eq!(note(&[], now, week), Note { text: "never backed up".into(), time: None, due: now });
        let told = note(&[now, now], now, week);
        let due = "2026-01-17T00:00:00Z".parse().unwrap();
        assert_eq!(told, Note { text: "2 kept, last good backup".into(), time: Some(now), due });
        assert_eq!(note(&[now], now, Duration::MAX).due, Timestamp::MAX);
    }

    #[test]
    fn every_folder_of_a_phone_is_found_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        for name in ["phone-B", "phone-A", "phone-", "phones-C", "phone--x"] {
            fs::create_dir(place.path().join(name)).unwrap();
        }
        fs::write(place.path().join("phone-file"), "").unwrap();
        let found = serials(&place.path().join("phone")).unwrap();
        assert_eq!(found.iter().map(Serial::as_str).collect::<Vec<_>>(), ["A", "B"]);
    }

    #[test]
    fn node_exporter_is_told_the_time_of_the_last_good_backup() {
        let place = tempfile::tempdir().unwrap();
        let time = Timestamp::from_second(1_700_000_000).unwrap();
        write_textfile(place.path(), &"A1".parse().unwrap(), time, Duration::from_secs(60)).unwrap();
        let text = fs::read_to_string(place.path().join("phone-backup-A1.prom")).unwrap();
        let figures: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            figures,
            [
                "cosmos_phone_backup_last_good_seconds{serial=\"A1\"} 1700000000",
                "cosmos_phone_backup_due_seconds{serial=\"A1\"} 1700000060",
            ]
        );
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }
}
