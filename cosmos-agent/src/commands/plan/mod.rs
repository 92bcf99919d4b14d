//! `cosmos plan`: what apply would do, with the differences.

use cosmos_model::escape;
use cosmos_model::package::Missing;
use cosmos_model::path::RelPath;
use cosmos_model::plan::{Action, Plan};
use cosmos_model::snapshot::Observed;
use cosmos_model::staged::StagedModel;

use crate::agent::Agent;
use crate::apply::Contents as _;
use crate::cli::{GlobalOptions, PlanOptions};
use crate::exit::{Failure, Status};
use crate::operation::{self, Manner};
use crate::pipeline::Pipeline;
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
        let (model, plan, missing) = pipeline.planned()?;
        shown = show(&agent, pipeline, &model, &plan, missing);
        Ok(())
    })?;
    shown?;
    report.failure.map_or(Ok(Status::Done), Err)
}

fn show(
    agent: &Agent,
    pipeline: &Pipeline<'_>,
    model: &StagedModel,
    plan: &Plan,
    missing: Vec<Missing>,
) -> Result<(), Failure> {
    let tasks = tasks(model);
    if agent.options.json {
        println!("{}", json::envelope("plan", agent.host(), Status::Done, json::plan(plan, &missing, &tasks)));
        return Ok(());
    }
    let palette = Palette::for_stdout();
    let expected = |package| PackageReport { package, tried: true, ending: None };
    let packages: Vec<PackageReport> = missing.into_iter().map(expected).collect();
    text::packages(&packages, &palette).iter().for_each(|line| println!("{line}"));
    for step in plan.steps() {
        println!("{}", text::step(step, &palette));
        if let (Action::WriteFile { content, .. }, Observed::File { size, .. }) = (step.action(), step.expects())
            && content.size.max(*size) <= LARGEST
        {
            let new = Contents::new(agent, pipeline.store(), model).read(step.path(), content);
            let new = new.map_err(|error| Failure::new(Status::Failed, error.as_ref(), "run 'cosmos update'"))?;
            let old = agent.site.root.read(step.path(), LARGEST)?.unwrap_or_default();
            print!("{}", diff::unified(&old, &new, &palette));
        }
    }
    plan.notes().iter().for_each(|note| println!("{}", text::note(note, &palette)));
    if agent.options.verbose > 0 {
        tasks.iter().for_each(|(_, name)| println!("> {name}"));
    }
    if let Some(brake) = plan.brake() {
        println!("! held: {} ({} would go, {} allowed)", brake.rule, brake.removals.len(), brake.allowed);
    }
    Ok(())
}

/// Returns stage and name of the tasks a run would start.
fn tasks(model: &StagedModel) -> Vec<(String, String)> {
    let of = |stage: &'static str, path: &RelPath| {
        (stage.to_owned(), format!("{stage}-tasks.d/{}", escape::for_terminal(path.as_bytes())))
    };
    let before = model.pre_tasks().iter().filter(|file| file.is_task()).map(|file| of("pre", &file.path));
    let after = model.post_tasks().iter().filter(|file| file.is_task()).map(|file| of("post", &file.path));
    before.chain(after).collect()
}
