//! `cosmos-tools`: what modules need besides the agent, each usable by hand as well.

use std::process::ExitCode;

fn main() -> ExitCode {
    cosmos_tools::run()
}
