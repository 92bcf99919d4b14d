//! Repositories and real servers for the fetch tests: everything in one temporary folder, loopback only.

use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cosmos_agent::fetch::{FetchError, Fetched, Limits, LookResult, RemoteSettings, Session};
use cosmos_agent::store::{FOLDER, Store};
use cosmos_model::object::{self, ObjectKind};
use cosmos_model::object_id::ObjectId;
use cosmos_model::refs::RemoteRef;

use crate::port;

/// An object that nobody has.
pub const ID: &str = "0123456789abcdef0123456789abcdef01234567";

/// A folder with a bare repository `repo.git`, a cache for the agent, and servers that end with it.
pub struct World {
    /// The folder; removed with the world.
    pub folder: tempfile::TempDir,
    pub servers: Vec<Child>,
}

impl Drop for World {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

impl World {
    /// Makes the repository with one commit of three files on `main` and the signed-looking tag `v1`.
    pub fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap(), servers: Vec::new() };
        world.git(&["init", "-q", "-b", "main", "work"]);
        world.git(&["clone", "-q", "--bare", "work", "repo.git"]);
        world.commit("one", "v1");
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs git in the folder with no configuration but a name, and returns what it prints.
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = git_command(self.folder.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Commits three files, tags the commit and pushes both.
    pub fn commit(&self, text: &str, tag: &str) -> ObjectId {
        std::fs::create_dir_all(self.path("work/overlay/etc")).unwrap();
        for file in ["motd", "hosts", "issue"] {
            let lines = format!("{file} {text}\n").repeat(50);
            std::fs::write(self.path("work/overlay/etc").join(file), lines).unwrap();
        }
        self.git(&["-C", "work", "add", "-A"]);
        self.git(&["-C", "work", "commit", "-q", "-m", text]);
        self.git(&["-C", "work", "tag", "-a", "-m", tag, tag]);
        self.git(&["-C", "work", "push", "-q", "../repo.git", "main", "--tags"]);
        self.id("refs/heads/main")
    }

    /// Returns what a ref of the bare repository points at.
    pub fn id(&self, name: &str) -> ObjectId {
        self.git(&["-C", "repo.git", "rev-parse", name]).parse().unwrap()
    }

    /// Keeps a started server until the world ends, once `port` answers.
    pub fn keep(&mut self, server: Child, port: u16) {
        self.servers.push(server);
        port::wait_for(port);
    }

    /// Starts git's daemon and returns its port.
    pub fn git_daemon(&mut self) -> u16 {
        let port = port::free_port();
        let base = format!("--base-path={}", self.folder.path().display());
        let listen = [format!("--port={port}"), "--listen=127.0.0.1".to_owned()];
        // `git daemon` would start the daemon as a child of its own, which outlives it.
        let program = Path::new(&self.git(&["--exec-path"])).join("git-daemon");
        let mut command = command(self.folder.path(), &program);
        let command = command.args(["--export-all", "--reuseaddr", &base]).args(listen);
        self.keep(command.stderr(Stdio::null()).spawn().unwrap(), port);
        port
    }

    pub fn store(&self) -> Store {
        Store::at(self.path("cache").join(FOLDER))
    }

    pub fn session(&self, remote: RemoteSettings, limits: &Limits) -> Session {
        Session::start(&[remote], limits, &prefixes(), &self.path("cache")).unwrap()
    }

    /// Looks at one remote.
    pub fn look(&self, remote: RemoteSettings, limits: &Limits) -> Result<Vec<RemoteRef>, String> {
        let mut results = self.session(remote, limits).refs();
        assert_eq!(results.len(), 1);
        results.remove(0).refs.map_err(|error| chain(&error))
    }

    /// Looks at one remote and fetches everything it lists.
    pub fn fetch(&self, remote: RemoteSettings, limits: &Limits, haves: &[ObjectId]) -> Result<Fetched, String> {
        self.try_fetch(remote, limits, haves).map_err(|error| chain(&error))
    }

    fn try_fetch(&self, remote: RemoteSettings, limits: &Limits, haves: &[ObjectId]) -> Result<Fetched, FetchError> {
        let mut session = self.session(remote, limits);
        let LookResult { refs, .. } = session.refs().remove(0);
        let wants: Vec<ObjectId> = refs?.iter().map(|reference| reference.id).collect();
        let fetched = session.fetch(0, &wants, haves, &mut (), &self.store());
        session.finish();
        let left = std::fs::read_dir(self.path("cache/fetch")).unwrap();
        assert_eq!(left.count(), 0, "the scratch folder is empty");
        fetched
    }

    /// Asserts that `git fsck` finds the agent's store whole and exactly the objects of the repository in it.
    pub fn assert_store_is_complete(&self) {
        let list = ["cat-file", "--batch-all-objects", "--batch-check"];
        let ours = self.git(&[&["-C", "cache/store.git"], &list[..]].concat());
        assert_eq!(ours, self.git(&[&["-C", "repo.git"], &list[..]].concat()));
        self.git(&["-C", "cache/store.git", "fsck", "--strict"]);
    }
}

/// Looks, fetches, fetches a second commit with haves, and compares with git each time.
pub fn fetches_all_and_then_the_difference(world: &World, remote: &RemoteSettings) {
    let limits = Limits::default();
    let named = |name: &str| RemoteRef { name: name.into(), id: world.id(name) };
    let expected = vec![named("refs/heads/main"), named("refs/tags/v1")];
    assert_eq!(world.look(remote.clone(), &limits), Ok(expected));

    let first = world.fetch(remote.clone(), &limits, &[]).unwrap();
    // A tag, a commit, three trees and three blobs.
    assert_eq!(first.objects, 8);
    world.assert_store_is_complete();

    let have = world.id("refs/heads/main");
    world.commit("two", "v2");
    let second = world.fetch(remote.clone(), &limits, &[have]).unwrap();
    assert!((8..=9).contains(&second.objects), "{second:?} is the difference (and v1, which main does not reach)");
    world.assert_store_is_complete();
    let main = object::read(&world.store(), world.id("refs/heads/main"), ObjectKind::Commit).unwrap();
    assert!(main.ends_with(b"\n\ntwo\n"));
}

fn git_command(folder: &Path) -> Command {
    command(folder, Path::new("git"))
}

/// A program with git's plain environment.
pub fn command(folder: &Path, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir(folder).stdin(Stdio::null());
    for (name, value) in [
        ("PATH", std::env::var("PATH").unwrap().as_str()),
        ("HOME", "/nonexistent"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_AUTHOR_NAME", "Alice"),
        ("GIT_AUTHOR_EMAIL", "alice@example.org"),
        ("GIT_COMMITTER_NAME", "Alice"),
        ("GIT_COMMITTER_EMAIL", "alice@example.org"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "safe.directory"),
        ("GIT_CONFIG_VALUE_0", "*"),
    ] {
        command.env(name, value);
    }
    command
}

pub fn prefixes() -> Vec<Vec<u8>> {
    vec![b"refs/heads/main".to_vec(), b"refs/tags/v".to_vec()]
}

pub fn remote(url: impl Into<String>) -> RemoteSettings {
    RemoteSettings { url: url.into(), ..RemoteSettings::default() }
}

/// Returns an error and its causes as they are printed.
pub fn chain(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {}", chain(cause))).unwrap_or_default();
    format!("{error}{cause}")
}

/// Serves one thread per connection with `answer`, on a port that is returned; it ends with the test's process.
pub fn serve(answer: impl Fn(std::net::TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = std::sync::Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || answer(stream));
        }
    });
    port
}

/// Returns a pkt-line.
pub fn packet(line: &[u8]) -> Vec<u8> {
    [format!("{:04x}", line.len() + 4).as_bytes(), line].concat()
}

/// Reads what a client sends up to its flush packet or for a moment.
pub fn read_request(stream: &mut std::net::TcpStream) -> Vec<u8> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.ends_with(b"0000") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
    request
}
