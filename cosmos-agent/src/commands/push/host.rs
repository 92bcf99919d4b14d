//! One host, reached by the operator's own ssh: what it has, and what it says to what it is sent.

use std::ffi::OsString;
use std::path::PathBuf;

use cosmos_model::escape::for_terminal;
use cosmos_model::host_name::HostName;
use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;
use cosmos_model::trust::{Introduction, Mode, TrustPolicy};
use serde::Deserialize;
use serde_json::Value;

use crate::exec::Answer;
use crate::operator::{Programs, WorkTree};

/// How hosts are reached: ssh, and the words that call the agent there.
pub struct Carrier<'a> {
    pub programs: &'a Programs,
    pub ssh: PathBuf,
    /// `cosmos`, or what the operator says instead; a line for the shell on the host.
    pub command: &'a str,
    pub clone: &'a WorkTree,
}

/// What a host says of itself, as far as it decides what it is sent (docs/formats.md §13).
#[derive(Deserialize)]
struct Said {
    host: String,
    status: SaidStatus,
}

#[derive(Deserialize)]
struct SaidStatus {
    follows: SaidFollows,
    accepted: Option<SaidRevision>,
}

#[derive(Deserialize)]
struct SaidFollows {
    branch: Option<String>,
    pattern: Option<String>,
}

#[derive(Deserialize)]
struct SaidRevision {
    commit: ObjectId,
}

/// What a host needs to be sent.
pub struct Lacks {
    /// The refs of the clone that it asks for.
    pub refs: Vec<RemoteRef>,
    /// What it has accepted.
    pub have: Option<ObjectId>,
}

/// How a host ended its run.
#[derive(Debug)]
pub struct Ran {
    /// The exit status of `cosmos run` there.
    pub exit: i32,
    pub commit: Option<String>,
    pub changed: usize,
    /// What went wrong, in the host's words, escaped.
    pub error: Option<String>,
}

impl Carrier<'_> {
    /// Asks a host what it follows and what it has.
    ///
    /// # Errors
    /// Returns one line: ssh's last words, or what is wrong with the answer.
    pub fn ask(&self, host: &str) -> Result<Lacks, String> {
        let answer = self.call(host, "status --json", &[])?;
        let said: Said = serde_json::from_slice(&answer.output).map_err(|_| unanswered(&answer))?;
        let follows = said.status.follows;
        let mode = match (follows.pattern, follows.branch) {
            // As a glob it matches all that the host's own reading of it does, and the host chooses again.
            (Some(pattern), _) => Mode::Tags { pattern, classic: true },
            (None, Some(branch)) => Mode::Commits { branch },
            (None, None) => return Err("it does not say what it follows".to_owned()),
        };
        let rules = TrustPolicy::new(mode, Introduction::Keyring(Vec::new()));
        let refs = self.clone.refs().map_err(|error| error.to_string())?;
        let refs = rules.wanted(&refs, HostName::new(&said.host).ok().as_ref());
        if refs.is_empty() {
            return Err("the clone has nothing of what it follows".to_owned());
        }
        Ok(Lacks { refs, have: said.status.accepted.map(|accepted| accepted.commit) })
    }

    /// Lets a host run on a bundle.
    ///
    /// # Errors
    /// As [`Carrier::ask`].
    pub fn run(&self, host: &str, bundle: &[u8]) -> Result<Ran, String> {
        let answer = self.call(host, "run --json --bundle -", bundle)?;
        let document: Value = serde_json::from_slice(&answer.output).map_err(|_| unanswered(&answer))?;
        let run = &document["run"];
        let text = |value: &Value| value.as_str().map(|text| for_terminal(text.as_bytes()));
        let refused = run["refused"].as_array().and_then(|refused| refused.last());
        // A run goes on with what it has when a remote cannot be used; here the bundle was the point.
        let mut remarks = run["remarks"].as_array().into_iter().flatten().filter_map(text);
        let unused = remarks.find(|remark| remark.contains("'bundle:"));
        Ok(Ran {
            exit: answer.status,
            commit: text(&run["commit"]),
            changed: run["changed"].as_array().map_or(0, Vec::len),
            error: text(&run["error"]).or_else(|| text(&refused?["reason"])).or(unused),
        })
    }

    fn call(&self, host: &str, words: &str, input: &[u8]) -> Result<Answer, String> {
        let arguments: [OsString; 3] = ["--".into(), host.into(), format!("{} {words}", self.command).into()];
        let folder = self.clone.folder();
        self.programs.ask(&self.ssh, &arguments, &[], folder, input).map_err(|error| error.to_string())
    }
}

/// Words an answer that is none: the last line of what was complained about.
fn unanswered(answer: &Answer) -> String {
    let mut lines = answer.complaint.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let errors = lines.clone().find(|line| line.starts_with(b"error: "));
    let last = errors.or_else(|| lines.rfind(|line| !line.is_empty()));
    let last = last.map(|line| line.strip_prefix(b"error: ").unwrap_or(line));
    last.map_or_else(|| format!("exit status {} and no answer", answer.status), for_terminal)
}
