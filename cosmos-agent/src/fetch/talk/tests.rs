//! A child that was taken over: whatever it sends, the parent's limits hold and its store stays as it was.

use super::*;

use std::io::Write;

use cosmos_model::object::{self, ObjectKind};

use crate::fork;
use crate::store::{FOLDER, Store};

type Out<'a> = &'a mut dyn Write;

/// Forks a child that looks like one and does `work`; returns what listens to it.
fn talk(limits: &Limits, work: impl Fn(&mut &UnixStream)) -> Talk {
    let forked = fork::fork(|mut socket| {
        send(&mut socket, Type::Sandbox, 0, &[Layer::Calls.bit()]);
        work(&mut socket);
        7
    });
    Talk::with(forked.unwrap(), vec!["a".to_owned(), "b".to_owned()], limits).unwrap()
}

fn send(out: Out<'_>, kind: Type, remote: u8, payload: &[u8]) {
    let _ = frame::write(out, kind, remote, &[payload]);
}

/// Runs a look with a child that does `work`, and returns both remotes' answers, where there is one, and the error.
fn look(limits: &Limits, work: impl Fn(Out<'_>)) -> ([Option<Result<usize, String>>; 2], Option<String>) {
    let mut looked = talk(limits, |socket| work(socket)).look(&[0, 1]);
    assert_eq!(looked.layers, Some([Layer::Calls].into()));
    let answers = [0, 1].map(|remote| {
        looked.answers.remove(&remote).map(|answer| answer.map(|refs| refs.len()).map_err(|error| error.to_string()))
    });
    (answers, looked.error.map(|error| error.to_string()))
}

const REF: &[u8] = b"\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01refs/heads/main";

#[test]
fn a_look_keeps_what_came_before_the_child_ended_or_broke_the_frames() {
    let limits = Limits { look: Duration::from_secs(60), refs: 2, ..Limits::default() };
    let failed = |reason: &str| ([None, Some(Ok(1))], Some(format!("the fetching process failed while at {reason}")));
    let good = |out: Out<'_>| {
        send(out, Type::Ref, 1, REF);
        send(out, Type::EndOfRefs, 1, b"");
    };
    assert_eq!(look(&limits, good), failed("'a': exit status 7"));
    let twice = look(&limits, |out| {
        good(out);
        good(out);
    });
    assert_eq!(twice, failed("'a': it answered for a remote it was not asked about"));
    let flood = look(&limits, |out| {
        good(out);
        (0..100).for_each(|_| send(out, Type::Ref, 0, REF));
    });
    assert_eq!(flood, ([None, Some(Ok(1))], Some("'a' sends more than the limit of 2 refs".to_owned())));
    let long = look(&limits, |out| {
        good(out);
        send(out, Type::Ref, 0, &[1; 5000]);
    });
    assert_eq!(long, failed("'a': it sent a frame that does not belong into a look"));
    let escape = look(&limits, |out| {
        good(out);
        send(out, Type::Failure, 0, b"\0\x1b[2J");
    });
    assert_eq!(escape, ([Some(Err("cannot fetch from 'a': \\x1b[2J".to_owned())), Some(Ok(1))], None));
    let unknown = look(&limits, |out| {
        good(out);
        let _ = out.write_all(b"?\0\0\0\0\0");
    });
    assert_eq!(unknown, failed("'a': a frame of an unknown type"));
}

#[test]
fn a_look_at_a_child_that_says_nothing_ends_with_its_time() {
    let limits = Limits { look: Duration::ZERO, ..Limits::default() };
    let looked = look(&limits, |_| std::thread::sleep(Duration::from_secs(60)));
    assert_eq!(looked, ([None, None], Some("'a' took longer than 0 s".to_owned())));
}

/// Runs a fetch with a child that answers with `work`, and tells the result and how many packs the store has then.
fn fetch(limits: &Limits, wants: &[ObjectId], work: impl Fn(Out<'_>)) -> (Result<u32, String>, usize) {
    let cache = tempfile::tempdir().unwrap();
    let mut talk = talk(limits, |socket| {
        let request = frame::read_header(socket).unwrap();
        frame::read_payload(socket, request).unwrap();
        work(socket);
    });
    talk.layers(0).unwrap();
    let store = Store::at(cache.path().join(FOLDER));
    let fetched = talk.fetch(0, [wants, &[]], &mut (), &store);
    assert_eq!(talk.in_step, fetched.is_ok());
    let packs = std::fs::read_dir(store.path().join("objects/pack")).map_or(0, Iterator::count);
    (fetched.map(|fetched| fetched.objects).map_err(|error| crate::store::chain(&error)), packs)
}

#[test]
fn a_fetch_holds_its_limits_whatever_the_child_sends() {
    let limits = Limits { objects: 2, object_size: 100, transfer: 10, ..Limits::default() };
    let number = |out: Out<'_>, count: u32| send(out, Type::Number, 0, &count.to_le_bytes());
    let blob = |out: Out<'_>, size: usize| send(out, Type::Object, 0, &[&[3], &vec![b'x'; size][..]].concat());
    let id = object::hash(ObjectKind::Blob, b"xxxx").unwrap();
    let whole = fetch(&limits, &[id], |out| {
        number(out, 1);
        blob(out, 4);
        send(out, Type::Done, 0, b"");
    });
    assert_eq!(whole, (Ok(1), 2));

    let failed = |reason: &str| (Err(format!("the fetching process failed while at 'a': {reason}")), 0);
    let limited = |reason: &str| (Err(format!("'a' sends more than the limit of {reason}")), 0);
    assert_eq!(fetch(&limits, &[], |out| number(out, 3)), limited("2 objects"));
    let too_large = fetch(&limits, &[], |out| {
        number(out, 1);
        blob(out, 101);
    });
    assert_eq!(too_large, limited("100 bytes in one object"));
    let too_much = fetch(&limits, &[], |out| {
        number(out, 2);
        blob(out, 90);
        blob(out, 90);
    });
    assert_eq!(too_much, limited("160 inflated bytes"));
    let too_few = fetch(&limits, &[], |out| {
        number(out, 2);
        blob(out, 4);
        send(out, Type::Done, 0, b"");
    });
    assert_eq!(too_few, failed("it sent fewer objects than it announced"));
    let too_many = fetch(&limits, &[], |out| {
        number(out, 1);
        blob(out, 4);
        blob(out, 4);
    });
    assert_eq!(too_many, failed("it sent more objects than it announced"));
    let cut = fetch(&limits, &[], |out| {
        number(out, 1);
        let _ = out.write_all(b"O\0\x40\0\0\0\x03half");
    });
    assert_eq!(cut, failed("exit status 7"));
    let odd_kind = fetch(&limits, &[], |out| {
        number(out, 1);
        send(out, Type::Object, 0, b"\x09");
    });
    assert_eq!(odd_kind, failed("it sent an object of no kind"));
    let other_remote = fetch(&limits, &[], |out| send(out, Type::Number, 1, &[0; 4]));
    assert_eq!(other_remote, failed("it answered for another remote"));
}
