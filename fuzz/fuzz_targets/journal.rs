//! The reader of journals: whatever the bytes are, it names the damage or gives records, and never panics.
//!
//! Random bytes do not get past the checksums. So the input is also cut into payloads that are framed with the right
//! checksums, which brings them to the decoders of the header and, after a sound header, of the records; and the result
//! is cut short at a place that the input chooses.

#![no_main]

use std::sync::LazyLock;

use engine::Inventory;
use engine::journal::{Damage, Header, MAGIC, Reader, VERSION, Writer};
use libfuzzer_sys::fuzz_target;

/// A journal with a sound header and nothing else.
static EMPTY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let header = Header {
        version: VERSION,
        trainyard_version: "0".to_owned(),
        policy: "fifo".to_owned(),
        estimates: false,
        seed: 0,
        inventory: Inventory::uniform(2, 8, "A100"),
        notes: Vec::new(),
    };
    Writer::new(&header).take()
});

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    read(&framed(MAGIC, bytes));
    let journal = framed(&EMPTY, bytes);
    read(&journal);
    let cut = bytes.first().map_or(0, |byte| journal.len() * usize::from(*byte) / 256);
    read(&journal[..cut]);
});

/// Reads to the end or to the first damage, and checks what is said about it.
fn read(bytes: &[u8]) {
    let Ok((_, mut reader)) = Reader::new(bytes) else { return };
    let (mut before, mut records) = (reader.offset(), 0);
    loop {
        match reader.next_entry() {
            Ok(Some(_)) => records += 1,
            Ok(None) => {
                assert_eq!(reader.offset(), bytes.len(), "the end was reported before the end");
                return;
            }
            Err(Damage::Record { record, offset, .. } | Damage::Truncated { record, offset }) => {
                assert_eq!(record, records + 1, "the damage is in the record after the last sound one");
                assert_eq!(offset, before, "the damage starts where the last sound record ends");
                return;
            }
            Err(damage) => panic!("{damage} after the header"),
        }
        assert!(reader.offset() > before && reader.offset() <= bytes.len(), "the reader must move on");
        before = reader.offset();
    }
}

/// `start`, and the input as sound frames after it: a byte of length, then so many bytes of payload, and so on.
fn framed(start: &[u8], mut bytes: &[u8]) -> Vec<u8> {
    let mut out = start.to_vec();
    while let Some((length, rest)) = bytes.split_first() {
        let (payload, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        let length = (payload.len() as u32).to_le_bytes();
        out.extend_from_slice(&length);
        out.extend_from_slice(&crc32fast::hash(&length).to_le_bytes());
        out.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
        out.extend_from_slice(payload);
        bytes = rest;
    }
    out
}
