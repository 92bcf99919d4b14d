//! How the C library's allocator keeps memory: `main` sets it before anything is allocated that counts.
#![allow(unsafe_code, reason = "the allocator's switches have no safe form")]

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
        nix::libc::mallopt(nix::libc::M_MMAP_THRESHOLD, MAPPED);
    }
}
