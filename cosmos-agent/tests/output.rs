//! What people read: the whole output of a small story, as it is printed when nobody watches on a terminal.

mod support;

use support::{NAME, Ran, Settled, World, put};

/// The words typed and everything said, with what differs from run to run replaced.
struct Story<'w> {
    world: &'w World,
    replaced: Vec<(String, String)>,
    text: String,
}

impl Story<'_> {
    fn tell(&mut self, words: &[&str], ran: &Ran) {
        self.text += &format!("$ cosmos {}\n{}{}", words.join(" "), ran.stdout, ran.stderr);
        if ran.status != 0 {
            self.text += &format!("[exit status {}]\n", ran.status);
        }
        self.text.push('\n');
    }

    /// Replaces an id wherever it stands, whole or by its first twelve digits.
    fn name(&mut self, id: &str, name: &str) {
        self.replaced.push((id.to_owned(), format!("[{name}]")));
        self.replaced.push((id[..12].to_owned(), format!("[{name}]")));
    }

    fn told(mut self) -> String {
        for (id, name) in &self.replaced {
            self.text = self.text.replace(id, name);
        }
        assert!(!self.text.contains(&self.world.path("").display().to_string()));
        // Which layers the fetching child is in is the kernel's matter and the user's.
        let layers =
            |line: &str| if line.starts_with("sandbox ") { "sandbox   [layers]\n".into() } else { format!("{line}\n") };
        without_times(&self.text.lines().map(layers).collect::<String>())
    }
}

/// Replaces times in UTC by a word.
fn without_times(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('T').filter(|_| rest.len() > 20) {
        let is_time = at >= 10 && rest[at + 1..].len() >= 9 && rest.as_bytes()[at + 9] == b'Z';
        if is_time && rest.is_char_boundary(at - 10) && rest[at - 10..at].starts_with("20") {
            out.push_str(&rest[..at - 10]);
            out.push_str("[time]");
            rest = &rest[at + 10..];
        } else {
            out.push_str(&rest[..=at]);
            rest = &rest[at + 1..];
        }
    }
    out + rest
}

#[test]
fn the_story_of_a_host_reads_so() {
    let world = World::new();
    let ada = world.operator("ada", "ed25519");
    let trust = world.found(&[&ada]);
    world.write("global/overlay/etc/motd", "hello\n");
    world.write("global/post-tasks.d/010note", "#!/bin/sh\necho noted\n");
    let first = world.commit(&ada, "Say hello");
    let host = world.host(NAME);
    let mut story = Story { world: &world, replaced: Vec::new(), text: String::new() };
    story.name(&ada.fingerprint, "ada");
    story.name(&trust, "introduction");
    story.name(&first, "first");

    let words = world.clone_words(NAME, &trust, &ada);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    story.tell(&["clone", "URL", "--trust", "COMMIT:FINGERPRINT"], &world.on(&host, &words));
    let type_in = |story: &mut Story<'_>, words: &[&str]| story.tell(words, &world.on(&host, words));
    type_in(&mut story, &["plan", "-v"]);
    type_in(&mut story, &["run"]);
    type_in(&mut story, &["run"]);

    world.write("global/overlay/etc/motd", "hello\nand welcome\n");
    world.write("global/overlay/etc/issue", "ns1\n");
    let second = world.commit(&ada, "Say welcome");
    story.name(&second, "second");
    type_in(&mut story, &["update"]);
    type_in(&mut story, &["plan"]);
    type_in(&mut story, &["run"]);
    put(&host, "etc/motd", "somebody was here\n");
    std::fs::remove_file(host.join("etc/issue")).expect("a file");
    type_in(&mut story, &["drift"]);
    type_in(&mut story, &["run"]);
    type_in(&mut story, &["status"]);
    type_in(&mut story, &["verify"]);

    world.write("global/overlay/etc/motd", "owned\n");
    let unsigned = world.commit_unsigned("No signature");
    story.name(&unsigned, "unsigned");
    type_in(&mut story, &["run"]);
    type_in(&mut story, &["verify"]);
    type_in(&mut story, &["status"]);
    type_in(&mut story, &["log"]);
    let policy = world.git(&["rev-parse", "HEAD:openpgp-policy.toml"]);
    story.name(policy.trim(), "policy");
    insta::assert_snapshot!(story.told());
}

#[test]
fn the_help_of_run_reads_so() {
    let ran = World::new().cosmos(&["run", "--help"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(ran.stdout);
}

#[test]
fn a_task_that_fails_reads_so() {
    let settled = Settled::new();
    settled.world.write("global/pre-tasks.d/010fail", "#!/bin/sh\necho looking\necho no disk >&2\nexit 7\n");
    settled.commit();
    let ran = settled.run();
    let status = settled.world.on(&settled.host, &["status"]);
    let failing = status.stdout.lines().find(|line| line.starts_with("failing")).unwrap_or_default();
    insta::assert_snapshot!(without_times(&format!("{}{}{failing}\n", ran.stdout, ran.stderr)));
}

/// Runs `cosmos run --verbose` with its standard output going there; returns the exit status and standard error.
fn run_printing_to(settled: &Settled, stdout: impl Into<std::process::Stdio>) -> (Option<i32>, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cosmos"));
    let run = command.arg("--root").arg(&settled.host).args(["run", "--verbose"]).stdout(stdout);
    let ended = run.stderr(std::process::Stdio::piped()).output().expect("the agent runs");
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
}

#[test]
fn a_run_whose_reader_left_is_finished_and_remembered() {
    let settled = Settled::new();
    settled.world.write("global/overlay/etc/motd", "hello again\n");
    settled.commit();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    assert_eq!(run_printing_to(&settled, writer), (Some(0), String::new()));
    assert_eq!(support::read(&settled.host, "etc/motd"), "hello again\n");
    settled.run().prints("");
}

#[test]
fn what_a_full_disk_swallowed_of_the_output_is_said_once_and_the_run_is_finished() {
    let settled = Settled::new();
    settled.world.write("global/overlay/etc/motd", "hello again\n");
    settled.commit();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let complaint = "error: cannot write to standard output: No space left on device (os error 28)\n\
                     hint: the command itself went on; repeat what only shows something where there is room\n";
    assert_eq!(run_printing_to(&settled, full), (Some(1), complaint.to_owned()));
    assert_eq!(support::read(&settled.host, "etc/motd"), "hello again\n");
}
