//! Modules: declarations and values, templates, and what facts are read from.

use cosmos_model::facts::{Facts, parse};
use cosmos_model::host_name::HostName;
use cosmos_model::layer;
use cosmos_model::params::{self, Settings};
use cosmos_model::template::{LARGEST_OUTPUT, Rendered, Renderer, Template};

use crate::{choose, said};

fn host() -> HostName {
    HostName::new("ns1.example.org").expect("a host name")
}

/// Declarations, and values for them in the same file (docs/formats.md §21): who wins is one of those who gave.
pub fn module(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(found) = layer::parse("layer.toml", text) else { return };
    let Some(module) = found.module else { return };
    let sources: Vec<_> = found.params.iter().filter(|given| given.module == "all").collect();
    let (settings, mistakes) = params::merge("all", &module, &sources, "layer.toml");
    for mistake in &mistakes {
        said::words(mistake);
        said::harmless(&mistake.hint);
    }
    assert!(settings.len() + mistakes.len() >= module.params.len(), "a parameter without value and without mistake");
    for setting in &settings {
        said::harmless(&setting.doc);
        said::words(&setting.winner.0);
        let given = sources.iter().any(|source| source.values.contains_key(&setting.name));
        assert_eq!(given, setting.winner.1.is_some(), "a value from nowhere");
    }
    if mistakes.is_empty() {
        let settings = [Settings { module: "all".to_owned(), layer: "models/all".to_owned(), params: settings }];
        let renderer = Renderer::new(&host(), None, &settings);
        for mistake in renderer.broken("all", &module.conditions, "layer.toml") {
            said::words(&mistake);
            said::harmless(&mistake.hint);
        }
    }
}

/// A template (docs/formats.md §22): what comes out has a limit, comes out twice alike, and a mistake is one line.
pub fn template(bytes: &[u8]) {
    let declared = "[param.names]\ntype='list of string'\ndoc='x'\ndefault=['a','b']\n\
                    [param.net]\ntype='cidr'\ndoc='x'\ndefault='192.0.2.0/24'\n";
    let module = layer::parse("layer.toml", declared).expect("a layer").module.expect("a module");
    let (params, _) = params::merge("m", &module, &[], "layer.toml");
    let settings = [Settings { module: "m".to_owned(), layer: "models/m".to_owned(), params }];
    let facts = Facts { kernel: Some("6.1.0".to_owned()), ..Facts::default() };
    for facts in [Some(&facts), None] {
        let renderer = Renderer::new(&host(), facts, &settings);
        let template = Template { place: "templates/it", text: bytes, module: Some("m") };
        let rendered = renderer.render(&template);
        assert_eq!(rendered, renderer.render(&template), "rendered twice");
        match rendered {
            Ok(Rendered::File(text)) => assert!(text.len() <= LARGEST_OUTPUT),
            Ok(Rendered::Absent | Rendered::Secret(_)) => (),
            Err(mistake) => {
                said::words(&mistake);
                said::harmless(&mistake.hint);
            }
        }
    }
}

/// What facts are read from (docs/formats.md §23): values are short and safe to show, and facts read back.
pub fn facts(bytes: &[u8]) {
    let Some((which, rest)) = choose(bytes) else { return };
    let text = String::from_utf8_lossy(rest);
    match which % 4 {
        0 => {
            let os = parse::os_release(&text);
            let values = [Some(os.id), os.version, os.codename, os.name].into_iter().flatten().chain(os.id_like);
            values.for_each(|value| {
                said::harmless(&value);
                assert!(value.len() <= 256);
            });
        }
        1 => parse::timezone(&text).iter().for_each(|zone| {
            said::words(zone);
            assert!(!zone.starts_with('/') && zone.len() <= 64);
        }),
        2 => match cosmos_agent::facts::read(rest) {
            Ok(found) => {
                let written = serde_json::to_vec(&found).expect("facts are plain values");
                assert_eq!(cosmos_agent::facts::read(&written).ok(), Some(found));
            }
            Err(error) => said::error(&error),
        },
        _ => {
            let (maker, rest) = text.split_once('\n').unwrap_or((&text, ""));
            said::words(&parse::virtualisation(maker, maker, rest));
        }
    }
}
