//! `cosmos host retire`: a host gets `global/` and its own layer only, and no secrets from then on.

use toml_edit::{DocumentMut, value};

use super::{Desk, LAYER, check_layer};
use crate::exit::{Failure, Status};
use crate::recipients::lone_key;

/// Edits the layer.
///
/// # Errors
/// Returns a [`Failure`] when there is no such host, or its layer has mistakes or says so already.
pub fn run(desk: &Desk<'_>, why: &str) -> Result<Status, Failure> {
    let host = desk.host.as_str();
    let inner = desk.inner(LAYER);
    let wrong = |text: String, hint: &str| Failure::of(Status::Usage, text, hint);
    let kept =
        "it may have kept the secrets it could read: 'cosmos secret rekey' names those to change at their source";
    let Some(bytes) = desk.read(&inner)? else {
        let lone = lone_key(host);
        if desk.read(&lone)?.is_some() {
            let notes = [
                format!("{host} has no key any more; it has no layer, and applies what every host does"),
                kept.to_owned(),
            ];
            return desk.finish(&[(lone, None)], &format!("Take the key of {host} away: {why}"), &notes);
        }
        let hint = "'cosmos host list' shows the hosts of this repository";
        return Err(wrong(format!("there is no '{}'", inner.display()), hint));
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    check_layer(desk, &text)?;
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error| wrong(format!("'{}' is no TOML: {error}", inner.display()), "mend the file first"))?;
    if document.contains_key("retired") {
        return Err(wrong(format!("{host} is retired already"), "remove 'retired' from its layer to have it back"));
    }
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d");
    document.insert("retired", value(format!("{today} {why}")));
    let text = document.to_string();
    check_layer(desk, &text)?;
    let notes = [format!("{host} is retired: {why}"), kept.to_owned()];
    desk.finish(&[(inner, Some(text))], &format!("Retire {host}"), &notes)
}
