//! Whether apt's lists of packages are to be fetched anew: none there, older than a day, or older than its settings.

use std::time::{Duration, SystemTime};

use cosmos_model::path::RelPath;
use nix::sys::stat::FileStat;

use crate::fs::{FsError, Kind, Obstacle, OnPath as _, Root, kind_of};

/// Lists of this age may name versions that servers have no more.
const OLD: Duration = Duration::from_secs(24 * 60 * 60);

/// A point in time as `stat` has it: seconds and nanoseconds.
type Point = (i64, i64);

/// Tells whether the lists are to be fetched before anything is installed.
pub(super) fn are_old(root: &Root, now: SystemTime) -> Result<bool, FsError> {
    let mut newest = None;
    each(root, &folder("var/lib/apt/lists"), 0, &mut |name, stat| {
        if name.windows(9).any(|part| part == b"_Packages") {
            newest = newest.max(Some((stat.st_mtime, stat.st_mtime_nsec)));
        }
    })?;
    let Some(newest) = newest else { return Ok(true) };
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let age = i64::try_from(now).unwrap_or(i64::MAX).saturating_sub(newest.0);
    let mut settings = None;
    each(root, &folder("etc/apt"), 2, &mut |_, stat| settings = settings.max(Some(changed(stat))))?;
    Ok(u64::try_from(age).is_ok_and(|age| age > OLD.as_secs()) || settings.is_some_and(|settings| settings > newest))
}

fn changed(stat: &FileStat) -> Point {
    (stat.st_mtime, stat.st_mtime_nsec).max((stat.st_ctime, stat.st_ctime_nsec))
}

fn folder(path: &str) -> RelPath {
    path.parse().expect("a fixed path")
}

/// Shows every entry of a folder, and of those in it, so many levels deep; a folder that is not there has none.
fn each(root: &Root, path: &RelPath, depth: u8, show: &mut dyn FnMut(&[u8], &FileStat)) -> Result<(), FsError> {
    let directory = match root.directory(path.as_bytes()) {
        Ok(directory) => directory,
        Err(Obstacle::Missing | Obstacle::Blocked(_)) => return Ok(()),
        Err(Obstacle::Failed(error)) => return Err(error),
    };
    for name in directory.names().on("list", path.as_bytes())? {
        let Some(stat) = directory.stat(&name).on("look at", path.as_bytes())? else { continue };
        show(&name, &stat);
        if depth > 0 && kind_of(&stat) == Kind::Directory {
            let inner = path.join(&name).expect("the kernel's names are single components");
            each(root, &inner, depth - 1, show)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_fetched_when_there_are_none_when_they_are_old_and_when_settings_changed() {
        let host = tempfile::tempdir().unwrap();
        let root = Root::open(host.path()).unwrap();
        let now = SystemTime::now();
        assert!(are_old(&root, now).unwrap(), "no lists");

        for folder in ["var/lib/apt/lists/partial", "etc/apt/sources.list.d"] {
            std::fs::create_dir_all(host.path().join(folder)).unwrap();
        }
        std::fs::write(host.path().join("etc/apt/sources.list.d/x.list"), "deb").unwrap();
        std::fs::write(host.path().join("var/lib/apt/lists/lock"), "").unwrap();
        assert!(are_old(&root, now).unwrap(), "a lock is no list");
        std::fs::write(host.path().join("var/lib/apt/lists/x_main_binary-amd64_Packages.lz4"), "").unwrap();
        assert!(!are_old(&root, now).unwrap(), "just fetched");
        assert!(are_old(&root, now + OLD + Duration::from_secs(5)).unwrap(), "a day later");

        std::thread::sleep(Duration::from_millis(100));
        std::fs::write(host.path().join("etc/apt/sources.list.d/x.list"), "deb2").unwrap();
        assert!(are_old(&root, now).unwrap(), "a source changed");
    }
}
