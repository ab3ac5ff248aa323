//! The log of the server on stderr. Nothing that schedules waits for it: where nobody reads, lines are left out and counted.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::cli::LogFormat;
use crate::error::Error;

const VARIABLE: &str = "TRAINYARD_LOG";
const DEFAULT: &str = "trainyard=info";
/// Lines that may wait for whoever reads stderr.
const WAITING_MAX: usize = 8192;
/// Longest wait for them at the end.
const END_MAX: Duration = Duration::from_secs(2);

enum Message {
    Line(Vec<u8>),
    /// All before it is to be written.
    End(SyncSender<()>),
}

/// The log, once it is begun.
#[derive(Clone)]
pub(super) struct Log {
    lines: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

/// Begins the log. `filter` goes before the variable.
pub(super) fn start(filter: Option<&str>, format: LogFormat) -> Result<Log, Error> {
    let log = Log::to(io::stderr()).map_err(|error| {
        Error::failed(format!("the log cannot be written: {error}"), "raise the limit of processes")
    })?;
    let (filter, from) = match (filter, std::env::var(VARIABLE).ok().filter(|text| !text.is_empty())) {
        (Some(filter), _) => (filter.to_owned(), "--log"),
        (None, Some(filter)) => (filter, VARIABLE),
        (None, None) => (DEFAULT.to_owned(), DEFAULT),
    };
    let filter = EnvFilter::try_new(&filter).map_err(|error| {
        let hint =
            "write TARGET=LEVEL with commas between, such as trainyard=debug; levels are error, warn, info, debug";
        Error::input(format!("{from}: `{filter}` is no filter: {error}"), hint)
    })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(log.clone());
    let begun = match format {
        LogFormat::Text => tracing::subscriber::set_global_default(lines.finish()),
        LogFormat::Json => tracing::subscriber::set_global_default(lines.json().flatten_event(true).finish()),
    };
    begun.map_err(|error| Error::failed(format!("the log cannot be begun: {error}"), "report this"))?;
    Ok(log)
}

impl Log {
    /// A log whose lines a thread of its own writes to `out`.
    fn to(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, receiver) = sync_channel(WAITING_MAX);
        thread::Builder::new().name("log".to_owned()).spawn(move || write_all(&receiver, out))?;
        Ok(Self { lines, dropped: Arc::default() })
    }

    /// Where it stands how many lines were left out.
    pub(super) fn dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.dropped)
    }

    /// Waits until all is written, though not for ever.
    pub(super) fn end(&self) {
        let (done, wait) = sync_channel(1);
        if self.lines.try_send(Message::End(done)).is_ok() {
            // Nobody may read.
            let _ = wait.recv_timeout(END_MAX);
        }
    }
}

fn write_all(lines: &Receiver<Message>, mut out: impl Write) {
    while let Ok(message) = lines.recv() {
        match message {
            // Where stderr is closed there is nobody to tell.
            Message::Line(line) => drop(out.write_all(&line)),
            Message::End(done) => drop(done.try_send(())),
        }
    }
}

impl Write for Log {
    /// An event comes as one piece.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.lines.try_send(Message::Line(line.to_vec())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// Somebody who reads nothing until he is told to, and then keeps all.
    struct Slow(Receiver<()>, Arc<Mutex<Vec<u8>>>, Sender<()>);

    impl Write for Slow {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let _ = self.2.send(());
            let _ = self.0.recv();
            self.1.lock().unwrap().extend_from_slice(line);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_that_nobody_reads_is_cut_and_counted_and_nobody_waits() {
        let (go, wait) = channel();
        let (begun, first) = channel();
        let kept = Arc::new(Mutex::new(Vec::new()));
        let mut log = Log::to(Slow(wait, Arc::clone(&kept), begun)).unwrap();
        log.write_all(b"first\n").unwrap();
        // The thread holds the first line; as many as may wait fit behind it.
        first.recv().unwrap();
        for _ in 0..WAITING_MAX + 7 {
            log.write_all(b"line\n").unwrap();
        }
        assert_eq!(log.dropped().load(Ordering::Relaxed), 7);
        drop(go);
        let (done, wait) = sync_channel(1);
        log.lines.send(Message::End(done)).unwrap();
        wait.recv().unwrap();
        assert_eq!(kept.lock().unwrap().len(), "first\n".len() + WAITING_MAX * "line\n".len());
    }
}
