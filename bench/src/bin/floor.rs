//! The least work that a run which changes nothing can do, in one process and nothing else: one round trip for the
//! refs, one signature, one lstat a file, the tasks. The agent's budget is a multiple of what this takes.
//!
//! `floor ADDRESS REPOSITORY PREFIX SIGNED SIGNATURE CERTIFICATE PATHS TASKS`: the git daemon's address, the path it
//! serves, the ref prefix to list; files that hold a signed text, its detached signature, the certificate; a file with
//! one path a line; a folder of scripts. `floor TASKS` runs the scripts and does nothing else: what they take is in
//! every variant, and can be taken off all of them.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::linux::net::TcpStreamExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use sequoia_openpgp as openpgp;

use openpgp::parse::Parse;
use openpgp::parse::stream::{DetachedVerifierBuilder, MessageLayer, MessageStructure, VerificationHelper};
use openpgp::policy::StandardPolicy;

type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, repository, prefix, signed, signature, certificate, paths, tasks] = match arguments.as_slice() {
        [tasks] => return run_tasks(Path::new(tasks)).map(|_| ()),
        arguments => <&[String; 8]>::try_from(arguments)
            .map_err(|_| "one or eight arguments are needed; the top of this program's source says which")?,
    };
    let refs = look(address, repository, prefix)?;
    verify(Path::new(signed), Path::new(signature), Path::new(certificate))?;
    let files = observe(Path::new(paths))?;
    let run = run_tasks(Path::new(tasks))?;
    println!("{refs} bytes of refs, {files} files, {run} tasks");
    Ok(())
}

/// One packet line of git's protocol: four hex digits of length, then the text.
fn packet(text: &str) -> String {
    format!("{:04x}{text}", text.len() + 4)
}

/// Lists refs by protocol version 2 with everything said in one write; returns the answer's length.
fn look(address: &str, repository: &str, prefix: &str) -> Result<usize, Failure> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let greeting = packet(&format!("git-upload-pack {repository}\0host={address}\0\0version=2\0"));
    let command = packet("command=ls-refs\n");
    let wanted = packet(&format!("ref-prefix {prefix}\n"));
    stream.write_all(format!("{greeting}{command}0001{wanted}0000").as_bytes())?;
    let (mut answer, mut buffer) = (Vec::new(), [0; 65536]);
    // Two flush packets: one ends the capabilities, one the refs.
    while count_flushes(&answer) < 2 {
        stream.set_quickack(true)?;
        match stream.read(&mut buffer)? {
            0 => return Err("the server closed the connection early".into()),
            length => answer.extend_from_slice(&buffer[..length]),
        }
    }
    stream.write_all(b"0000")?;
    Ok(answer.len())
}

/// Counts the flush packets among the complete packet lines.
fn count_flushes(mut bytes: &[u8]) -> usize {
    let mut flushes = 0;
    while let Some(length) = bytes.get(..4).and_then(|digits| std::str::from_utf8(digits).ok()) {
        let length = usize::from_str_radix(length, 16).unwrap_or(0);
        flushes += usize::from(length == 0);
        bytes = bytes.get(length.max(4)..).unwrap_or_default();
    }
    flushes
}

/// Knows one certificate and accepts a text that carries a good signature by it.
struct OneSigner(openpgp::Cert);

impl VerificationHelper for OneSigner {
    fn get_certs(&mut self, _ids: &[openpgp::KeyHandle]) -> openpgp::Result<Vec<openpgp::Cert>> {
        Ok(vec![self.0.clone()])
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> openpgp::Result<()> {
        let good = structure.into_iter().any(|layer| match layer {
            MessageLayer::SignatureGroup { results } => results.iter().any(Result::is_ok),
            _ => false,
        });
        if good { Ok(()) } else { Err(openpgp::Error::BadSignature("no good signature".into()).into()) }
    }
}

fn verify(signed: &Path, signature: &Path, certificate: &Path) -> Result<(), Failure> {
    let policy = StandardPolicy::new();
    let signer = OneSigner(openpgp::Cert::from_file(certificate)?);
    DetachedVerifierBuilder::from_file(signature)?.with_policy(&policy, None, signer)?.verify_file(signed)?;
    Ok(())
}

fn observe(paths: &Path) -> Result<usize, Failure> {
    let list = fs::read_to_string(paths)?;
    for path in list.lines() {
        fs::symlink_metadata(path)?;
    }
    Ok(list.lines().count())
}

fn run_tasks(folder: &Path) -> Result<usize, Failure> {
    let mut tasks = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, Failure>>()?;
    tasks.sort();
    for task in &tasks {
        let status = Command::new(task).env_clear().stdin(Stdio::null()).status()?;
        if !status.success() {
            return Err(format!("'{}' failed", task.display()).into());
        }
    }
    Ok(tasks.len())
}
