//! One alarm, set by the clock on the wall.
//!
//! The scheduler's own cron jobs keep the UTC offset of the day they were made and so are an hour off after each change
//! to or from daylight saving time. It is therefore given one moment at a time, and [`crate::schedule`] knows which.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// The moment that is waited for.
pub(super) struct Alarm {
    scheduler: JobScheduler,
    sender: UnboundedSender<Timestamp>,
    rang: UnboundedReceiver<Timestamp>,
    set: Option<(Timestamp, Job)>,
}

impl Alarm {
    pub(super) async fn new() -> Result<Self, JobSchedulerError> {
        let scheduler = JobScheduler::new().await?;
        scheduler.start().await?;
        let (sender, rang) = unbounded_channel();
        Ok(Self { scheduler, sender, rang, set: None })
    }

    /// Sets the alarm to `moment`, in place of what it was set to.
    pub(super) async fn set(&mut self, moment: Timestamp) -> Result<(), JobSchedulerError> {
        if self.set.as_ref().is_some_and(|(set, _)| *set == moment) {
            return Ok(());
        }
        if let Some((_, job)) = self.set.take() {
            self.scheduler.remove(&job.guid()).await?;
        }
        // The scheduler adds whole seconds to the second it is in.
        let seconds = moment.as_second().saturating_sub(Timestamp::now().as_second());
        let wait = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        let sender = self.sender.clone();
        let job = Job::new_one_shot_async(wait, move |_, _| {
            let sender = sender.clone();
            Box::pin(async move {
                // Nobody listens any more only when the daemon is ending.
                let _ = sender.send(moment);
            })
        })?;
        self.scheduler.add(job.clone()).await?;
        self.set = Some((moment, job));
        Ok(())
    }

    /// Waits until the alarm rings; one that was set to another moment meanwhile is not heard.
    pub(super) async fn rings(&mut self) -> Timestamp {
        loop {
            let moment = self.rang.recv().await.expect("the sender lives as long as the alarm");
            if self.set.as_ref().is_some_and(|(set, _)| *set == moment) {
                self.set = None;
                return moment;
            }
        }
    }
}
