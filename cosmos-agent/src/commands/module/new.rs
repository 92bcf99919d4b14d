//! `cosmos module new`: a module to begin with.

use cosmos_model::params::is_name;

use super::safe;
use crate::exit::{Failure, Status};
use crate::fs::by_path;
use crate::operator::{OperatorError, WorkTree};

/// Writes what a module begins with.
///
/// # Errors
/// Returns a [`Failure`] when it has no good name, is there already, or cannot be written.
pub fn run(work: &WorkTree, name: &str) -> Result<Status, Failure> {
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
