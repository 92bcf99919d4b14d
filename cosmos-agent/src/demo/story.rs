//! The chapters. Each says what happens, types the command, and checks what came of it.

use std::path::Path;

use git2::Oid;

use super::example::{self, ExampleFile};
use super::operator::Operator;
use super::place::{Place, write};
use super::repository::Repository;
use super::stage::Stage;
use super::{Agent, DemoError, Narrator};
use crate::exit::Status;

const MOTD: &str = "global/overlay/etc/motd";
const SSH: &str = "global/overlay/etc/ssh/sshd_config.d/50-fleet.conf";
const SSH_ON_HOST: &str = "etc/ssh/sshd_config.d/50-fleet.conf";
const WEB1: &str = "web1.example.org";
const WEB2: &str = "web2.example.org";
const NEW_MOTD: &str =
    "Welcome.\nThis host is kept by Cosmos. Edits made here by hand do not stay.\nQuestions? Ask Kim.\n";

/// The whole demonstration, between its chapters.
pub struct Story<'a> {
    stage: Stage<'a>,
    place: Place,
    ada: Operator,
    kim: Operator,
}

impl<'a> Story<'a> {
    /// Makes the two operators.
    ///
    /// # Errors
    /// Returns what could not be made.
    pub fn begin(top: &Path, agent: Agent<'a>, narrator: Narrator) -> Result<Self, DemoError> {
        let operator = |name, email| Operator::new(name, email).map_err(preparing("an operator's key"));
        Ok(Self {
            stage: Stage::new(agent, narrator),
            place: Place::below(top),
            ada: operator("Ada", "ada@example.org")?,
            kim: operator("Kim", "kim@example.org")?,
        })
    }

    /// Plays all chapters.
    ///
    /// # Errors
    /// Returns the first outcome that is not what its chapter says, or what could not be made.
    pub fn play(mut self) -> Result<(), DemoError> {
        self.two_operators()?;
        let (fleet, first) = self.a_signed_repository()?;
        self.a_host(first)?;
        let second = self.a_change_arrives(&fleet)?;
        self.drift_is_repaired()?;
        self.an_unsigned_commit_is_refused(&fleet)?;
        self.an_old_state_is_refused(&fleet, first, second)?;
        self.a_renamed_release_is_refused(&fleet, first, second)?;
        self.the_record()
    }

    fn two_operators(&mut self) -> Result<(), DemoError> {
        self.stage.chapter(
            "Two operators",
            "Ada and Kim look after a few hosts. Each has an OpenPGP key. A host will trust these two keys and nothing \
             else: not the git server, not the network, not whoever can write to either.",
        );
        let mut lines = Vec::new();
        for operator in [&self.ada, &self.kim] {
            let file = self.place.certificate(operator.name());
            let certificate = operator.certificate().map_err(preparing("a certificate"))?;
            write(&file, certificate.as_bytes()).map_err(preparing("a certificate"))?;
            lines.push(format!("{}  {}  {}", operator.name(), operator.fingerprint(), file.display()));
        }
        self.stage.narrator.show(&lines);
        Ok(())
    }

    fn a_signed_repository(&mut self) -> Result<(Repository, Oid), DemoError> {
        self.stage.chapter(
            "A signed repository",
            "A repository starts with two files: the name of the fleet, and who may sign for it. 'cosmos init' writes \
             them from the operators' certificates.",
        );
        let (ada, kim) = (self.place.certificate("Ada"), self.place.certificate("Kim"));
        let work = self.place.work();
        let words = ["init", text(&work), "--fleet", "demo", "--signer", text(&ada), "--signer", text(&kim)];
        self.stage.cosmos(&words, Status::Done)?;
        self.stage.narrator.say(
            "Ada adds what the hosts should look like. A file lies at the path it has on the host: below global/ it is \
             for every host, below hosts/NAME/ for one. She commits with her signature, tags a release and pushes.",
        );
        self.stage.narrator.show(&example::FILES.map(|file| file.path.to_owned()));
        let prepare = || {
            let fleet = Repository::new(&work, &self.place.server())?;
            let settings =
                ["fleet.toml", "openpgp-policy.toml"].map(|name| (name, std::fs::read_to_string(work.join(name))));
            let mut files = example::FILES.to_vec();
            for (path, content) in &settings {
                let content = content.as_ref().map_err(|error| anyhow::anyhow!("cannot read '{path}': {error}"))?;
                files.push(ExampleFile { path, executable: false, content });
            }
            let first = fleet.commit(&files, "The first revision", &self.ada)?;
            fleet.tag("release-1", first, &self.ada)?;
            fleet.publish()?;
            Ok((fleet, first))
        };
        prepare().map_err(preparing("the signed repository"))
    }

