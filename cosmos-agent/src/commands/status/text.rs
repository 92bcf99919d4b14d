//! `cosmos status` for people: a word and what it is about on each line; what needs somebody is in colour.

use cosmos_model::escape;
use cosmos_model::time::Time;
use serde_json::Value;

use crate::report::style::Palette;
use crate::report::text::{self as report_text, counted};
use crate::sandbox::Layer;

/// Signers are named one by one up to so many; above, `-v` does.
const NAMED: usize = 5;

/// Lines that begin with a word each.
struct Lines<'p> {
    palette: &'p Palette,
    lines: Vec<String>,
}

impl Lines<'_> {
    fn say(&mut self, word: &str, value: impl AsRef<str>) {
        self.lines.push(format!("{word:<10}{}", escape::sentence(value.as_ref())));
    }

    fn warn(&mut self, word: &str, value: impl AsRef<str>) {
        self.lines
            .push(Palette::paint(self.palette.removed, &format!("{word:<10}{}", escape::sentence(value.as_ref()))));
    }
}

/// Returns the lines about the host that `body` describes.
pub fn lines(host: &str, body: &Value, palette: &Palette, verbose: bool) -> Vec<String> {
    let mut lines = Lines { palette, lines: vec![Palette::paint(palette.strong, host)] };
    accepted(&mut lines, &body["accepted"]);
    if body["testing"].is_object() {
        let signed = signed(&body["testing"]);
        lines.lines.push(Palette::paint(palette.changed, &format!("{:<10}{signed}", "testing")));
    }
    applied(&mut lines, body);
    pending(&mut lines, &body["pending"]);
    exceptions(&mut lines, body);
    may_sign(&mut lines, &body["trusted"], verbose);
    refused(&mut lines, &body["refused"]);
    fetching(&mut lines, body);
    notes(&mut lines, body);
    trouble(&mut lines, body);
    lines.lines
}

fn text(value: &Value) -> String {
    escape::sentence(value.as_str().unwrap_or_default())
}

fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn names(signers: &Value) -> String {
    each(signers).map(|signer| text(&signer["user_id"])).collect::<Vec<_>>().join(", ")
}

/// Returns commit and tag of a revision, when it was signed, and by whom.
fn signed(revision: &Value) -> String {
    let signers = names(&revision["signers"]);
    format!("{}, signed {} by {signers}", named(revision), text(&revision["time"]))
}

fn named(revision: &Value) -> String {
    let tag = revision["tag"].as_str().map(|tag| format!(" ({tag})")).unwrap_or_default();
    format!("{}{tag}", text(&revision["commit"]))
}

fn accepted(lines: &mut Lines<'_>, accepted: &Value) {
    if !accepted.is_object() {
        lines.say("accepted", "nothing yet");
    } else if each(&accepted["signers"]).next().is_none() {
        lines.warn("accepted", format!("{}, NOT VERIFIED, taken {}", named(accepted), text(&accepted["time"])));
    } else {
        lines.say("accepted", signed(accepted));
    }
}

fn applied(lines: &mut Lines<'_>, body: &Value) {
    let applied = &body["applied"]["commit"];
    let paths = counted(body["managed"].as_u64().unwrap_or_default(), "path");
    let in_force = if body["testing"].is_object() { &body["testing"] } else { &body["accepted"] };
    let (commit, generation) = (text(applied), &body["applied"]["generation"]);
    match applied.as_str() {
        None => lines.say("applied", "nothing yet"),
        Some(_) if *applied == in_force["commit"] => {
            lines.say("applied", format!("the same, {paths} ({commit:.12}), generation {generation}"))
        }
        Some(_) => lines.say("applied", format!("{commit}, {paths}, generation {generation}")),
    }
    match body["drift"].as_u64() {
        Some(1) => lines.warn("drift", "1 path differs from what was applied: see 'cosmos drift'"),
        Some(paths) if paths > 1 => {
            lines.warn("drift", format!("{paths} paths differ from what was applied: see 'cosmos drift'"));
        }
        _ => {}
    }
}

/// Says what files that changed ask for, and no run has come to yet.
fn pending(lines: &mut Lines<'_>, pending: &Value) {
    for one in each(pending) {
        let because: Vec<String> = each(&one["because"]).map(text).collect();
        lines.warn("pending", format!("{}{}", text(&one["what"]), report_text::since(&because)));
    }
}

/// Says in what the host is not as the accepted revision has it, since somebody wanted it so.
fn exceptions(lines: &mut Lines<'_>, body: &Value) {
    let back = &body["rollback"];
    if back.is_object() {
        let (number, since, why) = (&back["generation"], text(&back["since"]), text(&back["why"]));
        let what = match back["paths"].as_array() {
            Some(paths) if paths.len() == 1 => format!("1 path is that of generation {number}"),
            Some(paths) => format!("{} paths are those of generation {number}", paths.len()),
            None => format!("generation {number}"),
        };
        let not_tried = text(&back["instead_of"]);
        lines.warn("ROLLBACK", format!("{what} since {since} ({why}), instead of {not_tried:.12}"));
        lines.say("", "until a newer revision is accepted, 'cosmos resume', or 'cosmos run --retry'");
    }
    for (path, hold) in body["held"].as_object().into_iter().flatten() {
        let until = hold["until"].as_str().unwrap_or("'cosmos hold --release'");
        lines.warn("held", format!("{path} since {} until {until}: {}", text(&hold["since"]), text(&hold["reason"])));
    }
}

