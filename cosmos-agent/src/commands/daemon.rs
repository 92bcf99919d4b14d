//! `cosmos daemon`: `run --scheduled` on a schedule, for hosts without systemd and cron.

use std::ffi::OsString;
use std::time::Duration;

use crate::agent::Agent;
use crate::cli::{DaemonOptions, GlobalOptions};
use crate::daemon::{self, Job, Timetable};
use crate::exit::{Failure, Status};
use crate::schedule;
use crate::settings::Seconds;

/// Serves until SIGTERM.
///
/// # Errors
/// Returns a [`Failure`] when settings or schedule are unusable, or the event loop fails.
pub fn run(options: &DaemonOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::new(Status::Failed, &error, "start it by its full path: /usr/bin/cosmos daemon"))?;
    let mut arguments: Vec<OsString> = vec!["run".into(), "--scheduled".into()];
    for (name, value) in [("--root", &global.root), ("--config", &global.config)] {
        arguments.extend(value.iter().flat_map(|value| [OsString::from(name), value.clone().into()]));
    }
    daemon::serve(Job { program, arguments }, || timetable(options, global))
        .map_err(|error| Failure::new(Status::Failed, &error, "see 'cosmos daemon --help'"))?;
    Ok(Status::Done)
}

fn timetable(options: &DaemonOptions, global: &GlobalOptions) -> Result<Timetable, Failure> {
    let agent = Agent::load(global)?;
    let hint = "five fields, such as '*/15 * * * *'; a splay such as '5m'";
    let schedule = match &options.schedule {
        Some(text) => {
            text.parse().map_err(|error: schedule::InvalidSchedule| Failure::new(Status::Usage, &error, hint))?
        }
        None => agent.settings.schedule.clone(),
    };
    let splay = match &options.splay {
        Some(text) => text.parse::<Seconds>().map_err(|error| Failure::new(Status::Usage, &error, hint))?.duration(),
        None => agent.settings.splay,
    };
    let delay = if splay > Duration::ZERO {
        schedule::stable_delay(&crate::state::machine_id(&agent.site), splay)
    } else {
        splay
    };
    Ok(Timetable { schedule, delay, zone: jiff::tz::TimeZone::system() })
}
