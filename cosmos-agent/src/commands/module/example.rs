//! An example of a module: what a host says, and what comes of it (docs/formats.md §27).

use std::collections::BTreeMap;
use std::path::Path;

use cosmos_model::built_in::{BuiltIn, File};
use cosmos_model::content::ContentSource;
use cosmos_model::facts::Facts;
use cosmos_model::host_name::HostName;
use cosmos_model::object::{ObjectKind, ObjectSource, RawObject};
use cosmos_model::object_id::ObjectId;
use cosmos_model::stage::{self, Forecast, Inputs, StageError};
use cosmos_model::staged::StagedKind;

use crate::commands::plan::fleet::Memory;
use crate::{agent, built_in, facts};

/// The host of every example.
const HOST: &str = "host.example.org";

/// Where the files lie that are expected.
const EXPECTED: &str = "expected/";

/// Where the mistakes stand that are expected.
const MISTAKES: &str = "mistakes";

/// Files by their path below an example's folder.
pub type Files = BTreeMap<String, Vec<u8>>;

/// One example.
pub struct Example {
    /// The name of its folder.
    pub name: String,
    files: Files,
}

/// What comes of an example: of each path that a template made, or did not, its file; or what is wrong, at `mistakes`.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome(pub Files);

/// A repository that holds nothing but one host, and modules of another one.
struct Bench<'o> {
    host: BuiltIn,
    top: ObjectId,
    made: RawObject,
    modules: &'o dyn ObjectSource,
}

impl Example {
    /// Returns the examples among the files below a module's `tests/`.
    pub fn all(files: Files) -> Vec<Self> {
        let mut examples: Vec<Self> = Vec::new();
        for (path, bytes) in files {
            let Some((name, rest)) = path.split_once('/') else { continue };
            match examples.last_mut().filter(|example| example.name == name) {
                Some(example) => drop(example.files.insert(rest.to_owned(), bytes)),
                None => examples.push(Self { name: name.to_owned(), files: [(rest.to_owned(), bytes)].into() }),
            }
        }
        examples
    }

    /// Returns what is expected.
    pub fn expected(&self) -> Outcome {
        let counts = |path: &&String| path.starts_with(EXPECTED) || *path == MISTAKES;
        let files = self.files.iter().filter(|(path, _)| counts(path));
        Outcome(files.map(|(path, bytes)| (path.clone(), bytes.clone())).collect())
    }

    /// Works out what comes of it; `models` is the folder of modules among the `objects`.
    ///
    /// # Errors
    /// Returns in words what is wrong with the example itself.
    pub fn outcome(&self, objects: &dyn ObjectSource, models: Option<ObjectId>) -> Result<Outcome, String> {
        let layer = self.files.get("layer.toml").ok_or("there is no 'layer.toml' with what the host says")?;
        let known = self.files.get("facts.json").map(|text| facts::read(text)).transpose();
        let known = known.map_err(|error| format!("'facts.json': {error}"))?;
        let bench = Bench::new(layer, objects, models);
        Ok(bench.outcome(known.as_ref()))
    }
}

impl<'o> Bench<'o> {
    fn new(layer: &[u8], modules: &'o dyn ObjectSource, models: Option<ObjectId>) -> Self {
        let path = format!("hosts/{HOST}/layer.toml");
        let files: [File<'_>; 2] =
            [("fleet.toml", false, b"format = 1\nfleet = \"example\"\n"), (path.as_str(), false, layer)];
        let host = BuiltIn::of(&files);
        let mut made = host.object(host.tree()).ok().flatten().expect("it was made with its objects");
        if let Some(models) = models {
            // In git's order this name comes after the other two.
            made.bytes.extend_from_slice(b"40000 models\0");
            made.bytes.extend_from_slice(models.as_bytes());
        }
        let top = cosmos_model::object::hash(ObjectKind::Tree, &made.bytes).expect("three names are no attack");
        Self { host, top, made, modules }
    }

    fn outcome(&self, facts: Option<&Facts>) -> Outcome {
        let memory = Memory::over(self);
        let host = HostName::new(HOST).expect("a plain name");
        let inputs = Inputs { facts, built_in: Some(built_in::tree()), secrets: None };
        match stage::forecast(self.top, &host, agent::version(), &memory, &memory, &inputs) {
            Ok(forecast) => Outcome(rendered(&forecast)),
            Err(StageError::Mistakes(mistakes)) => {
                let lines = mistakes.iter().map(|mistake| format!("{mistake}\n"));
                Outcome([(MISTAKES.to_owned(), lines.collect::<String>().into_bytes())].into())
            }
            Err(other) => Outcome([(MISTAKES.to_owned(), format!("{other}\n").into_bytes())].into()),
        }
    }
}

impl ObjectSource for Bench<'_> {
    fn object(&self, id: ObjectId) -> Result<Option<RawObject>, String> {
        if id == self.top {
            return Ok(Some(self.made.clone()));
        }
        match self.host.object(id)? {
            None => self.modules.object(id),
            found => Ok(found),
        }
    }
}

/// Returns what templates made: a file that only lies in `overlay/` says the same twice.
fn rendered(forecast: &Forecast) -> Files {
    let file = |kind: &StagedKind| match kind {
        StagedKind::File(content) if content.source == ContentSource::Rendered => {
            forecast.rendered.get(&content.hash).cloned()
        }
        _ => None,
    };
    let files = forecast.entries.iter().filter_map(|(path, entry)| file(&entry.kind).map(|bytes| (path, bytes)));
    files.map(|(path, bytes)| (format!("{EXPECTED}{path}"), bytes)).collect()
}

/// Reads the files below `folder`; none where there is no such folder.
///
/// # Errors
/// Returns the system's answer.
pub fn files_below(folder: &Path) -> std::io::Result<Files> {
    let mut found = Files::new();
    let mut folders = vec![String::new()];
    while let Some(below) = folders.pop() {
        let entries = match std::fs::read_dir(folder.join(&below)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            other => other?,
        };
        for entry in entries {
            let entry = entry?;
            let path = format!("{below}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(format!("{path}/"));
            } else if kind.is_file() {
                found.insert(path, std::fs::read(entry.path())?);
            }
        }
    }
    Ok(found)
}
