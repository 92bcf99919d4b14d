//! `cosmos host list`: the hosts of a repository, their keys, and who is retired.

use cosmos_model::host_name::HostName;
use cosmos_model::stage;
use serde_json::{Value, json};

use crate::cli::GlobalOptions;
use crate::exit::{Failure, Status};
use crate::operator::{AsItIs, WorkTree};
use crate::recipients::host_key;
use crate::report::json as report_json;
use crate::report::style::Palette;
use crate::{agent, built_in, recipients, secret};

/// Prints every host, as the clone's files have it now.
///
/// # Errors
/// Returns a [`Failure`] when the files cannot be read.
pub fn run(work: &WorkTree, global: &GlobalOptions) -> Result<Status, Failure> {
    let files = AsItIs::read(work)?;
    let hosts: Vec<Shown> = recipients::hosts(work, &files).iter().map(|host| Shown::of(work, &files, host)).collect();
    if global.json {
        let body = json!({"hosts": hosts.iter().map(Shown::json).collect::<Vec<_>>()});
        println!("{}", report_json::envelope("host", "localhost", Status::Done, body));
        return Ok(Status::Done);
    }
    let palette = Palette::for_stdout();
    for host in &hosts {
        println!("{}  {}", Palette::paint(palette.strong, &host.name), host.key_in_words());
        match (&host.mistakes, &host.retired) {
            (Some(count), _) => {
                let text = format!("{count} mistakes, see 'cosmos lint'");
                println!("    {}", Palette::paint(palette.removed, &text));
            }
            (None, Some(retired)) => println!("    retired {retired}"),
            (None, None) => println!("    {}", host.layers.join(", ")),
        }
    }
    Ok(Status::Done)
}

/// A host as it is listed.
struct Shown {
    name: String,
    /// The key's fingerprint, or what is wrong with its file; `None` where there is no file.
    key: Option<Result<String, String>>,
    layers: Vec<String>,
    retired: Option<String>,
    /// How many mistakes its layers have, if any.
    mistakes: Option<usize>,
}

impl Shown {
    fn of(work: &WorkTree, files: &AsItIs<'_>, host: &HostName) -> Self {
        let name = host.as_str().to_owned();
        let key = host_key(work.folder(), &name).map(|key| match key {
            Ok(cert) if secret::can_receive(&cert) => Ok(cert.fingerprint().to_hex()),
            Ok(_) => Err("nothing can be encrypted to its key now".to_owned()),
            Err(reason) => Err(format!("its key cannot be used: {reason}")),
        });
        match stage::layers_of(files.tree(), host, agent::version(), Some(built_in::tree()), files) {
            Ok(found) => Self { name, key, layers: found.layers, retired: found.retired, mistakes: None },
            Err(stage::StageError::Mistakes(all)) => {
                Self { name, key, layers: Vec::new(), retired: None, mistakes: Some(all.len()) }
            }
            Err(_) => Self { name, key, layers: Vec::new(), retired: None, mistakes: Some(1) },
        }
    }

    fn key_in_words(&self) -> String {
        match &self.key {
            Some(Ok(fingerprint)) => fingerprint.clone(),
            Some(Err(reason)) => reason.clone(),
            None => "no key: it gets no secrets".to_owned(),
        }
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "key": self.key.as_ref().and_then(|key| key.as_ref().ok()),
            "layers": self.layers,
            "retired": self.retired,
        })
    }
}
