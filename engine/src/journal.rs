//! The journal: what happened and what was ordered, one record a batch.
//!
//! ```text
//! file   = header record*
//! header = "TYJ1" frame(Header)
//! record = frame(Record)
//! frame  = length: u32 LE, crc32 of the length: u32 LE, crc32 of the payload: u32 LE, payload
//! ```
//!
//! Payloads are postcard. The length has a checksum of its own, so that a damaged length is told from a file that was
//! cut off while it was written. This module turns records into bytes and back; it opens no file.

use serde::{Deserialize, Serialize};

use crate::drive::Record as RecordSink;
use crate::event::{Command, Input};
use crate::inventory::Inventory;

/// First bytes of a journal.
pub const MAGIC: &[u8; 4] = b"TYJ1";
/// Version of the payloads.
pub const VERSION: u32 = 2;
const FRAME: usize = 12;

/// What a replay must know before the first record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the payloads.
    pub version: u32,
    /// Version of the program that wrote it.
    pub trainyard_version: String,
    /// The policy as `name[key=value,...]`.
    pub policy: String,
    /// Whether the jobs carry the users' estimates, which some policies need to know when they are built.
    pub estimates: bool,
    /// Seed of what the policy draws by lot.
    pub seed: u64,
    /// The cluster.
    pub inventory: Inventory,
    /// What else is worth knowing, as `key=value` pairs: trace, physics, seed, load.
    pub notes: Vec<(String, String)>,
}

/// Facts of one instant and the orders that followed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The facts, in the order in which they were applied.
    pub facts: Vec<Input>,
    /// The orders, in the order in which they were carried out.
    pub orders: Vec<Command>,
    /// What a live world wrote down beside them: job files, who asked for what. The engine does not look at it.
    pub notes: Vec<Vec<u8>>,
}

/// What is wrong with a journal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Not a journal.
    #[error("not a Trainyard journal (it does not start with TYJ1)")]
    NotAJournal,
    /// Written by another version.
    #[error("journal version {found}, this program reads version {VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// Bytes were changed.
    #[error("record {record} at byte {offset} is damaged: {what}")]
    Record {
        /// Number of the record; the header is 0, the first batch is 1.
        record: u64,
        /// Where its frame starts.
        offset: usize,
        /// What does not match.
        what: &'static str,
    },
    /// The file ends inside a record: whoever wrote it was stopped there.
    #[error("the file ends inside record {record}, which starts at byte {offset}")]
    Truncated {
        /// Number of the record.
        record: u64,
        /// Where its frame starts: everything before is sound.
        offset: usize,
    },
}

/// Writes frames into memory; the caller brings them to disk.
#[derive(Debug, Default)]
pub struct Writer {
    buffer: Vec<u8>,
    facts: Vec<Input>,
}

impl Writer {
    /// A journal that starts with `header`.
    pub fn new(header: &Header) -> Self {
        let mut writer = Self::default();
        writer.buffer.extend_from_slice(MAGIC);
        writer.frame(header);
        writer
    }

    /// Adds one record.
    pub fn entry(&mut self, entry: &Entry) {
        self.frame(entry);
    }

    /// The bytes so far, which are then forgotten.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// Bytes that wait for [`Writer::take`].
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether no bytes wait.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    fn frame(&mut self, payload: &impl Serialize) {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0; FRAME]);
        // Writing plain data into memory cannot fail; if it ever did, the empty payload would be named on reading.
        if let Ok(buffer) = postcard::to_extend(payload, std::mem::take(&mut self.buffer)) {
            self.buffer = buffer;
        }
        let length = ((self.buffer.len() - start - FRAME) as u32).to_le_bytes();
        let payload_sum = crc32fast::hash(&self.buffer[start + FRAME..]).to_le_bytes();
        self.buffer[start..start + 4].copy_from_slice(&length);
        self.buffer[start + 4..start + 8].copy_from_slice(&crc32fast::hash(&length).to_le_bytes());
        self.buffer[start + 8..start + 12].copy_from_slice(&payload_sum);
    }
}

impl RecordSink for Writer {
    type Error = crate::fault::Fault;

    fn facts(&mut self, batch: &[Input]) -> Result<(), Self::Error> {
        self.facts.clear();
        self.facts.extend_from_slice(batch);
        Ok(())
    }

    fn orders(&mut self, commands: &[Command]) -> Result<(), Self::Error> {
        let facts = std::mem::take(&mut self.facts);
        let entry = Entry { facts, orders: commands.to_vec(), notes: Vec::new() };
        self.frame(&entry);
        self.facts = entry.facts;
        Ok(())
    }
}

/// Reads a journal from memory.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
    record: u64,
}

impl<'a> Reader<'a> {
    /// Reads the header.
    pub fn new(bytes: &'a [u8]) -> Result<(Header, Self), Damage> {
        if !bytes.starts_with(MAGIC) {
            return Err(Damage::NotAJournal);
        }
        let mut reader = Self { bytes, offset: MAGIC.len(), record: 0 };
        let version = |payload: &[u8]| postcard::take_from_bytes::<u32>(payload).ok().map(|(version, _)| version);
        let payload = reader.payload()?.ok_or(Damage::Truncated { record: 0, offset: MAGIC.len() })?;
        if let Some(found) = version(payload).filter(|found| *found != VERSION) {
            return Err(Damage::Version { found });
        }
        let header = reader.decode(payload)?;
        Ok((header, reader))
    }

    /// The next record; `None` at the end.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, Damage> {
        match self.payload()? {
            Some(payload) => self.decode(payload).map(Some),
            None => Ok(None),
        }
    }

    /// Number of the record that was read last.
    pub fn record(&self) -> u64 {
        self.record.saturating_sub(1)
    }

    /// Where the next record starts: everything before is sound.
    pub fn offset(&self) -> usize {
        self.offset
    }

    fn payload(&mut self) -> Result<Option<&'a [u8]>, Damage> {
        let rest = &self.bytes[self.offset..];
        if rest.is_empty() {
            return Ok(None);
        }
        let damaged = |what| Damage::Record { record: self.record, offset: self.offset, what };
        let cut = Damage::Truncated { record: self.record, offset: self.offset };
        let word = |at: usize| rest.get(at..at + 4).and_then(|word| word.try_into().ok()).map(u32::from_le_bytes);
        let (Some(length), Some(length_sum), Some(payload_sum)) = (word(0), word(4), word(8)) else { return Err(cut) };
        if crc32fast::hash(&length.to_le_bytes()) != length_sum {
            return Err(damaged("the checksum of its length does not match"));
        }
        let Some(payload) = rest.get(FRAME..FRAME.saturating_add(length as usize)) else { return Err(cut) };
        if crc32fast::hash(payload) != payload_sum {
            return Err(damaged("the checksum of its content does not match"));
        }
        self.offset += FRAME + payload.len();
        self.record += 1;
        Ok(Some(payload))
    }

    fn decode<T: Deserialize<'a>>(&self, payload: &'a [u8]) -> Result<T, Damage> {
        postcard::from_bytes(payload).map_err(|_| Damage::Record {
            record: self.record(),
            offset: self.offset - payload.len() - FRAME,
            what: "its content cannot be decoded",
        })
    }
}
