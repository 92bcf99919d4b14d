//! The child's sandbox from inside (F4): a child that was taken over tries what it can, and each try fails.
#![allow(unsafe_code, reason = "what a taken-over child would do has no safe form")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cosmos_agent::fetch::Limits;
use cosmos_agent::fork;
use cosmos_agent::sandbox::{self, Identity, Layer, Needs};
use nix::libc;

use crate::servers::{World, fetches_all_and_then_the_difference, remote};

/// What came of one try: `ok`, or the system's word for why not.
type Outcome = Result<(), std::io::Error>;

/// Forks a child that shuts itself in with `needs` and then makes the `tries`; returns its layers and the outcomes.
fn inside(needs: &Needs, tries: &dyn Fn() -> Vec<(&'static str, Outcome)>) -> (BTreeSet<Layer>, Vec<String>) {
    let (mut child, mut stream) = fork::fork(|mut socket: &UnixStream| {
        let layers = sandbox::enter(needs).expect("the child shuts itself in");
        let names: Vec<_> = layers.iter().map(|layer| layer.name()).collect();
        let mut said = format!("{}\n", names.join(" "));
        for (name, outcome) in tries() {
            let word = outcome
                .map_or_else(|error| format!("{:?}", nix::errno::Errno::from_raw(errno(&error))), |()| "ok".into());
            said.push_str(&format!("{name}: {word}\n"));
        }
        socket.write_all(said.as_bytes()).expect("the parent listens");
        0
    })
    .unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    child.end();
    let (first, rest) = said.split_once('\n').expect("what the child says before it ends");
    let layers = Layer::ALL.into_iter().filter(|layer| first.split(' ').any(|name| name == layer.name())).collect();
    (layers, rest.lines().map(str::to_owned).collect())
}

fn errno(error: &std::io::Error) -> i32 {
    error.raw_os_error().unwrap_or(0)
}

/// Makes a system call as a taken-over child would: past every library.
fn call(number: libc::c_long, arguments: [usize; 4]) -> Outcome {
    let [a, b, c, d] = arguments;
    // SAFETY: every call made here is refused, and would be harmless with these arguments if it were not.
    let returned = unsafe { libc::syscall(number, a, b, c, d) };
    if returned < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}

/// Tells whether the kernel has all of `wanted`, and prints why the test is skipped.
fn has(layers: &BTreeSet<Layer>, wanted: &[Layer]) -> bool {
    let missing: Vec<_> = wanted.iter().filter(|layer| !layers.contains(layer)).collect();
    if !missing.is_empty() {
        println!("skipped: this system lacks {missing:?}");
    }
    missing.is_empty()
}

/// A folder with a scratch folder, and beside it what the child must not touch.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(place.path("scratch")).unwrap();
        fs::create_dir(place.path("store.git")).unwrap();
        fs::write(place.path("store.git/HEAD"), "ours").unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn needs(&self) -> Needs {
        Needs { scratch: Some(self.path("scratch")), ..Needs::default() }
    }
}

