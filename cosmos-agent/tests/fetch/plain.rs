//! Fetching from real servers: what arrives is what git has, and a second fetch brings the difference only.

use crate::servers::{World, chain, fetches_all_and_then_the_difference, prefixes, remote};
use cosmos_agent::fetch::{Fetched, Limits, Session};
use cosmos_model::object::{self, ObjectKind, ObjectSource};

#[test]
fn git_daemon_serves_a_look_and_a_fetch() {
    let mut world = World::new();
    let port = world.git_daemon();
    fetches_all_and_then_the_difference(&world, &remote(format!("git://127.0.0.1:{port}/repo.git")));
}

#[test]
fn git_daemon_without_version_2_serves_a_look_and_a_fetch() {
    let mut world = World::new();
    let port = world.git_daemon();
    // The extra parameter is what asks for version 2; a proxy that drops it makes any server an old one.
    let old = crate::servers::serve(move |mut client| {
        let mut head = [0; 4];
        std::io::Read::read_exact(&mut client, &mut head).unwrap();
        let length = usize::from_str_radix(std::str::from_utf8(&head).unwrap(), 16).unwrap();
        let mut greeting = vec![0; length - 4];
        std::io::Read::read_exact(&mut client, &mut greeting).unwrap();
        let end = greeting.iter().position(|byte| *byte == 0).unwrap();
        let mut server = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        let plain = [&greeting[..end], b"\0host=old\0"].concat();
        std::io::Write::write_all(&mut server, &crate::servers::packet(&plain)).unwrap();
        let (mut up, mut down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut up, &mut server));
        let _ = std::io::copy(&mut down, &mut client);
        let _ = client.shutdown(std::net::Shutdown::Both);
    });
    fetches_all_and_then_the_difference(&world, &remote(format!("git://127.0.0.1:{old}/repo.git")));
}

#[test]
fn a_path_serves_a_look_and_a_fetch() {
    let world = World::new();
    fetches_all_and_then_the_difference(&world, &remote(world.path("repo.git").to_str().unwrap()));
    let world = World::new();
    fetches_all_and_then_the_difference(&world, &remote(format!("file://{}", world.path("work").display())));
}

#[test]
fn a_bundle_serves_a_look_and_a_fetch_and_an_incremental_one_rests_on_the_store() {
    let world = World::new();
    let make = |range: &[&str]| {
        let create = ["-C", "repo.git", "bundle", "create", "-q", "../x.bundle"];
        world.git(&[&create[..], range].concat());
    };
    let bundle = remote(format!("bundle:{}", world.path("x.bundle").display()));
    let limits = Limits::default();
    let old = world.id("refs/heads/main");
    world.commit("two", "v2");
    make(&["v1..main", "v2"]);
    let refused = world.fetch(bundle.clone(), &limits, &[]);
    let shown = format!("bundle:{}", world.path("x.bundle").display());
    assert_eq!(
        refused,
        Err(format!("cannot fetch from '{shown}': the bundle needs {old}, which this host does not have"))
    );
    world.git(&["-C", "repo.git", "update-ref", "refs/heads/main", &old.to_string()]);
    make(&["main", "v1"]);
    assert_eq!(world.fetch(bundle.clone(), &limits, &[]).unwrap().objects, 8);
    world.git(&["-C", "repo.git", "update-ref", "refs/heads/main", "v2^{commit}"]);
    make(&["v1..main", "v2"]);
    world.fetch(bundle, &limits, &[]).unwrap();
    world.assert_store_is_complete();
}

