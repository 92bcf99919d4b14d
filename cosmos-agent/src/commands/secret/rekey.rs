//! `cosmos secret rekey`: secrets are encrypted anew where their recipients are not those of the model.

use serde_json::json;

use super::{Desk, shown};
use crate::exit::{Failure, Status};
use crate::recipients::{Differing, SecretFile};
use crate::report::json as report_json;

/// Encrypts anew, and names what those who left may have kept.
///
/// # Errors
/// Returns a [`Failure`] at the first secret that cannot be read; those before it are written.
pub fn run(desk: &Desk<'_>, secrets: &[SecretFile]) -> Result<Status, Failure> {
    let mut changed: Vec<(&SecretFile, Differing)> = Vec::new();
    for secret in secrets {
        let message = secret.read(desk.work)?;
        let differing = desk
            .readers
            .compare(&secret.layer, &message)
            .map_err(|error| Failure::of(Status::Failed, format!("{}: {error}", shown(&secret.path)), error.hint()))?;
        if differing.is_none() {
            continue;
        }
        if !desk.global.dry_run {
            desk.seal(secret, &desk.open(secret, &message)?)?;
        }
        changed.push((secret, differing));
    }
    if desk.global.json {
        let one = |(secret, differing): &(&SecretFile, Differing)| json!({"path": shown(&secret.path), "missing": differing.missing, "left": differing.left});
        let body = json!({"changed": changed.iter().map(one).collect::<Vec<_>>()});
        println!("{}", report_json::envelope("secret", "localhost", Status::Done, body));
        return Ok(Status::Done);
    }
    say(desk, &changed);
    Ok(Status::Done)
}

fn say(desk: &Desk<'_>, changed: &[(&SecretFile, Differing)]) {
    for (secret, differing) in changed {
        println!("{} {}", if desk.global.dry_run { "would change" } else { "changed" }, shown(&secret.path));
        differing.missing.iter().for_each(|name| println!("    now for {name}"));
        differing.left.iter().for_each(|name| println!("    no more for {name}"));
    }
    let kept: Vec<_> = changed.iter().filter(|(_, differing)| !differing.left.is_empty()).collect();
    if !kept.is_empty() {
        println!("Who left may have kept these, and git has their old form: change them at their source");
        kept.iter().for_each(|(secret, _)| println!("    cosmos secret edit {}", shown(&secret.path)));
    }
    match changed {
        [] => println!("nothing to change"),
        _ if desk.global.dry_run => println!("a dry run: nothing was written"),
        _ => desk.next(&changed.iter().map(|(secret, _)| *secret).collect::<Vec<_>>(), "Encrypt secrets anew"),
    }
}