    fn a_host(&mut self, first: Oid) -> Result<(), DemoError> {
        self.stage.chapter(
            "A host",
            "A host is told once which commit to begin with and whose signature it carries. It learns that from you, \
             never from the server. On a real host you leave out --root, and the root is /.",
        );
        let root = self.place.host("web1");
        self.prepare_root("web1")?;
        let trust = format!("{first}:{}", self.ada.fingerprint());
        let server = self.place.server();
        let words = ["clone", text(&server), "--trust", &trust, "--fqdn", WEB1, "--root", text(&root)];
        self.stage.cosmos(&words, Status::Done)?;
        self.stage.cosmos(&["run", "-v", "--root", text(&root)], Status::Done)?;
        self.stage.holds(&root, "etc/motd", example::content(MOTD))?;
        self.stage.holds(&root, SSH_ON_HOST, example::content(SSH))?;
        self.stage.holds(&root, "etc/issue", example::content("hosts/web1.example.org/overlay/etc/issue"))?;
        self.stage.keeps(&root, "etc/hostname", "web1\n")?;
        self.stage.narrator.say("A second run finds nothing to do, and says nothing.");
        let before = self.stage.picture(&root)?;
        self.stage.cosmos(&["run", "--root", text(&root)], Status::Done)?;
        self.stage.unchanged(&root, &before)
    }

    fn a_change_arrives(&mut self, fleet: &Repository) -> Result<Oid, DemoError> {
        self.stage.chapter(
            "A change arrives",
            "Kim edits the greeting, commits with a signature and pushes. The host fetches, checks who signed, and can \
             show the change before it is made.",
        );
        let change = || {
            let second = fleet.commit(&[file(MOTD, NEW_MOTD)], "Say whom to ask", &self.kim)?;
            fleet.tag("release-2", second, &self.kim)?;
            fleet.publish()?;
            Ok(second)
        };
        let second = change().map_err(preparing("a signed change"))?;
        let root = self.place.host("web1");
        self.stage.cosmos(&["update", "--root", text(&root)], Status::Done)?;
        self.stage.cosmos(&["plan", "--root", text(&root)], Status::Done)?;
        self.stage.holds(&root, "etc/motd", example::content(MOTD))?;
        self.stage.narrator.say("Only now is it made.");
        self.stage.cosmos(&["run", "--root", text(&root)], Status::Done)?;
        self.stage.holds(&root, "etc/motd", NEW_MOTD)?;
        Ok(second)
    }

    fn drift_is_repaired(&mut self) -> Result<(), DemoError> {
        self.stage.chapter(
            "Somebody edits the host",
            "At night somebody allows passwords in the ssh server's settings, by hand, on the host. That is drift: the \
             host is no longer what was signed. 'cosmos drift' shows it, the next run repairs it and keeps the edited \
             version aside.",
        );
        let root = self.place.host("web1");
        let before = self.stage.picture(&root)?;
        write(&root.join(SSH_ON_HOST), b"PasswordAuthentication yes\n").map_err(preparing("an edit by hand"))?;
        self.stage.cosmos(&["drift", "--root", text(&root)], Status::Drift)?;
        self.stage.cosmos(&["run", "--root", text(&root)], Status::Done)?;
        self.stage.holds(&root, SSH_ON_HOST, example::content(SSH))?;
        self.stage.unchanged(&root, &before)
    }

