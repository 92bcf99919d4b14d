//! `cosmos push`: signed history carried to hosts by the operator's ssh. Each host judges it like any other.

use cosmos_model::object_id::ObjectId;
use serde_json::{Value, json};

use crate::cli::{GlobalOptions, PushOptions};
use crate::exit::{Failure, Status};
use crate::operator::{Programs, WorkTree};
use crate::report::json as report_json;
use crate::report::style::Palette;
use crate::report::text::counted;

mod bundle;
mod host;

use host::{Carrier, Ran};

/// What became of one host.
struct Ended {
    host: String,
    sent: usize,
    since: Option<ObjectId>,
    result: Result<Option<Ran>, String>,
}

/// Sends every host what it lacks and lets it run; status 1 when one of them did not end well.
///
/// # Errors
/// Returns a [`Failure`] when there is no clone or no ssh, or a word is wrong; what a host failed with is printed.
pub fn run(options: &PushOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    if let Some(odd) = options.hosts.iter().find(|host| host.is_empty() || host.starts_with('-')) {
        let shown = cosmos_model::escape::for_terminal(odd.as_bytes());
        return Err(Failure::of(Status::Usage, format!("'{shown}' is no host"), "name hosts as you would to ssh"));
    }
    let clone = WorkTree::find(&options.repository)?;
    let since = options.since.as_deref().map(|text| revision(&clone, text)).transpose()?;
    let programs = Programs::of_the_operator(clone.folder());
    let ssh = programs.find("ssh")?;
    let carrier = Carrier { programs: &programs, ssh, command: &options.command, clone: &clone };
    let palette = Palette::for_stdout();
    let mut all = Vec::new();
    for host in &options.hosts {
        let ended = push(&carrier, host, since, global.dry_run)?;
        if !global.json {
            println!("{}", ended.line(&palette));
        }
        all.push(ended);
    }
    let status = if all.iter().all(Ended::is_well) { Status::Done } else { Status::Failed };
    if global.json {
        let hosts: Vec<Value> = all.iter().map(Ended::body).collect();
        println!("{}", report_json::envelope("push", "", status, json!({"hosts": hosts})));
    }
    Ok(status)
}

fn push(carrier: &Carrier<'_>, host: &str, since: Option<ObjectId>, dry: bool) -> Result<Ended, Failure> {
    let mut ended = Ended { host: host.to_owned(), sent: 0, since, result: Ok(None) };
    let lacks = match carrier.ask(host) {
        Ok(lacks) => lacks,
        Err(reason) => return Ok(Ended { result: Err(reason), ..ended }),
    };
    ended.since = since.or(lacks.have);
    if let Some(have) = ended.since
        && !knows(carrier.clone, have)
    {
        let reason = format!("it has {have}, which this clone lacks: fetch first");
        return Ok(Ended { result: Err(reason), ..ended });
    }
    let bundle = bundle::write(carrier.clone, &lacks.refs, ended.since)?;
    ended.sent = bundle.len();
    if !dry {
        ended.result = carrier.run(host, &bundle).map(Some);
    }
    Ok(ended)
}

fn knows(clone: &WorkTree, commit: ObjectId) -> bool {
    use cosmos_model::object::{self, ObjectKind};
    object::read(clone, commit, ObjectKind::Commit).is_ok()
}

/// Reads a commit's id, or the name of a tag or branch of the clone.
fn revision(clone: &WorkTree, text: &str) -> Result<ObjectId, Failure> {
    let named = ["refs/tags/", "refs/heads/"].iter().find_map(|prefix| clone.points(&format!("{prefix}{text}")));
    let found = text.parse().ok().or(named).and_then(|id| crate::commands::trust::target(clone, id));
    found.ok_or_else(|| {
        let shown = cosmos_model::escape::for_terminal(text.as_bytes());
        let message = format!("'{shown}' is no commit, tag or branch of this clone");
        Failure::of(Status::Usage, message, "name a release: --since release-7")
    })
}

impl Ended {
    fn is_well(&self) -> bool {
        matches!(&self.result, Ok(ran) if ran.as_ref().is_none_or(|ran| ran.exit == 0 && ran.error.is_none()))
    }

    /// Returns the one line about the host.
    fn line(&self, palette: &Palette) -> String {
        let (style, said) = match &self.result {
            Err(reason) => (palette.removed, reason.clone()),
            Ok(None) => {
                let since = self.since.map(|since| format!(" on top of {since}")).unwrap_or_default();
                (palette.changed, format!("would be sent {} bytes{since}", self.sent))
            }
            Ok(Some(Ran { exit: 0, commit, changed, error: None })) => {
                let commit = commit.as_deref().unwrap_or("nothing accepted");
                let changes = counted(*changed, "change");
                (palette.created, format!("{commit:.12}, {changes}"))
            }
            Ok(Some(Ran { exit, error, .. })) => {
                let error = error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
                (palette.removed, format!("exit status {exit}{error}"))
            }
        };
        let host = cosmos_model::escape::for_terminal(self.host.as_bytes());
        Palette::paint(style, &format!("{host}  {said}"))
    }

    /// Returns the JSON form (docs/formats.md §13).
    fn body(&self) -> Value {
        let ran = self.result.as_ref().ok().and_then(Option::as_ref);
        json!({
            "host": self.host, "sent": self.sent, "since": self.since, "exit": ran.map(|ran| ran.exit),
            "commit": ran.and_then(|ran| ran.commit.clone()), "changed": ran.map(|ran| ran.changed),
            "error": self.result.as_ref().err().cloned().or_else(|| ran?.error.clone()),
        })
    }
}
