//! Several remotes: whatever one of them does, the others are looked at and fetched from in the same run (T14, A42).

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use cosmos_agent::fetch::{Limits, RemoteSettings, Session};
use cosmos_model::object_id::ObjectId;

use crate::bombs::{deflated, delta_bomb, entry, pack_of, serve_a_dripping_pack, serve_pack};
use crate::hostile::on;
use crate::servers::{World, chain, prefixes, remote, serve};

/// Looks at all remotes and fetches from each in turn what it lists; returns how many objects came, or why none.
fn fetch_all(world: &World, remotes: &[RemoteSettings], limits: &Limits) -> Vec<Result<u32, String>> {
    let mut session = Session::start(remotes, limits, &prefixes(), &world.path("cache")).unwrap();
    let store = world.store();
    let mut fetched = Vec::new();
    for look in session.refs() {
        let wants = |refs: Vec<cosmos_model::refs::RemoteRef>| refs.iter().map(|one| one.id).collect::<Vec<ObjectId>>();
        let result = look.refs.and_then(|refs| session.fetch(look.remote, &wants(refs), &[], &mut (), &store));
        fetched.push(result.map(|fetched| fetched.objects).map_err(|error| chain(&error)));
    }
    fetched
}

/// A pack of blobs that are small on the way and large when inflated.
fn inflating(count: u32, size: usize) -> Vec<u8> {
    let blob = |number: u32| {
        let content = [&number.to_le_bytes()[..], &vec![0; size]].concat();
        [entry(3, content.len() as u64), deflated(&content)].concat()
    };
    pack_of(count, &(0..count).flat_map(blob).collect::<Vec<_>>())
}

#[test]
fn a42_a_remote_that_bursts_drips_or_breaks_a_limit_costs_itself_and_no_other() {
    let world = World::new();
    let remotes = [
        on(serve_pack(delta_bomb(), false)),
        on(serve_pack(inflating(5, 1 << 20), false)),
        on(serve_a_dripping_pack()),
        on(serve_pack(pack_of(9, b"")[..12].to_vec(), false)),
        remote(world.path("repo.git").to_str().unwrap()),
    ];
    // Long enough for the others on a machine that is busy; the one that drips takes all of it.
    let limits = Limits { fetch: Duration::from_secs(8), transfer: 256 << 10, ..Limits::default() };
    let fetched = fetch_all(&world, &remotes, &limits);
    let reasons = ["cannot index the pack", "the limit of 4194304 inflated bytes", "longer than 8 s", "cannot index"];
    for (fetched, reason) in fetched.iter().zip(reasons) {
        assert!(fetched.as_ref().unwrap_err().contains(reason), "{fetched:?}");
    }
    assert_eq!(fetched[4], Ok(8));
    world.assert_store_is_complete();
}

#[test]
fn a_child_that_is_killed_while_it_looks_is_followed_by_one_for_each_remote() {
    let world = World::new();
    let (slow, path) = (serve(|_| std::thread::sleep(Duration::from_secs(60))), world.path("repo.git"));
    let remotes = [on(slow), remote(path.to_str().unwrap())];
    // The slow one takes all of it, the other must not.
    let limits = Limits { look: Duration::from_secs(5), ..Limits::default() };
    let mut session = Session::start(&remotes, &limits, &prefixes(), &world.path("cache")).unwrap();
    let thread = nix::unistd::gettid();
    let children = std::fs::read_to_string(format!("/proc/self/task/{thread}/children"));
    let Ok(children) = children else {
        println!("skipped: this kernel does not list a process's children");
        return;
    };
    let [child] = children.split_whitespace().collect::<Vec<_>>()[..] else { panic!("one child: {children}") };
    let child = nix::unistd::Pid::from_raw(child.parse().unwrap());
    nix::sys::signal::kill(child, nix::sys::signal::SIGKILL).unwrap();
    let looks = session.refs().into_iter();
    let answers = looks.map(|look| look.refs.map(|refs| refs.len()).map_err(|error| error.to_string()));
    let slow = Err(format!("'git://127.0.0.1:{slow}/repo.git' took longer than 5 s"));
    assert_eq!(answers.collect::<Vec<_>>(), [slow, Ok(2)]);
}

#[test]
fn a_remote_that_is_dead_costs_its_limit_for_connecting_only() {
    let world = World::new();
    // Whoever connects to a listener that is full and accepts nobody waits.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    nix::sys::socket::listen(&listener, nix::sys::socket::Backlog::new(0).unwrap()).unwrap();
    let dead: SocketAddr = listener.local_addr().unwrap();
    let full: Vec<_> = (0..4).map(|_| TcpStream::connect_timeout(&dead, Duration::from_millis(200))).collect();
    assert!(full.last().is_some_and(Result::is_err), "the listener is full");
    let remotes = [on(dead.port()), remote(world.path("repo.git").to_str().unwrap())];
    let limits = Limits { connect: Duration::from_millis(300), ..Limits::default() };
    let start = Instant::now();
    let fetched = fetch_all(&world, &remotes, &limits);
    assert!(start.elapsed() < limits.look, "{:?}", start.elapsed());
    assert!(fetched[0].as_ref().unwrap_err().contains("connection timed out"), "{fetched:?}");
    assert_eq!(fetched[1], Ok(8));
}

/// A proxy that does what it is told: `CONNECT`, then bytes both ways to `port`.
pub fn proxy(port: u16) -> u16 {
    serve(move |mut client| {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if client.read_exact(&mut byte).is_err() {
                return;
            }
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"CONNECT git.example.org:443 HTTP/1.1\r\n"), "{}", String::from_utf8_lossy(&head));
        let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let (mut up, mut down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut up, &mut server));
        let _ = std::io::copy(&mut down, &mut client);
        let _ = client.shutdown(std::net::Shutdown::Both);
    })
}