#[test]
fn several_remotes_are_looked_at_together_and_one_that_fails_hides_no_other() {
    let mut world = World::new();
    let port = world.git_daemon();
    let closed = crate::port::free_port();
    let remotes = [
        remote(format!("git://127.0.0.1:{port}/nosuch.git")),
        remote(world.path("repo.git").to_str().unwrap()),
        remote("http://example.org/x"),
        remote(format!("git://127.0.0.1:{closed}/repo.git")),
        remote(format!("git://127.0.0.1:{port}/repo.git")),
    ];
    let mut session = Session::start(&remotes, &Limits::default(), &prefixes(), &world.path("cache")).unwrap();
    let results = session.refs();
    let shown: Vec<_> = results.iter().map(|result| (result.remote, result.refs.as_ref().map(Vec::len))).collect();
    let shown: Vec<_> = shown.into_iter().map(|(remote, refs)| (remote, refs.map_err(|error| chain(error)))).collect();
    assert_eq!(
        shown,
        [
            (
                0,
                Err(format!(
                    "cannot fetch from 'git://127.0.0.1:{port}/nosuch.git': the server refuses: \
                     access denied or repository not exported: /nosuch.git"
                ))
            ),
            (1, Ok(2)),
            (
                2,
                Err("cannot use the remote 'http://example.org/x': only https://, \
                     ssh://, user@host:path, git://, absolute paths, file:// and bundle:/path are followed"
                    .to_owned())
            ),
            (
                3,
                Err(format!(
                    "cannot fetch from 'git://127.0.0.1:{closed}/repo.git': cannot connect \
                     to 127.0.0.1 port {closed}: Connection refused (os error 111)"
                ))
            ),
            (4, Ok(2)),
        ]
    );
    let wants = [world.id("refs/heads/main")];
    let fetched = session.fetch(4, &wants, &[], &mut (), &world.store()).unwrap();
    assert_eq!(fetched.objects, 7);
    // Nothing is left to fetch: the second request goes over the same connection.
    let again = session.fetch(4, &wants, &wants, &mut (), &world.store()).unwrap();
    assert_eq!(again, Fetched { objects: 0, bytes: 0 });
    session.finish();
}

#[test]
fn a_look_makes_an_empty_folder_once_and_opens_no_store() {
    let mut world = World::new();
    let port = world.git_daemon();
    world.look(remote(format!("git://127.0.0.1:{port}/repo.git")), &Limits::default()).unwrap();
    let files = |folder: &str| std::fs::read_dir(world.path(folder)).unwrap().count();
    assert_eq!((files("cache"), files("cache/fetch")), (1, 0));
}

#[test]
fn the_store_gives_back_whole_objects_and_knows_what_it_lacks() {
    let world = World::new();
    world.fetch(remote(world.path("repo.git").to_str().unwrap()), &Limits::default(), &[]).unwrap();
    let store = world.store();
    let blob = world.id("refs/heads/main:overlay/etc/motd");
    assert_eq!(object::read(&store, blob, ObjectKind::Blob).unwrap(), b"motd one\n".repeat(50));
    let absent = "0123456789abcdef0123456789abcdef01234567".parse().unwrap();
    assert_eq!((store.has(blob).unwrap(), store.has(absent).unwrap()), (true, false));
    assert_eq!(store.object(absent), Ok(None));
}

#[test]
fn compacting_keeps_what_is_reachable_in_one_pack_and_drops_the_rest() {
    let world = World::new();
    let path = remote(world.path("repo.git").to_str().unwrap());
    world.fetch(path.clone(), &Limits::default(), &[]).unwrap();
    let first = world.id("refs/heads/main");
    let tag = world.id("refs/tags/v1");
    world.commit("refused", "v2");
    world.fetch(path.clone(), &Limits::default(), &[first]).unwrap();
    let refused = world.id("refs/heads/main");
    std::fs::write(world.path("cache/store.git/objects/pack/tmp_left_by_a_killed_run"), "x").unwrap();

    let mut store = world.store();
    assert_eq!(store.packs().unwrap(), 2);
    store.compact(&[tag]).unwrap();
    assert_eq!((store.packs().unwrap(), store.has(first).unwrap(), store.has(refused).unwrap()), (1, true, false));
    world.git(&["-C", "repo.git", "update-ref", "refs/heads/main", &first.to_string()]);
    world.git(&["-C", "repo.git", "tag", "-d", "v2"]);
    world.git(&["-C", "repo.git", "gc", "-q", "--prune=now"]);
    world.assert_store_is_complete();
    // The same objects make a pack of the same name, which must not be taken for an old one.
    store.compact(&[tag, first]).unwrap();
    world.assert_store_is_complete();

    let damaged = store.compact(&[refused]).map_err(|error| chain(&error)).unwrap_err();
    assert!(damaged.starts_with("cannot look into the object store"), "{damaged}");
    world.assert_store_is_complete();
}
