//! The copy itself: rsync through adb, or `adb pull` and then rsync from what was pulled.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::adb::Phone;
use super::error::PhoneError;
use super::snapshots::{Snapshots, remove};
use crate::cli::BackupOptions;
use crate::program::run;

/// What no copy has, whatever else is left out: these are views into the kernel, endless or dangerous to read.
const NEVER: [&str; 3] = ["/proc/", "/sys/", "/dev/"];
/// rsync's exit codes for a copy that is complete but for files that went, or could not be read, meanwhile.
const UNREADABLE: i32 = 23;
const VANISHED: i32 = 24;

/// How a phone is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// By the phone's own rsync.
    Rsync,
    /// By `adb pull`, all of it each time.
    Pull,
}

/// Brings the unfinished copy up to what the phone has; files that the last good one has as well are shared with it.
pub fn copy(
    phone: &Phone,
    method: Method,
    snapshots: &Snapshots,
    latest: Option<&Path>,
    options: &BackupOptions,
) -> Result<(), PhoneError> {
    let mut arguments = common_arguments(latest, options);
    match method {
        Method::Rsync => arguments.extend(phone_arguments(phone, &own_path()?, options)),
        Method::Pull => {
            pull(phone, snapshots, options)?;
            // A dot in the path is where rsync's relative names begin.
            let mut source = snapshots.pulled().into_os_string();
            source.push("/./");
            arguments.push(source);
        }
    }
    let mut target = snapshots.partial().into_os_string();
    target.push("/");
    arguments.push(target);
    let code = run(&options.rsync, &arguments)?;
    eprintln!("rsync ended with {code}, {}", meaning(code));
    let good = matches!(code, 0 | VANISHED) || code == UNREADABLE && options.allow_unreadable;
    if good { remove(&snapshots.pulled()) } else { Err(ended(phone, "rsync", code)) }
}

/// What both ways of copying ask of rsync.
fn common_arguments(latest: Option<&Path>, options: &BackupOptions) -> Vec<OsString> {
    let fixed = ["--archive", "--relative", "--numeric-ids", "--partial", "--delete", "--delete-excluded"];
    let mut arguments: Vec<OsString> = fixed.iter().map(Into::into).collect();
    arguments.extend(NEVER.iter().map(|path| format!("--exclude={path}").into()));
    arguments.extend(options.exclude.iter().map(|pattern| format!("--exclude={pattern}").into()));
    arguments.extend(options.rsync_option.iter().map(Into::into));
    if let Some(latest) = latest {
        let mut link = OsString::from("--link-dest=");
        link.push(latest);
        arguments.push(link);
    }
    arguments
}

/// What rsync needs to reach the phone: this program in place of ssh.
fn phone_arguments(phone: &Phone, program: &Path, options: &BackupOptions) -> Vec<OsString> {
    let words = [program.to_string_lossy(), options.phone.adb.to_string_lossy()].map(|word| rsh_word(&word));
    let mut shell = format!("--rsh={} phone-shell --adb {} --serial {}", words[0], words[1], phone.serial());
    if options.phone.su {
        shell.push_str(" --su");
    }
    // adb loses what it cannot write at once, and rsync gives its shell an output that blocks only when asked to.
    let mut arguments = vec![shell.into(), "--blocking-io".into()];
    arguments.push(format!("--rsync-path={}", options.phone_rsync).into());
    arguments.push(format!("--timeout={}", options.silence.as_secs()).into());
    arguments.extend(options.from.iter().map(|path| format!("phone:{}/", path.trim_end_matches('/')).into()));
    arguments
}

/// A word of rsync's `--rsh`, which knows quotes but no backslash.
fn rsh_word(word: &str) -> String {
    format!("'{}'", word.replace('\'', "''"))
}

/// Pulls the chosen folders, each to its own path.
fn pull(phone: &Phone, snapshots: &Snapshots, options: &BackupOptions) -> Result<(), PhoneError> {
    let pulled = snapshots.pulled();
    remove(&pulled)?;
    for path in &options.from {
        let target = pulled.join(path.trim_start_matches('/'));
        let parent = target.parent().expect("it is below the folder of what is pulled");
        fs::create_dir_all(parent).map_err(PhoneError::file("make", parent))?;
        let arguments = ["-s", phone.serial().as_str(), "pull", "-a", path].map(OsString::from);
        let code = run(phone.adb(), &[&arguments[..], &[target.into_os_string()]].concat())?;
        eprintln!("adb pull '{path}' ended with {code}");
        if code != 0 {
            return Err(ended(phone, "adb pull", code));
        }
    }
    Ok(())
}

/// Why a copy ended: the phone is asked whether it is still there.
fn ended(phone: &Phone, program: &'static str, status: i32) -> PhoneError {
    if phone.is_there() {
        PhoneError::Copy { program, status, meaning: if program == "rsync" { meaning(status) } else { "a failure" } }
    } else {
        PhoneError::Left { serial: phone.serial().clone(), program, status }
    }
}

fn own_path() -> Result<PathBuf, PhoneError> {
    env::current_exe().map_err(PhoneError::file("find", "cosmos-tools"))
}

/// What an exit code of rsync means, after its manual.
fn meaning(code: i32) -> &'static str {
    match code {
        0 => "all is copied",
        1 | 2 | 4 | 6 => "it does not know an option or a protocol",
        3 => "it cannot choose its files",
        5 | 10 | 12 | 14 => "its connection failed",
        11 => "a file could not be read or written",
        13 => "its messages failed",
        20 => "a signal ended it",
        21 | 22 => "the system lacks something",
        23 => "some files could not be read",
        24 => "some files went while it copied",
        25 => "too much would have been deleted",
        30 | 35 => "the phone was silent for too long",
        126 | 127 => "the phone has no such rsync",
        _ => "an unknown reason",
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn options(words: &[&str]) -> BackupOptions {
        let fixed = ["cosmos-tools", "phone-backup", "AB12", "--base", "/srv/phone"];
        match Cli::try_parse_from(fixed.iter().chain(words)).unwrap().command {
            Command::Backup(options) => *options,
            other => panic!("{other:?}"),
        }
    }

    fn words(arguments: Vec<OsString>) -> String {
        arguments.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn views_into_the_kernel_are_left_out_whatever_is_asked() {
        let given = words(common_arguments(None, &options(&["--exclude", "/acct/", "--rsync-option=--checksum"])));
        assert_eq!(
            given,
            "--archive\n--relative\n--numeric-ids\n--partial\n--delete\n--delete-excluded\n\
             --exclude=/proc/\n--exclude=/sys/\n--exclude=/dev/\n--exclude=/acct/\n--checksum"
        );
    }

    #[test]
    fn rsync_reaches_the_phone_through_this_program_only() {
        let asked = options(&["--su", "--from", "/sdcard", "--from", "/data/media/", "--phone-rsync", "/x/rsync"]);
        let phone = Phone::new(asked.serial.clone(), &asked.phone);
        assert_eq!(
            words(phone_arguments(&phone, Path::new("/opt/it's/cosmos-tools"), &asked)),
            "--rsh='/opt/it''s/cosmos-tools' phone-shell --adb '/usr/bin/adb' --serial AB12 --su\n\
             --blocking-io\n--rsync-path=/x/rsync\n--timeout=300\nphone:/sdcard/\nphone:/data/media/"
        );
        assert!(words(phone_arguments(&phone, Path::new("/x"), &options(&[]))).ends_with("\nphone:/"));
    }
}
