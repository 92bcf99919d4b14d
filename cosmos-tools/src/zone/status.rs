//! `zone-status`: the keys of each zone, what they wait for, and whether the parent vouches for the zone.

use std::process::ExitCode;

use jiff::Timestamp;

use super::error::ZoneError;
use super::look::{parents, secondaries, served};
use super::signed;
use super::verdict::Verdict;
use crate::cli::ZoneOptions;

/// The exit status when a zone needs somebody.
const WANTING: u8 = 6;

/// Prints a few lines for each zone.
///
/// # Errors
/// Returns a [`ZoneError`] when the list cannot be read or the signer not be asked.
pub fn run(options: &ZoneOptions) -> Result<ExitCode, ZoneError> {
    let drill = options.tool(&options.drill);
    let mut wanting = false;
    for (zone, keys) in signed::zones(options)? {
        let (served, parents) = (served(drill, &zone), parents(drill, &zone));
        let verdict = Verdict {
            keys: &keys,
            served: served.as_ref(),
            secondaries: &secondaries(drill, &zone),
            parents: parents.as_deref(),
            now: Timestamp::now(),
        };
        println!("{}", zone.name);
        for line in verdict.lines(options) {
            println!("    {}", line.text);
            wanting |= line.wants;
        }
    }
    Ok(if wanting { ExitCode::from(WANTING) } else { ExitCode::SUCCESS })
}
