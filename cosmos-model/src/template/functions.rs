//! Filters, tests and functions beyond the engine's own: addresses, durations, plain words, and a file that is not
//! wanted.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::sync::atomic::Ordering;

use minijinja::{Environment, Error, ErrorKind, Value};

use super::looked_at::Seen;
use crate::network::{self, Network};

/// Adds all of them.
pub(super) fn add_to(environment: &mut Environment<'_>, seen: &Arc<Seen>) {
    environment.add_test("ipv4", |value: &Value| Ok::<_, Error>(network(value)?.is_v4()));
    environment.add_test("ipv6", |value: &Value| Ok::<_, Error>(!network(value)?.is_v4()));
    environment.add_test("within", is_within);
    environment.add_test("plain", is_plain);
    environment.add_test("at_or_before", |one: &Value, other: &Value| {
        Ok::<_, Error>(network::is_at_or_before(&network(one)?.address(), &network(other)?.address()))
    });
    environment.add_filter("network", |value: &Value| Ok::<_, Error>(network(value)?.first().to_string()));
    environment.add_filter("netmask", |value: &Value| Ok::<_, Error>(network(value)?.mask().to_string()));
    environment.add_filter("address", |value: &Value| Ok::<_, Error>(network(value)?.address().to_string()));
    environment.add_filter("prefix", |value: &Value| Ok::<_, Error>(u64::from(network(value)?.length())));
    environment
        .add_filter("reverse_name", |value: &Value| Ok::<_, Error>(network::reverse(&network(value)?.address())));
    environment.add_filter("seconds", |value: &Value| {
        let seconds = value.as_str().and_then(crate::params::seconds);
        seconds.ok_or_else(|| wrong(format!("'{value}' is not a duration")))
    });
    environment.add_function("overlapping", |list: &Value| overlapping(list));
    let secrets = seen.clone();
    environment.add_function("secret", move |path: &str| super::sealed::value(path, &secrets));
    let seen = seen.clone();
    environment.add_function("absent", move || {
        seen.absent.store(true, Ordering::Relaxed);
        ""
    });
}

fn wrong(text: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, text)
}

fn network(value: &Value) -> Result<Network, Error> {
    let text = value.as_str().ok_or_else(|| wrong(format!("'{value}' is not an address or network")))?;
    text.parse().map_err(|error: network::InvalidNetwork| wrong(error.to_string()))
}

/// Tells whether an address or network lies in a network, or in one of a list.
fn is_within(value: &Value, outer: &Value) -> Result<bool, Error> {
    let inner = network(value)?;
    if outer.as_str().is_some() {
        return Ok(inner.is_within(&network(outer)?));
    }
    for one in outer.try_iter()? {
        if inner.is_within(&network(&one)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Tells whether a text, or each of a list, has ASCII letters, digits and the characters of `others` only.
fn is_plain(value: &Value, others: &str) -> Result<bool, Error> {
    let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c));
    if let Some(text) = value.as_str() {
        return Ok(is_plain(text));
    }
    for one in value.try_iter()? {
        if !is_plain(one.as_str().ok_or_else(|| wrong(format!("'{one}' is not a text")))?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Tells whether two entries of a list share an address.
fn overlapping(list: &Value) -> Result<bool, Error> {
    let mut spans: Vec<(IpAddr, IpAddr)> = Vec::new();
    for item in list.try_iter()? {
        let span = match item.as_str() {
            Some(_) => {
                let network = network(&item)?;
                (network.first(), network.last())
            }
            None => (network(&item.get_attr("from")?)?.address(), network(&item.get_attr("to")?)?.address()),
        };
        if spans.iter().any(|other| network::share(*other, span)) {
            return Ok(true);
        }
        spans.push(span);
    }
    Ok(false)
}
