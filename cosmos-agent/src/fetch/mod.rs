//! Fetching: what remotes have, and bringing home what is asked for.

mod settings;

pub use settings::{Limits, RemoteSettings};
