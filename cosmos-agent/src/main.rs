//! The `cosmos` command: seal the environment, parse, start logging, execute, end with the status.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    cosmos_agent::environment::seal();
    let cli = match cosmos_agent::cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return cosmos_agent::commands::usage(&error).into(),
    };
    cosmos_agent::logging::start(cli.global.verbose, cosmos_agent::environment::journal_stream().as_deref());
    cosmos_agent::commands::execute(cli).into()
}
