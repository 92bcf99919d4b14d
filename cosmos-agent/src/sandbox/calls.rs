//! seccomp: the system calls that exist for the child. All others are answered as a kernel would that lacks them.
//!
//! An error instead of a kill: the resolver's modules are the host's choice, try what may not be there, and go on
//! without.
#![allow(unsafe_code, reason = "installing a filter has no safe form")]

use nix::errno::Errno;
use nix::libc::{self, c_long, sock_filter};

/// Memory, threads, time, files, and the pipe to the parent.
const ALWAYS: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_openat,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_fcntl,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_getdents64,
    libc::SYS_unlinkat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_mkdirat,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_fadvise64,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getcwd,
    libc::SYS_umask,
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getppid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_restart_syscall,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_uname,
    libc::SYS_sysinfo,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_sendto,
    libc::SYS_recvfrom,
    libc::SYS_setsockopt,
    libc::SYS_getsockopt,
    libc::SYS_shutdown,
];

/// The same, as older C libraries call them; other processors never had these.
#[cfg(target_arch = "x86_64")]
const OLDER: &[c_long] = &[
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_dup2,
    libc::SYS_time,
    libc::SYS_getdents,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[c_long] = &[];

/// Speaking to others.
const NETWORK: &[c_long] = &[
    libc::SYS_connect,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
];

/// The processor's number in a filter's view of a call, from `linux/audit.h`.
const ARCHITECTURE: u32 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };

/// What becomes of a call.
#[derive(Clone, PartialEq)]
enum Verdict {
    Absent,
    Allowed,
    /// Allowed when this argument is one of these values.
    If(u32, Vec<u32>),
    /// Allowed when this argument has this bit.
    IfBit(u32, u32),
}

/// Installs the filter and tells whether the kernel has one; `local` allows sockets of this machine's services.
pub(super) fn shut_off(network: bool, local: bool) -> Result<bool, super::SandboxError> {
    let program = program(ARCHITECTURE, &verdicts(network, local));
    match install(&program) {
        Ok(()) => Ok(true),
        // Not built into this kernel.
        Err(Errno::EINVAL | Errno::ENOSYS) => Ok(false),
        Err(error) => Err(super::SandboxError::Calls(error)),
    }
}

/// Returns the verdict of each call that is not absent, sorted by number.
fn verdicts(network: bool, local: bool) -> Vec<(u32, Verdict)> {
    let number = |call: c_long| u32::try_from(call).expect("calls are small numbers");
    let mut allowed = [ALWAYS, OLDER].concat();
    let own = std::process::id();
    let mut verdicts = vec![
        // Threads, but no processes. A newer way to ask hides the flags: it does not exist, and libraries know what to
        // do.
        (libc::SYS_clone, Verdict::IfBit(0, libc::CLONE_THREAD.cast_unsigned())),
        // A thread that gives up ends its own process and nobody else.
        (libc::SYS_tgkill, Verdict::If(0, vec![own])),
        (libc::SYS_prctl, Verdict::If(0, vec![libc::PR_SET_NAME.cast_unsigned()])),
        (libc::SYS_ioctl, Verdict::If(1, [libc::FIONBIO, libc::FIONREAD].map(|request| request as u32).to_vec())),
    ];
    if network {
        allowed.extend(NETWORK);
        let mut families = vec![libc::AF_INET.cast_unsigned(), libc::AF_INET6.cast_unsigned()];
        families.extend(local.then_some(libc::AF_UNIX.cast_unsigned()));
        verdicts.push((libc::SYS_socket, Verdict::If(0, families)));
    }
    verdicts.extend(allowed.into_iter().map(|call| (call, Verdict::Allowed)));
    let mut verdicts: Vec<_> = verdicts.into_iter().map(|(call, verdict)| (number(call), verdict)).collect();
    verdicts.sort_unstable_by_key(|(call, _)| *call);
    verdicts
}

/// Compiles the verdicts into a tree: the kernel asks it about every call there is when it is installed.
fn program(architecture: u32, verdicts: &[(u32, Verdict)]) -> Vec<sock_filter> {
    /// Where a filter finds the call's number and its processor, in bytes.
    const NUMBER: u32 = 0;
    const PROCESSOR: u32 = 4;
    // From here on, each number up to the next has this verdict.
    let mut starts = vec![(0, Verdict::Absent)];
    for (call, verdict) in verdicts {
        for (start, verdict) in [(*call, verdict.clone()), (*call + 1, Verdict::Absent)] {
            if starts.last().is_some_and(|(last, _)| *last == start) {
                starts.pop();
            }
            if starts.last().is_none_or(|(_, last)| *last != verdict) {
                starts.push((start, verdict));
            }
        }
    }
    let mut program =
        vec![load(PROCESSOR), jump(libc::BPF_JEQ, architecture, 1, 0), end(errno(libc::ENOSYS)), load(NUMBER)];
    program.extend(tree(&starts));
    program
}

fn tree(starts: &[(u32, Verdict)]) -> Vec<sock_filter> {
    if let [(_, verdict)] = starts {
        return leaf(verdict);
    }
    let (low, high) = starts.split_at(starts.len() / 2);
    let low = tree(low);
    let mut program = vec![jump(libc::BPF_JGE, high[0].0, u8::try_from(low.len()).expect("a small tree"), 0)];
    program.extend(low);
    program.extend(tree(high));
    program
}

fn leaf(verdict: &Verdict) -> Vec<sock_filter> {
    /// Where a filter finds the low half of the first argument, and how far the next is; no value here needs more.
    const ARGUMENTS: u32 = 16;
    const WIDTH: u32 = 8;
    let allow = end(libc::SECCOMP_RET_ALLOW);
    let refuse = end(errno(libc::EPERM));
    match verdict {
        Verdict::Absent => vec![end(errno(libc::ENOSYS))],
        Verdict::Allowed => vec![allow],
        Verdict::If(argument, values) => {
            let mut program = vec![load(ARGUMENTS + WIDTH * argument)];
            program.extend(values.iter().flat_map(|value| [jump(libc::BPF_JEQ, *value, 0, 1), allow]));
            program.push(refuse);
            program
        }
        Verdict::IfBit(argument, bit) => {
            vec![load(ARGUMENTS + WIDTH * argument), jump(libc::BPF_JSET, *bit, 0, 1), allow, refuse]
        }
    }
}

const fn errno(number: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | number.cast_unsigned()
}

const fn load(offset: u32) -> sock_filter {
    sock_filter { code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, jt: 0, jf: 0, k: offset }
}

const fn jump(test: u32, value: u32, then: u8, otherwise: u8) -> sock_filter {
    sock_filter { code: (libc::BPF_JMP | test | libc::BPF_K) as u16, jt: then, jf: otherwise, k: value }
}

const fn end(verdict: u32) -> sock_filter {
    sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: verdict }
}

fn install(program: &[sock_filter]) -> Result<(), Errno> {
    let length = u16::try_from(program.len()).expect("a filter has some hundred instructions");
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    // SAFETY: the kernel copies the program, which lives through the call, and writes nothing.
    let installed =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0_usize, &raw const program) };
    Errno::result(installed).map(drop)
}
