//! dpkg's database, `var/lib/dpkg/status`: read by ourselves, since a run starts no program to look at a host.

use std::io::Read as _;

use cosmos_model::package::PackageName;
use cosmos_model::path::RelPath;
use cosmos_model::snapshot::Stat;
use nix::errno::Errno;

use super::Installed;
use crate::fs::{FsError, Obstacle, OnPath as _, Root, stat_of};

/// Largest database that is read, in bytes; a Debian desktop's has 10 MB.
const LIMIT: u64 = 256 << 20;

fn path() -> RelPath {
    "var/lib/dpkg/status".parse().expect("a fixed path")
}

/// Returns how the database looks, by one look at its file; `None` where there is none.
pub(crate) fn look(root: &Root) -> Result<Option<Stat>, FsError> {
    let path = path();
    let folder = path.parent().expect("it lies in a folder");
    match root.directory(folder.as_bytes()) {
        Ok(directory) => Ok(directory.stat(path.name()).on("look at", path.as_bytes())?.as_ref().map(stat_of)),
        Err(Obstacle::Missing) => Ok(None),
        Err(obstacle) => Err(obstacle.into_error(path.as_bytes())),
    }
}

/// Reads the database; nothing is installed where there is none.
pub(crate) fn installed(root: &Root) -> Result<Installed, FsError> {
    let path = path();
    let Some(mut file) = root.open_file(&path)? else { return Ok(Installed::default()) };
    let stat = nix::sys::stat::fstat(&file).on("look at", path.as_bytes())?;
    let mut text = Vec::new();
    file.by_ref().take(LIMIT + 1).read_to_end(&mut text).on("read", path.as_bytes())?;
    if text.len() as u64 > LIMIT {
        return Err(Errno::EFBIG).on("read", path.as_bytes());
    }
    Ok(Installed { seen: Some(stat_of(&stat)), ..parse(&text) })
}

/// Reads stanzas, divided by empty lines, for the fields `Package`, `Provides` and `Status`; the last of a name
/// decides.
///
/// A status is what is wanted, whether a reinstallation is needed, and what is there. Installed is what is there as a
/// whole, whatever is wanted of it; the same package of another architecture counts as the package, and so does one
/// that provides its name, as for apt: else a layer that asks for `mail-transport-agent` would wait for ever.
#[must_use]
pub fn parse(text: &[u8]) -> Installed {
    let mut installed = Installed::default();
    let (mut name, mut provides, mut state) = (None, None, None);
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    for line in lines.chain([&b""[..]]) {
        if line.is_empty() {
            take(&mut installed, [name.take(), provides.take()], state.take());
        } else if let Some(value) = line.strip_prefix(b"Package:") {
            name = Some(value);
        } else if let Some(value) = line.strip_prefix(b"Provides:") {
            provides = Some(value);
        } else if let Some(value) = line.strip_prefix(b"Status:") {
            state = value.trim_ascii().splitn(3, |byte| *byte == b' ').nth(2);
        }
    }
    installed
}

fn take(installed: &mut Installed, names: [Option<&[u8]>; 2], state: Option<&[u8]>) {
    match state {
        Some(b"installed") => {
            let names = names.into_iter().flatten().flat_map(|list| list.split(|byte| *byte == b','));
            installed.names.extend(names.filter_map(provided));
        }
        None | Some(b"not-installed" | b"config-files") => {}
        Some(_) => installed.unfinished = true,
    }
}

/// Returns the name of an entry such as `httpd` or `nginx (= 1.22)`.
fn provided(entry: &[u8]) -> Option<PackageName> {
    let name = entry.split(|byte| *byte == b'(').next()?.trim_ascii();
    PackageName::new(std::str::from_utf8(name).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> (Vec<String>, bool) {
        let found = parse(text.as_bytes());
        (found.names.iter().map(ToString::to_string).collect(), found.unfinished)
    }

    #[test]
    fn what_is_installed_is_read_and_what_was_removed_is_not() {
        let text = "Package: unbound\nStatus: install ok installed\nDescription: a resolver\n Package: tmux\n\
            \nPackage: held\nStatus: hold ok installed\n\nPackage: gone\nStatus: deinstall ok config-files\n\
            \nStatus: install ok installed\nPackage: order\n\nPackage: alone\n\nPackage: never\n\
            Status: unknown ok not-installed";
        assert_eq!(names(text), (vec!["held".into(), "order".into(), "unbound".into()], false));
    }

    #[test]
    fn what_an_installed_package_provides_is_there() {
        let text = "Package: nginx-light\nStatus: install ok installed\nProvides: httpd, nginx (= 1.22.1-9)\n\
            \nPackage: gone\nProvides: mail-transport-agent\nStatus: deinstall ok config-files\n";
        assert_eq!(names(text), (vec!["httpd".into(), "nginx".into(), "nginx-light".into()], false));
    }

    #[test]
    fn a_package_that_is_half_there_is_not_installed_and_is_told_of() {
        for state in ["half-configured", "unpacked", "half-installed", "triggers-pending"] {
            let text =
                format!("Package: a1\nStatus: install ok installed\n\nPackage: b1\nStatus: install ok {state}\n");
            assert_eq!(names(&text), (vec!["a1".into()], true), "{state}");
        }
    }

    #[test]
    fn a_host_without_dpkg_has_no_packages_and_no_look() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::open(folder.path()).unwrap();
        assert_eq!(installed(&root).unwrap(), Installed::default());
        assert_eq!(look(&root).unwrap(), None);
    }

    #[test]
    fn the_look_is_that_of_the_file_that_was_read_and_changes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("var/lib/dpkg")).unwrap();
        let file = folder.path().join("var/lib/dpkg/status");
        std::fs::write(&file, "Package: a1\nStatus: install ok installed\n").unwrap();
        let root = Root::open(folder.path()).unwrap();
        let found = installed(&root).unwrap();
        assert_eq!(look(&root).unwrap(), found.seen);
        std::fs::write(&file, "").unwrap();
        assert_ne!(look(&root).unwrap(), found.seen);
    }
}
