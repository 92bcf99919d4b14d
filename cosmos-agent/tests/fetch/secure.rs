//! https and ssh against nginx and sshd: the same fetches, and everything that must be refused on the way.

use std::fs;

use crate::programs::Tls;
use crate::servers::{World, fetches_all_and_then_the_difference, remote};
use cosmos_agent::fetch::{Limits, RemoteSettings};

fn https(tls: &Tls, folder: &str) -> RemoteSettings {
    RemoteSettings {
        ca_file: Some(tls.ca.clone()),
        address: Some(format!("127.0.0.1:{}", tls.port)),
        ..remote(format!("https://git.example.org/{folder}/repo.git"))
    }
}

#[test]
fn nginx_serves_a_look_and_a_fetch_over_tls() {
    let mut world = World::new();
    let Some(tls) = world.nginx() else { return };
    fetches_all_and_then_the_difference(&world, &https(&tls, "git"));
}

#[test]
fn a_web_server_that_drops_the_version_serves_a_look_and_a_fetch() {
    let mut world = World::new();
    let Some(tls) = world.nginx() else { return };
    fetches_all_and_then_the_difference(&world, &https(&tls, "old"));
}

#[test]
fn a_proxy_is_asked_for_the_server_and_nothing_else_is_connected_to() {
    let mut world = World::new();
    let Some(tls) = world.nginx() else { return };
    let proxy = Some(format!("http://127.0.0.1:{}", crate::several::proxy(tls.port)));
    fetches_all_and_then_the_difference(&world, &RemoteSettings { proxy, address: None, ..https(&tls, "git") });
}

#[test]
fn a_token_is_sent_and_never_shown() {
    let mut world = World::new();
    let Some(tls) = world.nginx() else { return };
    let token_file = world.path("token");
    let with_token = RemoteSettings { token_file: Some(token_file.clone()), ..https(&tls, "token") };
    let shown = "'https://git.example.org/token/repo.git'";
    for (content, expected) in [
        ("", format!("cannot use the remote {shown}: '{}' holds no token", token_file.display())),
        ("wr0ng\n", format!("cannot fetch from {shown}: the server answered 401 (not authorised; see token-file)")),
    ] {
        fs::write(&token_file, content).unwrap();
        assert_eq!(world.look(with_token.clone(), &Limits::default()), Err(expected));
    }
    fs::write(&token_file, "s3cret\n").unwrap();
    fetches_all_and_then_the_difference(&world, &with_token);
}

#[test]
fn servers_that_cannot_prove_their_name_are_refused() {
    let mut world = World::new();
    let Some(tls) = world.nginx() else { return };
    let limits = Limits::default();
    let other_name = RemoteSettings { url: "https://other.example.org/git/repo.git".to_owned(), ..https(&tls, "git") };
    let other_roots = RemoteSettings { ca_file: None, ..https(&tls, "git") };
    let no_roots = RemoteSettings { ca_file: Some(world.path("tls.key")), ..https(&tls, "git") };
    for (remote, reason) in [
        (other_name, "hostname mismatch"),
        (other_roots, "self-signed certificate"),
        (no_roots, "the ca-file holds no certificate"),
    ] {
        let refused = world.look(remote, &limits).unwrap_err();
        assert!(refused.contains(reason), "{refused}");
    }
}

#[test]
fn a43_redirects_are_refused_at_the_look_and_at_the_fetch() {
    let mut world = World::new();
    let Some(tls) = world.nginx() else { return };
    let limits = Limits::default();
    let port = tls.port;
    assert_eq!(
        world.look(https(&tls, "moved"), &limits),
        Err(format!(
            "cannot fetch from 'https://git.example.org/moved/repo.git': the server redirects to \
             'https://git.example.org:{port}/git/repo.git/git-upload-pack', which is refused"
        ))
    );
    // The fetch's request is the longer one.
    assert_eq!(
        world.fetch(https(&tls, "halfway"), &limits, &[]),
        Err("cannot fetch from 'https://git.example.org/halfway/repo.git': the server redirects to \
             'https://elsewhere.example.org/x', which is refused"
            .to_owned())
    );
}

#[test]
fn an_absent_repository_is_named() {
    let mut world = World::new();
    let Some(tls) = world.nginx() else { return };
    let absent = RemoteSettings { url: "https://git.example.org/git/nosuch.git".to_owned(), ..https(&tls, "git") };
    let expected = "cannot fetch from 'https://git.example.org/git/nosuch.git': the server answered 404 \
                    (no such repository)";
    assert_eq!(world.look(absent, &Limits::default()), Err(expected.to_owned()));
}

/// The remote of the user who runs the test, with the host key of `name` pinned.
fn ssh(world: &World, port: u16, pinned: &str) -> RemoteSettings {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name;
    let key = fs::read_to_string(world.path(pinned)).unwrap();
    let line = format!("# ours\n[git.example.org]:{port} {key}");
    fs::write(world.path("known_hosts"), line).unwrap();
    RemoteSettings {
        ssh_key: Some(world.path("id")),
        known_hosts: Some(world.path("known_hosts")),
        address: Some("127.0.0.1".to_owned()),
        ..remote(format!("ssh://{user}@git.example.org:{port}{}", world.path("repo.git").display()))
    }
}

#[test]
fn sshd_serves_a_look_and_a_fetch_with_version_2() {
    let mut world = World::new();
    let Some(port) = world.sshd(true) else { return };
    fetches_all_and_then_the_difference(&world, &ssh(&world, port, "host_key.pub"));
}

#[test]
fn sshd_as_debian_ships_it_serves_a_look_and_a_fetch() {
    let mut world = World::new();
    let Some(port) = world.sshd(false) else { return };
    // The second kind of host key shows that the pinned kind is asked for.
    fetches_all_and_then_the_difference(&world, &ssh(&world, port, "host_key2.pub"));
}

#[test]
fn an_ssh_server_with_another_host_key_is_refused_with_the_line_that_would_pin_it() {
    let mut world = World::new();
    let Some(port) = world.sshd(true) else { return };
    let other = ssh(&world, port, "id.pub");
    let found = fs::read_to_string(world.path("host_key.pub")).unwrap();
    let refused = world.look(other, &Limits::default()).unwrap_err();
    assert!(refused.contains("the host key of git.example.org is not the one pinned in"), "{refused}");
    assert!(refused.ends_with(&format!("this line pins it: [git.example.org]:{port} {}", found.trim())), "{refused}");
    let nobody = RemoteSettings { known_hosts: Some("/dev/null".into()), ..ssh(&world, port, "host_key.pub") };
    let refused = world.look(nobody, &Limits::default()).unwrap_err();
    assert!(refused.contains("is not pinned in '/dev/null'; it is SHA256:"), "{refused}");
}

#[test]
fn an_ssh_key_that_is_not_authorised_or_a_repository_that_is_absent_is_named() {
    let mut world = World::new();
    let Some(port) = world.sshd(true) else { return };
    let known = ssh(&world, port, "host_key.pub");
    let stranger = RemoteSettings { ssh_key: Some(world.path("host_key2")), ..known.clone() };
    let refused = world.look(stranger, &Limits::default()).unwrap_err();
    assert!(refused.contains("the server does not accept the ssh-key"), "{refused}");
    let absent = RemoteSettings { url: known.url.replace("repo.git", "nosuch.git"), ..known };
    let refused = world.look(absent, &Limits::default()).unwrap_err();
    assert!(refused.contains("nosuch.git' does not appear to be a git repository"), "{refused}");
}
