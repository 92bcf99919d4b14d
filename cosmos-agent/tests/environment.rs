//! The environment has no influence on the binary (F6), not even before its `main`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;

#[test]
fn a29_openssl_configuration_named_by_the_environment_is_not_even_opened() {
    let folder = tempfile::tempdir().unwrap();
    // Whoever opens a pipe that nobody writes to waits for ever.
    let pipe = folder.path().join("openssl.cnf");
    nix::unistd::mkfifo(&pipe, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cosmos"));
    command.arg("--version").env("OPENSSL_CONF", &pipe).stdout(Stdio::null());
    let mut running = command.spawn().unwrap();
    let started = Instant::now();
    while running.try_wait().unwrap().is_none() && started.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(10));
    }
    // Fails only when it has ended, as it should have.
    let _ = running.kill();
    assert!(running.wait().unwrap().success(), "it waits for the pipe");
}
