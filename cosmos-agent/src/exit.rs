//! How a command ends: one table of exit statuses and one way to print an error (docs/formats.md §14).

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// What a command's exit status says. Ordered by precedence: when several hold, the greatest is the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Status {
    /// Done, or nothing to do.
    #[default]
    Done,
    /// Drift was found by `drift`.
    Drift,
    /// The accepted revision is enforced, but it is too old or the remote was out of reach for too long.
    Stale,
    /// A step failed.
    Failed,
    /// A revision was refused.
    Refused,
    /// Another run is under way.
    Locked,
    /// The command line or a settings file is wrong.
    Usage,
}

impl Status {
    /// Returns the number the process ends with.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Locked => 4,
            Self::Drift => 5,
            Self::Stale => 6,
        }
    }

    /// Returns the status for a host: on a `classic` one as Cosmos 1.5 knew it, where a stale mirror is no failure and
    /// everything else is (C9).
    #[must_use]
    pub const fn for_host(self, classic: bool) -> Self {
        match self {
            _ if !classic => self,
            Self::Done | Self::Stale => Self::Done,
            _ => Self::Failed,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}

/// Why a command could not do what it was asked: what is wrong, what to try, and the status it ends with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The status.
    pub status: Status,
    /// What is wrong, causes after colons, on one line; lower case, no full stop.
    pub message: String,
    /// What to try.
    pub hint: Option<String>,
}

impl Failure {
    /// Makes a failure out of an error and its chain of sources.
    pub fn new(status: Status, error: &dyn Error, hint: impl Into<String>) -> Self {
        Self::of(status, with_causes(error), hint)
    }

    /// Makes a failure of a sentence. Control characters that foreign text brought along are escaped (A50).
    pub fn of(status: Status, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let safe = |text: String| cosmos_model::escape::sentence(&text);
        Self { status, message: safe(message.into()), hint: Some(safe(hint.into())) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, "\nhint: {hint}"))
    }
}

impl Error for Failure {}

impl From<&crate::fs::FsError> for Failure {
    fn from(error: &crate::fs::FsError) -> Self {
        let hint = error.hint().unwrap_or_else(|| "run 'cosmos plan' to see what is left to do".to_owned());
        Self::new(Status::Failed, error, hint)
    }
}

impl From<crate::fs::FsError> for Failure {
    fn from(error: crate::fs::FsError) -> Self {
        Self::from(&error)
    }
}

/// Returns an error and everything that caused it, separated by colons.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn the_greatest_of_several_statuses_follows_the_documented_precedence() {
        let by_precedence = [2, 4, 3, 1, 6, 5, 0];
        let mut all = [
            Status::Done,
            Status::Drift,
            Status::Stale,
            Status::Failed,
            Status::Refused,
            Status::Locked,
            Status::Usage,
        ];
        all.sort_by(|left, right| right.cmp(left));
        assert_eq!(all.map(Status::code), by_precedence);
    }
}
