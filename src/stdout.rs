//! The way to stdout. Whoever reads it may stop reading, as `head` does: that ends the command in silence.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;

use crate::error::Error;

/// Shows `text` as it is.
pub(crate) fn show(text: &str) -> Result<(), Error> {
    write_with(|out| out.write_all(text.as_bytes()))
}

/// Shows `value` as JSON, indented.
pub(crate) fn show_json(value: &impl Serialize) -> Result<(), Error> {
    show(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// Lets `write` write to stdout.
pub(crate) fn write_with(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
    let mut out = io::BufWriter::new(Pipe { out: io::stdout().lock(), end: End::Open });
    let outcome = write(&mut out).and_then(|()| out.flush());
    let (pipe, _) = out.into_parts();
    match (outcome, pipe.end) {
        (_, End::Closed) => Err(Error::NobodyReads),
        (Ok(()), End::Open) => Ok(()),
        (Err(error), End::Open) => {
            let hint = "check where stdout goes, and the space left";
            Err(Error::failed(format!("cannot write to stdout: {error}"), hint))
        }
    }
}

/// Whether somebody reads.
#[derive(Clone, Copy)]
enum End {
    Open,
    Closed,
}

/// Stdout that remembers that its reader has gone: encoders on the way wrap the error and hide its kind.
struct Pipe<W> {
    out: W,
    end: End,
}

impl<W> Pipe<W> {
    fn noted<T>(&mut self, outcome: io::Result<T>) -> io::Result<T> {
        if outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
            self.end = End::Closed;
        }
        outcome
    }
}

impl<W: Write> Write for Pipe<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let outcome = self.out.write(bytes);
        self.noted(outcome)
    }

    fn flush(&mut self) -> io::Result<()> {
        let outcome = self.out.flush();
        self.noted(outcome)
    }
}
