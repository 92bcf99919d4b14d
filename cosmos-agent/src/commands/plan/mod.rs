//! `cosmos plan`: what apply would do, with the differences.

use cosmos_model::plan::Action;
use cosmos_model::snapshot::Observed;

use crate::agent::Agent;
use crate::apply::Contents as _;
use crate::cli::{GlobalOptions, PlanOptions};
use crate::exit::{Failure, Status};
use crate::operation::{self, Manner};
use crate::pipeline::{Pipeline, Planned};
use crate::report::style::Palette;
use crate::report::{PackageReport, diff, json, text};
use crate::stage::Contents;

pub(super) mod fleet;
mod hosts;
mod words;

/// Larger files are not read for a diff.
const LARGEST: u64 = 1 << 20;

/// Prints the plan for the accepted revision; fetches nothing, changes nothing.
///
/// # Errors
/// Returns a [`Failure`] when there is no accepted revision or no plan for it.
pub fn run(options: &PlanOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    if options.all || !options.hosts.is_empty() {
        return hosts::run(options, global);
    }
    let agent = Agent::load(global)?;
    let mut shown = Ok(());
    let report = operation::perform(&agent, Manner::looking("plan"), |pipeline| {
        let planned = pipeline.planned()?;
        shown = show(&agent, pipeline, planned);
        Ok(())
    })?;
    shown?;
    report.failure.map_or(Ok(Status::Done), Err)
}

fn show(agent: &Agent, pipeline: &Pipeline<'_>, planned: Planned) -> Result<(), Failure> {
    let Planned { model, plan, missing, work, refused } = planned;
    if agent.options.json {
        let mut body = json::plan(&plan, &missing, &work, refused.as_ref());
        body["rollback"] = serde_json::json!(pipeline.record.state.rolled_back());
        println!("{}", json::envelope("plan", agent.host(), Status::Done, body));
        return Ok(());
    }
    if let Some(back) = pipeline.record.state.rolled_back() {
        println!("! back: {back}");
    }
    let palette = Palette::for_stdout();
    let expected = |package| PackageReport { package, tried: true, ending: None };
    let packages: Vec<PackageReport> = missing.into_iter().map(expected).collect();
    text::packages(&packages, &palette).iter().for_each(|line| println!("{line}"));
    for step in plan.steps() {
        println!("{}", text::step(step, &palette));
        if let (Action::WriteFile { content, .. }, Observed::File { size, .. }) = (step.action(), step.expects())
            && content.size.max(*size) <= LARGEST
            && !step.is_secret()
        {
            let new = Contents::new(agent, pipeline.store(), &model).read(step.path(), content);
            let new = new.map_err(|error| Failure::new(Status::Failed, error.as_ref(), "run 'cosmos update'"))?;
            let old = agent.site.root.read(step.path(), LARGEST)?.unwrap_or_default();
            print!("{}", diff::unified(&old, &new, &palette));
        }
    }
    plan.notes().iter().for_each(|note| println!("{}", text::note(note, &palette)));
    text::work(&work, &palette, agent.options.verbose > 0).iter().for_each(|line| println!("{line}"));
    if let Some(Failure { message, hint, .. }) = refused {
        println!("! held: {message}; {}", hint.unwrap_or_default());
    }
    if let Some(brake) = plan.brake() {
        println!("! held: {brake}");
    }
    Ok(())
}
