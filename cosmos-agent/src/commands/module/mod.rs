//! `cosmos module`: which modules there are, what one wants to be told, whether its examples hold, how to begin one.

use std::path::Path;

use cosmos_model::params::{Demand, Kind, Param, Value, is_name};
use cosmos_model::stage::{self, FoundModule};
use serde_json::json;

use crate::built_in;
use crate::cli::{GlobalOptions, ModuleCommand, ModuleOptions};
use crate::exit::{Failure, Status};
use crate::fs::by_path;
use crate::operator::{AsItIs, OperatorError, WorkTree};
use crate::report::json as report_json;
use crate::report::style::Palette;

mod example;
mod test;

/// Does what the words say.
///
/// # Errors
/// Returns a [`Failure`] when a module is unknown, or cannot be begun.
pub fn run(options: &ModuleOptions, global: &GlobalOptions) -> Result<Status, Failure> {
    let folder = options.repository.clone().unwrap_or_else(|| ".".into());
    if let ModuleCommand::New { name } = &options.command {
        return new(&WorkTree::find(&folder)?, name);
    }
    if let ModuleCommand::Test { name, write } = &options.command {
        return test::run(&folder, name.as_deref(), *write, global);
    }
    let found = modules(&folder, options.repository.is_some())?;
    match &options.command {
        ModuleCommand::Show { name } => {
            let module = found.iter().find(|module| module.name == *name);
            show(module.ok_or_else(|| unknown(name))?, global);
        }
        _ => list(&found, global),
    }
    Ok(Status::Done)
}

/// Says that there is no such module.
fn unknown(name: &str) -> Failure {
    Failure::of(
        Status::Usage,
        format!("there is no module '{}'", safe(name)),
        "'cosmos module list' says which there are",
    )
}

/// Returns the modules of the clone, where there is one, and those that come with cosmos.
fn modules(folder: &Path, must_exist: bool) -> Result<Vec<FoundModule>, Failure> {
    let ours = Some(built_in::tree());
    match WorkTree::find(folder) {
        Ok(work) => {
            let files = AsItIs::read(&work)?;
            Ok(stage::modules(Some(files.tree()), ours, &files))
        }
        Err(error) if must_exist => Err(error.into()),
        Err(_) => Ok(stage::modules(None, ours, &built_in::Modules)),
    }
}

fn list(found: &[FoundModule], global: &GlobalOptions) {
    if global.json {
        let one = |module: &FoundModule| json!({"name": module.name, "layer": module.layer});
        let body = json!({"modules": found.iter().map(one).collect::<Vec<_>>()});
        println!("{}", report_json::envelope("module", "localhost", Status::Done, body));
        return;
    }
    for module in found {
        let hides = if module.hides_built_in { ", hides the one that comes with cosmos" } else { "" };
        println!("{}  {}{hides}", module.name, module.layer);
    }
}

fn show(module: &FoundModule, global: &GlobalOptions) {
    if global.json {
        let one = |param: &Param| {
            json!({
                "name": param.name, "type": param.kind.to_string(), "doc": param.doc,
                "required": param.is_required(), "default": param.default,
            })
        };
        let params: Vec<_> = module.module.params.iter().map(one).collect();
        let body = json!({"name": module.name, "layer": module.layer, "params": params, "leaving": module.leaving});
        println!("{}", report_json::envelope("module", "localhost", Status::Done, body));
        return;
    }
    manual(module, &Palette::for_stdout()).iter().for_each(|line| println!("{line}"));
}

/// Returns the parameters as a manual page has them.
fn manual(module: &FoundModule, palette: &Palette) -> Vec<String> {
    let heading = |text: &str| Palette::paint(palette.strong, text);
    let mut lines = vec![heading("NAME"), format!("    {}  ({})", module.name, module.layer), String::new()];
    lines.extend([heading("SYNOPSIS"), format!("    use = [\"{}\"]", module.name)]);
    if !module.module.params.is_empty() {
        lines.push(format!("    [params.{}]", module.name));
        let required = module.module.params.iter().filter(|param| param.is_required());
        lines.extend(required.map(|param| format!("    {} = {}", param.name, example(&param.kind))));
        lines.extend([String::new(), heading("PARAMETERS")]);
        module.module.params.iter().for_each(|param| lines.extend(described(param, "    ", palette)));
    }
    if !module.module.conditions.is_empty() {
        lines.extend([String::new(), heading("CONDITIONS")]);
        lines.extend(module.module.conditions.iter().map(|condition| match &condition.demand {
            Demand::That { expression, .. } => match &condition.each {
                Some(name) => format!("    for each of {name}: {}", as_written(expression)),
                None => format!("    {}", as_written(expression)),
            },
            Demand::OneOf(names) => format!("    exactly one of {}", names.join(", ")),
        }));
    }
    if !module.leaving.is_empty() {
        lines.extend([String::new(), heading("BEFORE IT LEAVES A HOST")]);
        lines.extend(module.leaving.iter().map(|name| format!("    check {name}")));
    }
    lines
}

fn safe(text: &str) -> String {
    cosmos_model::escape::for_terminal(text.as_bytes())
}

