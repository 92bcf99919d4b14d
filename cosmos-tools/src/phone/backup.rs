//! `phone-backup`: the order of one backup.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;
use nix::sys::statvfs::statvfs;

use super::adb::Phone;
use super::copy::{Method, copy};
use super::error::PhoneError;
use super::snapshots::{Snapshots, compare, count};
use super::status::{note, open_notes, write_note, write_textfile};
use crate::cli::BackupOptions;

/// The least number of files that may be missing without a word.
const FEW: u64 = 20;

/// Copies a phone. Nothing but `partial` changes until the copy has passed every test.
pub fn run(options: &BackupOptions) -> Result<ExitCode, PhoneError> {
    let snapshots = Snapshots::open(&options.base, &options.serial)?;
    let _lock = snapshots.lock(&options.serial)?;
    room(snapshots.folder(), options.keep_free)?;
    let phone = Phone::new(options.serial.clone(), &options.phone);
    phone.wait(options.wait)?;
    let phone = phone.settled()?;
    let method = method(&phone, options)?;

    let latest = snapshots.times()?.last().map(|time| snapshots.at(*time));
    begin(&snapshots)?;
    copy(&phone, method, &snapshots, latest.as_deref(), options)?;
    judge(&snapshots.partial(), latest.as_deref(), options)?;

    let time = snapshots.complete(Timestamp::now())?;
    println!("backup '{time}' of phone '{}' is complete", options.serial);
    if let Some(folder) = &options.textfile {
        write_textfile(folder, &options.serial, time, options.warn_after)?;
    }
    if let Some(keep) = options.keep {
        let gone = snapshots.prune(keep)?;
        if gone > 0 {
            println!("removed {gone} old backups of phone '{}', {keep} are kept", options.serial);
        }
    }
    if let Some(prefix) = &options.note {
        let notes = open_notes(prefix)?;
        write_note(&notes, &options.serial, &note(&snapshots.times()?, Timestamp::now(), options.warn_after))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether there is room to begin.
fn room(target: &Path, wanted: u64) -> Result<(), PhoneError> {
    let full = statvfs(target).map_err(|source| PhoneError::file("look at", target)(source.into()))?;
    let free = full.blocks_available() * full.fragment_size();
    if free < wanted { Err(PhoneError::Full { target: target.into(), free, wanted }) } else { Ok(()) }
}

/// How this phone can be copied; none when it looks locked.
fn method(phone: &Phone, options: &BackupOptions) -> Result<Method, PhoneError> {
    let found = phone.look(&options.phone_rsync, &options.marker)?;
    if let Some(marker) = found.missing {
        return Err(PhoneError::Marker { serial: options.serial.clone(), marker });
    }
    if found.rsync {
        Ok(Method::Rsync)
    } else if options.from.iter().any(|path| path == "/") {
        Err(PhoneError::NoRsync(options.serial.clone()))
    } else {
        Ok(Method::Pull)
    }
}

/// Makes the unfinished copy, or goes on with the one that is there.
fn begin(snapshots: &Snapshots) -> Result<(), PhoneError> {
    let partial = snapshots.partial();
    if partial.is_dir() {
        println!("going on with an unfinished copy");
        return Ok(());
    }
    fs::create_dir(&partial).map_err(PhoneError::file("make", &partial))
}

/// Whether a copy may count as a backup. A phone that is locked, or mounted by half, sends an orderly copy of little.
fn judge(copy: &Path, latest: Option<&Path>, options: &BackupOptions) -> Result<(), PhoneError> {
    let found = count(copy)?;
    if found < options.minimum {
        return Err(PhoneError::TooFew { found, minimum: options.minimum });
    }
    let Some(latest) = latest else { return Ok(()) };
    let compared = compare(latest, copy)?;
    let allowed = options.max_delete.unwrap_or_else(|| FEW.max(compared.before / 10));
    if compared.missing > allowed {
        let name = latest.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (missing, before) = (compared.missing, compared.before);
        return Err(PhoneError::TooManyMissing { missing, before, allowed, latest: name });
    }
    Ok(())
}
