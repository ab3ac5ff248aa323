//! Journals of simulated runs, on disk.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use engine::journal::{Header, VERSION, Writer};
use engine::{Command, Input, Record};

use crate::run::RunSpec;
use crate::workload::Workload;

/// Bytes that are kept back before they are written.
const BUFFER_MAX: usize = 1 << 20;

/// A journal that is being written.
#[derive(Debug)]
pub struct JournalFile {
    writer: Writer,
    file: File,
}

/// The header of a journal of `spec`.
pub fn header(spec: &RunSpec<'_>, workload: &Workload<'_>) -> Header {
    let trace = workload.trace();
    let mut notes =
        vec![("trace", trace.source.clone()), ("load", spec.load.to_string()), ("physics", spec.physics.describe())];
    notes.extend(trace.origin.clone().map(|origin| ("origin", origin)));
    Header {
        version: VERSION,
        trainyard_version: env!("CARGO_PKG_VERSION").to_owned(),
        policy: spec.policy.clone(),
        estimates: workload.has_estimates(),
        seed: spec.seed,
        inventory: spec.inventory.clone(),
        notes: notes.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
    }
}

impl JournalFile {
    /// Starts a journal at `path`; a file that is there is replaced.
    pub fn create(path: &Path, header: &Header) -> io::Result<Self> {
        Ok(Self { file: File::create(path)?, writer: Writer::new(header) })
    }

    /// Writes what is kept back, and brings it to disk.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.file.sync_all()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.writer.take())
    }
}

impl Record for JournalFile {
    type Error = io::Error;

    fn facts(&mut self, batch: &[Input]) -> io::Result<()> {
        self.writer.facts(batch).map_err(io::Error::other)
    }

    fn orders(&mut self, commands: &[Command]) -> io::Result<()> {
        self.writer.orders(commands).map_err(io::Error::other)?;
        if self.writer.len() > BUFFER_MAX { self.flush() } else { Ok(()) }
    }
}
