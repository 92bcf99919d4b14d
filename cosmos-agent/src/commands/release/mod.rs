//! `cosmos release`: what the remote has is verified, what is new is shown, then it is signed and pushed.
//!
//! The release is judged before it leaves this machine, as hosts would judge it; what they would refuse is not pushed.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use cosmos_model::trust::Mode;
use serde_json::json;

use crate::cli::{GlobalOptions, ReleaseOptions};
use crate::exit::{Failure, Status};
use crate::operator::{Draft, GitSettings, Mirror, Programs, SigningKey, WorkTree, believed};
use crate::report::json as report_json;
use crate::report::style::Palette;
use crate::store::Store;

mod branch;
mod compose;
mod cosign;
mod news;
mod proposal;
mod tags;
mod text;
mod verdict;
mod view;

pub use news::ancestors;
use proposal::{Proposal, Sign};
use view::View;

/// Fetches, verifies, shows, asks, signs, judges, pushes.
///
/// # Errors
/// Returns a [`Failure`] when something is not in order; nothing was pushed then.
pub fn run(options: &ReleaseOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let folder = options.believe.repository.clone().unwrap_or_else(|| ".".into());
    let work = WorkTree::find(&folder)?;
    let programs = Programs::of_the_operator(work.folder());
    let believed = believed(&work, &options.believe, options.ring.as_deref(), global)?;
    let mirror = Mirror::open(believed.mirror.clone(), work.origin()?, &programs)?;
    mirror.fetch()?;
    // Where nothing was released yet there is nothing to verify; what is made is judged from the introduction.
    let nothing_yet = believed.agent.trust.wanted(&mirror.refs(), None).is_empty();
    let view = if nothing_yet { View::default() } else { View::verified(&believed.agent)? };
    let store = Store::at(believed.agent.site.store());
    let mut draft = Draft::new(&store, &work);
    let settings = GitSettings::read(&programs, &work, mirror.folder())?;
    let by_tags = matches!(believed.agent.trust.mode, Mode::Tags { .. });
    let desk = Desk { options, work: &work, mirror: &mirror, view: &view, by_tags, agent: &believed.agent };
    let proposal = match (&options.cosign, by_tags) {
        (Some(name), _) => cosign::propose(&desk, &draft, name)?,
        (None, true) => tags::propose(&desk, &mut draft, &settings.identity(&programs)?)?,
        (None, false) => branch::propose(&desk, &mut draft, &settings.identity(&programs)?)?,
    };
    let json = global.json;
    if !json {
        text::lines(&desk, &proposal, global.verbose > 0, &Palette::for_stdout())
            .iter()
            .for_each(|line| println!("{line}"));
    }
    if global.dry_run {
        return Ok(end(json, &proposal, "dry-run", &[]));
    }
    if !confirmed(options.yes)? {
        return Ok(end(json, &proposal, "not-confirmed", &["nothing was signed or pushed".to_owned()]));
    }
    let key = SigningKey::choose(options.key.as_deref(), &settings, &programs, mirror.folder())?;
    let who = settings.identity(&programs)?;
    if proposal.cosigns {
        verdict::refuse_second_time(&desk, &draft, &proposal, &key.fingerprint())?;
    }
    let made = proposal.sign(&desk, &mut draft, &key, &who)?;
    let verdict = verdict::judge(&desk, &draft, &made)?;
    draft.keep()?;
    mirror.push(&work, &made.pushed)?;
    made.local.iter().try_for_each(|(id, name)| work.point(name, *id))?;
    Ok(end(json, &proposal, "pushed", &text::outcome(&made, &verdict)))
}

/// Everything a release is made with.
struct Desk<'a> {
    options: &'a ReleaseOptions,
    work: &'a WorkTree,
    mirror: &'a Mirror<'a>,
    view: &'a View,
    by_tags: bool,
    agent: &'a crate::agent::Agent,
}

/// Asks on the terminal whether to go on.
fn confirmed(yes: bool) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        let hint = "say --yes, or look first with --dry-run";
        return Err(Failure::of(Status::Usage, "nobody is there to ask whether to sign this", hint));
    }
    print!("Sign and push this? [y/N] ");
    let mut answer = String::new();
    let _ = std::io::stdout().flush();
    let _ = std::io::stdin().lock().read_line(&mut answer);
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn end(json: bool, proposal: &Proposal, ended: &str, lines: &[String]) -> Status {
    if json {
        let statement = match &proposal.sign {
            Sign::Tag { message } | Sign::Commit { message, .. } => message.lines().next(),
            Sign::Nothing => None,
        };
        let lost = proposal.news.lost.iter().map(|(host, paths)| json!({"host": host, "paths": paths}));
        let body = json!({
            "name": proposal.name, "commit": proposal.commit, "ended": ended,
            "statement": statement,
            "changed": proposal.news.changed().collect::<Vec<_>>(),
            "lost": lost.collect::<Vec<_>>(),
        });
        println!("{}", report_json::envelope("release", "localhost", Status::Done, body));
    } else {
        lines.iter().for_each(|line| println!("{line}"));
    }
    Status::Done
}
