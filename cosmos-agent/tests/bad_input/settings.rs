//! Settings files that are missing, unreadable or wrong.

use std::fs;

use crate::support::{Settled, World, put};

#[test]
fn a_host_that_was_never_introduced_is_told_how_to_begin() {
    let world = World::new();
    let host = world.host("ns1");
    world.on(&host, &["run"]).complains(
        2,
        "error: '/etc/cosmos/trust.toml' is missing\n\
         hint: run 'cosmos clone URL --trust COMMIT:FINGERPRINT' first\n",
    );
}

#[test]
fn unreadable_settings_stop_a_run_before_anything_else() {
    let settled = Settled::new();
    let path = settled.host.join("etc/cosmos/trust.toml");
    fs::remove_file(&path).expect("the settings were there");
    fs::create_dir(&path).expect("a folder in their place");
    settled.stays(
        2,
        "error: '/etc/cosmos/trust.toml' is not a regular file\n\
             hint: move it away, then restore the file from where it came from\n",
    );
    fs::remove_dir(&path).expect("the folder");
    fs::write(&path, b"\xff\xfe").expect("bytes that are no text");
    settled.stays(
        2,
        "error: '/etc/cosmos/trust.toml' is not a text of at most 1 MiB in UTF-8\n\
         hint: restore the file from where it came from\n",
    );
}

#[test]
fn unknown_keys_of_all_settings_files_are_named_with_file_and_line_at_once() {
    let settled = Settled::new();
    put(&settled.host, "etc/cosmos/agent.toml", "splay = \"5m\"\ncolour = \"green\"\n");
    put(&settled.host, "etc/cosmos/agent.d/10-site.toml", "task-timeout = \"0s\"\n");
    settled.stays(
        2,
        "error: '/etc/cosmos/agent.toml' line 2, colour: unknown key (known here: format, schedule, \
             splay, stale-after, remove-dropped, verify-content, pass-environment, task-timeout, \
             task-output, stamp, backup-size, log-size, generations, on-probe-failure, limits)\n\
             '/etc/cosmos/agent.d/10-site.toml' line 1, task-timeout: a time of zero (no task can end in no \
             time; use at least 1s)\n\
             hint: every key is described in docs/formats.md, sections 1 and 2\n",
    );
}

#[test]
fn settings_from_the_future_say_which_format_they_have() {
    let settled = Settled::new();
    put(&settled.host, "etc/cosmos/agent.toml", "format = 2\nnew = true\n");
    settled.stays(
        2,
        "error: '/etc/cosmos/agent.toml' line 1, format: format 2 needs a later cosmos than 0.1.0 (this \
             one reads format 1: install the later one)\n\
             hint: every key is described in docs/formats.md, sections 1 and 2\n",
    );
}
