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

/// The exit status when a backup is too old.
const STALE: u8 = 6;

/// Prints a line for each phone.
pub fn run(options: &StatusOptions) -> Result<ExitCode, PhoneError> {
    let serials = if options.serials.is_empty() { serials(&options.base)? } else { options.serials.clone() };
    let mut stale = false;
    for serial in serials {
        let snapshots = Snapshots::open(&options.base, &serial)?;
        let times = snapshots.times()?;
        let (line, old) = describe(&times, Timestamp::now(), options.warn_after);
        let unfinished = if snapshots.partial().exists() { "; an unfinished copy is there" } else { "" };
        println!("{serial}: {line}{unfinished}");
        stale |= old;
    }
    Ok(if stale { ExitCode::from(STALE) } else { ExitCode::SUCCESS })
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

/// Tells node_exporter when the last good backup was, in a file that is the old one or the new one.
pub fn write_textfile(folder: &Path, serial: &Serial, time: Timestamp) -> Result<(), PhoneError> {
    let (file, new) =
        (folder.join(format!("phone-backup-{serial}.prom")), folder.join(format!(".phone-backup-{serial}")));
    let text = format!(
        "# HELP cosmos_phone_backup_last_good_seconds Time of the last good backup of a phone.\n\
         # TYPE cosmos_phone_backup_last_good_seconds gauge\n\
         cosmos_phone_backup_last_good_seconds{{serial=\"{serial}\"}} {}\n",
        time.as_second()
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
        write_textfile(place.path(), &"A1".parse().unwrap(), Timestamp::from_second(1_700_000_000).unwrap()).unwrap();
        let text = fs::read_to_string(place.path().join("phone-backup-A1.prom")).unwrap();
        assert!(text.ends_with("\ncosmos_phone_backup_last_good_seconds{serial=\"A1\"} 1700000000\n"), "{text}");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }
}
