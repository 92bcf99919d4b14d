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

/// One word of a shell's command line, whatever is in it.
pub fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for word in ["plain", "", "two words", "it's", "$HOME `id` \\ \"x\"", "a\nb", "''"] {
            let output = Command::new("/bin/sh").args(["-c", &format!("printf %s {}", quoted(word))]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), word);
        }
    }
}
