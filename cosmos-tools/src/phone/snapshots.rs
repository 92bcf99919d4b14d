//! The folder of one phone: a complete copy for each backup, named by its time, and `partial` for one that is not done.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::error::PhoneError;
use super::serial::Serial;

/// What an unfinished copy is called: no time, so no backup.
pub const PARTIAL: &str = "partial";
/// What `adb pull` brings, before it becomes part of a copy.
pub const PULLED: &str = "pulled";

/// The folder of one phone.
#[derive(Debug)]
pub struct Snapshots {
    folder: PathBuf,
}

/// How a new copy compares with the last good one.
#[derive(Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Files of the last good one.
    pub before: u64,
    /// How many of them the new one lacks.
    pub missing: u64,
}

impl Snapshots {
    /// The folder BASE-SERIAL, which must be there: on a disk that is not mounted it is not.
    pub fn open(base: &Path, serial: &Serial) -> Result<Self, PhoneError> {
        let mut name = base.as_os_str().to_owned();
        name.push(format!("-{serial}"));
        let folder = PathBuf::from(name);
        if !folder.is_absolute() {
            return Err(PhoneError::Relative(folder));
        }
        if !folder.is_dir() {
            return Err(PhoneError::NoTarget(folder));
        }
        Ok(Self { folder })
    }

    /// Its path.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps other copies of the same phone out for as long as the file is open.
    pub fn lock(&self, serial: &Serial) -> Result<File, PhoneError> {
        let folder = File::open(&self.folder).map_err(PhoneError::file("open", &self.folder))?;
        match folder.try_lock() {
            Ok(()) => Ok(folder),
            Err(TryLockError::WouldBlock) => Err(PhoneError::Locked(serial.clone())),
            Err(TryLockError::Error(source)) => Err(PhoneError::file("lock", &self.folder)(source)),
        }
    }

    /// The times of all good backups, oldest first.
    pub fn times(&self) -> Result<Vec<Timestamp>, PhoneError> {
        let failed = |source| PhoneError::file("read", &self.folder)(source);
        let mut times = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            // Only what we would have named so: other folders may lie here, too.
            let time = name.to_str().and_then(|name| name.parse::<Timestamp>().ok());
            times.extend(time.filter(|time| *name == *time.to_string()));
        }
        times.sort();
        Ok(times)
    }

    /// The folder of a backup.
    pub fn at(&self, time: Timestamp) -> PathBuf {
        self.folder.join(time.to_string())
    }

    /// The unfinished copy.
    pub fn partial(&self) -> PathBuf {
        self.folder.join(PARTIAL)
    }

    /// What is being pulled.
    pub fn pulled(&self) -> PathBuf {
        self.folder.join(PULLED)
    }

    /// Makes the unfinished copy a good one: written out first, then given a name that is a time, in one step.
    pub fn complete(&self, now: Timestamp) -> Result<Timestamp, PhoneError> {
        let folder = File::open(&self.folder).map_err(PhoneError::file("open", &self.folder))?;
        let written = |source: nix::Error| PhoneError::file("write out", &self.folder)(source.into());
        nix::unistd::syncfs(&folder).map_err(written)?;
        // After the newest, also for a second copy in one second and a clock that was set back: names are the order.
        let after = self.times()?.last().map_or(i64::MIN, |newest| newest.as_second() + 1);
        let time = Timestamp::from_second(now.as_second().max(after)).expect("the year 9999 is far");
        let good = self.at(time);
        fs::rename(self.partial(), &good).map_err(PhoneError::file("write", &good))?;
        folder.sync_all().map_err(PhoneError::file("write out", &self.folder))?;
        Ok(time)
    }

    /// Removes all but the newest backups, and returns how many went.
    pub fn prune(&self, keep: u32) -> Result<usize, PhoneError> {
        let times = self.times()?;
        let old = times.len().saturating_sub(keep as usize);
        for time in &times[..old] {
            let folder = self.at(*time);
            fs::remove_dir_all(&folder).map_err(PhoneError::file("remove", &folder))?;
        }
        Ok(old)
    }
}

/// Calls `found` with the path, relative to the folder, of everything in it that is no folder.
fn each_file(folder: &Path, found: &mut impl FnMut(&Path)) -> Result<(), PhoneError> {
    let mut open = vec![PathBuf::new()];
    while let Some(relative) = open.pop() {
        let here = folder.join(&relative);
        let failed = |source| PhoneError::file("read", &here)(source);
        for entry in fs::read_dir(&here).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = relative.join(entry.file_name());
            if entry.file_type().map_err(failed)?.is_dir() { open.push(path) } else { found(&path) }
        }
    }
    Ok(())
}

