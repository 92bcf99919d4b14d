//! The command that rsync starts in place of ssh: it runs rsync's other half on the phone.

use std::process::ExitCode;

use super::adb::Phone;
use super::error::PhoneError;
use crate::cli::ShellOptions;
use crate::program::become_program;

/// Becomes adb, which runs the command and carries its input and output.
pub fn run(options: &ShellOptions) -> Result<ExitCode, PhoneError> {
    let phone = Phone::new(options.serial.clone(), &options.phone);
    // The first word is the host's name in rsync's source, which means nothing here.
    let command = options.words.get(1..).unwrap_or_default().join(" ");
    let arguments = phone.shell_arguments(&format!("{} 2>/dev/null", phone.as_root(&command)));
    Err(PhoneError::Program(become_program(phone.adb(), &arguments)))
}
