//! `cosmos host key`: the public part of this host's key, for an operator who enrols it.

use serde_json::json;

use crate::agent::native_site;
use crate::cli::GlobalOptions;
use crate::exit::{Failure, Status};
use crate::report::json as report_json;
use crate::secret::HostKey;

/// Prints it, armored.
///
/// # Errors
/// Returns a [`Failure`] when the host has no key, or it cannot be relied on.
pub fn run(global: &GlobalOptions) -> Result<Status, Failure> {
    let key = HostKey::read(&native_site(global)?)?.ok_or_else(|| {
        Failure::of(Status::Usage, "this host has no key", "'cosmos clone' makes one, and so does 'cosmos run'")
    })?;
    if global.json {
        let body = json!({"fingerprint": key.fingerprint(), "key": key.certificate()});
        println!("{}", report_json::envelope("host", "localhost", Status::Done, body));
    } else {
        print!("{}", key.certificate());
    }
    Ok(Status::Done)
}
