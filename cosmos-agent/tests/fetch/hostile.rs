//! Attacks on fetching: bombs, floods, drips, shallow servers, foreign object stores. Nothing may come to rest.

use std::io::Write;
use std::time::{Duration, Instant};

use cosmos_agent::fetch::{Limits, RemoteSettings, Session};
use cosmos_model::object::ObjectSource;
use cosmos_model::object_id::ObjectId;

use crate::bombs::{
    delta_bomb, endless_pack, pack_of, serve_a_dripping_pack, serve_a_million_refs, serve_dripping_refs, serve_pack,
};
use crate::servers::{ID, World, chain, packet, prefixes, remote, serve};

pub fn on(port: u16) -> RemoteSettings {
    remote(format!("git://127.0.0.1:{port}/repo.git"))
}

/// What the store's folder of packs holds.
fn packs(world: &World) -> Vec<std::ffi::OsString> {
    let folder = world.path("cache/store.git/objects/pack");
    let mut names: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

/// Asserts that fetching fails for `reason` and leaves the store as it was.
fn assert_refused(world: &World, remote: RemoteSettings, limits: &Limits, reason: &str) {
    let before = packs(world);
    let refused = world.fetch(remote, limits, &[]).unwrap_err();
    assert!(refused.contains(reason), "{refused}");
    assert_eq!(packs(world), before);
}

#[test]
fn a42_a_huge_blob_is_refused_by_its_name() {
    let mut world = World::new();
    std::fs::write(world.path("work/overlay/bomb"), vec![0; 20 << 20]).unwrap();
    world.commit("bomb", "v2");
    let port = world.git_daemon();
    let limits = Limits { object_size: 1 << 20, ..Limits::default() };
    let blob = world.id("refs/heads/main:overlay/bomb");
    let reason = format!("object {blob} of 20971520 bytes is larger than the limit of 1048576 bytes");
    assert_refused(&world, on(port), &limits, &reason);
    assert_refused(&world, remote(world.path("repo.git").to_str().unwrap()), &limits, &reason);
}

#[test]
fn a42_a_delta_bomb_ends_in_the_child() {
    let port = serve_pack(delta_bomb(), false);
    let world = World::new();
    let start = Instant::now();
    assert_refused(&world, on(port), &Limits::default(), "cannot index the pack");
    assert!(start.elapsed() < Duration::from_secs(100));
}

#[test]
fn a42_an_endless_pack_ends_at_the_transfer_limit() {
    let port = serve_pack(endless_pack(), true);
    let limits = Limits { transfer: 4 << 20, ..Limits::default() };
    assert_refused(&World::new(), on(port), &limits, "the server sends more than the limit of 4194304 bytes");
}

#[test]
fn a42_too_many_objects_are_refused() {
    let mut world = World::new();
    let port = world.git_daemon();
    let limits = Limits { objects: 7, ..Limits::default() };
    assert_refused(&world, on(port), &limits, "the pack has more than the limit of 7 objects");
}

#[test]
fn a42_a_million_refs_are_refused_at_the_limit() {
    let port = serve_a_million_refs();
    let world = World::new();
    let expected = format!(
        "cannot fetch from 'git://127.0.0.1:{port}/repo.git': the server lists more than the limit of 200000 refs"
    );
    assert_eq!(world.look(on(port), &Limits::default()), Err(expected));
}

#[test]
fn a42_a_server_that_drips_is_cut_off_at_the_deadline() {
    let port = serve_dripping_refs();
    let start = Instant::now();
    let limits = Limits { look: Duration::from_secs(1), ..Limits::default() };
    let expected = format!("'git://127.0.0.1:{port}/repo.git' took longer than 1 s");
    assert_eq!(World::new().look(on(port), &limits), Err(expected));
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn a42_a_pack_that_drips_is_cut_off_at_the_deadline() {
    let port = serve_a_dripping_pack();
    let limits = Limits { fetch: Duration::from_secs(1), ..Limits::default() };
    assert_refused(&World::new(), on(port), &limits, "took longer than 1 s");
}

#[test]
fn a_server_that_does_not_send_what_it_lists_is_named() {
    let port = serve_pack(pack_of(0, b""), false);
    let reason = format!("'git://127.0.0.1:{port}/repo.git' did not send {ID}, which it lists");
    assert_refused(&World::new(), on(port), &Limits::default(), &reason);
}

#[test]
fn a_remote_that_fails_half_way_does_not_keep_another_from_being_fetched() {
    let world = World::new();
    let half = pack_of(9, b"");
    let port = serve_pack(half[..12].to_vec(), false);
    let remotes = [on(port), remote(world.path("repo.git").to_str().unwrap())];
    let mut session = Session::start(&remotes, &Limits::default(), &prefixes(), &world.path("cache")).unwrap();
    let results = session.refs();
    let wants = |remote: usize| -> Vec<ObjectId> {
        results[remote].refs.as_ref().unwrap().iter().map(|reference| reference.id).collect()
    };
    let store = world.store();
    let failed = session.fetch(0, &wants(0), &[], &mut (), &store).map_err(|error| chain(&error)).unwrap_err();
    assert!(failed.starts_with(&format!("cannot fetch from 'git://127.0.0.1:{port}/repo.git': cannot index the pack")));
    assert_eq!(session.fetch(1, &wants(1), &[], &mut (), &store).unwrap().objects, 8);
    session.finish();
    world.assert_store_is_complete();
}

#[test]
fn a50_a_servers_words_are_escaped() {
    let port = serve(|mut client| drop(client.write_all(&packet(b"ERR \x1b]0;owned\x07 no such repository"))));
    let expected = format!(
        r"cannot fetch from 'git://127.0.0.1:{port}/repo.git': the server refuses: \x1b]0;owned\x07 no such repository"
    );
    assert_eq!(World::new().look(on(port), &Limits::default()), Err(expected));
}

#[test]
fn a32_shallow_and_partial_repositories_are_refused() {
    let mut world = World::new();
    world.commit("two", "v2");
    let source = format!("file://{}", world.path("repo.git").display());
    world.git(&["clone", "-q", "--bare", "--depth", "1", &source, "shallow.git"]);
    world.git(&["-C", "repo.git", "config", "uploadpack.allowFilter", "true"]);
    world.git(&["clone", "-q", "--bare", "--filter=blob:none", &source, "partial.git"]);
    let port = world.git_daemon();
    let reason = "the repository is shallow or partial, which is refused";
    let limits = Limits::default();
    assert_refused(&world, remote(format!("git://127.0.0.1:{port}/shallow.git")), &limits, reason);
    for name in ["shallow.git", "partial.git"] {
        let path = remote(world.path(name).to_str().unwrap());
        let refused = world.look(path, &limits).unwrap_err();
        assert!(refused.ends_with(reason), "{refused}");
    }
}

#[test]
fn a33_a_submodules_commit_is_nobodys_object() {
    let mut world = World::new();
    world.git(&["-C", "work", "update-index", "--add", "--cacheinfo", &format!("160000,{ID},overlay/etc/sub")]);
    world.git(&["-C", "work", "commit", "-q", "-m", "a submodule"]);
    world.git(&["-C", "work", "push", "-q", "../repo.git", "main"]);
    let port = world.git_daemon();
    for remote in [remote(world.path("repo.git").to_str().unwrap()), on(port)] {
        // The tag and its commit, the submodule's commit, five trees, three blobs.
        assert_eq!(world.fetch(remote, &Limits::default(), &[]).unwrap().objects, 12);
        assert!(!world.store().has(ID.parse().unwrap()).unwrap());
        std::fs::remove_dir_all(world.path("cache")).unwrap();
    }
}

#[test]
fn repositories_of_sha256_are_refused() {
    let mut world = World::new();
    world.git(&["init", "-q", "--bare", "--object-format=sha256", "long.git"]);
    let port = world.git_daemon();
    let refused = world.look(remote(format!("git://127.0.0.1:{port}/long.git")), &Limits::default()).unwrap_err();
    assert!(refused.ends_with("names its objects by SHA-256, which is not supported"), "{refused}");
    let refused = world.look(remote(world.path("long.git").to_str().unwrap()), &Limits::default()).unwrap_err();
    assert!(refused.contains("sha256"), "{refused}");
}

#[test]
fn a31_alternates_are_refused_and_replacements_grafts_and_shallow_lists_have_no_effect() {
    let world = World::new();
    let path = remote(world.path("repo.git").to_str().unwrap());
    world.fetch(path.clone(), &Limits::default(), &[]).unwrap();
    let first = world.id("refs/heads/main");
    let evil = world.commit("two", "v2");
    world.fetch(path.clone(), &Limits::default(), &[first]).unwrap();
    let store = world.path("cache/store.git");
    let before = world.store().object(first).unwrap().unwrap();
    std::fs::create_dir_all(store.join("refs/replace")).unwrap();
    std::fs::create_dir_all(store.join("info")).unwrap();
    std::fs::write(store.join(format!("refs/replace/{first}")), format!("{evil}\n")).unwrap();
    std::fs::write(store.join("info/grafts"), format!("{evil}\n")).unwrap();
    std::fs::write(store.join("shallow"), format!("{evil}\n")).unwrap();
    assert_eq!(world.store().object(first).unwrap().unwrap(), before);

    std::fs::create_dir_all(store.join("objects/info")).unwrap();
    let alternates = store.join("objects/info/alternates");
    std::fs::write(&alternates, world.path("repo.git/objects").to_str().unwrap()).unwrap();
    let refused = world.store().has(first).map_err(|error| chain(&error));
    assert_eq!(
        refused,
        Err(format!("the object store refers to others by '{}', which is refused", alternates.display()))
    );
    let reason = "which is refused";
    assert_refused(&world, path, &Limits::default(), reason);
}

#[test]
fn a_store_that_others_may_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    world.fetch(remote(world.path("repo.git").to_str().unwrap()), &Limits::default(), &[]).unwrap();
    let store = world.path("cache/store.git");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&store), mode(&world.path("cache"))), (0o700, 0o700));
    std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o770)).unwrap();
    let refused = world.store().has(ObjectId::new([1; 20])).map_err(|error| chain(&error));
    let shown = store.display();
    assert_eq!(refused, Err(format!("the object store '{shown}' belongs to another user or others may write to it")));
}
