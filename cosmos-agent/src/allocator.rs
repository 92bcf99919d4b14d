//! What memory a run keeps: how the C library's allocator is set, and what goes back to the system between two stages.
#![allow(unsafe_code, reason = "the allocator's switches and the program's own pages have no safe form")]

use nix::libc;

/// Blocks from this size on, in bytes, are mapped one by one, and go back to the system when they are freed.
#[cfg(target_env = "gnu")]
const MAPPED: i32 = 128 << 10;

/// Lets every large block go back to the system when it is freed.
///
/// Otherwise the first such block that is freed raises the limit to its own size, and what a host has one of for each
/// file, a megabyte or two at a time, stays in the heap behind what was allocated after it.
pub fn give_back_large_blocks() {
    #[cfg(target_env = "gnu")]
    // SAFETY: sets a number in the allocator, which locks itself; that it may refuse costs memory and nothing else.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED);
    }
}

/// Gives back what the stage that ended here used and the next one does not: free pages of the heap, and the program's.
///
/// Judging, staging and applying each touch other megabytes of the program, and all of them would count to the end.
/// A page that is used again comes from the page cache, sixteen at a time.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: frees nothing that is in use; the allocator locks itself.
    unsafe {
        libc::malloc_trim(0);
    }
    forget_program();
}

/// Lets go of the program's pages that hold code and constants.
fn forget_program() {
    unsafe extern "C" {
        /// Where the program begins: the linker puts headers, constants and code behind it.
        static __executable_start: u8;
        /// Where its code ends. What is written when the program starts comes later, on pages of its own.
        static etext: u8;
    }
    let page = usize::try_from(nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten().unwrap_or(0));
    let Some(page) = page.ok().filter(|page| page.is_power_of_two()) else { return };
    // SAFETY: both are only pointed at. The range is mapped from the program's file and was never written, so the
    // kernel reads a page again when it is touched; that it may refuse costs memory and nothing else.
    unsafe {
        let (start, end) = (&raw const __executable_start, &raw const etext);
        let length = (end.addr() & !(page - 1)).saturating_sub(start.addr());
        libc::madvise(start.cast_mut().cast(), length, libc::MADV_DONTNEED);
    }
}
