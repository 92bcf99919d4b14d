//! The off switch (docs/formats.md §15): while `/etc/no-automatic-cosmos` exists, no run starts by itself.

use std::fmt;

use cosmos_model::escape::for_terminal;
use cosmos_model::path::RelPath;
use cosmos_model::time::Time;

use crate::exit::with_causes;
use crate::fs::{self, FsError, Root};

/// Reasons are sentences; what is longer is not one, in bytes.
const LONGEST: u64 = 64 << 10;

/// Why unattended runs are off, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Who switched them off and why, as written.
    pub reason: String,
    /// When they start again by themselves.
    pub until: Option<Time>,
}

/// Why unattended runs cannot be switched off or on.
#[derive(Debug, thiserror::Error)]
pub enum PauseError {
    /// Nobody will know what it was about.
    #[error("a pause needs a reason")]
    NoReason,
    /// The end lies in the past.
    #[error("the pause would have ended already, at {0}")]
    Over(Time),
    /// The switch cannot be written or removed.
    #[error("cannot change the off switch")]
    Switch(#[source] FsError),
}

impl PauseError {
    /// Returns what to try.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoReason => "cosmos pause 'disk swap, ask Kim'".to_owned(),
            Self::Over(_) => "times are in UTC, such as 2026-01-10T18:00:00Z".to_owned(),
            Self::Switch(source) => source.hint().unwrap_or_else(|| "see what is in its place".to_owned()),
        }
    }
}

impl Pause {
    /// Reads the switch's text. A first line that is no `until: TIME` belongs to the reason.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        let until = first.strip_prefix("until:").and_then(|time| time.trim().parse().ok());
        let reason = if until.is_some() { rest } else { text };
        Self { reason: reason.trim().to_owned(), until }
    }

    /// Returns the text that [`Pause::parse`] reads the same from.
    #[must_use]
    pub fn to_text(&self) -> String {
        let reason = self.reason.trim();
        match self.until {
            Some(until) => format!("until: {until}\n{reason}\n"),
            // An empty first line keeps a reason that begins like an end from being taken for one.
            None if reason.starts_with("until:") => format!("\n{reason}\n"),
            None => format!("{reason}\n"),
        }
    }

    /// Tells whether the pause holds at `now`.
    #[must_use]
    pub fn holds(&self, now: Time) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unattended runs are off")?;
        self.until.iter().try_for_each(|until| write!(f, " until {until}"))?;
        let reason =
            if self.reason.is_empty() { "no reason given".into() } else { for_terminal(self.reason.as_bytes()) };
        write!(f, ": {reason}")
    }
}

fn switch() -> RelPath {
    RelPath::new(b"etc/no-automatic-cosmos").expect("the constant is a path below the root")
}

/// Returns the pause that holds at `now`.
///
/// Whatever is at the switch's path counts, readable or not: whoever put it there wanted no runs.
#[must_use]
pub fn in_force(root: &Root, now: Time) -> Option<Pause> {
    let pause = match fs::Root::read(root, &switch(), LONGEST) {
        Ok(None) => return None,
        Ok(Some(text)) => Pause::parse(&String::from_utf8_lossy(&text)),
        Err(error) => Pause { reason: with_causes(&error), until: None },
    };
    pause.holds(now).then_some(pause)
}

/// Switches unattended runs off, replacing an earlier pause.
///
/// # Errors
/// Returns a [`PauseError`] when there is no reason, the end is past, or the switch cannot be written.
pub fn pause(root: &Root, pause: &Pause, now: Time) -> Result<(), PauseError> {
    if pause.reason.trim().is_empty() {
        return Err(PauseError::NoReason);
    }
    if let Some(until) = pause.until.filter(|until| *until <= now) {
        return Err(PauseError::Over(until));
    }
    let folder = switch().parent().expect("the switch is in a folder");
    fs::make_directories(root, &folder, 0o755).map_err(PauseError::Switch)?;
    fs::replace(root, &switch(), pause.to_text().as_bytes(), 0o644).map_err(PauseError::Switch)
}

/// Switches unattended runs on again; no error when they are.
///
/// # Errors
/// Returns a [`PauseError`] when the switch cannot be removed.
pub fn resume(root: &Root) -> Result<(), PauseError> {
    fs::remove(root, &switch()).map_err(PauseError::Switch)
}
