//! The effects of Cosmos: fetching, reading and changing a host, running tasks, speaking to people and machines.
//!
//! Decisions are made in `cosmos-model`; this crate gathers what they rest on and does what they say.

// First: its macros are in force in what follows.
#[macro_use]
pub mod printing;

pub mod agent;
pub mod allocator;
pub mod apply;
pub mod built_in;
pub mod check;
pub mod classic;
pub mod cli;
pub mod commands;
pub mod daemon;
pub mod demo;
pub mod environment;
pub mod evidence;
pub mod exec;
pub mod exit;
pub mod facts;
pub mod fetch;
pub mod fork;
pub mod fs;
pub mod generations;
pub mod given_bundle;
pub mod host;
pub mod listening;
pub mod lock;
pub mod logging;
pub mod managed;
pub mod model_folder;
pub mod notes;
pub mod observe;
mod openssl;
pub mod operation;
pub mod operator;
pub mod packages;
pub mod pause;
pub mod pipeline;
mod power;
pub mod probe;
pub mod recipients;
pub mod record;
pub mod report;
pub mod sandbox;
pub mod schedule;
pub mod secret;
pub mod service;
pub mod settings;
pub mod shell;
pub mod signers;
pub mod site;
pub mod stage;
pub mod state;
pub mod store;
pub mod task;
pub mod tasks;
