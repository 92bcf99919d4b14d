//! Classic mode: a host set up for Cosmos 1.5 works on, unchanged. docs/classic.md says how, and quotes C1–C12.

pub mod assignment;
pub mod checkout;
pub mod clone;
pub mod conf;
pub mod environment;
pub mod folders;
pub mod git_config;
pub mod gpg;
pub mod host;
pub mod import;
pub mod keybox;
pub mod keyring;
pub mod layers;
pub mod names;
pub mod ownership;
pub mod reread;

pub use clone::run as clone_command;
pub use host::{gpg_command, own_command, settings_folder, task_environment};