    fn an_unsigned_commit_is_refused(&mut self, fleet: &Repository) -> Result<(), DemoError> {
        self.stage.chapter(
            "An attacker owns the server",
            "Somebody breaks into the git server and pushes a commit that gives them a login. It says Ada wrote it. It \
             does not carry her signature, so it is refused, and the host stays what it was.",
        );
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 nobody@attacker.example\n";
        let forged = file("global/overlay/root/.ssh/authorized_keys", key);
        fleet.forge(&[forged], "Routine maintenance", &self.ada).map_err(preparing("an unsigned commit"))?;
        let root = self.place.host("web1");
        let before = self.stage.picture(&root)?;
        self.stage.cosmos(&["run", "--root", text(&root)], Status::Refused)?;
        self.stage.unchanged(&root, &before)?;
        self.stage.narrator.say("Ada puts the branch back where it was, and all is well again.");
        fleet.publish().map_err(preparing("the repaired branch"))?;
        self.stage.cosmos(&["run", "--root", text(&root)], Status::Done)?;
        self.stage.unchanged(&root, &before)
    }

    fn an_old_state_is_refused(&mut self, fleet: &Repository, first: Oid, second: Oid) -> Result<(), DemoError> {
        self.stage.chapter(
            "An old state is served again",
            "The attacker has no key, but there is something that is signed: the past. They point the branch at the \
             first commit, to bring back what was mended since. Its signature is good; a host still never goes back.",
        );
        let root = self.place.host("web1");
        let before = self.stage.picture(&root)?;
        fleet.set_server_branch(first).map_err(preparing("an old state"))?;
        self.stage.cosmos(&["run", "--root", text(&root)], Status::Refused)?;
        self.stage.unchanged(&root, &before)?;
        fleet.set_server_branch(second).map_err(preparing("the repaired branch"))
    }

    fn a_renamed_release_is_refused(&mut self, fleet: &Repository, first: Oid, second: Oid) -> Result<(), DemoError> {
        self.stage.chapter(
            "An old release under a new name",
            "In a larger fleet people commit freely and sign one tag for each release. Here is a second host, which \
             follows the tags release-1, release-2 and so on.",
        );
        let root = self.place.host("web2");
        self.prepare_root("web2")?;
        let trust = format!("{first}:{}", self.ada.fingerprint());
        let server = self.place.server();
        let words =
            ["clone", text(&server), "--tags", "release-*", "--trust", &trust, "--fqdn", WEB2, "--root", text(&root)];
        self.stage.cosmos(&words, Status::Done)?;
        self.stage.cosmos(&["run", "--root", text(&root)], Status::Done)?;
        self.stage.holds(&root, "etc/motd", NEW_MOTD)?;
        self.stage.narrator.say(&format!(
            "The attacker publishes the signed tag release-1 once more, as release-3. git and gpg find its signature \
             good. The name inside it is still release-1, so the host stays at release-2 ({}).",
            &second.to_string()[..12],
        ));
        let before = self.stage.picture(&root)?;
        fleet.republish_tag("release-1", "release-3").map_err(preparing("a renamed tag"))?;
        self.stage.cosmos(&["run", "--root", text(&root)], Status::Refused)?;
        self.stage.unchanged(&root, &before)
    }

    fn the_record(&mut self) -> Result<(), DemoError> {
        self.stage.chapter("What the host remembers", "Every change and every refusal, and who signed it.");
        let root = self.place.host("web1");
        self.stage.cosmos(&["log", "--root", text(&root)], Status::Done)?;
        self.stage.narrator.say("That is all of it. To manage a first file of your own: docs/first-file.md");
        Ok(())
    }

    fn prepare_root(&self, name: &str) -> Result<(), DemoError> {
        write(&self.place.host(name).join("etc/hostname"), format!("{name}\n").as_bytes())
            .map_err(preparing("the root of a host"))
    }
}

/// Returns a file of a repository that is not executable.
const fn file<'a>(path: &'a str, content: &'a str) -> ExampleFile<'a> {
    ExampleFile { path, executable: false, content }
}

/// Returns a path as a word of a command line; [`Place::below`] made sure that it is one.
fn text(path: &Path) -> &str {
    path.to_str().expect("a place below a UTF-8 path")
}

/// Returns what makes a [`DemoError`] out of a failed preparation.
fn preparing(what: &'static str) -> impl FnOnce(anyhow::Error) -> DemoError {
    move |source| DemoError::Prepare { what, source }
}
