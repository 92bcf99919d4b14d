//! Debian's tools, called so that nobody is asked, nothing is started, nothing removed, and no file of ours replaced.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::SystemTime;

use cosmos_model::escape::for_terminal;
use cosmos_model::package::PackageName;

use super::policy::NoServices;
use super::{InstallError, Installation, Installer, NotInstalled, Progress, database, lists, lock};
use crate::exec::{self, Ended, Finished, Limit, Program, Telling};
use crate::fs::Root;

/// How apt and dpkg are told to keep a conffile that is there, whoever wrote it, and to add one that is missing.
const KEEP: [&str; 2] = ["--force-confdef", "--force-confold"];

/// What dpkg writes into while it works; something in it means that dpkg was interrupted.
const UPDATES: &str = "var/lib/dpkg/updates";

/// How the tools are called.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Variables that a host's settings hand on, such as a proxy.
    pub passed: &'a [(OsString, OsString)],
    /// When one call is ended.
    pub limit: Limit,
    /// How many bytes of a call's output are kept.
    pub output: usize,
    /// Says what is being done.
    pub say: &'a dyn Fn(&str),
    /// Shows how far it is; left out where nobody looks.
    pub show: Option<&'a dyn Fn(&Progress)>,
}

/// apt-get and dpkg of the running system.
pub struct Apt<'a> {
    root: &'a Root,
    request: Request<'a>,
    environment: BTreeMap<OsString, OsString>,
}

impl Installer for Apt<'_> {
    fn install(&self, names: &[PackageName]) -> Result<Installation, InstallError> {
        let _quiet = NoServices::begin(self.root)?;
        let mut wanted = self.repaired(names)?;
        let mut last = None;
        let mut update = lists::are_old(self.root, SystemTime::now())?;
        while !wanted.is_empty() {
            if update {
                self.update()?;
            }
            let finished = self.transaction(&wanted)?;
            let had_time = !matches!(finished.ended, Ended::TimedOut);
            last = Some(finished);
            wanted = self.missing(wanted)?;
            if update || !had_time {
                break;
            }
            // Servers drop versions before the lists are a day old: once more with fresh ones.
            update = true;
        }
        let (failed, output) = self.one_by_one(wanted, last)?;
        Ok(Installation { failed, output, seen: database::look(self.root)? })
    }
}

impl<'a> Apt<'a> {
    /// Takes the system below `root`, which must be the one that runs.
    #[must_use]
    pub fn new(root: &'a Root, request: Request<'a>) -> Self {
        let mut environment: BTreeMap<OsString, OsString> = request.passed.iter().cloned().collect();
        let fixed = [
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("HOME", "/root"),
            ("LANG", "C.UTF-8"),
            ("DEBIAN_FRONTEND", "noninteractive"),
            ("DEBIAN_PRIORITY", "critical"),
            ("APT_LISTCHANGES_FRONTEND", "none"),
            ("UCF_FORCE_CONFFOLD", "1"),
            // It would restart services of others because a library came.
            ("NEEDRESTART_SUSPEND", "1"),
        ];
        environment.extend(fixed.map(|(name, value)| (name.into(), value.into())));
        Self { root, request, environment }
    }

    /// Lets dpkg finish what it was interrupted in, and returns what is still missing.
    fn repaired(&self, names: &[PackageName]) -> Result<Vec<PackageName>, InstallError> {
        let updates = self.root.directory(UPDATES.as_bytes()).ok();
        let interrupted = updates.and_then(|folder| folder.names().ok()).is_some_and(|names| !names.is_empty());
        if interrupted || database::installed(self.root)?.unfinished {
            let _held = lock::take(self.root)?;
            (self.request.say)("finishing an interrupted installation");
            let mut environment = self.environment.clone();
            environment.insert("DPKG_FRONTEND_LOCKED".into(), "true".into());
            let words =
                KEEP.iter().copied().chain(["--configure", "--pending"]).map(OsString::from).collect::<Vec<_>>();
            self.call("/usr/bin/dpkg", &words, &environment, None)?;
        }
        self.missing(names.to_vec())
    }

    /// Fetches the lists; where that fails, those that are there have to do, and what is not in them fails by name.
    fn update(&self) -> Result<(), InstallError> {
        (self.request.say)("fetching lists of packages");
        self.apt_get(&["update"], &[]).map(drop)
    }

    fn transaction(&self, names: &[PackageName]) -> Result<Finished, InstallError> {
        let shown: Vec<&str> = names.iter().map(PackageName::as_str).collect();
        (self.request.say)(&format!("installing {}", shown.join(", ")));
        self.apt_get(&["--no-remove", "install", "--"], names)
    }

