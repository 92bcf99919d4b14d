//! One phone, asked through adb.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::PhoneError;
use super::serial::Serial;
use super::word::quoted;
use crate::cli::PhoneOptions;
use crate::program::{Answer, ProgramError, ask};
use crate::text::shown;

/// How long a phone may take to answer one small question.
const ANSWER: Duration = Duration::from_secs(30);

/// A phone that adb may reach.
#[derive(Debug, Clone)]
pub struct Phone {
    serial: Serial,
    adb: PathBuf,
    su: bool,
}

/// What a phone says about itself.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// Whether it has an rsync of this name.
    pub rsync: bool,
    /// The first marker that it lacks.
    pub missing: Option<String>,
}

impl Phone {
    /// A phone with this serial number; adb is not asked yet.
    pub fn new(serial: Serial, options: &PhoneOptions) -> Self {
        Self { serial, adb: options.adb.clone(), su: options.su }
    }

    /// Its serial number.
    pub fn serial(&self) -> &Serial {
        &self.serial
    }

    /// The adb program.
    pub fn adb(&self) -> &Path {
        &self.adb
    }

    /// The same phone, with commands run as whoever adb is there.
    fn without_su(&self) -> Self {
        Self { su: false, ..self.clone() }
    }

    /// Waits until the phone is there and allows adb.
    pub fn wait(&self, limit: Duration) -> Result<(), PhoneError> {
        match self.ask_adb(&["wait-for-device"], limit) {
            Ok(answer) if answer.status == 0 => Ok(()),
            Ok(answer) => Err(self.refused(&answer)),
            Err(ProgramError::Slow { .. }) => {
                Err(PhoneError::NotReady { serial: self.serial.clone(), seconds: limit.as_secs() })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether adb still reaches it.
    pub fn is_there(&self) -> bool {
        self.ask_adb(&["get-state"], ANSWER).is_ok_and(|answer| answer.output.trim() == "device")
    }

    /// The same phone, without `su` where adb is root there already.
    pub fn settled(self) -> Result<Self, PhoneError> {
        if !self.su {
            return Ok(self);
        }
        let plain = self.without_su();
        if plain.shell("id -u")?.trim() == "0" {
            return Ok(plain);
        }
        match self.shell("id -u") {
            Ok(answer) if answer.trim() == "0" => Ok(self),
            Ok(_) | Err(PhoneError::Refused { .. }) => Err(PhoneError::NoRoot { serial: self.serial }),
            Err(error) => Err(error),
        }
    }

    /// Looks for rsync and the markers, in one question.
    pub fn look(&self, rsync: &str, markers: &[String]) -> Result<Found, PhoneError> {
        let mut script = format!("command -v {} >/dev/null 2>&1 && echo rsync", quoted(rsync));
        for (number, marker) in markers.iter().enumerate() {
            script.push_str(&format!("; [ -e {} ] && echo marker {number}", quoted(marker)));
        }
        let answer = self.shell(&format!("{script}; echo end"))?;
        Ok(read_look(&answer, markers))
    }

    /// Runs a small script on the phone, as root where that was asked for, and returns what it printed.
    fn shell(&self, script: &str) -> Result<String, PhoneError> {
        let answer = ask(&self.adb, &self.shell_arguments(&self.as_root(script)), ANSWER)?;
        if answer.status == 0 { Ok(answer.output) } else { Err(self.refused(&answer)) }
    }

    /// A command as it is run on the phone.
    pub fn as_root(&self, command: &str) -> String {
        if self.su { format!("su -c {}", quoted(command)) } else { command.to_owned() }
    }

    /// adb's arguments for a command on the phone. Without `-e none` a tilde in the data would be taken for a command
    /// to adb, and without `-T` a terminal would change line ends.
    pub fn shell_arguments(&self, command: &str) -> Vec<OsString> {
        let serial = self.serial.as_str();
        ["-s", serial, "shell", "-e", "none", "-T", command].iter().map(Into::into).collect()
    }

    fn ask_adb(&self, words: &[&str], limit: Duration) -> Result<Answer, ProgramError> {
        let arguments: Vec<OsString> = ["-s", self.serial.as_str()].iter().chain(words).map(Into::into).collect();
        ask(&self.adb, &arguments, limit)
    }

    fn refused(&self, answer: &Answer) -> PhoneError {
        PhoneError::Refused {
            serial: self.serial.clone(),
            status: answer.status,
            said: shown(answer.complaint.lines().last().unwrap_or("nothing")),
        }
    }
}

/// Reads the answer to [`Phone::look`]; other lines are the phone's own chatter.
fn read_look(answer: &str, markers: &[String]) -> Found {
    let has = |line: &str| answer.lines().any(|found| found.trim_end() == line);
    let missing = markers.iter().enumerate().find(|(number, _)| !has(&format!("marker {number}")));
    Found { rsync: has("rsync"), missing: missing.map(|(_, marker)| marker.clone()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(su: bool) -> Phone {
        Phone::new("AB12".parse().unwrap(), &PhoneOptions { adb: "/usr/bin/adb".into(), su })
    }

    #[test]
    fn a_command_for_root_is_one_word_of_su() {
        assert_eq!(phone(false).as_root("rsync --server . /a\\ b"), "rsync --server . /a\\ b");
        assert_eq!(phone(true).as_root("rsync . /it\\'s"), "su -c 'rsync . /it\\'\\''s'");
    }

    #[test]
    fn adb_gets_a_stream_that_nothing_changes() {
        let words = phone(false).shell_arguments("id");
        assert_eq!(words, ["-s", "AB12", "shell", "-e", "none", "-T", "id"]);
    }

    #[test]
    fn a_marker_that_is_not_named_by_the_phone_is_missing() {
        let markers = ["/sdcard/DCIM".to_owned(), "/data/media/0".to_owned()];
        let found = read_look("* daemon started\r\nrsync\r\nmarker 0\r\nend\r\n", &markers);
        assert_eq!(found, Found { rsync: true, missing: Some("/data/media/0".into()) });
        assert_eq!(read_look("marker 0\nmarker 1\nend\n", &markers), Found { rsync: false, missing: None });
        assert_eq!(read_look("", &markers[..1]).missing.as_deref(), Some("/sdcard/DCIM"));
    }
}