/// How many files a copy has.
pub fn count(folder: &Path) -> Result<u64, PhoneError> {
    let mut files = 0;
    each_file(folder, &mut |_| files += 1)?;
    Ok(files)
}

/// How many files of the last good copy a new one lacks.
pub fn compare(latest: &Path, new: &Path) -> Result<Comparison, PhoneError> {
    let mut result = Comparison { before: 0, missing: 0 };
    each_file(latest, &mut |path| {
        result.before += 1;
        result.missing += u64::from(new.join(path).symlink_metadata().is_err());
    })?;
    Ok(result)
}

/// Removes a folder and all in it; one that is not there is gone already.
pub fn remove(folder: &Path) -> Result<(), PhoneError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(PhoneError::file("remove", folder)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serial() -> Serial {
        "AB12".parse().unwrap()
    }

    fn place() -> (tempfile::TempDir, Snapshots) {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("phone-AB12")).unwrap();
        let snapshots = Snapshots::open(&place.path().join("phone"), &serial()).unwrap();
        (place, snapshots)
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_target_that_is_not_there_is_not_made() {
        let place = tempfile::tempdir().unwrap();
        let error = Snapshots::open(&place.path().join("phone"), &serial()).unwrap_err();
        assert!(matches!(error, PhoneError::NoTarget(_)), "{error}");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_unfinished_copy_and_folders_of_others_are_no_backups() {
        let (_place, snapshots) = place();
        for name in ["partial", "2026-01-02T03:04:05Z", "2026-01-01T00:00:00Z", "2026-01-01", "lost+found"] {
            fs::create_dir(snapshots.folder().join(name)).unwrap();
        }
        let names: Vec<String> = snapshots.times().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["2026-01-01T00:00:00Z", "2026-01-02T03:04:05Z"]);
    }

    #[test]
    fn the_last_copy_has_the_last_name_whatever_was_pruned_and_whatever_the_clock_says() {
        let (_place, snapshots) = place();
        let now = time("2026-01-02T03:04:05Z");
        for _ in 0..3 {
            fs::create_dir(snapshots.partial()).unwrap();
            snapshots.complete(now).unwrap();
        }
        snapshots.prune(1).unwrap();
        fs::create_dir(snapshots.partial()).unwrap();
        assert_eq!(snapshots.complete(now).unwrap(), time("2026-01-02T03:04:08Z"));
        fs::create_dir(snapshots.partial()).unwrap();
        assert_eq!(snapshots.complete(time("2025-01-01T00:00:00Z")).unwrap(), time("2026-01-02T03:04:09Z"));
    }

    #[test]
    fn completing_gives_a_name_that_was_free() {
        let (_place, snapshots) = place();
        let now = time("2026-01-02T03:04:05.678Z");
        for expected in ["2026-01-02T03:04:05Z", "2026-01-02T03:04:06Z"] {
            fs::create_dir(snapshots.partial()).unwrap();
            assert_eq!(snapshots.complete(now).unwrap().to_string(), expected);
        }
        assert!(!snapshots.partial().exists());
    }

    #[test]
    fn pruning_removes_the_oldest_only() {
        let (_place, snapshots) = place();
        for name in ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "partial"] {
            fs::create_dir_all(snapshots.folder().join(name).join("sdcard")).unwrap();
        }
        assert_eq!(snapshots.prune(2).unwrap(), 1);
        assert_eq!(snapshots.prune(2).unwrap(), 0);
        assert!(!snapshots.at(time("2026-01-01T00:00:00Z")).exists() && snapshots.partial().exists());
    }

    #[test]
    fn a_second_copy_of_the_same_phone_is_kept_out() {
        let (_place, snapshots) = place();
        let first = snapshots.lock(&serial()).unwrap();
        assert!(matches!(snapshots.lock(&serial()), Err(PhoneError::Locked(_))));
        drop(first);
        snapshots.lock(&serial()).unwrap();
    }

    #[test]
    fn what_a_new_copy_lacks_is_counted_by_path() {
        let (place, _) = place();
        let (old, new) = (place.path().join("old"), place.path().join("new"));
        for (folder, path) in [(&old, "a/1"), (&old, "a/2"), (&old, "b/3"), (&new, "a/2"), (&new, "c/4"), (&new, "c/5")]
        {
            fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
            fs::write(folder.join(path), "").unwrap();
        }
        assert_eq!(compare(&old, &new).unwrap(), Comparison { before: 3, missing: 2 });
        assert_eq!(count(&new).unwrap(), 3);
    }
}