    /// Tries each of the packages by itself that did not come together, so that one of them does not keep the others
    /// away; returns those that still failed, and what was written about them.
    fn one_by_one(
        &self,
        names: Vec<PackageName>,
        together: Option<Finished>,
    ) -> Result<(Vec<NotInstalled>, Vec<u8>), InstallError> {
        let alone = names.len() == 1;
        let (mut failed, mut output) = (Vec::new(), Vec::new());
        let mut together = together.filter(|_| alone);
        for name in names {
            let one = [name];
            let finished = match together.take() {
                Some(finished) => finished,
                None => self.transaction(&one)?,
            };
            for name in self.missing(one.to_vec())? {
                let text = finished.output.bytes();
                let reason = reason(&name, &text, finished.ended);
                failed.push(NotInstalled { name, reason });
                output.extend(text);
            }
        }
        Ok((failed, output))
    }

    fn missing(&self, mut names: Vec<PackageName>) -> Result<Vec<PackageName>, InstallError> {
        let installed = database::installed(self.root)?.names;
        names.retain(|name| !installed.contains(name));
        Ok(names)
    }

    fn apt_get(&self, command: &[&str], names: &[PackageName]) -> Result<Finished, InstallError> {
        let wait = format!("DPkg::Lock::Timeout={}", lock::PATIENCE.as_secs());
        // A name is a name and not an expression that many names match.
        let options = ["--yes", "--quiet", "-o", &wait, "-o", "Dpkg::Use-Pty=0", "-o", "APT::Cmd::Pattern-Only=true"];
        let mut words: Vec<OsString> = options.iter().map(OsString::from).collect();
        for keep in KEEP {
            words.extend(["-o".into(), format!("Dpkg::Options::={keep}").into()]);
        }
        // Nothing depends on it: where there is no pipe, nothing is shown.
        let telling = self.request.show.and_then(|_| Telling::new().ok());
        if let Some(telling) = &telling {
            words.extend(["-o".into(), format!("APT::Status-Fd={}", telling.number()).into()]);
        }
        words.extend(command.iter().map(OsString::from));
        words.extend(names.iter().map(|name| OsString::from(name.as_str())));
        self.call("/usr/bin/apt-get", &words, &self.environment, telling)
    }

    fn call(
        &self,
        program: &str,
        words: &[OsString],
        environment: &BTreeMap<OsString, OsString>,
        telling: Option<Telling>,
    ) -> Result<Finished, InstallError> {
        let program = Program {
            path: Path::new(program),
            arguments: words,
            environment,
            folder: Path::new("/"),
            limit: Some(self.request.limit),
            output: self.request.output,
        };
        let show = |line: &[u8]| {
            if let (Some(show), Some(progress)) = (self.request.show, Progress::of_line(line)) {
                show(&progress);
            }
        };
        Ok(match telling {
            Some(telling) => exec::run_telling(&program, telling, &show)?,
            None => exec::run(&program)?,
        })
    }
}

/// Finds the line that says why a package did not come.
fn reason(name: &PackageName, output: &[u8], ended: Ended) -> String {
    let lines: Vec<&[u8]> = output.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
    let by_dpkg = lines.iter().position(|line| {
        let about = line.strip_prefix(b"dpkg: error processing ");
        about.is_some_and(|rest| rest.windows(name.as_str().len()).any(|part| part == name.as_str().as_bytes()))
    });
    let after = by_dpkg.and_then(|at| lines.get(at + 1)).filter(|line| !line.is_empty());
    let by_apt =
        lines.iter().find_map(|line| line.strip_prefix(b"E: ").filter(|text| !text.starts_with(b"Sub-process")));
    match (ended, after, by_apt) {
        (Ended::TimedOut, ..) => "apt-get took longer than a task may".to_owned(),
        (_, Some(line), _) => for_terminal(line),
        (_, None, Some(line)) => for_terminal(line),
        (Ended::Exit(status), ..) => format!("apt-get ended with status {status} and without it"),
        (Ended::Signal(signal), ..) => format!("apt-get was killed by signal {signal}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(output: &str, ended: Ended) -> String {
        reason(&PackageName::new("page").unwrap(), output.as_bytes(), ended)
    }

    #[test]
    fn the_reason_is_the_line_that_says_it() {
        let unknown = "Reading package lists...\nE: Unable to locate package page\n";
        assert_eq!(why(unknown, Ended::Exit(100)), "Unable to locate package page");
        let script = "Setting up page (1.0) ...\ndpkg: error processing package page (--configure):\n installed page \
            package post-installation script subprocess returned error exit status 3\nErrors were encountered\n\
            E: Sub-process /usr/bin/dpkg returned an error code (1)\n";
        assert_eq!(
            why(script, Ended::Exit(100)),
            "installed page package post-installation script subprocess returned error exit status 3"
        );
        let other = "dpkg: error processing package other (--configure):\n it failed\n\
            E: Sub-process /usr/bin/dpkg returned an error code (1)\n";
        assert_eq!(why(other, Ended::Exit(100)), "apt-get ended with status 100 and without it");
        assert_eq!(why("", Ended::TimedOut), "apt-get took longer than a task may");
        assert_eq!(why("E: a\u{1b}[2J", Ended::Exit(1)), "a\\x1b[2J");
    }
}
