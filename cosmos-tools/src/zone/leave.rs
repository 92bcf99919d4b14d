//! `zone-leave`: a zone is not dropped while its parent says that it is signed.

use std::process::ExitCode;

use super::error::ZoneError;
use super::list::{self, Zone};
use super::look::{Server, parents};
use super::signer::Signer;
use super::tool::Tool;
use crate::cli::LeaveOptions;

/// Looks at the zones that are known and listed no more.
///
/// # Errors
/// Returns a [`ZoneError`] that names the first zone whose parent has a DS record, or could not be asked.
pub fn run(options: &LeaveOptions) -> Result<ExitCode, ZoneError> {
    let staying = match &options.zones {
        _ if options.all => Vec::new(),
        Some(zones) => list::read(zones)?,
        None => list::read(Signer::here().list())?,
    };
    for zone in list::read(&options.known)? {
        if staying.iter().all(|other| other.name != zone.name) {
            leave(Tool { program: &options.drill, user: None }, &zone)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn leave(drill: Tool<'_>, zone: &Zone) -> Result<(), ZoneError> {
    let hindrance = match parents(drill, zone) {
        Ok(parents) => parents.iter().find_map(hindrance),
        Err(reason) => Some(reason),
    };
    hindrance.map_or(Ok(()), |reason| Err(ZoneError::Leaving { zone: zone.name.clone(), reason }))
}

fn hindrance(parent: &Server) -> Option<String> {
    match &parent.ds {
        Ok(found) if found.is_empty() => None,
        Ok(_) => Some(format!("its parent ({}) has DS records, so resolvers would refuse it unsigned", parent.name)),
        Err(reason) => Some(format!("its parent ({}) cannot be asked for DS records: {reason}", parent.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_parent_that_answered_without_records_lets_a_zone_go() {
        let parent = |ds| Server { name: "192.0.2.1".into(), ds };
        assert_eq!(hindrance(&parent(Ok([].into()))), None);
        let silent = hindrance(&parent(Err("it gave no answer".into()))).unwrap();
        assert_eq!(silent, "its parent (192.0.2.1) cannot be asked for DS records: it gave no answer");
    }
}
