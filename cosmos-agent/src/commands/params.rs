//! `cosmos params HOST`: the parameters of a host's modules, where each value comes from, and what it beat.

use cosmos_model::host_name::HostName;
use cosmos_model::params::{Setting, Settings, Winner};
use cosmos_model::stage;
use serde_json::{Value, json};

use crate::cli::{GlobalOptions, ParamsOptions};
use crate::exit::{Failure, Status};
use crate::operator::{AsItIs, WorkTree};
use crate::report::json as report_json;
use crate::report::style::Palette;
use crate::{agent, built_in};

/// Prints the parameters as the clone's files have them now.
///
/// # Errors
/// Returns a [`Failure`] with every mistake, when there are any.
pub fn run(options: &ParamsOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let work = WorkTree::find(&options.repository.clone().unwrap_or_else(|| ".".into()))?;
    let files = AsItIs::read(&work)?;
    let host = host_name(&options.host)?;
    let settings = stage::params(files.tree(), &host, agent::version(), Some(built_in::tree()), &files);
    let settings = settings.map_err(|error| crate::stage::mistaken(&error))?;
    if global.json {
        let body = json!({"modules": settings.iter().map(module).collect::<Vec<_>>()});
        println!("{}", report_json::envelope("params", host.as_str(), Status::Done, body));
        return Ok(Status::Done);
    }
    let palette = Palette::for_stdout();
    for settings in &settings {
        settings.params.iter().flat_map(|one| lines(settings, one, &palette)).for_each(|line| println!("{line}"));
    }
    Ok(Status::Done)
}

/// Reads the name of a host as somebody typed it.
///
/// # Errors
/// Returns a [`Failure`] of status `Usage`.
pub fn host_name(text: &str) -> Result<HostName, Failure> {
    HostName::new(text).map_err(|error| Failure::new(Status::Usage, &error, "such as ns1.example.org"))
}

fn lines(module: &Settings, setting: &Setting, palette: &Palette) -> Vec<String> {
    let origin = |winner: &Winner| winner.1.clone().unwrap_or_else(|| "default".to_owned());
    let from = Palette::paint(palette.faint, &origin(&setting.winner));
    let mut lines = vec![format!("{}.{} = {}  {from}", module.module, setting.name, setting.winner.0)];
    let beaten = setting.beat.iter().map(|beaten| format!("    not {}  {}", beaten.0, origin(beaten)));
    lines.extend(beaten.map(|line| Palette::paint(palette.faint, &line)));
    lines
}

fn module(settings: &Settings) -> Value {
    json!({
        "name": settings.module,
        "layer": settings.layer,
        "params": settings.params.iter().map(param).collect::<Vec<_>>(),
    })
}

fn param(setting: &Setting) -> Value {
    let winner = |(value, from): &Winner| json!({"value": value, "from": from});
    json!({
        "name": setting.name,
        "type": setting.kind.to_string(),
        "doc": setting.doc,
        "value": setting.winner.0,
        "from": setting.winner.1,
        "beat": setting.beat.iter().map(winner).collect::<Vec<_>>(),
    })
}
