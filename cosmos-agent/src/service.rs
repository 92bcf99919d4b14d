//! The host's services: which program is told what.

use std::path::Path;

use cosmos_model::triggers::Due;

/// What exists only where systemd is the first process.
const SYSTEMD: &str = "/run/systemd/system";

/// What is done about a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Manner {
    /// Whether systemd manages services here; otherwise `service` does.
    pub systemd: bool,
    /// Whether the service is to run, so that one that does not is started.
    pub is_to_run: bool,
    /// Whether what it is told next starts it, so that it starts once.
    pub starts_next: bool,
}

/// Tells whether systemd manages this host's services.
#[must_use]
pub fn is_systemd() -> bool {
    Path::new(SYSTEMD).is_dir()
}

/// Tells whether `due` starts the service `name`, which is to run, where it does not.
#[must_use]
pub fn starts(due: &Due, name: &str, systemd: bool) -> bool {
    match due {
        Due::Restart(told) => told == name,
        Due::Reload(told) => systemd && told == name,
        _ => false,
    }
}

/// Returns program and arguments that make `due` happen; none where there is nothing to tell.
#[must_use]
pub fn command(due: &Due, manner: Manner) -> Vec<&str> {
    let words = if manner.systemd { by_systemctl(due, manner) } else { by_service(due, manner.starts_next) };
    match due {
        Due::Sysusers => vec!["systemd-sysusers"],
        Due::Tmpfiles => vec!["systemd-tmpfiles", "--create"],
        _ => words,
    }
}

/// Returns program and arguments whose success says that a service which need not run was given up by systemd: it did
/// run, and nobody stopped it. None where that does not matter.
#[must_use]
pub fn is_given_up(due: &Due, manner: Manner) -> Vec<&str> {
    match due {
        Due::Restart(name) | Due::Reload(name) if manner.systemd && !manner.is_to_run => {
            vec!["systemctl", "is-failed", "--quiet", "--", name]
        }
        _ => Vec::new(),
    }
}

/// Returns program and arguments that let systemd try a service again which it gave up; none for anything else.
#[must_use]
pub fn forgive(due: &Due, manner: Manner) -> Vec<&str> {
    match due {
        Due::Enable(name) | Due::Restart(name) | Due::Reload(name) if manner.systemd => {
            vec!["systemctl", "reset-failed", "--", name]
        }
        _ => Vec::new(),
    }
}

/// Returns program and arguments that stop the service `name` for good.
#[must_use]
pub fn stop(name: &str, manner: Manner) -> Vec<&str> {
    match manner {
        Manner { systemd: false, .. } => vec!["service", name, "stop"],
        Manner { is_to_run: true, .. } => vec!["systemctl", "disable", "--now", "--", name],
        Manner { .. } => vec!["systemctl", "stop", "--", name],
    }
}

fn by_systemctl(due: &Due, Manner { is_to_run, starts_next, .. }: Manner) -> Vec<&str> {
    match due {
        Due::DaemonReload => vec!["systemctl", "daemon-reload"],
        Due::Enable(name) if starts_next => vec!["systemctl", "enable", "--", name],
        Due::Enable(name) => vec!["systemctl", "enable", "--now", "--", name],
        Due::Disable(name) => vec!["systemctl", "disable", "--now", "--", name],
        Due::Restart(name) => vec!["systemctl", if is_to_run { "restart" } else { "try-restart" }, "--", name],
        Due::Reload(name) => {
            vec!["systemctl", if is_to_run { "reload-or-restart" } else { "try-reload-or-restart" }, "--", name]
        }
        _ => Vec::new(),
    }
}

fn by_service(due: &Due, starts_next: bool) -> Vec<&str> {
    match due {
        Due::Enable(_) if starts_next => Vec::new(),
        Due::Enable(name) => vec!["service", name, "start"],
        Due::Disable(name) => vec!["service", name, "stop"],
        Due::Restart(name) => vec!["service", name, "restart"],
        Due::Reload(name) => vec!["service", name, "reload"],
        _ => Vec::new(),
    }
}
