//! The environment of classic tasks and users' scripts (C4).

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt as _;

use super::conf::ClassicSettings;

/// Where programs are looked for unless `cosmos.conf` says otherwise; the caller's PATH has no say (fault 4).
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Variables of the caller that tasks see: where to reach the network through, and how to print.
const PASSED: [&str; 13] = [
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "LANG",
    "TERM",
    "TZ",
];

/// The account that tasks run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: OsString,
    /// Its home folder.
    pub home: OsString,
    /// Its shell.
    pub shell: OsString,
}

impl Account {
    /// Returns the account this process runs as, from the user data base; root's usual values where it has none.
    #[must_use]
    pub fn current() -> Self {
        let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
        user.map_or_else(
            || Self { name: "root".into(), home: "/root".into(), shell: "/bin/sh".into() },
            |user| Self { name: user.name.into(), home: user.dir.into(), shell: user.shell.into() },
        )
    }
}

/// Returns the whole environment of a task: fixed values, what is passed on of `caller`, then all of `cosmos.conf`.
#[must_use]
pub fn environment(
    settings: &ClassicSettings,
    account: &Account,
    caller: &[(OsString, OsString)],
) -> Vec<(OsString, OsString)> {
    let mut variables: Vec<(OsString, OsString)> = vec![
        ("PATH".into(), PATH.into()),
        ("HOME".into(), account.home.clone()),
        ("LANG".into(), "C.UTF-8".into()),
        ("SHELL".into(), account.shell.clone()),
        ("USER".into(), account.name.clone()),
        ("LOGNAME".into(), account.name.clone()),
    ];
    for (name, value) in caller.iter().filter(|(name, _)| PASSED.iter().any(|passed| name == passed)) {
        set(&mut variables, name, value.clone());
    }
    for (name, value) in &settings.variables {
        set(&mut variables, OsStr::new(name), OsString::from_vec(value.clone()));
    }
    variables
}

fn set(variables: &mut Vec<(OsString, OsString)>, name: &OsStr, value: OsString) {
    match variables.iter_mut().find(|(known, _)| known == name) {
        Some((_, old)) => *old = value,
        None => variables.push((name.to_owned(), value)),
    }
}
