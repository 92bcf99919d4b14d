//! `cosmos init`: starts a repository with two files, and says what to type next.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use git2::RepositoryInitOptions;

use crate::cli::{GlobalOptions, InitOptions};
use crate::exit::{Failure, Status};
use crate::signers::signer::{self, Signer};

pub(super) mod text;

const FLEET: &str = "fleet.toml";
const POLICY: &str = "openpgp-policy.toml";

/// Writes `fleet.toml` and `openpgp-policy.toml` into the folder named; a dry run prints them instead.
///
/// # Errors
/// Returns a [`Failure`] when a name or certificate is wrong, when nobody could sign, or when either file is there.
pub fn run(options: &InitOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    check_name(&options.fleet)?;
    let signers = signer::read(&options.signers)?;
    let files = [(FLEET, text::fleet(&options.fleet, &options.mode)), (POLICY, text::policy(&signers))];
    for warning in signers.iter().flat_map(Signer::warnings) {
        eprintln!("warning: {warning}");
    }
    if !signers.iter().any(Signer::can_sign) {
        let hint = "name a certificate with a key that can sign now: gpg --armor --export ADDRESS";
        return Err(Failure::of(Status::Usage, "none of these certificates can sign", hint));
    }
    if global.dry_run {
        files.iter().for_each(|(name, content)| println!("{}:\n\n{content}", options.dir.join(name).display()));
        return Ok(Status::Done);
    }
    let made = make_repository(&options.dir)?;
    files.iter().try_for_each(|(name, content)| write_new(&options.dir.join(name), content))?;
    print!("{}", text::next_steps(options, &signers, made));
    Ok(Status::Done)
}

/// Checks a fleet's name against docs/formats.md §3.
fn check_name(fleet: &str) -> Result<(), Failure> {
    let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=64).contains(&fleet.len()) && fleet.bytes().all(sound) {
        return Ok(());
    }
    let shown = cosmos_model::escape::for_terminal(fleet.as_bytes());
    let hint = "use 1 to 64 lower-case letters, digits and hyphens: --fleet my-fleet";
    Err(Failure::of(Status::Usage, format!("'{shown}' is not a fleet's name"), hint))
}

/// Makes the folder a git repository where it is none, and returns whether it did; refuses when a file is there.
fn make_repository(dir: &Path) -> Result<bool, Failure> {
    for name in [FLEET, POLICY] {
        let path = dir.join(name);
        if path.symlink_metadata().is_ok() {
            return Err(there_already(&path));
        }
    }
    if dir.join(".git").symlink_metadata().is_ok() {
        return Ok(false);
    }
    let mut options = RepositoryInitOptions::new();
    options.initial_head("main").mkpath(true);
    git2::Repository::init_opts(dir, &options).map_err(|error| {
        let message = format!("cannot make a git repository in '{}': {}", dir.display(), error.message());
        Failure::of(Status::Failed, message, "name a folder you may write to")
    })?;
    Ok(true)
}

/// Writes a file that must not be there yet.
fn write_new(path: &Path, content: &str) -> Result<(), Failure> {
    let written = OpenOptions::new().write(true).create_new(true).open(path);
    written.and_then(|mut file| file.write_all(content.as_bytes())).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => there_already(path),
        _ => {
            let message = format!("cannot write '{}': {error}", path.display());
            Failure::of(Status::Failed, message, "name a folder you may write to")
        }
    })
}

fn there_already(path: &Path) -> Failure {
    let message = format!("'{}' exists already and is not replaced", path.display());
    Failure::of(Status::Usage, message, "edit it, or name another folder: cosmos init DIR")
}
