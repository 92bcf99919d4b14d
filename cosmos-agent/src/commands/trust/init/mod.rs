//! `cosmos trust init`: an existing repository starts to be trusted from today, whatever its past is like.
//!
//! Twice: first it says what hosts would refuse and writes the policy; once that is committed and signed, it judges the
//! result as a host would and prints the line to type on hosts.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use cosmos_model::object_id::ObjectId;
use serde_json::{Value, json};

use crate::cli::{GlobalOptions, TrustInitOptions};
use crate::commands::init::text as init_text;
use crate::exit::{Failure, Status};
use crate::operation;
use crate::operator::WorkTree;
use crate::report::json as report_json;
use crate::report::style::Palette;
use crate::signers::signer::Signer;

mod findings;
mod pattern;
mod signers;
mod start;
mod text;
pub(in crate::commands) mod tree;

use findings::Findings;

/// The policy's name, at the top of the tree.
const POLICY: &str = "openpgp-policy.toml";

/// Judges the past and writes a policy; or, where one is committed, judges the start and prints the introduction.
///
/// # Errors
/// Returns a [`Failure`] when there is no clone, nobody could sign, a policy is there already, or hosts would refuse
/// the start.
pub fn run(options: &TrustInitOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let clone = WorkTree::find(&options.dir)?;
    let branch = options.branch.clone().map_or_else(|| clone.branch(), Ok)?;
    let head = clone.points(&format!("refs/heads/{branch}"));
    let committed = head.and_then(|head| Some((head, tree::file(&clone, head, POLICY)?)));
    match committed {
        Some((head, policy)) if options.signers.is_empty() && !options.force => {
            let found = start::find(&clone, options, &branch, (head, &policy))?;
            show(global, &found.body(), &found.lines());
            Ok(Status::Done)
        }
        _ => write(&clone, options, global, (&branch, head)),
    }
}

fn show(global: &GlobalOptions, body: &Value, lines: &[String]) {
    if global.json {
        println!("{}", report_json::envelope("trust init", "", Status::Done, body.clone()));
    } else {
        lines.iter().for_each(|line| println!("{line}"));
    }
}

/// Judges the past by the signers chosen, and writes the policy that lets them start.
fn write(
    clone: &WorkTree,
    options: &TrustInitOptions,
    global: &GlobalOptions,
    (branch, head): (&str, Option<ObjectId>),
) -> Result<Status, Failure> {
    let signers = signers::chosen(clone, head, &options.signers)?;
    signers.iter().flat_map(Signer::warnings).for_each(|warning| eprintln!("warning: {warning}"));
    let Some(first) = signers.iter().find(|signer| signer.can_sign()) else {
        let hint = "name a certificate with a key that can sign now: gpg --armor --export ADDRESS";
        return Err(Failure::of(Status::Usage, "none of these certificates can sign", hint));
    };
    let path = clone.folder().join(POLICY);
    if !options.force && !global.dry_run && path.symlink_metadata().is_ok() {
        let message = format!("'{}' exists already and is not replaced", path.display());
        return Err(Failure::of(Status::Usage, message, "commit it and say the same without --signer, or say --force"));
    }
    let findings = Findings::of(clone, options, branch, &signers, operation::now())?;
    let text = init_text::policy(&signers);
    if !global.dry_run {
        replace(&path, &text)?;
    }
    let written = (!global.dry_run).then(|| path.display().to_string());
    let fingerprints: Vec<String> = signers.iter().map(Signer::fingerprint).collect();
    let mut body = findings.body();
    body["signers"] = json!(fingerprints);
    body["written"] = json!(written);
    body["introduction"] = Value::Null;
    let mut lines = text::findings(&findings, signers.len(), &Palette::for_stdout(), global.verbose > 0);
    match written {
        Some(written) => lines.extend(text::next(&findings, clone, &written, &first.fingerprint())),
        None => lines.extend([format!("{POLICY}:"), String::new(), text]),
    }
    show(global, &body, &lines);
    Ok(Status::Done)
}

/// Writes the whole file or nothing, and never through a symlink that a commit put there (A52).
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        let message = format!("cannot write '{}': {error}", path.display());
        Failure::of(Status::Failed, message, "see who owns the clone, and whether there is room")
    };
    let beside = path.with_extension("toml.new");
    let file = OpenOptions::new().write(true).create_new(true).open(&beside);
    let written =
        file.and_then(|mut file| file.write_all(text.as_bytes())).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(failed)
}
