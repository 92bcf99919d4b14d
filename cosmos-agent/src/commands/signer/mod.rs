//! `cosmos signer`: who may sign, shown or edited in the work tree. What to do next is said, and left to the operator.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::{GlobalOptions, SignerCommand, SignerOptions};
use crate::exit::{Failure, Status};
use crate::operator::{Programs, WorkTree};
use crate::report::json as report_json;
use crate::shell;
use crate::signers::Roster;

mod add;
mod list;
mod retire;
mod revoke;

/// Does what the words say.
///
/// # Errors
/// Returns a [`Failure`] when somebody is unknown, or hosts would refuse what is asked for.
pub fn run(options: &SignerOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let folder = options.repository.clone().unwrap_or_else(|| ".".into());
    let work = WorkTree::find(&folder)?;
    let programs = Programs::of_the_operator(work.folder());
    let roster = Roster::read(work.folder())?;
    let operators: BTreeSet<String> = roster.entries().into_iter().map(|entry| entry.name).collect();
    let takes_two = !roster.is_classic() && operators.len() >= 2;
    let desk = Desk { roster, takes_two, work: &work, programs: &programs, global };
    match &options.command {
        SignerCommand::List { safe } => list::run(&desk, safe.as_deref()),
        SignerCommand::Add { certificate, name, rights, all_rights } => {
            add::run(desk, certificate, name.as_deref(), rights, *all_rights)
        }
        SignerCommand::Retire { who } => retire::run(desk, who),
        SignerCommand::Revoke { fingerprint, revocation, good_until } => {
            revoke::run(desk, fingerprint, revocation.as_deref(), good_until.as_deref())
        }
    }
}

/// What every verb works with.
struct Desk<'a> {
    roster: Roster,
    /// Whether hosts take a change of what was read here from two signers only (T13).
    takes_two: bool,
    work: &'a WorkTree,
    programs: &'a Programs,
    global: &'a GlobalOptions,
}

impl Desk<'_> {
    /// Asks gpg for a certificate by its whole fingerprint; `None` when it has none.
    fn exported_by_gpg(&self, fingerprint: &str) -> Result<Option<Vec<u8>>, Failure> {
        let gpg = self.programs.find("gpg")?;
        let words = ["--batch", "--armor", "--export", "--", fingerprint].map(Into::into);
        let answer = self.programs.ask(&gpg, &words, &[], Path::new("/"), b"")?;
        Ok((answer.status == 0 && !answer.output.is_empty()).then_some(answer.output))
    }

    /// Writes what changed, unless this is a dry run, and says what comes next.
    fn finish(&self, message: &str, notes: &[String], warnings: &[String]) -> Result<Status, Failure> {
        let written: Vec<PathBuf> = if self.global.dry_run { Vec::new() } else { self.roster.write()? };
        let names: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
        warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        if self.global.json {
            let body: Value = json!({"changed": names, "notes": notes, "warnings": warnings});
            println!("{}", report_json::envelope("signer", "localhost", Status::Done, body));
            return Ok(Status::Done);
        }
        notes.iter().for_each(|note| println!("{note}"));
        if names.is_empty() {
            println!("{}", if self.global.dry_run { "a dry run: nothing was written" } else { "nothing to change" });
            return Ok(Status::Done);
        }
        names.iter().for_each(|name| println!("changed {name}"));
        print!("{}", self.next_steps(message, &names));
        Ok(Status::Done)
    }

    /// Returns the commands that come next.
    fn next_steps(&self, message: &str, names: &[String]) -> String {
        let words: Vec<String> = names.iter().map(|name| shell::word(name)).collect();
        let mut text = format!(
            "Next:\n    git add --all -- {}\n    git commit --gpg-sign -m {}\n    cosmos release\n",
            words.join(" "),
            shell::word(message)
        );
        if self.takes_two {
            text += "Hosts take a change of who may sign when two have signed it (T13): another operator adds\n    \
                     cosmos release --cosign RELEASE\n";
        }
        text
    }
}
