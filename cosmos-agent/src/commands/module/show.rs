//! `cosmos module show`: what a module wants to be told, as a manual page has it.

use cosmos_model::params::{Demand, Kind, Param, Value};
use cosmos_model::stage::FoundModule;
use serde_json::json;

use super::safe;
use crate::cli::GlobalOptions;
use crate::exit::Status;
use crate::report::json as report_json;
use crate::report::style::Palette;

/// Prints one module.
pub fn run(module: &FoundModule, global: &GlobalOptions) {
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
