//! `layer.toml`: what a layer needs and how its files are installed (docs/formats.md §4); a file for each table.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::document::{Document, Mistake};
use crate::package::PackageName;
use crate::params::{self, Assignment, Module};
use crate::triggers::well_known::WELL_KNOWN;

mod check;
mod command;
mod files;
mod packages;
mod port;
mod probe;
mod service;
mod tasks;

pub use check::Checks;
pub use command::{Command, STAGED};
pub use files::{FilePolicy, FileRule, Owner};
pub use port::Port;
pub use probe::Probe;
pub use service::Service;
pub use tasks::TaskRule;

/// The tables and keys of this version.
const KNOWN: [&str; 13] = [
    "use", "retired", "files", "packages", "params", "param", "require", "tasks", "check", "no-check", "service",
    "probe", "port",
];

/// In `no-check`, begins the word by which a layer may leave unasked; its name follows.
pub const LEAVING: &str = "leaving ";

/// What one layer says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LayerFile {
    /// Names of the layers it needs, first wins.
    pub uses: Vec<LayerName>,
    /// When and why the host was retired.
    pub retired: Option<String>,
    /// Attributes of paths, in the order written.
    pub files: Vec<FileRule>,
    /// Values for parameters of modules.
    pub params: Vec<Assignment>,
    /// The parameters it declares, which make it a module.
    pub module: Option<Module>,
    /// Packages that must be installed before its files go in place.
    pub packages: Vec<PackageName>,
    /// When tasks run, and for how long.
    pub tasks: Vec<TaskRule>,
    /// Commands that are asked before anything is changed.
    pub checks: Checks,
    /// What is off: names of checks of well-known paths, and [`LEAVING`] with the name of a layer.
    pub no_check: Vec<String>,
    /// Which services read which paths, in the order written.
    pub services: Vec<Service>,
    /// Where services listen.
    pub ports: Vec<Port>,
    /// Commands that look at the host afterwards.
    pub probes: Vec<Probe>,
}

/// A layer as a file asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerName {
    /// Its name.
    pub name: String,
    /// Where the name stands: file, line and column.
    pub place: String,
}

type Table<'t> = toml::de::DeTable<'t>;

/// Reads the text of the `layer.toml` named `file`.
///
/// # Errors
/// Returns every mistake.
pub fn parse(file: &str, text: &str) -> Result<LayerFile, Vec<Mistake>> {
    let (mut document, table) = Document::read(file, text);
    let table = table.get_ref();
    document.only(table, "", &KNOWN, &[]);
    let layer = LayerFile {
        uses: layer_names(&mut document, table),
        retired: retired(&mut document, table),
        files: files::file_rules(&mut document, table),
        params: params::assignments(&mut document, table),
        module: Module::read(&mut document, table),
        packages: packages::packages(&mut document, table),
        tasks: tasks::task_rules(&mut document, table),
        checks: check::checks(&mut document, table),
        no_check: no_check(&mut document, table),
        services: service::services(&mut document, table),
        ports: port::ports(&mut document, table),
        probes: probe::probes(&mut document, table),
    };
    if document.mistakes.is_empty() { Ok(layer) } else { Err(document.mistakes) }
}

/// Reads the key `use`.
pub(crate) fn layer_names<'t>(document: &mut Document<'t>, table: &Table<'t>) -> Vec<LayerName> {
    let mut names = Vec::new();
    for (name, span) in document.strings(table, "use") {
        if is_layer_name(name) {
            names.push(LayerName { name: name.to_string(), place: document.place(&span) });
        } else {
            let shown = crate::escape::for_terminal(name.as_bytes());
            document.mistake(span, format!("'{shown}' is not a layer's name"), "a folder in models/ or at the top");
        }
    }
    names
}

fn is_layer_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('/') && !matches!(name, "." | "..") && !name.contains('\0')
}

fn retired<'t>(document: &mut Document<'t>, table: &Table<'t>) -> Option<String> {
    let (text, span) = document.string(table, "retired")?;
    let (date, why) = text.split_once(' ').unwrap_or((text, ""));
    if date.parse::<jiff::civil::Date>().is_ok() && !why.trim().is_empty() {
        return Some(crate::escape::for_terminal(text.as_bytes()));
    }
    document.mistake(span, "'retired' must be a date and a reason", "write retired = \"2026-01-10 replaced by ns3\"");
    None
}

/// Reads the key `no-check`.
fn no_check<'t>(document: &mut Document<'t>, table: &Table<'t>) -> Vec<String> {
    let mut off = Vec::new();
    for (name, span) in document.strings(table, "no-check") {
        let leaves = name.strip_prefix(LEAVING).is_some_and(is_layer_name);
        if leaves || WELL_KNOWN.iter().any(|known| known.name == name) {
            off.push(name.to_string());
        } else {
            let shown = crate::escape::for_terminal(name.as_bytes());
            let names: Vec<&str> = WELL_KNOWN.iter().map(|known| known.name).collect();
            let text = format!("there is no check of well-known paths called '{shown}'");
            document.mistake(span, text, format!("known here: {}, and 'leaving LAYER'", names.join(", ")));
        }
    }
    off
}
