//! Runs one command and notes how long it took and how much memory its largest process used.
//!
//! `measure RESULTS CASE VARIANT COMMAND [ARGUMENT]...` adds the line `CASE<tab>VARIANT<tab>MICROSECONDS<tab>KIB`
//! to the file RESULTS. A command that fails ends the measurement, since its time would mean nothing.

use std::env;
use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [results, case, variant, program, rest @ ..] = arguments.as_slice() else {
        return Err("usage: measure RESULTS CASE VARIANT COMMAND [ARGUMENT]...".into());
    };
    let mut command = Command::new(program);
    command.args(rest).stdin(Stdio::null()).stdout(Stdio::null());
    let start = Instant::now();
    let status = command.spawn()?.wait()?;
    let microseconds = start.elapsed().as_micros();
    if !status.success() {
        return Err(format!("'{program}' ended with {status}").into());
    }
    // One command a process: so the largest of all children is the largest of this command's.
    let kib = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss();
    let mut file = OpenOptions::new().create(true).append(true).open(results)?;
    writeln!(file, "{case}\t{variant}\t{microseconds}\t{kib}")?;
    Ok(())
}
