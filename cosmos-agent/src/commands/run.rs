//! `cosmos run`: update, then apply. What a timer calls, and what an administrator types.

use cosmos_model::time::Time;

use crate::agent::Agent;
use crate::cli::{GlobalOptions, RunOptions};
use crate::exit::{Failure, Status};
use crate::fetch::FetchError;
use crate::operation::{self, Manner};
use crate::pause;
use crate::pipeline::{Packages, Pipeline};
use crate::report::back_off::BackOff;
use crate::report::episode::{self, Outcome};
use crate::report::{Report, progress, reported};
use crate::secret::HostKey;

/// Updates and applies. With `--scheduled` it obeys the off switch and back-off, and speaks only at both ends of a
/// failure.
///
/// # Errors
/// Returns a [`Failure`] when settings, lock or state do not let it start.
pub fn run(options: &RunOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let mut agent = Agent::load(global)?;
    // Held until the run has ended: what came in on standard input goes with it.
    let _given = options.bundle.as_deref().map(|bundle| agent.take_bundle(bundle)).transpose()?;
    let now = operation::now();
    if let Some(pause) = pause::in_force(&agent.site.root, now) {
        if options.scheduled {
            return Ok(Status::Done);
        }
        if !global.json {
            println!("{pause}");
        }
    }
    let manner = Manner::changing("run", &agent.options, options.wait);
    let (mut message, mut reported) = (None, Vec::new());
    let report = operation::perform(&agent, manner, |pipeline| {
        if let Some(name) = agent.fqdn.as_ref().filter(|_| manner.changes) {
            HostKey::make_where_missing(&agent.site, name)?;
        }
        let worked = work(pipeline, &agent, options, now);
        if let Err(failure) = &worked {
            pipeline.report.raise(failure.status);
        }
        let failure = worked.as_ref().err();
        message = settle(pipeline, failure, options.scheduled, now);
        if options.scheduled {
            reported = reported::speak(&pipeline.report.reported, pipeline.record.state.reported.iter_mut());
        }
        if worked.is_ok()
            && pipeline.report.status == Status::Done
            && pipeline.record.state.look.failing_since.is_none()
        {
            pipeline.record.stamp(&agent.settings.stamp)?;
        }
        worked
    })?;
    if options.scheduled {
        message.iter().for_each(|message| eprintln!("cosmos: {message}"));
        reported.iter().for_each(|news| eprintln!("cosmos: {news}"));
        return Ok(report.status.for_host(agent.classic.is_some()));
    }
    Ok(operation::print(&agent, &report))
}

fn work(pipeline: &mut Pipeline<'_>, agent: &Agent, options: &RunOptions, now: Time) -> Result<(), Failure> {
    let before = pipeline.record.state.trust.in_force().map(|revision| revision.commit());
    let failed = pipeline.update(&mut progress::bar(agent))?;
    let news = pipeline.record.state.trust.in_force().map(|revision| revision.commit()) != before;
    let waits = pipeline.record.state.back_off.as_ref().is_some_and(|back_off| back_off.holds(now));
    if options.scheduled && waits && !news && !options.retry {
        pipeline.report.skipped = true;
        return Ok(());
    }
    if options.retry && pipeline.end_rollback() {
        pipeline.report.remarks.push("the rollback ended: --retry".to_owned());
        pipeline.report.marked = true;
    }
    pipeline.when_missing = match (options.no_packages, options.scheduled && !news && !options.retry) {
        (true, _) => Packages::HoldBack,
        (false, true) => Packages::InstallWhenDue,
        (false, false) => Packages::Install,
    };
    pipeline.apply()?;
    // The accepted revision is enforced all the same. But our own full disk is not a remote that keeps silent.
    failed.into_iter().find(FetchError::is_ours).map_or(Ok(()), |error| Err(error.into()))
}

/// Remembers the failure or its end, and returns what an unattended run has to say about it.
fn settle(
    pipeline: &mut Pipeline<'_>,
    failure: Option<&Failure>,
    scheduled: bool,
    now: Time,
) -> Option<episode::Message> {
    let state = &mut pipeline.record.state;
    state.back_off = match failure {
        // What hinders a revision is not tried again in vain, and the one before is to be enforced all the time.
        Some(failure) if failure.status == Status::Failed && state.hindrance.is_none() => {
            Some(BackOff::after(state.back_off.as_ref(), &what_failed(&pipeline.report), now))
        }
        _ if pipeline.report.skipped => state.back_off.take(),
        _ => None,
    };
    let text = match failure {
        Some(failure) => failure.message.clone(),
        None => complaint(&pipeline.report),
    };
    let outcome = match (pipeline.report.skipped, pipeline.report.status) {
        (true, _) => Outcome::Skipped,
        (false, Status::Done) => Outcome::Well,
        (false, status) => Outcome::Failed { status: status.code(), message: &text },
    };
    let (message, next) = if scheduled {
        episode::speak(state.failure.as_ref(), outcome, now)
    } else {
        (None, episode::after_run_by_hand(state.failure.as_ref(), outcome, now))
    };
    state.failure = next;
    message
}

fn what_failed(report: &Report) -> String {
    let task = report.tasks.iter().find(|task| task.ending.is_some());
    task.map_or_else(|| "apply".to_owned(), |task| task.name.clone())
}

/// Returns one line about a run that ended without a failure of its own, but not well.
fn complaint(report: &Report) -> String {
    let refused = report.refused.last().map(|refused| {
        format!("revision {} of '{}' is refused: {}", refused.object, refused.reference, refused.reason)
    });
    let failure = report.failure.as_ref().map(|failure| failure.message.clone());
    failure.or(refused).or_else(|| report.remarks.last().cloned()).unwrap_or_default()
}
