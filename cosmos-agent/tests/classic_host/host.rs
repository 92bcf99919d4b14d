//! One host set up for Cosmos 1.5, and the operators' repository it follows.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Operator, Ran, World};

/// Where certificates of signers lie in the repository.
pub const KEYS: &str = "global/overlay/etc/cosmos/keys";

/// The habit of keeping the keyring filled from the keys folder, as a task.
pub const IMPORT: &str = "#!/bin/sh\n\
    for key in \"$COSMOS_ROOT\"/etc/cosmos/keys/*.pub; do\n\
    [ ! -s \"$key\" ] || cosmos gpg --batch --quiet --import < \"$key\" || exit 1\n\
    done\n";

/// A world whose host is classic: `conf/`, `base/` and `root/` in the world's folder.
pub struct Classic {
    pub world: World,
    pub ada: Operator,
}

impl Classic {
    /// A repository with one layer for the host, one shared and a global one, and ada's key in it; nothing is released.
    pub fn new() -> Self {
        let world = World::new();
        let ada = world.operator("ada", "ed25519");
        let classic = Self { world, ada };
        for folder in ["conf/gnupg", "base", "root"] {
            fs::create_dir_all(classic.path(folder)).expect("a folder");
        }
        fs::set_permissions(classic.path("conf/gnupg"), fs::Permissions::from_mode(0o700)).expect("a private folder");
        classic.publish_key(&classic.ada, "ada");
        classic.world.write(&format!("{KEYS}/empty.pub"), "");
        classic.world.write("classic.example.org/overlay/etc/motd", "of the host\n");
        classic.world.write("web-common/overlay/etc/motd", "of the web\n");
        classic.world.write("global/overlay/etc/motd", "of all\n");
        classic.configure("");
        classic
    }

    /// A host that was cloned, trusts ada by its keyring, and applied the release `ops-2026-01-01-v01`.
    pub fn running() -> Self {
        let classic = Self::new();
        classic.begins();
        classic
    }

    /// Releases what was written as `ops-2026-01-01-v01`; the host is cloned and trusts ada by its keyring.
    pub fn is_introduced(&self) {
        self.release("ops-2026-01-01-v01");
        self.adopt();
    }

    /// As [`Classic::is_introduced`], and the host applies the release.
    #[track_caller]
    pub fn begins(&self) {
        self.is_introduced();
        self.converge();
    }

    /// Clones, and fills the keyring from the unverified checkout, as bootstrap scripts do.
    pub fn adopt(&self) {
        assert_eq!(self.cosmos(&["clone", &self.world.repo().display().to_string()]), silent(0));
        let keys = self.path("base/repo").join(KEYS);
        let mut keys: Vec<PathBuf> =
            fs::read_dir(keys).expect("the keys folder").map(|entry| entry.expect("an entry").path()).collect();
        keys.sort();
        for key in keys.iter().filter(|key| key.metadata().expect("a file").len() > 0) {
            let imported = self.fed(&["gpg", "--batch", "--quiet", "--import"], &fs::read(key).expect("a key"));
            assert_eq!(imported.status, 0, "{imported:?}");
        }
    }

    /// Writes `cosmos.conf`: where everything is, the layers, the pattern, then `more` lines.
    pub fn configure(&self, more: &str) {
        let binary = Path::new(env!("CARGO_BIN_EXE_cosmos")).parent().expect("a folder").display();
        let text = format!(
            "# Settings of this host\nCOSMOS_ROOT=\"{root}\"\nCOSMOS_BASE='{base}'\nCOSMOS_REPO=\"$COSMOS_BASE/repo\"\n\
             COSMOS_REPO_MODELS=\"$COSMOS_REPO/classic.example.org/:$COSMOS_REPO/web-common/:$COSMOS_REPO/global/\"\n\
             COSMOS_UPDATE_VERIFY_GIT_TAG_PATTERN=\"ops-*\"\nPATH={binary}:/usr/local/bin:/usr/bin:/bin\n{more}",
            root = self.path("root").display(),
            base = self.path("base").display(),
        );
        fs::write(self.path("conf/cosmos.conf"), text).expect("cosmos.conf");
    }

    /// Puts an operator's certificate into the keys folder.
    pub fn publish_key(&self, operator: &Operator, name: &str) {
        let certificate = fs::read_to_string(self.world.certificate(operator)).expect("a certificate");
        self.world.write(&format!("{KEYS}/{name}.pub"), &certificate);
    }

    /// Commits everything without a signature and puts ada's signed tag on it.
    pub fn release(&self, tag: &str) {
        self.release_by(&self.ada, tag);
    }

    pub fn release_by(&self, operator: &Operator, tag: &str) {
        self.world.commit_unsigned(tag);
        self.world.tag(operator, tag);
    }

    /// Updates and applies, and expects that nothing is said.
    #[track_caller]
    pub fn converge(&self) {
        assert_eq!(self.cosmos(&["update"]), silent(0));
        assert_eq!(self.cosmos(&["apply"]), silent(0));
    }

    /// What cron does: `cosmos update && cosmos apply`, and says how it ended.
    pub fn cron(&self) -> Ran {
        let update = self.cosmos(&["update"]);
        if update.status == 0 { self.cosmos(&["apply"]) } else { update }
    }

    pub fn cosmos(&self, words: &[&str]) -> Ran {
        self.fed(words, b"")
    }

    /// Runs the agent with something to read.
    pub fn fed(&self, words: &[&str], input: &[u8]) -> Ran {
        self.with(words, input, &[])
    }

    /// Runs the agent with something to read and more environment.
    pub fn with(&self, words: &[&str], input: &[u8], environment: &[(&str, &str)]) -> Ran {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cosmos"))
            .args(words)
            .env("COSMOS_CONF_DIR", self.path("conf"))
            .env("TZ", "UTC")
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("cosmos runs");
        // A command that reads nothing may have ended already.
        let _ = child.stdin.take().expect("a pipe").write_all(input);
        let output = child.wait_with_output().expect("cosmos ends");
        let neutral =
            |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&self.path("").display().to_string(), "[world]/");
        Ran {
            status: output.status.code().unwrap_or(-1),
            stdout: neutral(&output.stdout),
            stderr: neutral(&output.stderr),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.world.path(name)
    }

    /// Reads a file of the host.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path("root").join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn has(&self, path: &str) -> bool {
        self.path("root").join(path).symlink_metadata().is_ok()
    }

    pub fn mode(&self, path: &str) -> u32 {
        mode_of(&self.path("root").join(path))
    }

    /// Writes a file that the host's administrator put there.
    pub fn put(&self, path: &str, content: &str, mode: u32) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(&path, content).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    }

    /// Runs git in the clone, as other tools do.
    pub fn git_in_clone(&self, words: &[&str]) -> String {
        let output = Command::new("git").current_dir(self.path("base/repo")).args(words).output().expect("git runs");
        assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The fingerprints in the host's keyring, sorted.
    pub fn keyring(&self) -> Vec<String> {
        let listed = self.cosmos(&["gpg", "--batch", "--with-colons", "--list-keys"]);
        let mut found: Vec<String> = listed
            .stdout
            .lines()
            .filter_map(|line| Some(line.strip_prefix("fpr:::::::::")?.replace(':', "")))
            .collect();
        found.sort();
        found
    }
}

pub fn mode_of(path: &Path) -> u32 {
    path.symlink_metadata().unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode() & 0o7777
}

/// A command that ended and said nothing.
pub fn silent(status: i32) -> Ran {
    Ran { status, stdout: String::new(), stderr: String::new() }
}
