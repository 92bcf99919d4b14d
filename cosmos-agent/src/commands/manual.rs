//! `cosmos manual`: the manual pages, from the same words as `--help`, with what no help has room for.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use clap::CommandFactory as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::exit::{Failure, Status};

/// What each exit status says, on a host that is not a classic one (docs/formats.md §14).
const STATUSES: [(Status, &str); 7] = [
    (Status::Done, "Done, or nothing to do."),
    (Status::Failed, "A step failed, or somebody is needed; what was done until then stands in the report."),
    (Status::Usage, "The command line or a settings file is wrong."),
    (Status::Refused, "A revision was refused; the host stays with the one before."),
    (Status::Locked, "Another run is under way."),
    (Status::Drift, "'cosmos drift' found that the host differs from what was applied."),
    (Status::Stale, "What is in force was checked, but the repository was out of reach for too long."),
];

/// The files that an administrator meets; docs/formats.md has all of them.
const FILES: [(&str, &str); 7] = [
    ("/etc/cosmos/trust.toml", "Where the repository is and whom this host believes. No layer can bring it."),
    ("/etc/cosmos/agent.toml, /etc/cosmos/agent.d/*.toml", "How this host runs."),
    ("/var/lib/cosmos/state.json", "What was accepted, applied and refused."),
    ("/var/lib/cosmos/log.jsonl", "Every change and whose signature it came with; 'cosmos log' reads it."),
    ("/var/lib/cosmos/backup/", "What was found and replaced; 'cosmos restore' puts it back."),
    ("/var/cache/cosmos/", "What was fetched; deleted, it is fetched again."),
    ("/run/cosmos/last-ok.stamp", "Touched by each run that looked at the repository and ended well."),
];

/// Writes one page a command into `dir`.
///
/// # Errors
/// Returns a [`Failure`] that names `dir` when the pages cannot be written.
pub fn run(dir: &Path) -> Result<Status, Failure> {
    let mut command = crate::cli::Cli::command().disable_help_subcommand(true);
    command.build();
    std::fs::create_dir_all(dir).and_then(|()| pages(&command, dir)).map_err(|error| {
        let message = format!("cannot write manual pages to '{}': {error}", dir.display());
        Failure::of(Status::Failed, message, "name a folder that exists and that you may write to")
    })?;
    Ok(Status::Done)
}

/// Writes the page of `command` and those of the commands below it.
fn pages(command: &clap::Command, dir: &Path) -> io::Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        pages(below, dir)?;
    }
    let title = command.get_display_name().unwrap_or_else(|| command.get_name());
    let source = format!("cosmos {}", env!("CARGO_PKG_VERSION"));
    let page = Man::new(command.clone()).source(source).manual("Cosmos");
    let mut out = BufWriter::new(File::create(dir.join(page.get_filename()))?);
    page.render_title(&mut out)?;
    page.render_name_section(&mut out)?;
    // As in the help: a list of all options hides the few that matter.
    let usage = command.clone().render_usage().to_string();
    let mut synopsis = Roff::new();
    synopsis.control("SH", ["SYNOPSIS"]).text([bold(usage.trim_start_matches("Usage: "))]);
    synopsis.to_writer(&mut out)?;
    page.render_description_section(&mut out)?;
    page.render_options_section(&mut out)?;
    let mut roff = Roff::new();
    if command.has_subcommands() {
        page.render_subcommands_section(&mut out)?;
    }
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (note, examples) = after.split_once("Examples:").unwrap_or((&after, ""));
    if !note.trim().is_empty() {
        roff.control("SH", ["NOTES"]).text([roman(note.trim())]);
    }
    if !examples.is_empty() {
        roff.control("SH", ["EXAMPLES"]).control("nf", []);
        examples.trim().lines().for_each(|line| {
            roff.text([roman(line.trim())]);
        });
        roff.control("fi", []);
    }
    if title == "cosmos" {
        roff.control("SH", ["EXIT STATUS"]);
        for (status, says) in STATUSES {
            roff.control("TP", []).text([bold(status.code().to_string())]).text([roman(says)]);
        }
        roff.control("SH", ["FILES"]);
        for (path, says) in FILES {
            roff.control("TP", []).text([bold(path)]).text([roman(says)]);
        }
    } else {
        roff.control("SH", ["SEE ALSO"]).text([bold("cosmos"), roman("(1), which has the exit statuses and files")]);
    }
    out.write_all(roff.to_roff().as_bytes())?;
    out.flush()
}
