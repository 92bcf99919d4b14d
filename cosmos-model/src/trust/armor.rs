//! The bytes inside a signature block: what the library's own reader does with buffers for a whole file.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Returns the packets of an armored block that is written as git and gpg write it; `None` leaves it to the library.
///
/// The checksum is not looked at, as RFC 9580 asks: a block that is damaged holds no good signature.
pub fn packets(block: &[u8]) -> Option<Vec<u8>> {
    let mut lines = core::str::from_utf8(block).ok()?.lines().map(str::trim_ascii_end);
    lines.next().filter(|line| *line == "-----BEGIN PGP SIGNATURE-----")?;
    // Headers such as 'Comment: …' end with an empty line.
    lines.by_ref().find(|line| line.is_empty())?;
    let mut text = String::with_capacity(block.len());
    for line in lines {
        if line.starts_with('=') || line.starts_with('-') {
            return STANDARD.decode(text).ok().filter(|packets| !packets.is_empty());
        }
        text.push_str(line);
    }
    None
}
