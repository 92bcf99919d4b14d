//! Ports for servers that a test starts, and patience until they are up.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a server may take to come up: as long as a machine takes that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(60);

/// Returns a port that nobody has. The kernel picks from 32768 on by itself, so nobody is given it meanwhile; and each
/// process begins elsewhere.
pub fn free_port() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let candidates =
        std::iter::repeat_with(|| std::process::id().wrapping_mul(8) + TAKEN.fetch_add(1, Ordering::Relaxed));
    let mut ports = candidates.map(|number| u16::try_from(10_000 + number % 20_000).expect("below 32768"));
    ports.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()).expect("some port is free")
}

/// Waits until a server answers at `port`.
#[track_caller]
pub fn wait_for(port: u16) {
    wait_until(&format!("a server at port {port}"), || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
}

/// Waits until `what` is there.
#[track_caller]
pub fn wait_until(what: &str, is_there: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_there() {
        assert!(started.elapsed() < PATIENCE, "{what} does not come up");
        std::thread::sleep(Duration::from_millis(20));
    }
}