#[test]
fn a_child_writes_to_its_scratch_folder_and_nowhere_else() {
    let place = Place::new();
    let (inner, outer) = (place.path("scratch/pack"), place.path("outside"));
    let (layers, said) = inside(&place.needs(), &|| {
        vec![
            ("write inside", fs::write(&inner, "x")),
            ("make a folder inside", fs::create_dir(place.path("scratch/0"))),
            ("write outside", fs::write(&outer, "x")),
            ("write into the store", fs::write(place.path("store.git/HEAD"), "x")),
            ("remove from the store", fs::remove_file(place.path("store.git/HEAD"))),
            ("move out of the folder", fs::rename(&inner, &outer)),
            ("link into the store", std::os::unix::fs::symlink("/", place.path("scratch/link"))),
            ("change a mode", fs::set_permissions(place.path("store.git/HEAD"), fs::Permissions::from_mode(0o666))),
        ]
    });
    if !has(&layers, &[Layer::Files]) {
        return;
    }
    let expected = [
        "write inside: ok",
        "make a folder inside: ok",
        "write outside: EACCES",
        "write into the store: EACCES",
        "remove from the store: EACCES",
        "move out of the folder: EACCES",
        "link into the store: ENOSYS",
        "change a mode: ENOSYS",
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_child_reads_what_it_was_named_and_nothing_else() {
    let place = Place::new();
    fs::create_dir(place.path("named")).unwrap();
    fs::write(place.path("named/file"), "x").unwrap();
    let needs = Needs { read: vec![place.path("named"), place.path("absent")], ..place.needs() };
    let read = |path: &Path| fs::read(path).map(drop);
    let (layers, said) = inside(&needs, &|| {
        vec![
            ("a file below what was named", read(&place.path("named/file"))),
            ("the agent's store", read(&place.path("store.git/HEAD"))),
            ("the shadow file", read(Path::new("/etc/shadow"))),
            ("the host's name", read(Path::new("/etc/hostname"))),
            (
                "the memory of its parent",
                read(Path::new(&format!("/proc/{}/mem", std::os::unix::process::parent_id()))),
            ),
            ("a file below what was named, to write", fs::write(place.path("named/file"), "y")),
            ("a listing of the root", fs::read_dir("/").map(drop)),
        ]
    });
    if !has(&layers, &[Layer::Files]) {
        return;
    }
    let mut expected = vec!["a file below what was named: ok".to_owned()];
    let refused = ["the agent's store", "the shadow file", "the host's name", "the memory of its parent"];
    expected.extend(refused.map(|name| format!("{name}: EACCES")));
    expected.extend(["a file below what was named, to write: EACCES", "a listing of the root: EACCES"].map(Into::into));
    assert_eq!(said, expected);
}

#[test]
fn a_child_connects_to_the_ports_of_its_remotes_and_offers_none() {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [named, other] = listeners.each_ref().map(|listener| listener.local_addr().unwrap());
    let needs = Needs { network: true, ports: [named.port()].into(), ..Needs::default() };
    let (layers, said) = inside(&needs, &|| {
        vec![
            ("the named port", TcpStream::connect(named).map(drop)),
            ("another port", TcpStream::connect(other).map(drop)),
            ("a port of its own", TcpListener::bind("127.0.0.1:0").map(drop)),
            ("a service of this machine", UnixStream::connect("/run/dbus/system_bus_socket").map(drop)),
        ]
    });
    if has(&layers, &[Layer::Ports, Layer::Calls]) {
        let expected = [
            "the named port: ok",
            "another port: EACCES",
            "a port of its own: ENOSYS",
            "a service of this machine: EPERM",
        ];
        assert_eq!(said, expected);
    }
    let alone = Needs { network: false, ..needs };
    let (layers, said) = inside(&alone, &|| vec![("a child of local remotes", UdpSocket::bind("[::1]:0").map(drop))]);
    if has(&layers, &[Layer::Calls]) {
        assert_eq!(said, ["a child of local remotes: ENOSYS"]);
    }
}

#[test]
fn a_child_starts_no_program_traces_nobody_and_keeps_its_hands_off_the_kernel() {
    let parent = std::process::id() as usize;
    let path = c"/bin/true".as_ptr() as usize;
    let word = c"x".as_ptr() as usize;
    let needs = Needs { network: true, ..Needs::default() };
    let (layers, said) = inside(&needs, &|| {
        let own = std::process::id() as usize;
        vec![
            ("execve", call(libc::SYS_execve, [path, 0, 0, 0])),
            ("execveat", call(libc::SYS_execveat, [0, path, 0, 0])),
            ("fork", nix_fork()),
            ("clone3", call(libc::SYS_clone3, [0, 0, 0, 0])),
            ("kill the parent", call(libc::SYS_kill, [parent, 0, 0, 0])),
            ("tgkill the parent", call(libc::SYS_tgkill, [parent, parent, 0, 0])),
            ("tgkill itself", call(libc::SYS_tgkill, [own, own, 0, 0])),
            ("ptrace", call(libc::SYS_ptrace, [libc::PTRACE_ATTACH as usize, parent, 0, 0])),
            ("process_vm_readv", call(libc::SYS_process_vm_readv, [parent, 0, 0, 0])),
            ("pidfd_open", call(libc::SYS_pidfd_open, [parent, 0, 0, 0])),
            ("mount", call(libc::SYS_mount, [word, word, word, 0])),
            ("unshare", call(libc::SYS_unshare, [libc::CLONE_NEWUSER as usize, 0, 0, 0])),
            ("setuid", call(libc::SYS_setresuid, [0, 0, 0, 0])),
            ("bpf", call(libc::SYS_bpf, [0, 0, 0, 0])),
            ("keyctl", call(libc::SYS_keyctl, [0, 0, 0, 0])),
            ("add_key", call(libc::SYS_add_key, [word, word, 0, 0])),
            ("userfaultfd", call(libc::SYS_userfaultfd, [0, 0, 0, 0])),
            ("io_uring_setup", call(libc::SYS_io_uring_setup, [1, 0, 0, 0])),
            ("perf_event_open", call(libc::SYS_perf_event_open, [0, 0, 0, 0])),
            ("open_by_handle_at", call(libc::SYS_open_by_handle_at, [0, 0, 0, 0])),
            ("chroot", call(libc::SYS_chroot, [word, 0, 0, 0])),
            ("prctl", call(libc::SYS_prctl, [libc::PR_SET_DUMPABLE as usize, 1, 0, 0])),
            ("terminal input", call(libc::SYS_ioctl, [2, libc::TIOCSTI as usize, word, 0])),
            ("netlink", call(libc::SYS_socket, [libc::AF_NETLINK as usize, libc::SOCK_RAW as usize, 0, 0])),
            ("packets", call(libc::SYS_socket, [libc::AF_PACKET as usize, libc::SOCK_RAW as usize, 0, 0])),
            ("vsock", call(libc::SYS_socket, [libc::AF_VSOCK as usize, libc::SOCK_STREAM as usize, 0, 0])),
            ("a thread", std::thread::Builder::new().spawn(|| ()).map(|thread| thread.join().unwrap())),
        ]
    });
    if !has(&layers, &[Layer::Calls]) {
        return;
    }
    let mut expected = Vec::new();
    for line in &said {
        let (name, _) = line.split_once(": ").unwrap();
        let word = match name {
            "fork" | "tgkill the parent" | "prctl" | "terminal input" | "netlink" | "packets" | "vsock" => "EPERM",
            "tgkill itself" | "a thread" => "ok",
            _ => "ENOSYS",
        };
        expected.push(format!("{name}: {word}"));
    }
    assert_eq!(said, expected);
    assert_eq!(said.len(), 27);
}

/// Asks whether a file may be read, as libgit2 does before it opens one.
fn asked(path: &Path) -> Outcome {
    Ok(nix::unistd::access(path, nix::unistd::AccessFlags::R_OK)?)
}

fn nix_fork() -> Outcome {
    // SAFETY: a child, if there is one, leaves at once.
    match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Parent { .. } => Ok(()),
        nix::unistd::ForkResult::Child => std::process::exit(0),
    }
}

#[test]
fn without_landlock_to_help_a_child_without_a_network_still_reads_for_root_and_one_with_it_does_not() {
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: only root becomes another user");
        return;
    }
    let place = Place::new();
    fs::write(place.path("secret"), "x").unwrap();
    fs::set_permissions(place.path("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    let identity = Some(Identity { uid: 61_234, gid: 61_235 });
    let read = vec![place.path("secret")];
    let needs = Needs { read, identity, ..Needs::default() };
    let tries = || {
        // SAFETY: these return numbers and change nothing.
        let ids = unsafe { (libc::getuid(), libc::geteuid(), libc::getgid(), libc::getegid()) };
        let became =
            if ids == (61_234, 61_234, 61_235, 61_235) { Ok(()) } else { Err(std::io::ErrorKind::Other.into()) };
        vec![
            ("the user", became),
            ("a file of root's", fs::read(place.path("secret")).map(drop)),
            ("to ask for it", asked(&place.path("secret"))),
        ]
    };
    let (layers, said) = inside(&needs, &tries);
    assert!(layers.contains(&Layer::User));
    assert_eq!(said, ["the user: ok", "a file of root's: EACCES", "to ask for it: EACCES"]);
    let (_, said) = inside(&Needs { foreign: true, ..needs.clone() }, &tries);
    assert_eq!(said, ["the user: ok", "a file of root's: ok", "to ask for it: ok"]);
}

#[test]
fn a_server_found_by_its_name_is_reached_from_the_sandbox() {
    let mut world = World::new();
    let port = world.git_daemon();
    fetches_all_and_then_the_difference(&world, &remote(format!("git://localhost:{port}/repo.git")));
}

#[test]
fn a_session_tells_which_layers_are_in_force() {
    let world = World::new();
    let mut session = world.session(remote(world.path("repo.git").to_str().unwrap()), &Limits::default());
    assert!(session.layers().is_empty());
    session.refs();
    let expected = inside(&Needs { identity: Identity::own(), ..Needs::default() }, &Vec::new).0;
    assert_eq!(session.layers(), &expected);
    println!("in force here: {expected:?}");
}

#[test]
fn the_sandbox_costs_less_than_a_millisecond() {
    let needs = Needs { network: true, ports: [443, 53].into(), scratch: Some("/tmp".into()), ..Needs::default() };
    let mut times = Vec::new();
    for _ in 0..50 {
        let (mut child, mut stream) = fork::fork(|mut socket: &UnixStream| {
            let start = Instant::now();
            sandbox::enter(&needs).expect("the child shuts itself in");
            let took = start.elapsed().as_nanos() as u64;
            socket.write_all(&took.to_le_bytes()).expect("the parent listens");
            0
        })
        .unwrap();
        let mut took = [0; 8];
        stream.read_exact(&mut took).unwrap();
        child.end();
        times.push(Duration::from_nanos(u64::from_le_bytes(took)));
    }
    times.sort_unstable();
    println!("entering the sandbox takes {:?}, the median of 50 in a debug build", times[25]);
    // The quickest of them, and ten times the budget: other work on the machine must not fail this test.
    assert!(times[0] < Duration::from_millis(6), "{times:?}");
}
