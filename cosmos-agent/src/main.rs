//! The `cosmos` command: seal the environment, parse, start logging, execute, end with the status.

use std::env;
use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    // Inventories ask every host for this: building the whole command line first would take longer than all the rest.
    if let [_, word] = env::args_os().collect::<Vec<_>>().as_slice()
        && (word == "--version" || word == "-V")
    {
        cosmos_agent::printing::to_stdout(format_args!("cosmos {}\n", env!("CARGO_PKG_VERSION")));
        return ExitCode::SUCCESS;
    }
    cosmos_agent::environment::seal();
    cosmos_agent::allocator::give_back_large_blocks();
    let cli = match cosmos_agent::cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return cosmos_agent::commands::usage::run(&error).into(),
    };
    cosmos_agent::logging::start(cli.global.verbose, cosmos_agent::environment::journal_stream().as_deref());
    cosmos_agent::commands::execute(cli).into()
}
