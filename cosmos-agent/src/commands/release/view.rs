//! What the remote has, as the clone's own judge sees it.

use cosmos_model::refs::RemoteRef;
use cosmos_model::trust::{RecordedRefusal, TrustState, VerifiedRevision};

use crate::agent::Agent;
use crate::exit::{Failure, Status};
use crate::operation::{self, Manner};
use crate::report::text;

/// The verified state of the remote; of an empty one, nothing.
#[derive(Default)]
pub struct View {
    /// What the judge remembers.
    pub state: TrustState,
    /// The remote's refs that concern hosts.
    pub refs: Vec<RemoteRef>,
}

impl View {
    /// Judges what the mirror has as a host would, and remembers it as a host would (T2).
    ///
    /// # Errors
    /// Returns a [`Failure`] when nothing is accepted, or the store cannot be written.
    pub fn verified(agent: &Agent) -> Result<Self, Failure> {
        let mut seen = None;
        let report = operation::perform(agent, Manner::changing("release", &agent.options, true), |pipeline| {
            let failed = pipeline.update(&mut ())?;
            seen = Some(Self { state: pipeline.record.state.trust.clone(), refs: pipeline.record.refs()? });
            failed.into_iter().next().map_or(Ok(()), |error| Err(error.into()))
        })?;
        if let Some(failure) = report.failure {
            return Err(failure);
        }
        let view = seen.expect("the work above ended well");
        for refused in view.refused() {
            text::refused(refused).iter().for_each(|line| eprintln!("{}", line.replacen("error:", "warning:", 1)));
        }
        Ok(view)
    }

    /// Returns what is refused now.
    pub fn refused(&self) -> impl Iterator<Item = &RecordedRefusal> {
        self.state.refused().iter().filter(|refused| !refused.overtaken)
    }

    /// Returns the last release, if there was one.
    pub const fn accepted(&self) -> Option<&VerifiedRevision> {
        self.state.accepted()
    }

    /// Returns what a tag of the remote points at.
    ///
    /// # Errors
    /// Returns a [`Failure`] that names it when the remote has no such tag.
    pub fn tag(&self, name: &str) -> Result<&RemoteRef, Failure> {
        let found = self.refs.iter().find(|one| one.tag_name() == Some(name));
        found.ok_or_else(|| {
            let shown = cosmos_model::escape::for_terminal(name.as_bytes());
            let hint = "'git ls-remote --tags origin' lists what is there";
            Failure::of(Status::Usage, format!("the remote has no release '{shown}'"), hint)
        })
    }
}