/// Returns an expression to copy: its own backslashes are no escapes of ours.
fn as_written(expression: &str) -> String {
    expression.split('\\').map(safe).collect::<Vec<_>>().join("\\")
}

fn described(param: &Param, indent: &str, palette: &Palette) -> Vec<String> {
    let rest = match &param.default {
        None => "required".to_owned(),
        Some(Value::Absent) => "optional".to_owned(),
        Some(value) => format!("default {value}"),
    };
    let name = Palette::paint(palette.strong, &param.name);
    let mut lines = vec![format!("{indent}{name}  {}, {rest}", param.kind), format!("{indent}    {}", param.doc)];
    let mut innermost = &param.kind;
    while let Kind::List(inner, count) | Kind::Table(inner, count) = innermost {
        lines.extend(between(count.at_least, count.at_most).map(|range| format!("{indent}    entries: {range}")));
        innermost = inner;
    }
    match innermost {
        Kind::Int(bounds) | Kind::Port(bounds) => {
            lines.extend(between(bounds.min, bounds.max).map(|range| format!("{indent}    {range}")));
        }
        Kind::Duration(bounds) => {
            lines.extend(between(bounds.min, bounds.max).map(|range| format!("{indent}    seconds: {range}")));
        }
        Kind::Enum(words) | Kind::String(words) if !words.is_empty() => {
            lines.push(format!("{indent}    one of {}", words.join(", ")));
        }
        Kind::Record(fields) => {
            fields.iter().for_each(|field| lines.extend(described(field, &format!("{indent}    "), palette)));
        }
        _ => (),
    }
    lines
}

/// Says what a number may be, where there is a bound.
fn between<N: std::fmt::Display>(least: Option<N>, greatest: Option<N>) -> Option<String> {
    match (least, greatest) {
        (None, None) => None,
        (Some(least), None) => Some(format!("at least {least}")),
        (None, Some(greatest)) => Some(format!("at most {greatest}")),
        (Some(least), Some(greatest)) => Some(format!("from {least} to {greatest}")),
    }
}

/// Returns a value of the type, to begin with.
fn example(kind: &Kind) -> String {
    match kind {
        Kind::Bool => "true".to_owned(),
        Kind::Int(_) => "1".to_owned(),
        Kind::Port(_) => "8080".to_owned(),
        Kind::Fqdn => "\"www.example.org\"".to_owned(),
        Kind::Ip => "\"192.0.2.1\"".to_owned(),
        Kind::Cidr => "\"192.0.2.0/24\"".to_owned(),
        Kind::Interface => "\"eth0\"".to_owned(),
        Kind::Path => "\"/srv/…\"".to_owned(),
        Kind::Duration(_) => "\"24h\"".to_owned(),
        Kind::Pkcs11Uri => "\"pkcs11:object=…\"".to_owned(),
        Kind::Enum(words) => format!("\"{}\"", words.first().map_or("", String::as_str)),
        Kind::List(inner, _) => format!("[{}]", example(inner)),
        Kind::Table(inner, _) => format!("{{ … = {} }}", example(inner)),
        Kind::Record(fields) => {
            let required = fields.iter().filter(|field| field.is_required());
            let pairs: Vec<String> =
                required.map(|field| format!("{} = {}", field.name, example(&field.kind))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Kind::String(_) | Kind::Fingerprint => "\"…\"".to_owned(),
    }
}

/// Writes what a module begins with.
fn new(work: &WorkTree, name: &str) -> Result<Status, Failure> {
    let shown = safe(name);
    if !is_name(name) {
        let text = format!("'{shown}' is not the name of a module");
        return Err(Failure::of(Status::Usage, text, "1 to 64 of a-z, 0-9 and '-', a letter first"));
    }
    let folder = work.folder().join("models").join(name);
    if folder.exists() {
        return Err(Failure::of(Status::Usage, format!("'{}' exists", folder.display()), "choose another name"));
    }
    let files = [
        (
            "layer.toml".to_owned(),
            "[param.text]\ntype = \"string\"\ndefault = \"hello\"\ndoc = \"what the file says\"\n".to_owned(),
        ),
        (format!("templates/etc/{name}.conf"), "# {{ host.name }}\ntext = {{ params.text }}\n".to_owned()),
        (
            "tests/first/layer.toml".to_owned(),
            format!("use = [\"{name}\"]\n\n[params.{name}]\ntext = \"good morning\"\n"),
        ),
        (format!("tests/first/expected/etc/{name}.conf"), "# host.example.org\ntext = good morning\n".to_owned()),
    ];
    for (path, text) in &files {
        let path = folder.join(path);
        let failed = |source| OperatorError::File { path: path.clone(), source };
        by_path::make_directories(path.parent().unwrap_or(&folder), 0o755).map_err(failed)?;
        std::fs::write(&path, text).map_err(failed)?;
        println!("wrote {}", path.display());
    }
    println!("Next: write use = [\"{name}\"] into the layer.toml of a host, and look: cosmos plan --host HOST");
    println!("Its example holds as long as this ends well: cosmos module test {name}");
    Ok(Status::Done)
}
