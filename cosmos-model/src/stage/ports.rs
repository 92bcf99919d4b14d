//! Where services listen, by what their modules were told: two that want the same place cannot both start.

use alloc::format;
use alloc::vec::Vec;

use super::repository::Repository;
use super::settings::Told;
use crate::layer::Port;
use crate::template::Renderer;
use crate::triggers::{Said, WantedPort};

/// Works out the ports that layers want; what makes no sense, or is wanted twice, goes to the repository's list.
pub(super) fn ports(
    repository: &mut Repository<'_>,
    renderer: &Renderer<'_>,
    told: &Told,
    said: &[(usize, Said<Port>)],
) -> Vec<Said<WantedPort>> {
    let mut wanted: Vec<Said<WantedPort>> = Vec::new();
    for (layer, Said { layer: name, table }) in said {
        let module = told.modules.get(*layer).and_then(Option::as_deref);
        match renderer.port(module, table) {
            Ok(port) => wanted.extend(port.map(|table| Said { layer: name.clone(), table })),
            Err(mistake) => repository.mistakes.push(mistake),
        }
    }
    for (at, one) in wanted.iter().enumerate() {
        for other in wanted.iter().skip(at + 1).filter(|other| other.table.service != one.table.service) {
            let Some(place) = one.table.shared_with(&other.table) else { continue };
            let (first, second) = (&one.table.service, &other.table.service);
            let text = format!("{place} is wanted by '{first}' ({}) and by '{second}' ({})", short(one), short(other));
            repository.mistake(told.home.as_str(), text, "give one of them another port or address, or another host");
        }
    }
    wanted
}

/// Returns the name by which hosts use the layer, wherever it comes from.
fn short(said: &Said<WantedPort>) -> &str {
    said.layer.rsplit('/').next().unwrap_or(&said.layer)
}
