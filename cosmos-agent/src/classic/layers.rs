//! The layer list: `COSMOS_REPO_MODELS`, absolute folders of the clone joined by colons (C3).

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use cosmos_model::escape::for_terminal;

/// An element of the list that names no folder of the clone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayerError {
    /// The folder lies elsewhere, where nothing is signed.
    #[error("layer '{layer}' of COSMOS_REPO_MODELS is not below '{repo}'")]
    Outside {
        /// The element.
        layer: String,
        /// The clone.
        repo: String,
    },
    /// The element names the clone without the slash that would mean its contents.
    #[error("layer '{layer}' of COSMOS_REPO_MODELS needs a slash at its end")]
    WholeClone {
        /// The element.
        layer: String,
    },
    /// A component is `.` or `..`.
    #[error("layer '{layer}' of COSMOS_REPO_MODELS has a '.' or '..' in it")]
    Dots {
        /// The element.
        layer: String,
    },
}

/// Returns the folders relative to `repo`, first wins; a slash at the end is kept, since it decides whether the
/// folder's contents or the folder itself is merged. The clone's own top is `/`.
///
/// A colon separates only before an absolute path or nothing, so that a folder's name may hold one (fault 7).
///
/// # Errors
/// Returns [`LayerError`] for the first element that is not a folder of the clone.
pub fn split(list: &[u8], repo: &Path) -> Result<Vec<Vec<u8>>, LayerError> {
    elements(list).into_iter().filter(|element| !element.is_empty()).map(|layer| relative(layer, repo)).collect()
}

fn elements(list: &[u8]) -> Vec<&[u8]> {
    let mut elements = Vec::new();
    let mut start = 0;
    for (index, byte) in list.iter().enumerate() {
        if *byte == b':' && matches!(list.get(index + 1), None | Some(b'/' | b':')) {
            elements.push(&list[start..index]);
            start = index + 1;
        }
    }
    elements.push(list.get(start..).unwrap_or(&[]));
    elements
}

fn relative(layer: &[u8], repo: &Path) -> Result<Vec<u8>, LayerError> {
    let shown = || for_terminal(layer);
    let outside = || LayerError::Outside { layer: shown(), repo: for_terminal(repo.as_os_str().as_bytes()) };
    let components = |path: &[u8]| -> Vec<Vec<u8>> {
        path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).map(<[u8]>::to_vec).collect()
    };
    if layer.first() != Some(&b'/') {
        return Err(outside());
    }
    let parts = components(layer);
    let rest = parts.strip_prefix(&components(repo.as_os_str().as_bytes())[..]).ok_or_else(outside)?;
    if rest.iter().any(|part| matches!(&part[..], b"." | b"..")) {
        return Err(LayerError::Dots { layer: shown() });
    }
    let slash = layer.ends_with(b"/");
    if rest.is_empty() && !slash {
        return Err(LayerError::WholeClone { layer: shown() });
    }
    let mut folder = rest.join(&b'/');
    if slash {
        folder.push(b'/');
    }
    Ok(folder)
}
