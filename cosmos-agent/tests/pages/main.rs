//! Pages of `docs/`, literally: every command, in order, as it stands there.

mod adoption;
mod first_file;
mod modules;
mod operators;
mod reader;