fn may_sign(lines: &mut Lines<'_>, signers: &Value, verbose: bool) {
    let count = each(signers).count();
    if verbose {
        each(signers)
            .for_each(|one| lines.say("may sign", format!("{}  {}", text(&one["fingerprint"]), text(&one["user_id"]))));
    } else if count > NAMED {
        lines.say("may sign", format!("{count} certificates, which -v lists"));
    } else if count > 0 {
        lines.say("may sign", names(signers));
    }
}

fn refused(lines: &mut Lines<'_>, refused: &Value) {
    for one in each(refused) {
        let (object, reference, reason) = (text(&one["object"]), text(&one["reference"]), text(&one["reason"]));
        if one["overtaken"] != true {
            lines.warn("refused", format!("{object:.12} of '{reference}': {reason}"));
            lines.say("", text(&one["repair"]));
        } else if reference.starts_with("refs/heads/testing/") || reference.starts_with("refs/tags/testing/") {
            lines.say("test", format!("'{reference}' is over: {reason}"));
        }
    }
}

fn fetching(lines: &mut Lines<'_>, body: &Value) {
    if let Some(since) = body["look"]["failing_since"].as_str() {
        lines.say("remotes", format!("out of reach since {since}"));
    }
    for remote in each(&body["remotes"]) {
        let answered = remote["answered"].as_str().map(|time| format!(", answered {time}")).unwrap_or_default();
        let gave = if remote["gave_accepted"] == true { ", gave the accepted revision" } else { "" };
        lines.say("remote", format!("{}{answered}{gave}", text(&remote["url"])));
    }
    if let Some(layers) = body["sandbox"].as_array().filter(|layers| !layers.is_empty()) {
        lines.say("sandbox", sandbox(layers));
    }
}

/// Says what programs of modules left to be shown, and how long ago it was.
fn notes(lines: &mut Lines<'_>, body: &Value) {
    let time = |value: &Value| value.as_str().and_then(|text| text.parse::<Time>().ok());
    for note in each(&body["notes"]) {
        let ago = time(&body["time"]).zip(time(&note["time"])).map(|(now, then)| ago(now.since(then)));
        let when = ago.map(|ago| format!(" {}, {ago}", text(&note["time"]))).unwrap_or_default();
        let line = format!("{} {}: {}{when}", text(&note["of"]), text(&note["about"]), text(&note["text"]));
        match note["due"].as_str() {
            _ if note["is_due"] != true => lines.say("note", line),
            Some(due) => lines.warn("note", format!("{line}; somebody should look, since {due}")),
            None => lines.warn("note", line),
        }
    }
}

/// Words so many seconds; a clock that was set back makes nothing older.
fn ago(seconds: i64) -> String {
    match seconds.max(0) {
        seconds if seconds < 2 * 3600 => format!("{} min ago", seconds / 60),
        seconds if seconds < 2 * 86_400 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}

/// Words what the fetching child gives up, and what it does not.
fn sandbox(layers: &[Value]) -> String {
    let (given, kept): (Vec<Layer>, Vec<Layer>) =
        Layer::ALL.into_iter().partition(|layer| layers.iter().any(|name| name == layer.name()));
    let names = |layers: &[Layer]| layers.iter().map(|layer| layer.name()).collect::<Vec<_>>().join(", ");
    match kept[..] {
        [] => names(&given),
        _ => format!("{}; not {}", names(&given), names(&kept)),
    }
}

fn trouble(lines: &mut Lines<'_>, body: &Value) {
    for signer in each(&body["imported"]) {
        let (fingerprint, name) = (text(&signer["fingerprint"]), text(&signer["user_id"]));
        lines.say("imported", format!("{fingerprint} {name}: by hand, may sign the next release"));
    }
    if body["paused"].is_object() {
        lines.say("paused", text(&body["paused"]["reason"]));
    }
    if body["failure"].is_object() {
        let failure = &body["failure"];
        lines.say("failing", format!("since {}: {}", text(&failure["since"]), text(&failure["message"])));
    }
    if body["stale"] == true {
        lines.say("stale", format!("the accepted revision is past its time: {}", text(&body["stale_reason"])));
    }
    each(&body["signers"]).for_each(|sentence| lines.say("signer", text(sentence)));
    for word in ["retired", "needs", "mistakes"] {
        body[word].as_str().into_iter().flat_map(str::lines).for_each(|value| lines.say(word, value));
    }
    if body["cloned"] == true {
        let what = "this is not the machine the state was made on: run 'cosmos clone --again' with its own name";
        lines.say("machine", what);
    }
}
