//! Servers and packs that want to be too much: for the fetch tests, and for hosts that meet them.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use crate::servers::{ID, packet, read_request, serve};

/// A server that speaks version 2, lists `main` and then answers the fetch with `pack`, in side-band packets.
pub fn serve_pack(pack: Vec<u8>, repeat_end: bool) -> u16 {
    serve(move |mut client| {
        read_request(&mut client);
        let listing = packet(format!("{ID} refs/heads/main\n").as_bytes());
        let greeting = [packet(b"version 2\n"), b"0000".to_vec(), listing, b"0000".to_vec()].concat();
        let _ = client.write_all(&greeting);
        read_request(&mut client);
        let _ = client.write_all(&packet(b"packfile\n"));
        let send = |client: &mut TcpStream, bytes: &[u8]| client.write_all(&packet(&[b"\x01", bytes].concat()));
        for chunk in pack.chunks(60_000) {
            let _ = send(&mut client, chunk);
        }
        while repeat_end && send(&mut client, &pack[pack.len() - 5..].repeat(10_000)).is_ok() {}
        let _ = client.write_all(b"0000");
    })
}

pub fn pack_of(count: u32, entries: &[u8]) -> Vec<u8> {
    let mut pack = [b"PACK\0\0\0\x02".as_slice(), &count.to_be_bytes(), entries].concat();
    let trailer = openssl::sha::sha1(&pack);
    pack.extend_from_slice(&trailer);
    pack
}

pub fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A number in groups of seven bits, as deltas write sizes.
pub fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// The type and size in front of a pack's entry.
pub fn entry(kind: u8, size: u64) -> Vec<u8> {
    if size < 16 {
        return vec![kind << 4 | size as u8];
    }
    [vec![kind << 4 | size as u8 & 0xf | 0x80], varint(size >> 4)].concat()
}

/// A pack of a few hundred bytes that means 4 GiB.
pub fn delta_bomb() -> Vec<u8> {
    // 64 KiB of zeros, and a delta that copies them 65,536 times: 4 GiB from a pack of a few hundred bytes.
    let block = 0x1_0000;
    let base = [entry(3, block), deflated(&vec![0; block as usize])].concat();
    let copies = 0x1_0000;
    let delta = [varint(block), varint(block * copies), b"\x80".repeat(copies as usize)].concat();
    let name = cosmos_model::object::hash(cosmos_model::object::ObjectKind::Blob, &vec![0; block as usize]).unwrap();
    let second = [entry(7, delta.len() as u64), name.as_bytes().to_vec(), deflated(&delta)].concat();
    pack_of(2, &[base, second].concat())
}

/// A server that lists one ref after the other, for ever.
pub fn serve_a_million_refs() -> u16 {
    serve(|mut client| {
        let lines = packet(format!("{ID} refs/heads/main\n").as_bytes()).repeat(1000);
        let _ = client.write_all(&[packet(b"version 2\n"), b"0000".to_vec()].concat());
        while client.write_all(&lines).is_ok() {}
    })
}

/// A server that lists a ref now and then.
pub fn serve_dripping_refs() -> u16 {
    serve(|mut client| {
        let _ = client.write_all(&[packet(b"version 2\n"), b"0000".to_vec()].concat());
        while client.write_all(&packet(format!("{ID} refs/tags/v\n").as_bytes())).is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
    })
}

/// A server that lists a ref and then says for ever that it is getting on with the pack.
pub fn serve_a_dripping_pack() -> u16 {
    serve(|mut client| {
        read_request(&mut client);
        let listing = packet(format!("{ID} refs/heads/main\n").as_bytes());
        let _ = client.write_all(&[packet(b"version 2\n"), b"0000".to_vec(), listing, b"0000".to_vec()].concat());
        read_request(&mut client);
        let _ = client.write_all(&packet(b"packfile\n"));
        while client.write_all(&packet(b"\x02still counting\n")).is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    })
}

/// A pack of one blob of stored (uncompressed) blocks, the last of which a server may repeat for ever.
pub fn endless_pack() -> Vec<u8> {
    [b"PACK\0\0\0\x02\0\0\0\x01".as_slice(), &entry(3, 1 << 40), b"\x78\x01", b"\x00\x00\x00\xff\xff"].concat()
}
