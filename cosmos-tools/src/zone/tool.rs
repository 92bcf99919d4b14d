//! The programs that know of zones, each run by whom it needs.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use crate::cli::ZoneOptions;
use crate::program::{self, Answer, ProgramError};

/// Becomes another user before it becomes a program.
const SETPRIV: &str = "/usr/bin/setpriv";

/// A program, and the user it runs as: ours where none is named.
#[derive(Debug, Clone, Copy)]
pub struct Tool<'a> {
    /// Its path.
    pub program: &'a Path,
    /// The user, who has a group of the same name.
    pub user: Option<&'a str>,
}

impl Tool<'_> {
    /// Asks one thing.
    ///
    /// # Errors
    /// Returns a [`ProgramError`] where there is no answer.
    pub fn ask(self, arguments: &[OsString], limit: Duration) -> Result<Answer, ProgramError> {
        self.hand(arguments, String::new(), limit)
    }

    /// Asks one thing, with something to read on standard input.
    ///
    /// # Errors
    /// Returns a [`ProgramError`] where there is no answer.
    pub fn hand(self, arguments: &[OsString], input: String, limit: Duration) -> Result<Answer, ProgramError> {
        let Some(user) = self.user else { return program::hand(self.program, arguments, input, limit) };
        let become_user = ["--reuid", user, "--regid", user, "--init-groups", "--"].map(OsString::from);
        let words = [&become_user[..], &[self.program.into()], arguments].concat();
        program::hand(Path::new(SETPRIV), &words, input, limit)
    }
}

impl ZoneOptions {
    /// Returns a program as these options run it.
    pub fn tool<'a>(&'a self, program: &'a Path) -> Tool<'a> {
        Tool { program, user: self.user.as_deref() }
    }
}
