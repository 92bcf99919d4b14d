//! Servers that send too much or too slowly: a host that meets one keeps what it has, and is done with it in time.

use std::time::{Duration, Instant};

use crate::bombs::{
    delta_bomb, endless_pack, serve_a_dripping_pack, serve_a_million_refs, serve_dripping_refs, serve_pack,
};
use crate::support::{Before, Settled, put, read};

/// Gives the host another remote, and limits that are reached soon: those of time only where one is to be.
fn send_to(settled: &Settled, port: u16, time: &str) {
    let text = read(&settled.host, "etc/cosmos/trust.toml");
    let lines = text.lines().map(|line| match line.split_once(" = ") {
        Some(("url", _)) => format!("url = \"git://127.0.0.1:{port}/repo.git\""),
        _ => line.to_owned(),
    });
    let kept: Vec<_> = lines.take_while(|line| line != "[limits]").collect();
    let limits = format!("[limits]\ntransfer = \"4M\"\nrefs = 1000\n{time}\n");
    put(&settled.host, "etc/cosmos/trust.toml", &format!("{}\n{limits}", kept.join("\n")));
}

#[test]
fn a42_a_host_that_meets_bombs_floods_and_drips_keeps_all_it_has() {
    let settled = Settled::new();
    for (port, reason, time) in [
        (serve_a_million_refs(), "the limit of 1000 refs", ""),
        (serve_dripping_refs(), "took longer than 1 s", "look = \"1s\""),
        (serve_pack(delta_bomb(), false), "cannot index the pack", ""),
        (serve_pack(endless_pack(), true), "more than the limit of 4194304 bytes", ""),
        (serve_a_dripping_pack(), "took longer than 2 s", "fetch = \"2s\""),
    ] {
        send_to(&settled, port, time);
        let before = Before::of(&settled.host);
        let start = Instant::now();
        let ran = settled.run();
        assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "a remote that fails is no failed run: {ran:?}");
        assert!(ran.stdout.contains(reason), "{ran:?}");
        before.assert_kept(&settled.host);
    }
    let scratch = settled.host.join("var/cache/cosmos/fetch");
    assert_eq!(std::fs::read_dir(scratch).expect("the child's folder").count(), 0, "nothing of it is left");
    settled.world.write("global/overlay/etc/motd", "newer\n");
    settled.commit();
    let path = settled.world.repo().display().to_string();
    let text = read(&settled.host, "etc/cosmos/trust.toml");
    let url = text.lines().find(|line| line.starts_with("url = ")).expect("a remote");
    put(&settled.host, "etc/cosmos/trust.toml", &text.replace(url, &format!("url = \"{path}\"")));
    settled.run().prints("~ etc/motd\n");
}
