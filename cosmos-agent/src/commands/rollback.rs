//! `cosmos rollback`: this host's files as an earlier generation said, and which generations there are.

use cosmos_model::escape;
use cosmos_model::generation::Generation;
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::cli::{GlobalOptions, RollbackOptions};
use crate::exit::{Failure, Status};
use crate::operation::{self, Manner};
use crate::pipeline::Pipeline;
use crate::report::json;

/// Goes back, or lists what can be gone back to.
///
/// # Errors
/// Returns a [`Failure`] when there is no such generation, or the host cannot be made what it says.
pub fn run(options: &RollbackOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let agent = Agent::load(global)?;
    if options.list {
        return operation::peek(&agent, |pipeline, _| list(&agent, pipeline))?;
    }
    let report = operation::perform(&agent, Manner::changing("rollback", global, false), |pipeline| {
        let before = pipeline.record.state.generation_in_force();
        let number = pipeline.roll_back(options.generation, "cosmos rollback")?;
        let said = match pipeline.record.state.rolled_back() {
            Some(_) => {
                let stays = if agent.plan_settings().remove_dropped { "" } else { STAYS };
                format!(
                    "generation {number} instead of {before}, until a newer revision is accepted or 'cosmos resume'; \
                     what tasks did to packages, users and services is not undone{stays}"
                )
            }
            None => format!("generation {number}, the newest: the rollback ended"),
        };
        pipeline.report.remarks.push(said);
        Ok(())
    })?;
    Ok(operation::print(&agent, &report))
}

/// What a host that removes nothing keeps of the revision that it goes back from, in words.
const STAYS: &str = ", and files that only the newer revision has stay, since remove-dropped is false";

fn list(agent: &Agent, pipeline: &Pipeline<'_>) -> Result<Status, Failure> {
    let (list, now) = (pipeline.record.generations()?, pipeline.record.state.generation_in_force());
    let back = pipeline.record.state.rolled_back();
    if agent.options.json {
        let shown: Vec<Value> = list.kept().iter().map(|one| body(one, one.number == now)).collect();
        let body = json!({"generations": shown, "rollback": back});
        println!("{}", json::envelope("rollback", agent.host(), Status::Done, body));
        return Ok(Status::Done);
    }
    list.kept().iter().for_each(|one| println!("{}", line(one, one.number == now)));
    Ok(Status::Done)
}

fn body(generation: &Generation, in_force: bool) -> Value {
    let revision = generation.revision();
    json!({
        "generation": generation.number, "applied": generation.applied, "commit": revision.commit(),
        "tag": revision.tag(), "signers": revision.signers(), "in_force": in_force,
    })
}

/// Returns a line of the list; an asterisk marks what the host is.
fn line(generation: &Generation, in_force: bool) -> String {
    let revision = generation.revision();
    let mark = if in_force { '*' } else { ' ' };
    let name = revision.tag().map_or_else(|| format!("{:.12}", revision.commit().to_string()), escape::sentence);
    let signers: Vec<String> = revision.signers().iter().map(|one| escape::sentence(&one.user_id)).collect();
    format!("{mark} {:>4}  {}  {name}  {}", generation.number, generation.applied, signers.join(", "))
}
