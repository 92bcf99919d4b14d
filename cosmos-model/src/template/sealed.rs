//! Secrets in templates: a value that can be printed and nothing else, since what it holds is filled in later.

use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::Ordering;

use minijinja::value::{Object, ObjectRepr};
use minijinja::{Error, ErrorKind, Value};

use super::looked_at::Seen;
use crate::secret::Piece;

/// Stands before and after the path of a secret in what was rendered. Unicode says that it is no character and never
/// will be; it is refused in everything else that a template prints.
const MARK: char = '\u{10FFFE}';

/// What `secret("path")` is.
struct Sealed {
    path: String,
    seen: Arc<Seen>,
}

/// Returns the value of a secret.
pub(super) fn value(path: &str, seen: &Arc<Seen>) -> Result<Value, Error> {
    if path.is_empty() || path.contains(MARK) || path.split('/').any(|name| matches!(name, "" | "." | "..")) {
        return Err(Error::new(ErrorKind::InvalidOperation, "a secret is named by its path in 'secrets/'"));
    }
    Ok(Value::from_object(Sealed { path: path.to_string(), seen: seen.clone() }))
}

/// Returns what is printed for a value, if it is a secret.
pub(super) fn printed(value: &Value) -> Option<String> {
    let sealed = value.downcast_object_ref::<Sealed>()?;
    sealed.seen.secret.store(true, Ordering::Relaxed);
    Some([MARK.to_string().as_str(), &sealed.path, MARK.to_string().as_str()].concat())
}

/// Tells whether a text would be taken for a secret's place.
pub(super) fn is_marked(text: &str) -> bool {
    text.contains(MARK)
}

/// Takes what was rendered apart.
pub(super) fn pieces(rendered: &str) -> Vec<Piece<String>> {
    let parts = rendered.split(MARK).enumerate();
    let piece = |(at, part): (usize, &str)| match at % 2 {
        0 => Piece::Text(part.to_string()),
        _ => Piece::Secret(part.to_string()),
    };
    parts.map(piece).collect()
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.seen.misused.store(true, Ordering::Relaxed);
        f.write_str("<secret>")
    }
}

impl Object for Sealed {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
