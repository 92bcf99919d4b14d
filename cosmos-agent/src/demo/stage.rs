//! Where the story acts: commands are typed, run in this process, and their outcome is checked.

use std::path::Path;

use clap::Parser;

use super::place::{Picture, difference, picture};
use super::{Agent, DemoError, Narrator};
use crate::cli::Cli;
use crate::exit::Status;

/// Types commands and checks outcomes; the first that is not as told ends the demonstration.
pub struct Stage<'a> {
    agent: Agent<'a>,
    /// Speaks to the reader.
    pub narrator: Narrator,
    chapter: usize,
    last_command: String,
}

impl<'a> Stage<'a> {
    /// Returns a stage before its first chapter.
    pub const fn new(agent: Agent<'a>, narrator: Narrator) -> Self {
        Self { agent, narrator, chapter: 0, last_command: String::new() }
    }

    /// Starts the next chapter.
    pub fn chapter(&mut self, title: &str, text: &str) {
        self.chapter += 1;
        self.narrator.chapter(self.chapter, title);
        self.narrator.text(text);
    }

    /// Types a command, runs it and checks its exit status.
    pub fn cosmos(&mut self, words: &[&str], expected: Status) -> Result<(), DemoError> {
        let words: Vec<String> = std::iter::once("cosmos").chain(words.iter().copied()).map(String::from).collect();
        let cli = Cli::try_parse_from(&words).map_err(DemoError::Typed)?;
        self.narrator.command(&words);
        self.last_command = words.join(" ");
        let found = (self.agent)(cli);
        if found != expected {
            let command = self.last_command.clone();
            return Err(DemoError::Status { command, expected: expected.code(), found: found.code() });
        }
        self.narrator.checked(format_args!("exit status {}: {}", found.code(), meaning(found)));
        Ok(())
    }

    /// Checks that the file `path` below `root` holds exactly `content`.
    pub fn holds(&self, root: &Path, path: &str, content: &str) -> Result<(), DemoError> {
        self.compare(root, path, content)?;
        self.narrator.checked(format_args!("/{path} is what was signed"));
        Ok(())
    }

    /// Checks that a file nobody signed is as it was.
    pub fn keeps(&self, root: &Path, path: &str, content: &str) -> Result<(), DemoError> {
        self.compare(root, path, content)?;
        self.narrator.checked(format_args!("/{path}, which nobody signed, is as it was"));
        Ok(())
    }

    /// Takes a picture of a host, for [`Stage::unchanged`].
    pub fn picture(&self, root: &Path) -> Result<Picture, DemoError> {
        picture(root).map_err(|source| DemoError::Prepare { what: "a picture of the host", source })
    }

    /// Checks that no file of a host differs from an earlier picture.
    pub fn unchanged(&self, root: &Path, before: &Picture) -> Result<(), DemoError> {
        if let Some(path) = difference(before, &self.picture(root)?) {
            return Err(DemoError::Touched { command: self.last_command.clone(), path });
        }
        self.narrator.checked(format_args!("none of the host's {} files changed", before.len()));
        Ok(())
    }

    fn compare(&self, root: &Path, path: &str, content: &str) -> Result<(), DemoError> {
        let broken = |what| DemoError::Content { path: root.join(path), what };
        let found = std::fs::read(root.join(path)).map_err(|_| broken("it cannot be read"))?;
        if found == content.as_bytes() { Ok(()) } else { Err(broken("its content is another")) }
    }
}

/// Returns what an exit status says, in a few words.
const fn meaning(status: Status) -> &'static str {
    match status {
        Status::Done => "done",
        Status::Drift => "drift found",
        Status::Stale => "stale",
        Status::Failed => "a step failed",
        Status::Refused => "a revision was refused",
        Status::Locked => "another run is under way",
        Status::Usage => "wrong usage or settings",
    }
}
