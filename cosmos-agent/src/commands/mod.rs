//! One file a verb. Each takes its options, does one thing through the library, prints, and says how it ended.

use crate::cli::{Cli, Command, overview};
use crate::exit::Status;
use crate::printing;

mod apply;
mod clone;
mod completions;
mod daemon;
mod demo;
mod drift;
mod facts;
mod fleet;
mod folder;
mod gpg;
mod hold;
mod host;
pub mod init;
mod lint;
mod log;
mod manual;
mod module;
mod params;
mod path;
mod pause;
mod plan;
mod push;
mod release;
mod restore;
mod resume;
mod rollback;
mod run;
mod secret;
mod signer;
mod status;
mod trust;
mod until;
mod update;
pub mod usage;
mod verify;
mod why;

/// Does what the command line says, prints what there is to say, and returns how it ended.
#[must_use]
pub fn execute(cli: Cli) -> Status {
    let global = &cli.global;
    let Some(command) = cli.command else {
        // Asking for nothing is asking how to ask.
        return if overview::command().print_help().is_ok() { Status::Done } else { Status::Failed };
    };
    let ended = match command {
        Command::Init(options) => init::run(&options, global),
        Command::Clone(options) => clone::run(&options, global),
        Command::Update(options) => update::run(&options, global),
        Command::Apply(options) => apply::run(&options, global),
        Command::Run(options) => run::run(&options, global),
        Command::Plan(options) => plan::run(&options, global),
        Command::Lint(options) => lint::run(&options, global),
        Command::Module(options) => module::run(&options, global),
        Command::Facts => facts::run(global),
        Command::Params(options) => params::run(&options, global),
        Command::Drift => drift::run(global),
        Command::Status => status::run(global),
        Command::Fleet(options) => fleet::run(&options, global),
        Command::Verify(options) => verify::run(&options, global),
        Command::Release(options) => release::run(&options, global),
        Command::Secret(options) => secret::run(&options, global),
        Command::Signer(options) => signer::run(&options, global),
        Command::Host(options) => host::run(&options, global),
        Command::Log(options) => log::run(&options, global),
        Command::Why(options) => why::run(&options, global),
        Command::Restore(options) => restore::run(&options, global),
        Command::Rollback(options) => rollback::run(&options, global),
        Command::Hold(options) => hold::run(&options, global),
        Command::Push(options) => push::run(&options, global),
        Command::Trust(command) => trust::run(&command, global),
        Command::Gpg(options) => gpg::run(&options, global),
        Command::Pause(options) => pause::run(&options, global),
        Command::Resume => resume::run(global),
        Command::Daemon(options) => daemon::run(&options, global),
        Command::Demo(options) => demo::run(&options, global),
        Command::Completions { shell } => completions::run(shell),
        Command::Manual { dir } => manual::run(&dir),
        Command::Folder(words) => folder::run(&words, global),
    };
    let status = ended.unwrap_or_else(|failure| {
        eprintln!("{failure}");
        failure.status
    });
    let status = if printing::all_arrived() { status } else { status.max(Status::Failed) };
    status.for_host(crate::classic::settings_folder(global).is_some())
}
