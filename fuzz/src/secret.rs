//! Encrypted messages: whoever may commit can put any bytes there.

use cosmos_agent::secret::fuzzing::{container, key};
use cosmos_agent::secret::{open, seal};
use cosmos_model::secret::{LARGEST, recipients};

use crate::choose;
use crate::said;

/// A key made for this; it opens nothing else.
const KEY: &[u8] = include_bytes!("host.key");

/// A message, or with a first byte that is odd what lies inside of one (docs/formats.md §29): what is opened is within
/// the limit, has recipients, and can be encrypted and opened again.
pub fn secret(bytes: &[u8]) {
    let Some((first, rest)) = choose(bytes) else { return };
    let key = key(KEY).expect("a key");
    let inner = (first & 1 == 1).then(|| container(rest, &key).expect("any bytes can be encrypted"));
    let message = inner.as_deref().unwrap_or(rest);
    let listed = recipients(message);
    match open(&key, message) {
        Ok(text) => {
            assert!(text.len() <= LARGEST);
            assert!(listed.is_ok_and(|listed| listed.keys.len() + listed.unnamed > 0), "somebody can read it");
            let again = seal(&text, std::slice::from_ref(&key)).expect("a message");
            assert_eq!(open(&key, again.as_bytes()), Ok(text));
        }
        Err(error) => said::error(&error),
    }
}
