//! The pure half of Cosmos: what a repository says, whether it may say it, and what that means for one host.
//!
//! No file, process, clock, network or environment can be named here; every effect is an argument.
//! Data flows one way: [`trust`] turns evidence into a [`VerifiedRevision`](trust::VerifiedRevision),
//! [`stage`] turns that into a [`StagedModel`](staged::StagedModel), and [`planner`] compares it with a
//! [`HostSnapshot`](snapshot::HostSnapshot) and the [`ManagedSet`](managed::ManagedSet) to give a [`Plan`](plan::Plan).
#![no_std]

extern crate alloc;

pub mod built_in;
pub mod by_path;
pub mod content;
pub mod document;
pub mod escape;
pub mod facts;
pub mod fleet;
pub mod generation;
pub mod host_name;
pub mod layer;
pub mod managed;
pub mod network;
pub mod object;
pub mod object_id;
mod own_paths;
pub mod package;
pub mod params;
pub mod path;
pub mod pattern;
pub mod plan;
pub mod planner;
pub mod record;
pub mod refs;
pub mod release;
pub mod secret;
pub mod snapshot;
pub mod stage;
pub mod staged;
pub mod template;
pub mod time;
pub mod triggers;
pub mod trust;
